"""How an object is held, in words: `app.SESSIONS → [17] → Session.history → list[120 000]`."""

from __future__ import annotations

import copy
import re
import typing

import numpy as np

from memlyze.query.heap_graph import HELD_BY_NOBODY, HELD_BY_UNSEEN, HOW_TYPE, rows_of
from memlyze.query.session import Trace
from memlyze.trace import format as fmt

Array = typing.Any  # a one-dimensional numpy array

ARROW = " → "
_MOST_STEPS = 500
_STEPS_AT_THE_END = 20
# What is kept of the steps of a list with thousands of elements would be more than it saves.
_MOST_STEPS_IN_COMMON = 20
_MOST_SHOWN = 12
_IDENTIFIER = re.compile(r"'([^\W\d]\w*)'$")
_ANY_KEY = "[…]"
#: The attribute by which one that can be suspended has its frame.
_FRAMES = {"generator": "gi_frame", "coroutine": "cr_frame", "async_generator": "ag_frame"}


class Step(typing.NamedTuple):
    """A reference on the way to an object."""

    text: str
    pattern: str
    """The same without what differs from one object to its neighbour: the key, the index."""


class Way(typing.NamedTuple):
    """The shortest way from a root to an object."""

    root: str
    """`module`, `local`, `globals`, `thread`, `unseen` or `nobody`."""
    steps: tuple[Step, ...]
    target: str
    """What the object is: `list[120 000]`."""
    target_type: str

    @property
    def text(self) -> str:
        """The whole chain."""
        return _joined([step.text for step in self.steps], self.target)

    @property
    def pattern(self) -> str:
        """The chain that neighbours have in common."""
        return _joined([step.pattern for step in self.steps], self.target_type)


