"""Other interpreters in the process: they run as without, and their allocations are recorded."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from interpreters import INTERPRETERS


def test_functions_of_another_interpreter_are_named(record: Any) -> None:
    trace = record(
        INTERPRETERS
        + """
def call():
    interpreter = create()
    run(interpreter, '''
        def inside():
            return [bytes(50_000 + number) for number in range(50)]
        kept = inside()
        del kept[0]
    ''')
    kept.append(bytes(60_001))
    destroy(interpreter)
kept = []
call()
kept.append(bytes(60_002))
"""
    ).trace
    for number in range(50):
        row = trace.one(50_033 + number)
        assert row.freed_ns >= 0
        assert "inside" in [f.function for f in trace.stack(row.stack_id)]
    assert trace.functions_of(60_034) == ["call", "<module>"]
    assert trace.functions_of(60_035) == ["<module>"]
    trace.check_sound()


def test_interpreters_come_and_go_as_without(same: Any) -> None:
    done = same(
        INTERPRETERS
        + """
for number in range(8):
    interpreter = create()
    run(interpreter, f'''
        import json, threading
        print(json.dumps([{number}, len(bytes(70_000))]), flush=True)
        def work(): print("thread", flush=True)
        try:
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        except RuntimeError as error:
            print(error, flush=True)
        try:
            x = 1 / 0
        except ZeroDivisionError as error:
            print(error, flush=True)
    ''')
    destroy(interpreter)
interpreter = create()
try:
    run(interpreter, "raise ValueError('inside')")
except Exception as error:
    print(type(error).__name__)
""",
        flags=("-W", "ignore"),
    )
    done.trace.check_sound()


def test_windows_of_the_main_interpreter_are_not_those_of_another(record: Any) -> None:
    trace = record(
        INTERPRETERS
        + """
import memlyze
interpreter = create()
with memlyze.window("main"):
    for number in range(1_000): memlyze.window("more").__enter__
    kept = [bytes(60_001)]
    run(interpreter, '''
        import contextvars
        variable = contextvars.ContextVar("variable")
        variable.set(1)
        kept = [bytes(50_001)]
    ''')
    kept.append(bytes(60_002))
destroy(interpreter)
"""
    ).trace
    main = trace.window_named("main")["window_id"]
    assert trace.one(60_034).window_id == trace.one(60_035).window_id == main
    assert trace.one(50_034).window_id == 0


@pytest.mark.skipif(sys.version_info < (3, 12), reason="one GIL for all")
def test_interpreters_with_their_own_gil_allocate_at_the_same_time(record: Any) -> None:
    done = record(
        INTERPRETERS
        + """
import threading, memlyze
CODE = '''
def work(base):
    total = 0
    for turn in range(40):
        kept = [bytes(base + number) for number in range(100)]
        total += len([str(number) for number in range(500)])
        exec(f"def fresh_{turn}(): return [[] for _ in range(20)]\\\\nfresh_{turn}()", {})
    return total
import contextvars
contextvars.ContextVar("mine").set(object())
'''
def own_gil(base):
    interpreter = create()
    run(interpreter, CODE + f"work({base})")
    destroy(interpreter)
threads = [threading.Thread(target=own_gil, args=(50_000 + 200 * number,)) for number in range(4)]
for thread in threads: thread.start()
with memlyze.window("meanwhile"):
    space = {}
    exec(CODE, space)
    space["work"](60_000)
for thread in threads: thread.join()
print("ended")
"""
    )
    assert done.lines == ["ended"]
    trace = done.trace
    trace.check_sound()
    for base in (50_000, 50_200, 50_400, 50_600, 60_000):
        for number in range(100):
            rows = [
                row
                for row in trace.allocations(base + number + 33)
                if row.stack_id and any(f.function == "work" for f in trace.stack(row.stack_id))
            ]
            assert len(rows) == 40
            assert all((row.window_id != 0) == (base == 60_000) for row in rows)


@pytest.mark.parametrize("call", ["checkpoint()", "start('own.mlyze')", "window('own')", "stop()"])
@pytest.mark.parametrize("isolated", [True, False])
def test_other_interpreter_is_told_where_memlyze_can_be_used(
    record: Any, call: str, isolated: bool
) -> None:
    done = record(
        INTERPRETERS
        + f"""
interpreter = create({isolated})
run(interpreter, '''
    import memlyze
    for _ in range(2):
        try:
            memlyze.{call}
        except ImportError as error:
            print(error, flush=True)
''')
destroy(interpreter)
import memlyze
print(memlyze.active_tracer() is not None, flush=True)
"""
    )
    words = "memlyze can be used in one interpreter of a process"
    assert [line.split(";")[0] for line in done.lines] == [words, words, "True"]


def test_start_in_a_subinterpreter_is_refused_and_the_process_ends(run: Any) -> None:
    """Where the main one has not loaded the recorder: it was started, and the process never
    ended.
    """
    done = run(
        INTERPRETERS
        + """
interpreter = create(False)
run(interpreter, '''
    import memlyze
    try:
        memlyze.start("own.mlyze")
    except (memlyze.MemlyzeError, ImportError) as error:
        print(error, flush=True)
''')
print("ended", flush=True)
"""
    )
    refused, ended = done.lines
    # Those of CPython 3.14 have a GIL of their own: the recorder cannot even be imported there.
    assert refused.startswith(
        (
            "memlyze records from the main interpreter of a process",
            "memlyze can be used in one interpreter of a process",
        )
    )
    assert ended == "ended"
