"""What grows is judged once more by who holds it, and of equals the outermost comes first."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Iterable

import numpy as np
import pytest
from command_line import clean_environment

import memlyze
from memlyze.analyses.attribute_names import are_let_go_by_checkpoint
from memlyze.analyses.changed_places import takes_the_place_of_others
from memlyze.analyses.free_lists import seems_to_fill_free_lists
from memlyze.analyses.garbage import was_in_use
from memlyze.analyses.leak_sites import Leaks
from memlyze.analyses.leaks import leaks
from memlyze.analyses.nesting import order_of_growth
from memlyze.analyses.selection import END_NS
from memlyze.wording.leaks import held_by_lines

GOES = 3
WORK = "sum(range(6000))"

NESTED = f"""
KEPT = []
class Box:
    __slots__ = tuple(f"slot_{{n}}" for n in range(40))
def payload(n):
    return bytes(400)
def keep(n):
    box = Box()
    box.slot_0 = payload(n)
    KEPT.append(box)
for n in range(2000):
    keep(n)
    {WORK}
"""

# One tree in ten is in use while young objects are collected, and so is garbage among the old ones.
# The roots alone must be enough to be judged: up to CPython 3.10, 48 bytes each.
GARBAGE = f"""
import gc
class Node:
    def __init__(self, parent):
        self.parent = parent
        self.children = []
        if parent:
            parent.children.append(self)
def tree():
    root = Node(None)
    for _ in range(20):
        Node(root)
    return root
gc.disable()
for n in range(4500):
    root = tree()
    {WORK}
    if n % 10 == 0 and COLLECTS:
        gc.collect(1)
"""

# What it holds waits for the collector when the program ends.
CYCLE = f"""
class Screen: pass
class App:
    def __init__(self):
        self.lines, self.screen = [], Screen()
        self.screen.app = self
    def show(self, n):
        a = {{"b": bytes(99)}}; a["a"] = n % 3 or a; self.lines.append({{"b": bytes(300 + n % 9)}})
    def run(self):
        for n in range(2000):
            self.show(n)
            {WORK}
App().run()
"""

# The import leaves a hundred times what the line does after that.
LAZY = f"""
import os, sys
FOLDER = os.path.join(os.path.dirname(__file__), "site-packages")
os.makedirs(FOLDER, exist_ok=True)
with open(os.path.join(FOLDER, "large.py"), "w") as file:
    file.write("DATA = [bytes(1000) for _ in range(40_000)]")
sys.path.insert(0, FOLDER)
KEPT = []
def keep(n):
    KEPT.append((__import__("large"), bytes(200 + n % 9))[1])
for n in range(2000):
    keep(n)
    {WORK}
"""

POOL = f"""
class Connection:
    def __init__(self):
        self.history, self.audit = [], []
    def ask(self, n):
        self.history.append(bytes(400 + n % 9))
        self.audit.append(bytes(300 + n % 9))
POOL = {{n: Connection() for n in range(8)}}
for n in range(3000):
    POOL[n % 8].ask(n)
    {WORK}
"""

SHARED = f"""
class Order:
    def __init__(self, n):
        self.note = bytes(500 + n % 9)
BY_ID, BY_TIME = {{}}, []
def order(n):
    made = Order(n)
    BY_ID[n] = made
    BY_TIME.append(made)
for n in range(2000):
    order(n)
    {WORK}
"""

TASKS = """
import asyncio, memlyze
BEATS = []
async def heartbeat(number):
    state = bytearray(600 + number % 9)
    while state:
        await asyncio.sleep(3600)
async def serve():
    for number in range(1000):
        BEATS.append(asyncio.create_task(heartbeat(number)))
        await asyncio.sleep(0.002)
    CHECKPOINT
asyncio.run(serve())
"""

# A table is filled at once; then its entries are replaced one by one, or more are put in.
TABLE = f"""
TABLE = {{}}
def fill(key):
    TABLE[key] = [f"first-{{key}}-{{n}}" for n in range(20)]
