"""Answers with their long columns as they lie in memory, for who asks for `Accept: COLUMNS`.

    length of the JSON, 8 bytes, little-endian | the JSON, padded with spaces | the columns

The JSON is that of the answer, but where a column stood it has `{"$column": type, "at": offset,
"length": values}`. Types are `i4` and `f8`, little-endian; offsets count from the end of the JSON,
and like its padded length they are multiples of 8. Columns of few values stay in the JSON.
"""

from __future__ import annotations

import typing

import numpy as np

from memlyze.web.answers import encode

COLUMNS = "application/vnd.memlyze.columns"
_LEAST_VALUES = 256
_INT32 = np.iinfo(np.int32)


def encode_columns(value: object) -> bytes:
    """The answer `value` in this form. What is NaN in a column stays so."""
    buffers: list[bytes] = []
    head = encode(_taken_out(value, buffers))
    head += b" " * (-len(head) % 8)
    return b"".join([len(head).to_bytes(8, "little"), head, *buffers])


def _taken_out(value: typing.Any, buffers: list[bytes]) -> typing.Any:
    if isinstance(value, dict):
        return {name: _taken_out(item, buffers) for name, item in value.items()}
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "if":
        return value
    if len(value) < _LEAST_VALUES:
        return value
    is_narrow = value.dtype.kind == "i" and value.min() >= _INT32.min and value.max() <= _INT32.max
    kind = "i4" if is_narrow else "f8"
    data = value.astype("<" + kind).tobytes()
    marker = {"$column": kind, "at": sum(map(len, buffers)), "length": len(value)}
    buffers.append(data + bytes(-len(data) % 8))
    return marker
