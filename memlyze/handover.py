"""What a Python is handed over that is to record itself from its start, and how.

The way is the environment: PYTHONPATH brings `memlyze/_startup/sitecustomize.py` in, and
MEMLYZE_RECORD holds its options as `name=kind:value`, separated by the control character US. In
text, US and the percent sign are escaped: a path may hold either. What C code adds to the end for
a program with a PYTHONPATH of its own, `original_pythonpath=r:` and that value, is raw, and goes
on to the end whatever it holds.
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
_LIBRARY_FOLDER = os.path.join(_PACKAGE_FOLDER, "_speedups")
#: Through which native memory is seen from a program's first instruction on.
NATIVE_SHIM = os.path.join(_LIBRARY_FOLDER, "_preload.so")
#: Through which shells hand the recording on.
FOLLOW_SHIM = os.path.join(_LIBRARY_FOLDER, "_follow.so")


def can_preload(shim: str) -> bool:
    """Whether the shim is there, and its path one that LD_PRELOAD can hold: there, spaces separate.

    Where it cannot be preloaded, the recorder looks for native memory in its other way, and no
    shell hands the recording on.
    """
    return os.path.isfile(shim) and not set(shim) & set(" :;\t\n$")


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
            escaped = value.replace("%", "%25").replace(SEPARATOR, "%1f")
            items.append(f"{name}=s:{escaped}")
    return SEPARATOR.join(items)
