"""What is worked out once for an opened trace, and used by many answers."""

from __future__ import annotations

import collections
import typing
import weakref

from memlyze.query.session import ANY_TABLE, Trace

Value = typing.TypeVar("Value")
#: Of each kind, for one trace.
_MOST = 4

_by_trace: weakref.WeakKeyDictionary[
    Trace, dict[str, collections.OrderedDict[typing.Hashable, typing.Any]]
] = weakref.WeakKeyDictionary()


def remembered(
    trace: Trace,
    kind: str,
    compute: typing.Callable[[], Value],
    key: typing.Hashable = None,
    *,
    of: str = ANY_TABLE,
) -> Value:
    """What `compute` returns, or returned for this trace, kind and key before.

    Of a trace that grows it is worked out again when the table `of` has changed, or anything. Not
    for several threads at once.
    """
    values = _by_trace.setdefault(trace, {}).setdefault(kind, collections.OrderedDict())
    version = trace.version(of)
    if key not in values or values[key][0] != version:
        values[key] = (version, compute())
        while len(values) > _MOST:
            values.popitem(last=False)
    values.move_to_end(key)
    found: Value = values[key][1]
    return found


def recalled(
    trace: Trace, kind: str, *, of: str = ANY_TABLE
) -> list[tuple[typing.Any, typing.Any]]:
    """The keys of what is remembered of this trace and kind, and is so still, with the values."""
    kinds = _by_trace.get(trace, {})
    version = trace.version(of)
    known = kinds[kind].items() if kind in kinds else ()
    return [(key, value) for key, (of_version, value) in known if of_version == version]
