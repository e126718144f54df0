"""Values of a trace's metadata, whatever stands there: a trace may come from anywhere."""

from __future__ import annotations

from typing import Any, Mapping

from memlyze.trace import format as fmt


def metadata_int(metadata: Mapping[str, Any], key: str, default: int = 0) -> int:
    """A whole number of the metadata; the default where it is none that 64 bits hold."""
    value = metadata.get(key)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if is_number and fmt.INT64_MIN <= value <= fmt.INT64_MAX:  # type: ignore[operator]
        return value  # type: ignore[return-value]
    return default


def strings_of(value: Any) -> list[str]:
    """The texts in a list of the metadata; none where it is no list."""
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
