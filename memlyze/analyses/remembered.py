"""What is worked out once for an opened trace, and used by many answers."""

from __future__ import annotations

import collections
import typing
import weakref

from memlyze.query.session import Trace

Value = typing.TypeVar("Value")
#: Of each kind, for one trace.
_MOST = 4

_by_trace: weakref.WeakKeyDictionary[
    Trace, dict[str, collections.OrderedDict[typing.Hashable, typing.Any]]
] = weakref.WeakKeyDictionary()


def remembered(
    trace: Trace, kind: str, compute: typing.Callable[[], Value], key: typing.Hashable = None
) -> Value:
    """What `compute` returns, or returned for this trace, kind and key before.

    Not for several threads at once.
    """
    values = _by_trace.setdefault(trace, {}).setdefault(kind, collections.OrderedDict())
    if key not in values:
        values[key] = compute()
        while len(values) > _MOST:
            values.popitem(last=False)
    values.move_to_end(key)
    found: Value = values[key]
    return found
