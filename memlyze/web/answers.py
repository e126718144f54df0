"""Answers as JSON, and the answers that were given before."""

from __future__ import annotations

import collections
import gzip
import hashlib
import threading
import typing

import orjson
from starlette.responses import Response

from memlyze.errors import MemlyzeError
from memlyze.web.failures import status_and_kind

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
_KEPT_BYTES = 64 << 20
_WORTH_PACKING_BYTES = 4096
JSON = "application/json"


def encode(value: object) -> bytes:
    """`value` as JSON: named tuples as objects, numpy arrays as arrays, what is no number as
    null.
    """
    return orjson.dumps(value, default=_plain, option=_OPTIONS)


def _plain(value: typing.Any) -> typing.Any:
    if hasattr(value, "_asdict"):
        return value._asdict()
    if isinstance(value, (tuple, set, frozenset)):
        return list(value)
    if hasattr(value, "tolist"):  # an array of texts or one that is strided, a numpy number
        return value.tolist()
    return str(value)


def packed(body: bytes, accepted: str) -> tuple[bytes, dict[str, str]]:
    """`body` as it is sent to who accepts these encodings, and the headers that say so."""
    if len(body) < _WORTH_PACKING_BYTES or "gzip" not in accepted:
        return body, {"Vary": "Accept-Encoding"}
    # The quickest level: most browsers that ask are on this machine.
    return gzip.compress(body, 1), {"Vary": "Accept-Encoding", "Content-Encoding": "gzip"}


def error_response(error: MemlyzeError) -> Response:
    """The answer to a request that failed."""
    status, kind = status_and_kind(error)
    body = encode({"error": _valid_text(str(error)), "kind": kind})
    return Response(body, status, media_type=JSON)


def _valid_text(text: str) -> str:
    """Names of files may hold bytes that are no text."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def tag_of(*parts: object) -> str:
    """An ETag for what is determined by `parts`."""
    digest = hashlib.blake2b(repr(parts).encode("utf-8", "backslashreplace"), digest_size=16)
    return f'"{digest.hexdigest()}"'


class Kept:
    """Encoded answers by their tag; those that were not asked for lately make room for others."""

    def __init__(self, most_bytes: int = _KEPT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._bodies: collections.OrderedDict[str, bytes] = collections.OrderedDict()
        self._lock = threading.Lock()

    def get(self, tag: str) -> bytes | None:
        """The answer, if it is still there."""
        with self._lock:
            body = self._bodies.get(tag)
            if body is not None:
                self._bodies.move_to_end(tag)
            return body

    def keep(self, tag: str, body: bytes) -> None:
        """Keep an answer for the next time."""
        with self._lock:
            if tag in self._bodies or len(body) > self._most_bytes // 4:
                return
            self._bodies[tag] = body
            self._bytes += len(body)
            while self._bytes > self._most_bytes:
                _, dropped = self._bodies.popitem(last=False)
                self._bytes -= len(dropped)
