"""How programs end: as without a recording, and with a trace that can be read."""

from __future__ import annotations

import re
import signal
from typing import Any

import pytest
from recorded import Trace

from memlyze.trace.family import find_family
from memlyze.trace.reader import TraceFile

WORK = """
import os, signal, sys, time
kept = [bytes(50_001)]
time.sleep(0.3)
print("working", flush=True)
"""


@pytest.mark.parametrize(
    "end",
    [
        "pass",
        "sys.exit()",
        "sys.exit(7)",
        "sys.exit('a message')",
        "raise SystemExit(None)",
        "raise KeyError('unhandled')",
        "raise KeyboardInterrupt",
        "import atexit; atexit.register(lambda: print('at exit', bytes(10)))",
        "import atexit; atexit.register(lambda: 1 / 0)",
        "sys.excepthook = lambda *a: print('hook', a[0].__name__); raise KeyError",
        "import threading\ndef f(): time.sleep(0.1); print(9)\nthreading.Thread(target=f).start()",
        "sys.stdout.close()",
        "sys.stderr = None; sys.exit(3)",
        "class D:\n    def __del__(self): print('deleted', len(bytes(9_000)))\nd = D()",
        "import weakref\nclass D: pass\nd = D(); weakref.finalize(d, print, 'finalized')",
        "sys.modules.clear()",
    ],
)
def test_end_of_the_interpreter(same: Any, end: str) -> None:
    done = same(WORK + end)
    trace = done.trace
    assert trace.is_complete
    trace.check_sound()
    assert trace.one(50_034)


@pytest.mark.parametrize(
    "end",
    [
        "os._exit(5)",
        "os.abort()",
        "os.kill(os.getpid(), signal.SIGKILL)",
        "os.kill(os.getpid(), signal.SIGTERM); time.sleep(10)",
        "os.kill(os.getpid(), signal.SIGHUP); time.sleep(10)",
        "import ctypes; ctypes.CDLL(None).exit(6)",
        "import ctypes; ctypes.PyDLL(None).exit(6)",
        "import ctypes; ctypes.CDLL(None).quick_exit(6)",
        "import ctypes; ctypes.string_at(1)",
        "import faulthandler; faulthandler.enable(); import ctypes; ctypes.string_at(1)",
        "import faulthandler; faulthandler._sigabrt()",
        "import ctypes; ctypes.pythonapi.Py_FatalError(b'fatal')",
    ],
)
def test_end_that_the_interpreter_does_not_see(same: Any, end: str) -> None:
    done = same(WORK + end, popen={"preexec_fn": _no_core})
    trace = done.trace
    trace.check_sound()
    assert trace.one(50_034).freed_ns == -1


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
@pytest.mark.parametrize(
    "end",
    [
        "os.kill(os.getpid(), {signal}); time.sleep(10)",
        "print(signal.getsignal({signal})); os.kill(os.getpid(), {signal}); time.sleep(10)",
        # As servers do that end in order, and then as they were told to.
        "before = signal.signal({signal}, signal.default_int_handler)\n"
        "print(signal.signal({signal}, before))\n"
        "signal.raise_signal({signal})",
        # In a thread that runs no Python meanwhile.
        "import ctypes, threading\n"
        "threading.Timer(0.01, os.kill, (os.getpid(), {signal})).start()\n"
        "ctypes.CDLL(None).sleep(20)",
    ],
)
def test_signal_that_the_program_leaves_to_the_system_ends_a_whole_trace(
    same: Any, end: str, name: str
) -> None:
    trace = same(WORK + end.format(signal=f"signal.{name}")).trace
    assert trace.is_complete
    trace.check_sound()
    assert trace.metadata["stop_reason"] == name
    assert trace.one(50_034)


def test_signal_that_the_program_ignores_stays_ignored(same: Any) -> None:
    ignored = "signal.signal(signal.SIGTERM, signal.SIG_IGN); os.kill(os.getpid(), signal.SIGTERM)"
    assert same(WORK + ignored).trace.metadata["stop_reason"] == "exit"


def test_signal_after_the_recording_ends_the_program_as_ever(run: Any) -> None:
    done = run(
        """
        import os, signal, sys, time, memlyze
        memlyze.start(sys.argv[1])
        memlyze.stop()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
        """,
        status=-signal.SIGTERM,
    )
    assert done.trace.metadata["stop_reason"] == "stop"


