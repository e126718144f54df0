"""What a Python is handed over that is to record itself from its start, and how.

The way is the environment: PYTHONPATH brings `memlyze/_startup/sitecustomize.py` in, and
MEMLYZE_RECORD holds its options as `name=kind:value`, separated by the control character US.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # `typing` itself stays out of the recorded program
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Union

    Value = Union[bool, int, float, str]

SEPARATOR = "\x1f"
_PACKAGE_FOLDER = os.path.dirname(os.path.abspath(__file__))
STARTUP_FOLDER = os.path.join(_PACKAGE_FOLDER, "_startup")
_SHIM = os.path.join(_PACKAGE_FOLDER, "_speedups", "_follow.so")


def shim() -> str:
    """The library through which shells hand the recording on; empty: there is none here, or its
    path is one that LD_PRELOAD cannot hold.
    """
    return _SHIM if os.path.isfile(_SHIM) and not set(_SHIM) & set(" :;\t\n$") else ""


def encode_options(options: Mapping[str, Value]) -> str:
    """The value of MEMLYZE_RECORD."""
    items = []
    for name, value in options.items():
        if isinstance(value, bool):
            items.append(f"{name}=b:{int(value)}")
        elif isinstance(value, int):
            items.append(f"{name}=i:{value}")
        elif isinstance(value, float):
            items.append(f"{name}=f:{value!r}")
        else:
            items.append(f"{name}=s:{value}")
    return SEPARATOR.join(items)
