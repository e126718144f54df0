"""Checkpoints: what refers to what is recorded as it is, and the program notices nothing."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
from held import Held, Link

from memlyze.trace.family import find_family


@pytest.fixture
def held(record: Any, programs: Any) -> Callable[..., Held]:
    """Run a program, recorded with a checkpoint at its end; what is in its trace."""

    def run(source: str, *arguments: str, **options: Any) -> Held:
        record(source, *arguments, **options)
        return Held(programs.trace_path)

    return run


def ends_with(chain: list[Link], *links: tuple[str, str]) -> bool:
    return [tuple(link) for link in chain[-len(links) :]] == list(links)


def test_module_dict_instance_and_list_are_a_chain(held: Any) -> None:
    found = held(
        """
        class Session:
            def __init__(self): self.user, self.history = "ann", [object() for _ in range(1201)]
        SESSIONS = {("eu", 17): 3, "u17": Session()}
        """
    )
    chain = found.chain("type = 'list' AND length = 1201")
    assert chain[0] == Link("module __main__", "module")
    assert Link("['SESSIONS']", "dict") in chain
    assert Link("['u17']", "__main__.Session") in chain
    assert chain[-1].type == "list" and chain[-1].how in (".history", "['history']")
    assert found.retained("type = 'list' AND length = 1201") >= 1201 * (8 + 16)
    assert found.retained("type = '__main__.Session'") > found.retained(
        "type = 'list' AND length = 1201"
    )


def test_sizes_are_those_that_python_tells(record: Any, programs: Any) -> None:
    done = record(
        """
        import array, sys
        class Plain: pass
        class Slotted: __slots__ = ("a", "b")
        kept = [
            list(range(3001)), tuple(range(3002)), "x" * 3003, "\\u4e2d" * 3004, b"x" * 3005,
            bytearray(3006), set(range(3007)), dict.fromkeys(range(3008)),
            array.array("d", range(3009)), {str(number): number for number in range(3011)},
            frozenset(range(3012)), 1 << 90_000, Slotted(), (), {},
        ]
        for value in kept:
            print(id(value), sys.getsizeof(value))
        """
    )
    expected = dict(tuple(map(int, line.split())) for line in done.lines)
    held = Held(programs.trace_path)
    found = {row["address"]: row["size"] for row in held.objects("true")}
    assert {address: found[address] for address in expected} == expected


@pytest.mark.parametrize(
    ("make", "links"),
    [
        ("[object()] * 1301", [("['top']", "list")]),
        ("{'k': [object()] * 1301}", [("['k']", "list")]),
        ("{17: [object()] * 1301}", [("[17]", "list")]),
        ("{None: [object()] * 1301}", [("[None]", "list")]),
        ("{('a', 1): [object()] * 1301}", [("[('a', 1)]", "list")]),
        ("{b'k': [object()] * 1301}", [("[b'k']", "list")]),
        ("[None, 1, [object()] * 1301]", [("[2]", "list")]),
        ("(None, None, None, [object()] * 1301)", [("[3]", "list")]),
        ("Slotted([object()] * 1301)", [(".slot", "list")]),
        ("Deque([None, [object()] * 1301])", [("[1]", "list")]),
        ("Ordered(k=[object()] * 1301)", [("['k']", "list")]),
        ("Default(list, k=[object()] * 1301)", [("['k']", "list")]),
        ("Named(1, [object()] * 1301)", [("[1]", "list")]),
        ("OwnList([1, [object()] * 1301])", [("[1]", "list")]),
        ("OwnDict(k=[object()] * 1301)", [("['k']", "list")]),
        ("partial(print, [object()] * 1301)", [(".args", "tuple"), ("[0]", "list")]),
        ("{frozenset([1]): [object()] * 1301}", [("[<frozenset>]", "list")]),
    ],
)
def test_references_read_as_they_are_written(
    held: Any, make: str, links: list[tuple[str, str]]
) -> None:
    found = held(
        f"""
        from collections import OrderedDict as Ordered, defaultdict as Default, deque as Deque
        from collections import namedtuple
        from functools import partial
        Named = namedtuple("Named", "a b")
        class OwnList(list): pass
        class OwnDict(dict): pass
        class Slotted:
            __slots__ = ("slot",)
            def __init__(self, slot): self.slot = slot
        top = {make}
        """
    )
    chain = found.chain("type = 'list' AND length = 1301")
    assert ends_with(chain, *links), chain


def test_attributes_of_instances_have_names_whatever_way_they_are_kept(held: Any) -> None:
    found = held(
        """
        class Base: pass
        class Mixed(Base, dict): pass
        class Failure(Exception): pass
        kept = [Base(), Mixed(), Failure("no")]
        for number, thing in enumerate(kept):
            thing.first = 1
            thing.second = [object()] * (1401 + number)
        vars(kept[0])
        late = Base()
        late.second = [object()] * 1404
        setattr(late, "x" * 300, None)
        """
    )
    for length in (1401, 1402, 1403, 1404):
        chain = found.chain(f"type = 'list' AND length = {length}")
        assert chain[-1].how in (".second", "['second']"), chain


def test_variables_of_running_functions_are_roots(held: Any) -> None:
    found = held(
        """
        import memlyze, threading
        def main():
            batch = [object()] * 1501
            memlyze.checkpoint()
            return batch
        def other(ready, end):
            mine = [object()] * 1502
            ready.set()
            end.wait()
        ready, end = threading.Event(), threading.Event()
        thread = threading.Thread(target=other, args=(ready, end))
        thread.start()
        ready.wait()
        main()
        end.set()
        thread.join()
        """
    )
    found.last = 1
    (link,) = found.chain("type = 'list' AND length = 1501")
    assert link.how.startswith("local batch of main (") and link.how.endswith("program.py:5)")
    (link,) = found.chain("type = 'list' AND length = 1502")
    assert link.how.startswith("local mine of other (") and link.how.endswith("program.py:10)")


def test_closures_generators_and_coroutines_hold_by_name(held: Any) -> None:
    found = held(
        """
        def closure():
            captured = [object()] * 1601
            return lambda: captured
        def generate():
            pending = [object()] * 1602
            yield pending
        async def work():
            waiting = [object()] * 1603
            await Never()
        class Never:
            def __await__(self): yield
        function, generator, coroutine = closure(), generate(), work()
        next(generator)
        coroutine.send(None)
        import atexit
        atexit.register(coroutine.close)
        import memlyze
        memlyze.checkpoint()
        """
    )
    found.last = 1
    chain = found.chain("type = 'list' AND length = 1601")
    assert ends_with(chain, (".__closure__", "tuple"), ("[0]", "cell"), (".cell_contents", "list"))
    for length, type_name, variable in (
        (1602, "generator", "pending"),
        (1603, "coroutine", "waiting"),
    ):
        chain = found.chain(f"type = 'list' AND length = {length}")
        assert chain[-1].how == f"local {variable}"
        assert type_name in [link.type for link in chain]
    (generator,) = found.objects("type = 'generator' AND name LIKE 'generate (%'")
    assert generator["name"].endswith("program.py:7)")


def test_thread_local_data_is_held_by_its_thread(held: Any) -> None:
    found = held(
        """
        import memlyze, threading
        local = threading.local()
        local.data = [object()] * 1701
        def work():
            local.data = [object()] * 1702
            memlyze.checkpoint()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        """
    )
    found.last = 1
    for length in (1701, 1702):
        chain = found.chain(f"type = 'list' AND length = {length}")
        assert "_thread._local" in [link.type for link in chain]


def test_what_c_alone_holds_is_said_to_be(held: Any) -> None:
    found = held(
        """
        import ctypes
        def leak():
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(lost))
        lost = [object()] * 1801
        leak()
        del lost
        """
    )
    (link,) = found.chain("type = 'list' AND length = 1801")
    assert link == Link("held from C", "list")
    assert found.one("type = 'list' AND length = 1801")["unseen_references"] == 1


def test_garbage_that_waits_for_the_collector_is_held_by_nobody(held: Any) -> None:
    found = held(
        """
        import gc
        gc.disable()
        cycle = [object()] * 1901
        cycle.append(cycle)
        del cycle
        """
    )
    (link,) = found.chain("type = 'list' AND length = 1902")
    assert link.how.startswith("held by nobody")


def test_references_that_are_shared_are_not_retained(held: Any) -> None:
    found = held(
        """
        shared = b"x" * 2_000_000
        one, two = [shared] * 2001, [shared, b"y" * 1_000_000] + [None] * 2000
        del shared
        """
    )
    assert found.retained("type = 'list' AND length = 2001") < 1_000_000
    assert 1_000_000 < found.retained("type = 'list' AND length = 2002") < 2_000_000


def test_objects_lead_to_the_allocations_that_were_recorded(held: Any) -> None:
    found = held(
        """
        class Thing: pass
        def make():
            thing = Thing()
            thing.text = "x" * int("2101")
            thing.items = list(range(2102))
            return thing
        kept = make()
        """
    )
    (row,) = found.trace.sql(
        f"""
        SELECT f.function, a.size
        FROM objects AS o
        JOIN allocations AS a USING (allocation_id)
        JOIN stack_frames AS f ON f.stack_id = a.stack_id AND f.depth = 0
        WHERE o.type = 'str' AND o.length = 2101 AND o.checkpoint_id = {found.last}
        """
    ).fetchall()
    assert row[0] == "make" and 2101 < row[1] < 2101 + 60
    (row,) = found.trace.sql(
        f"""
        SELECT f.function, a.size
        FROM objects AS o
        JOIN allocations AS a ON a.allocation_id = o.buffer_allocation_id
        JOIN stack_frames AS f ON f.stack_id = a.stack_id AND f.depth = 0
        WHERE o.type = 'list' AND o.length = 2102 AND o.checkpoint_id = {found.last}
        """
    ).fetchall()
    assert row[0] == "make" and row[1] >= 2102 * 8
    live = found.trace.sql(
        "SELECT count(*) FROM objects JOIN allocations USING (allocation_id) "
        f"WHERE freed_ns < (SELECT time_ns FROM checkpoints WHERE checkpoint_id = {found.last})"
    ).fetchall()
    assert live == [(0,)]


def test_program_is_not_disturbed(same: Any) -> None:
    """No code of the program runs, nothing is kept or collected, no exception is lost."""
    same(
        """
        import gc, sys
        try:
            import memlyze
            checkpoint = memlyze.checkpoint if "memlyze.tracer" in sys.modules else lambda: None
        except ImportError:
            checkpoint = lambda: None
        class Loud:
            def __repr__(self): print("repr"); return "Loud"
            def __len__(self): print("len"); return 1
            def __eq__(self, other): print("eq"); return self is other
            def __hash__(self): return 7
            def __getattribute__(self, name):
                print("getattribute", name)
                return object.__getattribute__(self, name)
            def __sizeof__(self): print("sizeof"); return 5
        class Meta(type):
            def __getattribute__(self, name):
                print("meta", name)
                return type.__getattribute__(self, name)
            def __instancecheck__(self, other): print("instancecheck"); return True
        class WithMeta(metaclass=Meta): pass
        checkpoint()
        kept = {Loud(): Loud(), "m": type.__call__(WithMeta)}
        gc.collect()
        before = sys.getrefcount(kept), gc.get_count()[1:], len(gc.get_objects())
        try:
            raise KeyError("x")
        except KeyError:
            checkpoint()
            print(sys.exc_info()[0])
        after = sys.getrefcount(kept), gc.get_count()[1:], len(gc.get_objects())
        print(before[:2] == after[:2], abs(after[2] - before[2]) < 10)
        """
    )


def test_checkpoint_tells_what_it_took_and_does_nothing_without_a_recording(run: Any) -> None:
    done = run(
        """
        import sys, memlyze
        print(memlyze.checkpoint())
        with memlyze.Tracer(sys.argv[1]):
            taken = memlyze.checkpoint()
            print(taken.objects > 1000, taken.references > taken.objects, taken.pause_ns > 0)
        with memlyze.Tracer(sys.argv[1], force=True, references=False):
            print(memlyze.checkpoint())
        """
    )
    assert done.lines == ["None", "True True True", "None"]


def test_checkpoints_follow_each_other_in_one_trace(held: Any) -> None:
    found = held(
        """
        import memlyze
        kept = []
        for number in range(3):
            kept.append([object()] * (2201 + number))
            memlyze.checkpoint()
        """
    )
    assert [row["reason"] for row in found.checkpoints] == ["checkpoint"] * 3 + ["exit"]
    for number, row in enumerate(found.checkpoints[:3]):
        found.last = row["checkpoint_id"]
        lengths = [
            o["length"] for o in found.objects("length BETWEEN 2201 AND 2203 AND type = 'list'")
        ]
        assert sorted(lengths) == [2201 + k for k in range(number + 1)]
        assert row["pause_ns"] > 0
        assert len(found.objects("true")) == row["object_count"]
    assert found.trace.metadata["checkpoints"] == 4
    total = sum(row["pause_ns"] for row in found.checkpoints)
    assert found.trace.metadata["checkpoint_pause_ns"] == total


def test_no_references_leaves_them_out(held: Any) -> None:
    found = held("kept = [object()] * 2301", references=False)
    assert found.checkpoints == []
    assert found.trace.sql("SELECT count(*) FROM objects").fetchall() == [(0,)]
    assert found.trace.metadata["references"] is False


@pytest.mark.skipif(not hasattr(signal, "SIGUSR2"), reason="no such signal here")
def test_signal_takes_one_and_the_program_has_its_own_handler_too(held: Any) -> None:
    found = held(
        """
        import os, signal, memlyze
        print(signal.getsignal(signal.SIGUSR2) is not None)
        os.kill(os.getpid(), signal.SIGUSR2)
        memlyze.stop()
        print(signal.getsignal(signal.SIGUSR2))
        """,
        checkpoint_signal="SIGUSR2",
    )
    assert [row["reason"] for row in found.checkpoints] == ["signal", "stop"]


def test_signals_that_come_while_one_is_taken_ask_for_no_other(held: Any) -> None:
    """Here always one does: as long as one is taken, the timer of CPU time has run out again."""
    found = held(
        """
        import signal, sys, time
        sys.setrecursionlimit(150)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.001, 0.001)
        begun = time.process_time()
        while time.process_time() < begun + 0.5:
            pass
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        """,
        checkpoint_signal="SIGVTALRM",
    )
    assert {row["reason"] for row in found.checkpoints} == {"signal", "exit"}


def test_signal_while_the_recording_stops_does_not_end_the_program(held: Any) -> None:
    """It comes when the last one is taken, and the file is not finished."""
    found = held(
        """
        import os, signal
        from memlyze.tracer import _tracer
        finish = _tracer.stop
        def stop(reason):
            os.kill(os.getpid(), signal.SIGUSR2)
            return finish(reason)
        _tracer.stop = stop
        """,
        checkpoint_signal="SIGUSR2",
    )
    assert [row["reason"] for row in found.checkpoints] == ["exit"]


def test_process_that_ends_at_once_has_one(held: Any) -> None:
    found = held("import os; kept = [object()] * 2401; os._exit(0)")
    assert [row["reason"] for row in found.checkpoints] == ["_exit"]
    assert found.one("type = 'list' AND length = 2401")


def test_each_process_of_a_family_has_its_own(record: Any, programs: Any) -> None:
    record(
        """
        import multiprocessing
        def work(number):
            global kept
            kept = [object()] * (2501 + number)
        if __name__ == "__main__":
            context = multiprocessing.get_context("fork")
            for number in range(2):
                child = context.Process(target=work, args=(number,))
                child.start()
                child.join()
        """
    )
    assert len(find_family([programs.trace_path]).paths) == 3
    found = Held(programs.trace_path)
    assert len({row["process_id"] for row in found.checkpoints}) == 3
    rows = found.trace.sql(
        "SELECT length, count(DISTINCT process_id) FROM objects "
        "WHERE type = 'list' AND length BETWEEN 2501 AND 2502 GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert rows == [(2501, 1), (2502, 1)]


def test_killed_program_has_none(programs: Any) -> None:
    source = """
        import os, signal, time
        kept = [object()] * 2601
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    programs.run(source, options={})
    assert Held(programs.trace_path).checkpoints == []