def test_end_has_a_moment_of_its_own(record: Any, programs: Any) -> None:
    """What is read at the end may differ from what the memory clock read in the same turn, and a
    moment has one reading. A child that ends at once does so while the first one is taken.
    """
    record(
        """
        import os
        for _ in range(5):
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
        """,
        sample_rate=0.0,
        memory_interval_ms=1,
        follow=True,
    )
    children = find_family([programs.trace_path]).paths[1:]
    assert len(children) == 5
    for path in children:
        with TraceFile(path) as trace:
            assert trace.block_counts["memory"].rows == len(trace.table("memory")["time_ns"])


def _no_core() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def test_interrupt_from_the_terminal(programs: Any) -> None:
    ends = []
    for options in (None, {}):
        with programs.started(
            """
            import os, time
            try:
                [os.write(1, b"ready\\n"), time.sleep(60)]
            finally:
                print("cleaning up", flush=True)
            """,
            options=options,
        ) as process:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=60)
        # Which of the line's calls was interrupted is a matter of luck.
        ends.append((stdout, re.sub(r".*[~^]{2}.*\n", "", stderr), process.returncode))
    assert ends[0] == ends[1]
    assert ends[1][0] == "cleaning up\n" and ends[1][2] == -signal.SIGINT
    assert Trace(programs.trace_path).is_complete


def test_signal_handlers_run_in_the_main_thread_and_interrupt_its_calls(same: Any) -> None:
    """A helper thread that took the program's signals would leave its calls waiting."""
    same(
        """
        import os, signal, threading, time
        seen = []
        def handler(number, frame):
            seen.append((number, threading.current_thread().name, len(bytes(2_000))))
        for number in (signal.SIGALRM, signal.SIGUSR1, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            kept = [bytes(number) for number in range(500)]
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(len(seen) > 5, {name for _, name, _ in seen})
        read, write = os.pipe()
        def interrupted(number, frame): raise InterruptedError("as it should")
        signal.signal(signal.SIGALRM, interrupted)
        for _ in range(20):
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            try:
                os.read(read, 1)        # waits for ever, unless the main thread gets the signal
            except InterruptedError as error:
                pass
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGTERM)
        print(seen[-1][1], seen[-2][1])
        """
    )


def test_signals_that_the_program_waits_for_reach_it(same: Any) -> None:
    same(
        """
        import os, signal
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})
        for number in (signal.SIGUSR1, signal.SIGTERM):
            os.kill(os.getpid(), number)
            print(signal.sigwait({signal.SIGUSR1, signal.SIGTERM}) == number, signal.sigpending())
        print(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        """
    )


def test_main_thread_keeps_its_signal_mask(run: Any) -> None:
    done = run(
        """
        import signal, sys, memlyze
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
        with memlyze.Tracer(output_file=sys.argv[1]):
            print(signal.pthread_sigmask(signal.SIG_BLOCK, ()) == {signal.SIGUSR2})
        print(signal.pthread_sigmask(signal.SIG_BLOCK, ()) == {signal.SIGUSR2})
        """
    )
    assert done.lines == ["True", "True"]


def test_exception_in_the_recorded_block_has_its_own_traceback(programs: Any) -> None:
    source = """
        import sys
        import contextlib
        def tracer():
            if len(sys.argv) == 1: return contextlib.nullcontext()
            import memlyze
            return memlyze.Tracer(output_file=sys.argv[1])
        with tracer():
            def f(): raise LookupError("from inside")
            f()
        """
    plain = programs.run(source)
    recorded = programs.run(source, str(programs.trace_path))
    assert recorded[:3] == plain[:3]
    assert recorded.trace.is_complete


def test_stderr_that_is_gone_at_the_end(same: Any) -> None:
    same(
        """
        import os, shutil, sys
        os.close(2)
        sys.stderr = None
        """
    )


def test_timers_and_event_loops_keep_their_time(same: Any) -> None:
    same(
        """
        import asyncio, select, signal, socket
        a, b = socket.socketpair()
        print(select.select([a], [], [], 0.05))
        async def main():
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGUSR1, lambda: print("usr1"))
            loop.call_later(0.01, lambda: signal.raise_signal(signal.SIGUSR1))
            await asyncio.sleep(0.1)
            print(await asyncio.gather(*(asyncio.sleep(0.01, number) for number in range(3))))
        asyncio.run(main())
        """
    )


@pytest.mark.parametrize("watch", ["settrace", "setprofile"])
def test_function_that_watches_the_program_to_its_end_sees_none_of_the_recorder(
    same: Any, watch: str
) -> None:
    done = same(
        f"""
        import os, sys
        def tell(frame, event, argument):
            if "memlyze" in frame.f_code.co_filename.split(os.sep):
                os.write(1, frame.f_code.co_name.encode() + b"\\n")
            return tell
        sys.{watch}(tell)
        """
    )
    assert done.stdout == ""