def replace(number, text):
    TABLE[number % 400][number // 400] = text
def extend(number, text):
    TABLE[number % 400].append(text)
def write(number):
    CHANGE(number, f"later-{{number}}-{{number}}")
for key in range(400):
    fill(key)
for number in range(3000):
    write(number)
    {WORK}
"""

# Modules are imported one by one, and the program then waits.
IMPORTS = """
import importlib, sys, time
def begin(number):
    importlib.import_module(f"parts.part_{number}")
for number in range(60):
    begin(number)
    sum(range(60_000))
time.sleep(0.4)
"""

FREE_LIST = f"""
def shorten(n):
    return tuple(number for number in (n,))
for n in range(1500):
    shorten(n)
    {WORK}
"""

# The same, of which next to nothing stays; and then a full collection, which empties free lists.
SHORTENED = f"""
import gc
def shorten(n):
    return len(bytes(9000)) and tuple(number for number in (n,))
for n in range(1500):
    shorten(n)
    {WORK}
if COLLECTS:
    gc.collect()
    for n in range(100):
        {WORK}
"""

# Names of attributes that go at once, but for those that CPython's cache of attributes keeps.
VISITS = f"""
class Visitor:
    pass
visitors = [type(f"Visitor{{n}}", (Visitor,), {{}})() for n in range(40)]
def visit(visitor, name):
    return hasattr(visitor, "visit_" + name)
for n in range(40_000):
    visit(visitors[n % 40], "attribute")
    if n % 10 == 0:
        {WORK}
"""

# What is left of it when the program ends lies in free lists.
LET_GO = f"""
def pack(n):
    return tuple([n, n, n])
def main():
    kept = []
    for n in range(3000):
        kept.append(pack(n))
        {WORK}
main()
for n in range(1000):
    {WORK}
"""


def test_of_what_grows_about_as_fast_the_holder_comes_first(tmp_path: Path) -> None:
    found = _recorded(NESTED, tmp_path)
    growing = [site.function for site in found.having("growing")]
    assert growing[:2] == ["keep", "payload"]
    by_name = {site.function: site.growth_bytes_per_second.value for site in found.sites}
    assert by_name["payload"] > by_name["keep"]


@pytest.mark.parametrize(
    ("growth", "survival", "with_parts", "order"),
    [
        ([10, 8, 1], [1, 1, 1], [10, 18, 30], [1, 0, 2]),
        ([10, 8, 1], [1, 0.01, 1], [10, 18, 30], [0, 1, 2]),
        ([10, 8], [1, 1], [18, 8], [0, 1]),
        ([1, 10, 9], [1, 1, 1], [1, 10, 9], [1, 2, 0]),
        ([], [], [], []),
    ],
)
def test_order_is_that_of_growth_but_among_equals(
    growth: list[float], survival: list[float], with_parts: list[float], order: list[int]
) -> None:
    assert order_of_growth(growth, survival, with_parts) == order


@pytest.mark.parametrize(("collects", "verdicts"), [(True, {"sawtooth"}), (False, {"growing"})])
def test_garbage_that_a_full_collection_would_find_is_no_leak_where_the_collector_runs(
    collects: bool, verdicts: set[str], tmp_path: Path
) -> None:
    found = _recorded(GARBAGE.replace("COLLECTS", str(collects)), tmp_path, until=verdicts)
    nodes = [site for site in found.sites if site.function in ("tree", "__init__")]
    assert {site.verdict for site in nodes} == verdicts


def test_what_an_ended_program_held_in_a_cycle_was_no_garbage_while_it_grew(tmp_path: Path) -> None:
    found = _recorded(CYCLE, tmp_path, until={"growing"})
    site = found.having("growing")[0]
    assert site.function.endswith("show")
    assert site.holders is not None and site.holders.holder is not None
    assert site.holders.garbage_share > 0.9
    assert "App.lines → list[2" in site.holders.holder.text
    assert held_by_lines(site)[0].startswith("nobody, waits for the collector → ")


def test_garbage_that_a_full_collection_has_left_alone_was_none() -> None:
    """Where no one object holds it; what came after the run may have been garbage at once."""
    trace: Any = SimpleNamespace(table=_tables_with_a_full_run(at_ns=500).__getitem__)
    holders: Any = SimpleNamespace(holder=None, time_ns=1000)
    older, younger = np.arange(6), np.arange(4, 10)
    assert was_in_use(trace, OWN, older, holders)
    assert not was_in_use(trace, OWN, younger, holders)
    assert not was_in_use(trace, OTHER, older, holders)
    earlier: Any = SimpleNamespace(holder=None, time_ns=400)
    assert not was_in_use(trace, OWN, older, earlier)


def _tables_with_a_full_run(at_ns: int) -> dict[str, Any]:
    times = np.arange(10) * 100
    return {
        "allocations": {"time_ns": times, "size": np.full(10, 8), "weight": np.ones(10)},
        "gc": {
            "time_ns": np.array([at_ns, 900]),
            "generation": np.array([2, 1]),
            "process_id": np.array([OWN, OWN]),
        },
    }


def test_what_an_import_leaves_does_not_hide_what_the_line_leaves_each_time(
    tmp_path: Path,
) -> None:
    found = _recorded(LAZY, tmp_path, until={"growing"})
    (site,) = found.having("growing")
    assert site.function == "keep"
    assert site.live_bytes.value < 1e6
    assert not any("importlib" in frame.file for frame in site.stack)
    assert site.holders is not None and site.holders.shortest is not None
    assert site.holders.shortest.text.startswith("__main__.KEPT")


def test_lists_of_a_few_lasting_objects_are_leaks_of_their_own(tmp_path: Path) -> None:
    """One dict holds them all, and has not grown."""
    found = _recorded(POOL, tmp_path, until={"growing"})
    lines = {site.line: site.leak for site in found.having("growing")}
    assert len(lines) == 2
    assert found.growing_leaks == 2


def test_what_several_have_grown_by_is_one_leak_and_each_of_them_is_named(tmp_path: Path) -> None:
    found = _recorded(SHARED, tmp_path, until={"growing"})
    growing = found.having("growing")
    assert len(growing) > 1
    # The table and the list, which each grow at one line, are parts of it.
    assert found.growing_leaks == 1
    note = next(site for site in growing if site.function.endswith("__init__"))
    assert note.holders is not None
    assert note.holders.holder is None
    assert note.holders.shared_share > 0.95
    containers = note.holders.containers
    assert sorted(container.text for container in containers) == [
        "__main__.BY_ID → dict[2 000]",
        "__main__.BY_TIME → list[2 000]",
    ]
    assert all(container.share > 0.95 for container in containers)
    assert note.holders.are_all_containers
    first, *lines = held_by_lines(note)
    assert re.fullmatch(
        r"2 at once: it stays until each of them lets go of it, and then 1\.\d+ MiB would be freed",
        first,
    )
    assert "100 % of it in  __main__.BY_TIME → list[2 000]" in lines


def test_what_several_have_in_one_object_is_told_with_that_object(tmp_path: Path) -> None:
    in_one = SHARED.replace(
        "BY_ID, BY_TIME = {}, []",
        "class Store: pass\nSTORE = Store()\nSTORE.by_id, STORE.by_time = {}, []",
    )
    in_one = in_one.replace("BY_ID", "STORE.by_id").replace("BY_TIME", "STORE.by_time")
    found = _recorded(in_one, tmp_path, until={"growing"})
    assert found.growing_leaks == 1
    note = next(site for site in found.having("growing") if site.function.endswith("__init__"))
    first, second, *lines = held_by_lines(note)
    assert first.startswith("__main__.STORE → ") and ", with which " in first
    assert second.startswith("in it 2 at once: it stays until each of them lets go of it, and")
    assert "100 % of it in  __main__.STORE → Store.by_id → dict[2 000]" in lines
    assert "100 % of it in  __main__.STORE → Store.by_time → list[2 000]" in lines


def test_of_many_that_have_grown_by_the_same_some_are_named_and_that_there_are_others(
    tmp_path: Path,
) -> None:
    more = SHARED.replace("BY_ID, BY_TIME", "A, B, C, BY_ID, BY_TIME").replace(
        "{}, []", "[], [], [], {}, []"
    )
    more = more.replace(
        "    BY_ID[n] = made",
        "    A.append(made); B.append(made); C.append(made)\n    BY_ID[n] = made",
    )
    found = _recorded(more, tmp_path, until={"growing"})
    note = next(site for site in found.having("growing") if site.function.endswith("__init__"))
    assert note.holders is not None
    assert len(note.holders.containers) == 4
    assert note.holders.freed_with_containers == 0
    assert not note.holders.are_all_containers
    assert held_by_lines(note)[0].startswith("4 at once, and others; as far as they were found:")


def test_who_holds_it_at_the_end_is_told_where_an_earlier_checkpoint_tells_no_more(
    tmp_path: Path,
) -> None:
    asked = SHARED.replace(
        "    order(n)\n", "    order(n)\n    if n == 1500: memlyze.checkpoint()\n"
    )
    found = _recorded("import memlyze\n" + asked, tmp_path, until={"growing"})
    note = next(site for site in found.having("growing") if site.function.endswith("__init__"))
    lines = held_by_lines(note)
    assert any("BY_TIME → list[2 000]" in line for line in lines)
    assert not any("checkpoint" in line for line in lines)


@pytest.mark.skipif(sys.version_info < (3, 9), reason="cancelled tasks keep nothing in CPython 3.8")
def test_who_held_it_while_the_program_ran_is_told_where_a_checkpoint_was_asked_for(
    tmp_path: Path,
) -> None:
    """At the end `asyncio.run` has cancelled the tasks and closed the loop with its timers."""
    for checkpoint in ("pass", "memlyze.checkpoint()"):
        found = _recorded(TASKS.replace("CHECKPOINT", checkpoint), tmp_path, until={"growing"})
        site = next(site for site in found.having("growing") if site.function == "heartbeat")
        lines = held_by_lines(site)
        is_asked_for = checkpoint != "pass"
        assert any("_scheduled → list[1 000]" in line for line in lines) == is_asked_for
        assert lines[-1].endswith("at an earlier checkpoint") == is_asked_for


def test_lists_of_several_alike_count_as_one_of_those_that_have_it(tmp_path: Path) -> None:
    scattered = SHARED.replace(
        "BY_ID, BY_TIME = {}, []", "BY_ID, BY_TIME = {}, [[] for _ in range(9)]"
    )
    scattered = scattered.replace("BY_TIME.append", "BY_TIME[n % 9].append")
    found = _recorded(scattered, tmp_path, until={"growing"})
    note = next(site for site in found.having("growing") if site.function.endswith("__init__"))
    lines = held_by_lines(note)
    assert "100 % of it in  __main__.BY_TIME → […] → list (9 of these)" in lines
    assert "100 % of it in  __main__.BY_ID → dict[2 000]" in lines
    assert found.growing_leaks == 1


def test_what_only_some_of_it_is_in_is_told_with_its_share(tmp_path: Path) -> None:
    found = _recorded(
        SHARED.replace("    BY_TIME.append", "    if n % 3 == 0: BY_TIME.append"),
        tmp_path,
        until={"growing"},
    )
    note = next(site for site in found.having("growing") if site.function.endswith("__init__"))
    assert note.holders is not None
    shares = {one.text.split(" ")[0]: one.share for one in note.holders.containers}
    assert shares["__main__.BY_ID"] > 0.95
    assert 0.3 < shares["__main__.BY_TIME"] < 0.37
    (heading,) = (line for line in held_by_lines(note) if " at once" in line)
    assert heading.startswith("2 at once: what is in several stays until each of them lets go")


def test_what_each_has_a_part_of_nobody_has_at_once(tmp_path: Path) -> None:
    halves = SHARED.replace("    BY_ID[n] = made", "    if n % 2: BY_ID[n] = made")
    halves = halves.replace("    BY_TIME.append", "    if n % 2 == 0: BY_TIME.append")
    found = _recorded(halves, tmp_path, until={"growing"})
    note = next(site for site in found.having("growing") if site.function.endswith("__init__"))
    assert note.holders is not None
    assert note.holders.containers == ()


def test_two_leaks_that_have_a_registry_in_common_are_two(tmp_path: Path) -> None:
    both = SHARED.replace("BY_ID, BY_TIME = {}, []", "BY_ID, BY_TIME, NOTES = {}, [], []")
    both = both.replace(
        "for n in range(2000):",
        "def remark(n):\n    made = [n, f'note {n}']\n    BY_ID[made[1]] = made\n"
        "    NOTES.append(made)\nfor n in range(2000):\n    remark(n)",
    )
    found = _recorded(both, tmp_path, until={"growing"})
    leaks_of = {
        name: {site.leak for site in found.having("growing") if site.function.endswith(name)}
        for name in ("__init__", "remark")
    }
    assert leaks_of["__init__"] and leaks_of["remark"]
    assert not leaks_of["__init__"] & leaks_of["remark"]


def test_what_a_table_and_a_single_name_hold_is_no_leak_of_several(tmp_path: Path) -> None:
    """What is in no other table is held by that one alone, or by nobody can say what else."""
    chained = SHARED.replace(
        "BY_TIME.append(made)", "made.next = BY_TIME and BY_TIME.pop(); BY_TIME.append(made)"
    )
    found = _recorded(chained, tmp_path, until={"growing"})
    note = next(site for site in found.having("growing") if site.function.endswith("__init__"))
    assert note.holders is not None
    assert note.holders.containers == ()
    assert held_by_lines(note)[0].startswith("several at once: ")


@pytest.mark.parametrize(("change", "verdict"), [("replace", "bounded"), ("extend", "growing")])
def test_line_that_replaces_what_others_have_put_in_a_table_is_no_leak(
    change: str, verdict: str, tmp_path: Path
) -> None:
    found = _recorded(TABLE.replace("CHANGE", change), tmp_path, until={verdict})
    assert [site.verdict for site in found.sites if site.function == "write"] == [verdict]


@pytest.mark.parametrize(("change", "grew"), [("replace", False), ("extend", True)])
def test_line_that_replaces_entries_of_a_table_that_goes_with_main_is_no_leak(
    change: str, grew: bool, tmp_path: Path
) -> None:
    """Of which no checkpoint has seen who held it."""
    begin, body = TABLE.replace("CHANGE", change).split("TABLE = {}\n")
    lines = ["    " + line for line in ("TABLE = {}", *body.splitlines())]
    program = "\n".join([begin, "def main():", *lines, "main()", "pass"])
    found = _recorded(program, tmp_path, until={"freed_late"})
    (site,) = (site for site in found.sites if site.function.endswith("write"))
    assert (site.verdict, site.grew_until_freed) == ("freed_late", grew)


OWN, OTHER = 1, 2
WINDOW_NS = 300
CHECKPOINT_NS, PAUSE_NS = 10**10, 10**8


class Recorded:
    """As much of a trace as tells what call stacks have live."""

    def __init__(
        self, *blocks: tuple[int, int, int, int], weight: float = 1.0, allocator: int = 2
    ) -> None:
        names = ("stack_id", "time_ns", "freed_ns", "size")
        self._columns = {name: np.array(column) for name, column in zip(names, zip(*blocks))}
        self._columns["weight"] = np.full(len(blocks), weight)
        self._columns["allocator"] = np.full(len(blocks), allocator)
        self._columns["allocation_id"] = np.arange(len(blocks)) + 1

    def table(self, name: str) -> dict[str, np.ndarray[Any, Any]]:
        if name == "checkpoints":
            return {"time_ns": np.array([CHECKPOINT_NS]), "pause_ns": np.array([PAUSE_NS])}
        assert name == "allocations"
        return self._columns


@pytest.mark.parametrize(
    ("others_shrink_by", "weight", "survival", "is_so"),
    [
        (0, 1.0, 1.0, False),
        (1, 1.0, 1.0, False),  # of three that are new
        (2, 1.0, 1.0, True),
        (2, 50.0, 1.0, False),  # which may be chance
        (0, 1.0, 0.01, True),  # three beside a hundred, and hundreds that went
    ],
)
def test_others_must_have_shrunk_or_hardly_anything_of_a_site_have_stayed(
    others_shrink_by: int, weight: float, survival: float, is_so: bool
) -> None:
    new = [(OWN, 210 + n, -1, 40) for n in range(3)]
    gone = [(OTHER, 10, 250, 40)] * others_shrink_by
    kept = [(OTHER, 10, -1, 40)] * 100
    buffers = [(OTHER, 10, 250, 4000)] * 10  # of the same line, and nothing of the same type
    trace: Any = Recorded(*kept, *new, *gone, *buffers, weight=weight)
    beside = np.arange(len(kept))
    assert (
        takes_the_place_of_others(trace, 7, [OWN], beside, 0, WINDOW_NS, survival=survival) is is_so
    )


def test_modules_are_imported_once_even_if_nothing_is_done_afterwards(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    for number in range(60):
        module = tmp_path / "parts" / f"part_{number}.py"
        module.write_text(f"TABLE = [str(n) * 10 for n in range({number}, {number} + 300)]\n")
    found = _recorded(IMPORTS, tmp_path)
    assert "begin" in [site.function for site in found.sites]
    assert not found.having("growing")


def test_memory_in_a_free_list_of_the_interpreter_is_no_leak(tmp_path: Path) -> None:
    found = _recorded(FREE_LIST, tmp_path)
    assert not found.having("growing")


@pytest.mark.parametrize("collects", [False, True])
def test_memory_in_a_free_list_is_no_leak_where_no_checkpoint_tells(
    collects: bool, tmp_path: Path
) -> None:
    found = _recorded(
        SHORTENED.replace("COLLECTS", str(collects)), tmp_path, options=["--no-references"]
    )
    sites = [site for site in found.sites if site.function == "shorten"]
    assert sites or sys.version_info >= (3, 14)  # some later one leaves nothing behind
    for site in sites:
        assert site.survival < 0.02
        assert site.verdict == ("freed_late" if collects else "warming_up")
    assert not found.suspects()
    assert found.grew_until_freed.sites == 0


@pytest.mark.parametrize(
    ("count", "size", "allocator", "survival", "is_so"),
    [
        (1500, 56, 2, 0.01, True),
        (1500, 56, 2, 0.03, False),
        (2500, 56, 2, 0.01, False),  # more than such a list has
        (1500, 400, 2, 0.01, False),  # of no tuple that is kept
        (1500, 56, 1, 0.01, False),  # no object
    ],
)
def test_free_lists_have_so_many_small_objects(
    count: int, size: int, allocator: int, survival: float, is_so: bool
) -> None:
    trace: Any = Recorded(
        *[(OWN, n, -1, size) for n in range(count)],
        *[(OTHER, 1, -1, 9000)] * 9,
        allocator=allocator,
    )
    assert seems_to_fill_free_lists(trace, [OWN], count, survival) is is_so


def test_names_that_only_the_cache_of_attributes_keeps_are_no_leak(tmp_path: Path) -> None:
    options = ["--sample-rate", "0", "--sample-interval", "8192"]
    found = _recorded(VISITS, tmp_path, options=options)
    (site,) = (site for site in found.sites if site.function == "visit")
    if sys.version_info >= (3, 11):  # some before go by the texts of names, not their addresses
        assert site.peak_bytes.value > 100_000  # of exactly recorded names, hardly any are there
    assert site.live_bytes.value < 1
    assert not found.suspects()


@pytest.mark.parametrize(
    ("freed_ns", "is_so"),
    [
        ([CHECKPOINT_NS, CHECKPOINT_NS + PAUSE_NS, CHECKPOINT_NS + PAUSE_NS // 2, -1], True),
        ([CHECKPOINT_NS, CHECKPOINT_NS + PAUSE_NS, -1, -1], False),
        ([CHECKPOINT_NS - 1] * 4, False),  # the program did that
        ([CHECKPOINT_NS + 2 * PAUSE_NS] * 4, False),
        ([5] * 4, False),  # gone before
    ],
)
def test_what_goes_while_a_checkpoint_is_taken_the_program_has_not_let_go(
    freed_ns: list[int], is_so: bool
) -> None:
    trace: Any = Recorded(*[(OWN, 1, freed, 60) for freed in freed_ns], (OTHER, 1, -1, 9000))
    assert are_let_go_by_checkpoint(trace, [OWN], CHECKPOINT_NS // 2) is is_so


def test_part_is_not_judged_by_what_was_left_when_the_program_ended(tmp_path: Path) -> None:
    found = _recorded(LET_GO, tmp_path, {"growing"}, share=0.7)
    assert "pack" in [site.function for site in found.having("growing")]


def _recorded(
    program: str,
    folder: Path,
    until: set[str] | None = None,
    share: float = 1.0,
    options: Iterable[str] = (),
) -> Leaks:
    """The verdicts on that share of a program's life; where a busy machine let it seem to slow
    down, of another run.
    """
    source, trace = folder / "app.py", folder / "app.mlyze"
    source.write_text(program)
    for _ in range(GOES):
        command = [sys.executable, "-m", "memlyze", "record", "-q", "-f", "--sample-rate", "1.0"]
        subprocess.run(
            [*command, *options, "-o", trace, source],
            check=True,
            env=clean_environment(),
            cwd=folder,  # not where the sources are: `-m memlyze` would take those
            timeout=120,
        )
        with memlyze.open(trace) as opened:
            end_ns = int(opened.table("memory")["time_ns"].max())
            found = leaks(opened, to_ns=END_NS if share == 1 else round(share * end_ns))
        if until is None or until & {site.verdict for site in found.sites}:
            break
    return found