def test_fork_while_one_is_written(held: Any) -> None:
    found = held(
        """
        import memlyze, os
        kept = [[number] for number in range(200_000)]
        memlyze.checkpoint()
        for _ in range(3):
            child = os.fork()
            if child == 0:
                os._exit(0)
            os.waitpid(child, 0)
        """,
        follow=False,
        sample_rate=0.01,
    )
    first = found.checkpoints[0]
    assert first["object_count"] > 200_000
    found.last = 1
    assert len(found.objects("true")) == first["object_count"]


def test_frozen_and_old_objects_are_among_them(held: Any) -> None:
    found = held(
        """
        import gc
        frozen = [[object()] * 2701]
        gc.collect()
        gc.freeze()
        old = [[object()] * 2702]
        gc.collect()
        young = [[object()] * 2703]
        """
    )
    for length in (2701, 2702, 2703):
        assert found.one(f"type = 'list' AND length = {length}")


def test_numpy_views_hold_their_base(held: Any) -> None:
    pytest.importorskip("numpy")
    found = held(
        """
        import numpy
        view = numpy.zeros(3_000_000)[:3]
        objects = numpy.array([None, [object()] * 2801], dtype=object)
        """
    )
    base = found.one("type = 'numpy.ndarray' AND length = 3000000")
    assert base["size"] > 24_000_000
    assert found.chain("type = 'numpy.ndarray' AND length = 3000000")[-1].how == ".base"
    assert found.chain("type = 'list' AND length = 2801")[-1].how == "[1]"


