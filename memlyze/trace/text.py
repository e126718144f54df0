"""Texts of a trace as Python strings that any consumer can take."""

from __future__ import annotations

import io
import json
import tokenize
from typing import Any


def decode_text(data: bytes) -> str:
    r"""The text of a `bytes` column.

    Lone surrogates, which file names may hold and which no UTF-8 consumer takes, are shown as
    backslash escapes (`\udc80`), and so are bytes that are no UTF-8 at all (`\xff`).
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("utf-8", "surrogatepass").encode("utf-8", "backslashreplace").decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", "backslashreplace")


def decode_source(data: bytes) -> str:
    r"""The text of a Python source file, in the encoding that it declares (PEP 263).

    Where it has another, its bytes are shown as backslash escapes (`\xff`).
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return escape_surrogates(data.decode(encoding))
    except (SyntaxError, ValueError, LookupError):
        return data.decode("utf-8", "backslashreplace")


def escape_surrogates(text: str) -> str:
    """`text` with lone surrogates as backslash escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def parse_json(text: str) -> Any:
    """The value of a JSON text. Raises ValueError where it is none.

    Numbers of more than 400 digits become floats: making an int of them takes time that grows with
    the square of their length.
    """
    try:
        return json.loads(text, parse_int=_parse_int)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _parse_int(digits: str) -> float:
    return int(digits) if len(digits) <= 400 else float(digits)


def metadata_text(value: Any) -> str:
    """A metadata value as the `metadata` table shows it: text as it is, anything else as JSON."""
    return escape_surrogates(value if isinstance(value, str) else json.dumps(value))
