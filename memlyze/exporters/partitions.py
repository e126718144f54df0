"""Hive-style partitions: `service=checkout/date=2026-11-25/host=web-1`, the layout by which every
engine that reads a folder of files knows which of them it need not open.
"""

from __future__ import annotations

import datetime
import typing
import urllib.parse

from memlyze.errors import MemlyzeError

SERVICE, DATE, HOST = "service", "date", "host"
KEYS = (SERVICE, DATE, HOST)

_NS_PER_S = 1_000_000_000


class Labels(typing.NamedTuple):
    """What to call the recorded program and its machine. None: as the trace does."""

    service: str | None = None
    host: str | None = None


def parse_keys(text: str) -> tuple[str, ...]:
    """The keys of `service,date,host`, in that order. Raises MemlyzeError for any other."""
    keys = tuple(key.strip() for key in text.split(","))
    for key in keys:
        if key not in KEYS:
            raise MemlyzeError(
                f"there is no partition by {key!r}; the partitions are {', '.join(KEYS)}"
            )
    if len(set(keys)) < len(keys):
        raise MemlyzeError(f"a partition is named twice in {text!r}; name each once")
    return keys


def partition_folder(
    metadata: typing.Mapping[str, typing.Any], keys: typing.Sequence[str], labels: Labels
) -> str:
    """The folder of the process with this metadata: `key=value/key=value`, values percent-encoded.

    Raises MemlyzeError when the value of a key is not known.
    """
    return "/".join(f"{key}={_encoded(_value(metadata, key, labels))}" for key in keys)


def _value(metadata: typing.Mapping[str, typing.Any], key: str, labels: Labels) -> str:
    if key == DATE:
        start_ns = metadata.get("start_time_unix_ns")
        if isinstance(start_ns, int) and 0 < start_ns < 253402300800 * _NS_PER_S:
            start = datetime.datetime.fromtimestamp(start_ns // _NS_PER_S, datetime.timezone.utc)
            return start.date().isoformat()
        raise MemlyzeError(
            "the trace does not say when it was recorded; leave date out of --partition-by"
        )
    given, own = {
        SERVICE: (labels.service, metadata.get("service")),
        HOST: (labels.host, metadata.get("hostname")),
    }[key]
    value = given or own
    if isinstance(value, str) and value:
        return value
    raise MemlyzeError(f"the trace does not say which {key} it is of; give it with --{key} NAME")


def _encoded(value: str) -> str:
    """As Hive does it: whatever a path or a reader could take for something else is escaped."""
    quoted = urllib.parse.quote(value, safe=" !,-_.@~+()", errors="backslashreplace")
    return quoted if quoted.strip(".") else quoted.replace(".", "%2E")