def _joined(steps: list[str], target: str) -> str:
    shown: list[tuple[str, int]] = []
    for step in steps:
        if shown and shown[-1][0] == step:
            shown[-1] = (step, shown[-1][1] + 1)
        else:
            shown.append((step, 1))
    words = [text if count == 1 else f"{text} (× {grouped(count)})" for text, count in shown]
    if len(words) > _MOST_SHOWN:
        left_out = len(words) - _MOST_SHOWN + 1
        words[_MOST_SHOWN // 2 : _MOST_SHOWN // 2 + left_out] = [f"… {left_out} more …"]
    return ARROW.join([*words, target])


def grouped(number: int) -> str:
    """`120 000`."""
    return f"{number:,}".replace(",", " ")


class Speller:
    """Spells the ways to the objects of a trace, by their rows in its heap graph."""

    def __init__(self, trace: Trace) -> None:
        self._graph = graph = trace.heap_graph
        self._tree: typing.Mapping[str, Array] = graph.tree()
        self._objects = graph.objects()
        self._types = trace.table("object_types")
        self._type_rows = rows_of(self._objects["type_id"], self._types["type_id"])
        self._texts = trace.table("object_texts")
        names = trace.table("object_names")
        self._names = dict(zip(names["name_id"].tolist(), names["name"]))
        self._roots = trace.table("object_roots")
        threads = trace.table("threads")
        self._threads = dict(zip(threads["os_thread_id"].tolist(), threads["name"]))
        # What the way to an object begins with, and its steps.
        self._ways: dict[int, tuple[str, _Spelled]] = {}

    def on_ways(self, ways: typing.Mapping[str, Array]) -> Speller:
        """One that spells others, which `ways_without` of the graph gives."""
        other = copy.copy(self)
        other._tree, other._ways = ways, {}
        return other

    def type_name(self, row: int) -> str:
        """The type of an object, with its module unless it is a built-in one."""
        return self._type_name_at(int(self._type_rows[row]))

    def _type_name_at(self, place: int) -> str:
        if place < 0:
            return "?"
        name, module = self._types["name"][place], self._types["module"][place]
        return str(name if module in ("builtins", "") else f"{module}.{name}")

    def types(self, rows: Array) -> tuple[list[str], Array]:
        """The types of some objects as `type_name` says them, and for each object which it has."""
        places = self._type_rows[rows]
        has_any = np.zeros(len(self._types["type_id"]) + 1, bool)
        has_any[places] = True  # the last is of those whose type is not known
        found = np.flatnonzero(has_any)
        number = np.cumsum(has_any) - 1
        unknown = len(has_any) - 1
        names = [self._type_name_at(-1 if place == unknown else place) for place in found.tolist()]
        return names, number[places]

    def reference(self, row: int) -> tuple[int, int, int]:
        """How the object at `row` is referred to on its way, and the number and key of that."""
        columns = self._tree
        if "reference" in columns:
            row = int(columns["reference"][row])
            if row < 0:
                return HOW_TYPE, 0, 0
            columns = self._graph.references()
        return int(columns["how"][row]), int(columns["number"][row]), int(columns["key_id"][row])

    def is_namespace(self, row: int) -> bool:
        """Whether an object is a module, or what a module keeps its names in."""
        return bool(self._graph.namespaces()[row])

    def _short_type(self, row: int) -> str:
        place = int(self._type_rows[row])
        return "?" if place < 0 else str(self._types["name"][place]).rsplit(".", 1)[-1]

    def name(self, object_id: int) -> str:
        """What an object is called; empty: nothing."""
        ids = self._texts["object_id"]
        # Of another type than the ids, numpy would convert all of these first.
        place = int(ids.searchsorted(ids.dtype.type(object_id)))
        return (
            str(self._texts["text"][place]) if place < len(ids) and ids[place] == object_id else ""
        )

    def kind_and_name(self, row: int) -> tuple[str, str]:
        """The type of an object without its module, and what it is called; empty: nothing."""
        return self._short_type(row), self.name(int(self._objects["object_id"][row]))

    def target(self, row: int) -> str:
        """What an object is, and how large."""
        length = int(self._objects["length"][row])
        kind, name = self.kind_and_name(row)
        if kind in ("module", "function", "coroutine", "generator", "async_generator") and name:
            return f"{kind} {_without_path(name)}"
        return f"{kind}[{grouped(length)}]" if length >= 0 else kind

    def way(self, row: int) -> Way:
        """The shortest way to the object at `row`."""
        distance = int(self._tree["distance"][row])
        if distance <= _MOST_STEPS:
            kind, spelled = self._spelled_to(row)
        else:
            kind, spelled = self._spelled_end(row, distance)
        return Way(kind, tuple(spelled.steps), self.target(row), self._short_type(row))

    def _spelled_to(self, row: int) -> tuple[str, _Spelled]:
        """What the way to an object begins with, and its steps. Ways have their beginnings in
        common: these are spelled once.
        """
        holders = self._tree["holder_row"]
        waiting = []
        while row not in self._ways and holders[row] >= 0:
            waiting.append(row)
            row = int(holders[row])
        if row not in self._ways:
            kind, steps = self._root(row)
            self._ways[row] = kind, _Spelled(self, steps)
        kind, spelled = self._ways[row]
        is_kept = True
        for held in reversed(waiting):
            if is_kept:
                spelled = spelled.copy()
            spelled.add(row, held)
            is_kept = len(spelled.steps) <= _MOST_STEPS_IN_COMMON
            if is_kept:
                self._ways[held] = kind, spelled
            row = held
        return kind, spelled

    def _spelled_end(self, row: int, distance: int) -> tuple[str, _Spelled]:
        """The same of a long way, of which only the end is spelled."""
        holders = self._tree["holder_row"]
        kind, steps = self._root(row)
        left_out = distance - _STEPS_AT_THE_END
        steps.append(Step(f"… {grouped(left_out)} more …", "…"))
        rows = [row]
        while len(rows) <= _STEPS_AT_THE_END and holders[rows[-1]] >= 0:
            rows.append(int(holders[rows[-1]]))
        rows.reverse()
        spelled = _Spelled(self, steps)
        for holder, held in zip(rows, rows[1:]):
            spelled.add(holder, held)
        return kind, spelled

    def _root(self, row: int) -> tuple[str, list[Step]]:
        """What the way to an object begins with."""
        number = int(self._tree["root"][row])
        if number == HELD_BY_UNSEEN:
            return "unseen", [Step("held from C", "held from C")]
        if number == HELD_BY_NOBODY:
            text = "held by nobody, waits for the collector"
            return "nobody", [Step(text, text)]
        roots = self._roots
        name, function = str(roots["name"][number]), str(roots["function"][number])
        place = f"{function} ({_base(str(roots['file'][number]))}:{int(roots['line'][number])})"
        kind = int(roots["kind"][number])
        if kind == fmt.ROOT_MODULE:
            return "module", [Step(name, name)]
        if kind == fmt.ROOT_LOCAL:
            return "local", [Step(f"{place}: {name}", f"{function}: {name}")]
        if kind == fmt.ROOT_GLOBALS:
            return "globals", [Step(f"namespace of {place}", f"namespace of {function}")]
        thread = self._threads.get(int(roots["os_thread_id"][number])) or "a thread"
        return "thread", [Step(f"{thread}: {name}", name)]


class _Spelled:
    """Steps in the making; what a chain is written without is left out."""

    def __init__(self, speller: Speller, steps: list[Step]) -> None:
        self.steps = steps
        self._speller = speller
        self._owner: str | None = None  # of the dict of attributes that comes next
        self._is_module = False
        self._closure: str | None = None  # whose cells come next
        # Whose frame comes next, up to CPython 3.10 an object: type, name, the frame's attribute.
        self._suspended: tuple[str, str, str] | None = None

    def copy(self) -> _Spelled:
        """The same steps, to go on from in another direction."""
        made = _Spelled(self._speller, list(self.steps))
        made._owner, made._is_module, made._closure = self._owner, self._is_module, self._closure
        made._suspended = self._suspended
        return made

    def _put(self, text: str, pattern: str | None = None) -> None:
        self.steps.append(Step(text, pattern or text))

    def _attribute(self, owner: str, name: str, *, is_module: bool) -> None:
        if is_module and len(self.steps) == 1:
            self.steps[0] = Step(f"{owner}.{name}", f"{owner}.{name}")
        else:
            self._put(f"{owner}.{name}")

    def add(self, holder: int, held: int) -> None:
        """The reference by which the object at one row holds that at the other."""
        speller = self._speller
        how, number, key_id = speller.reference(held)
        owner, self._owner = self._owner, None
        closure, self._closure = self._closure, None
        suspended, self._suspended = self._suspended, None
        if suspended is not None and how != fmt.HOW_LOCAL:
            kind, _, frame = suspended
            self._put(f"{kind}.{frame}")
        if how == fmt.HOW_LOCAL:
            kind, called, _ = suspended or (*speller.kind_and_name(holder), "")
            self._local(kind, called, speller._names.get(number, "?"))
        elif how == fmt.HOW_ATTRIBUTE:
            self._named(holder, speller._names.get(number, "?"))
        elif how == fmt.HOW_VALUE:
            key = speller.name(key_id) if key_id else speller._names.get(number, "…")
            attribute = _IDENTIFIER.match(key)
            if owner is not None and attribute:
                self._attribute(owner, attribute.group(1), is_module=self._is_module)
            else:
                self._put(f"[{key}]", _ANY_KEY)
        elif how == fmt.HOW_ITEM:
            if closure is not None:
                self._put(f"closure of {closure}")
            else:
                self._put(f"[{grouped(number)}]", _ANY_KEY)
        elif how == fmt.HOW_KEY:
            self._put(f"key {speller.name(int(speller._objects['object_id'][held])) or '…'}", "key")
        elif how == fmt.HOW_MEMBER:
            self._put("{…}")
        elif how == HOW_TYPE:
            self._put(f"class of {speller._short_type(holder)}")
        else:
            self._put(f"{speller._short_type(holder)} (from C)")

    def _local(self, kind: str, called: str, name: str) -> None:
        place = _without_path(called) or kind
        self._put(f"{kind} {place}: {name}", f"{kind} {place.split(' (')[0]}: {name}")

    def _named(self, holder: int, name: str) -> None:
        kind, called = self._speller.kind_and_name(holder)
        self._is_module = kind == "module"
        if name == "__dict__":
            # Modules, and classes of any metaclass; the name of a function has its place in it.
            has_own_name = bool(called) and _without_path(called) == called
            self._owner = called if has_own_name else kind
        elif name == "__closure__":
            self._closure = _without_path(called) or kind
        elif _FRAMES.get(kind) == name:
            self._suspended = kind, called, name
        elif name != "cell_contents":
            self._attribute(kind, name, is_module=False)


def _base(path: str) -> str:
    return re.split(r"[/\\]", path)[-1]


def _without_path(called: str) -> str:
    """`work (/srv/app/jobs.py:7)` with the file's name alone."""
    return re.sub(r"\((?:[^()]*[/\\])?([^()/\\]*)\)$", r"(\1)", called)