def test_deep_chains_are_walked_without_recursion(held: Any) -> None:
    found = held(
        """
        head = None
        for _ in range(100_000):
            head = (head,)
        import atexit
        def undo():
            global head
            while head: head = head[0]
        atexit.register(undo)
        import memlyze
        memlyze.checkpoint()
        """
    )
    found.last = 1
    assert len(found.objects("type = 'tuple' AND length = 1")) >= 100_000


@pytest.mark.skipif(sys.version_info < (3, 9), reason="threads end unnoticed in CPython 3.8")
def test_at_the_end_is_when_threads_have_ended_and_nothing_is_cleaned_up(held: Any) -> None:
    found = held(
        """
        import atexit, threading
        FIGURES = {"open": [object() for _ in range(1701)]}
        atexit.register(FIGURES.clear)
        def work():
            main.join()
            FIGURES["by thread"] = [object() for _ in range(1702)]
        main = threading.main_thread()
        threading.Thread(target=work).start()
        """
    )
    assert [checkpoint["reason"] for checkpoint in found.checkpoints] == ["exit"]
    for length, key in ((1701, "open"), (1702, "by thread")):
        chain = found.chain(f"type = 'list' AND length = {length}")
        assert Link(f"['{key}']", "list") in chain
        assert chain[0] == Link("module __main__", "module")


