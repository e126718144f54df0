"""JSON text without importing `json`.

The recorder runs at the very start of other people's programs, and leaves `sys.modules` to them.
The escaping is the interpreter's own.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` itself stays out of the recorded program
if TYPE_CHECKING:
    from typing import Any

try:
    from _json import encode_basestring_ascii as _quote
except ImportError:  # an interpreter without the accelerator
    from json.encoder import encode_basestring_ascii as _quote


def encode(value: Any) -> bytes:
    """`value` (None, bool, int, float, str, and lists and dicts of these) as JSON in ASCII.

    Other types are written as the text that `str` gives; numbers that JSON does not have, as null.
    """
    return _text(value, _quote).encode("ascii")


def encode_readable(value: Any) -> bytes:
    """The same where others read it: most refuse all of a JSON text for half a surrogate pair in
    it. That is written as names with it are shown: as a backslash and its number.
    """
    return _text(value, _quote_whole).encode("ascii")


def _quote_whole(text: str) -> str:
    return str(_quote(str.encode(text, "utf-8", "backslashreplace").decode("utf-8")))


_DEEPEST = 20


def _text(value: Any, quote: Any, depth: int = 0) -> str:
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        try:
            return int.__repr__(value)
        except ValueError:  # more digits than the interpreter is willing to write
            return "null"
    if isinstance(value, float):
        is_number = value == value and value not in (float("inf"), float("-inf"))
        return float.__repr__(value) if is_number else "null"
    if isinstance(value, (list, tuple, dict)) and depth > _DEEPEST:
        return '"..."'  # it may contain itself
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_text(item, quote, depth + 1) for item in value) + "]"
    if isinstance(value, dict):
        pairs = (
            f"{_text(_shown(key), quote)}: {_text(item, quote, depth + 1)}"
            for key, item in value.items()
        )
        return "{" + ", ".join(pairs) + "}"
    return str(quote(value if isinstance(value, str) else _shown(value)))


def _shown(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # the program's own objects may fail at that
        return f"<{type(value).__name__}>"