@pytest.mark.skipif(sys.version_info < (3, 9), reason="threads end unnoticed in CPython 3.8")
def test_a_signal_during_the_last_checkpoint_is_the_programs(record: Any) -> None:
    """It comes just before, from a function of C, so that no code in Python runs in between."""
    done = record(
        """
        import atexit, ctypes, functools, os, signal, threading
        def handle(number, frame):
            print("signal in", frame.f_code.co_name)
        signal.signal(signal.SIGUSR1, handle)
        def clean_up():
            print("cleaned up")
        atexit.register(clean_up)
        kill = functools.partial(ctypes.CDLL(None).kill, os.getpid(), int(signal.SIGUSR1))
        register = functools.partial(atexit.register, kill)
        threading._threading_atexits.insert(0, register)
        """
    )
    assert done.lines == ["signal in clean_up", "cleaned up"]


@pytest.mark.skipif(sys.version_info < (3, 9), reason="threads end unnoticed in CPython 3.8")
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux when the process began")
def test_a_program_that_works_in_an_atexit_function_has_a_checkpoint_after_it(held: Any) -> None:
    found = held(
        """
        import atexit, os, time
        KEPT = []
        def main():
            KEPT.append([object() for _ in range(1703)])
            lived = time.monotonic() - begun
            while time.monotonic() < begun + 3 * lived:
                pass
        with open("/proc/self/stat") as file:
            begun = int(file.read().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        atexit.register(main)
        """
    )
    assert [checkpoint["reason"] for checkpoint in found.checkpoints] == ["exit", "exit"]
    assert found.objects("type = 'list' AND length = 1703")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of address space")
def test_without_memory_the_program_goes_on_and_the_trace_says_why(
    record: Any, programs: Any
) -> None:
    done = record(
        """
        import resource
        kept = [[number] for number in range(300_000)]
        def used():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[0]) * resource.getpagesize()
        limit = used() + (16 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        print("end")
        """
    )
    assert done.lines == ["end"]
    found = Held(Path(programs.trace_path))
    assert found.checkpoints == []
    assert "memory" in found.trace.metadata["references_left_out"]
    assert os.path.exists(programs.trace_path)


def test_memory_clock_rests_while_the_program_is_looked_at(record: Any) -> None:
    """Or the greatest resident memory of a program would be that of being looked at."""
    trace = record(
        """
        import memlyze
        def fill(): return [[number] for number in range(400_000)]
        nodes = fill()
        for _ in range(5): memlyze.checkpoint()
        """
    ).trace
    assert len(trace.checkpoints) >= 5
    for looked in trace.checkpoints:
        begin_ns, end_ns = looked["time_ns"], looked["time_ns"] + looked["pause_ns"]
        during = [row for row in trace.memory if begin_ns < row["time_ns"] < end_ns]
        assert len(during) <= 1  # the one that was on its way


def test_one_that_a_finalizer_takes_in_a_collection_is_whole_without_what_is_being_freed(
    record: Any, programs: Any
) -> None:
    """What the collector is about to free is on no list of its own then."""
    done = record(
        """
        import gc, memlyze
        class Big: pass
        class Stays: pass
        stays = Stays()
        class Last:
            def __del__(self):
                held = list(self.hold)
                memlyze.checkpoint()
        last = Last()
        last.me, last.hold = last, [Big() for _ in range(50_000)]
        del last
        gc.collect()
        print("end")
        """
    )
    assert done.lines == ["end"]
    held = Held(Path(programs.trace_path))
    assert [row["reason"] for row in held.checkpoints] == ["checkpoint", "exit"]
    held.last = held.checkpoints[0]["checkpoint_id"]
    assert held.one("type LIKE '%.Stays'")
    assert not held.objects("type LIKE '%.Last' OR type LIKE '%.Big'")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of address space")
def test_writing_one_ends_where_there_is_no_memory_any_more(record: Any) -> None:
    done = record(
        """
        import memlyze, resource
        kept = [[] for _ in range(300_000)]
        memlyze.checkpoint()
        resource.setrlimit(resource.RLIMIT_AS, (1 << 20, resource.RLIM_INFINITY))
        print("end")
        """
    )
    assert done.lines == ["end"]


def test_signal_by_which_programs_are_ended_ends_one_that_does_not_handle_it(record: Any) -> None:
    done = record(
        """
        import os, signal
        os.kill(os.getpid(), signal.SIGTERM)
        print("survived")
        """,
        checkpoint_signal="SIGTERM",
        status=-signal.SIGTERM,
    )
    assert done.lines == []
