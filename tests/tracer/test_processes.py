"""Processes that the program makes: all is as without a recording, and no trace is disturbed.

What their own traces hold is the subject of test_following.py.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

FORK = """
import os, sys
kept = [bytes(50_001)]
def child_work():
    global kept
    kept = [bytes(number % 3_000) for number in range(20_000)]
    kept.append(bytes(60_001))
    kept = None
sys.stdout.flush()
pid = os.fork()
if pid == 0:
    child_work()
    print("child", len(str(os.getpid())) > 0)
    {end}
_, status = os.waitpid(pid, 0)
print("child ended with", status)
kept.append(bytes(50_002))
"""


@pytest.mark.parametrize(
    "end",
    [
        "sys.stdout.flush(); os._exit(3)",
        "sys.exit(4)",
        "raise SystemExit",
        "raise KeyError('mine')",
        "sys.stdout.flush(); os.kill(os.getpid(), 9)",
        "sys.stdout.flush(); os.abort()",
    ],
)
@pytest.mark.parametrize("follow", [True, False])
def test_forked_child_leaves_the_trace_alone(same: Any, end: str, follow: bool) -> None:
    done = same(FORK.format(end=end), follow=follow)
    trace = done.trace
    assert trace.is_complete
    trace.check_sound()
    assert trace.one(50_034) and trace.one(50_035)
    assert not trace.allocations(60_034)


def test_fork_while_other_threads_allocate(same: Any, native: str) -> None:
    """Locks may be held, and tables half changed, at the moment of the fork."""
    done = same(
        """
        import ctypes, os, sys, threading
        api = ctypes.pythonapi
        native = ctypes.CDLL(sys.argv[1])
        native.use_allocator(api.PyMem_RawMalloc, api.PyMem_RawFree)
        native.start_endless(ctypes.c_size_t(3_001))
        def busy():
            kept = []
            while not stopping:
                kept.append([str(number) for number in range(50)])
                if len(kept) > 50: kept.clear()
        stopping = False
        thread = threading.Thread(target=busy)
        thread.start()
        ended = []
        for number in range(60):
            pid = os.fork()
            if pid == 0:
                kept = [bytes(number) for number in range(2_000)]
                exec("def fresh(): return [[] for _ in range(100)]\\nfresh()")
                os._exit(7)
            ended.append(os.waitpid(pid, 0)[1] >> 8)
        stopping = True
        thread.join()
        native.stop_endless()
        print(ended == [7] * 60)
        """,
        native,
        flags=("-W", "ignore"),
    )
    assert done.lines == ["True"]
    done.trace.check_sound()


def test_forked_child_can_record_on_its_own(run: Any) -> None:
    done = run(
        """
        import os, sys, memlyze
        tracer = memlyze.start(sys.argv[1], sample_rate=1.0, follow=False)
        kept = [bytes(50_001)]
        with memlyze.window("of the parent"):
            pid = os.fork()
            if pid == 0:
                print(memlyze.active_tracer(), tracer.is_active)
                try:
                    tracer.stop()
                except memlyze.MemlyzeError as error:
                    print(error)
                memlyze.start("child.mlyze", sample_rate=1.0)
                kept.append(bytes(60_001))
                del kept[0]
                sys.exit(5)
        print(os.waitpid(pid, 0)[1] >> 8)
        kept.append(bytes(50_002))
        memlyze.stop()
        """
    )
    assert done.lines == ["None False", "not recording; start with memlyze.start() first", "5"]
    parent = done.trace
    child = done._replace(trace_path=done.trace_path.with_name("child.mlyze")).trace
    for trace in (parent, child):
        assert trace.is_complete
        trace.check_sound()
    assert parent.one(50_034).freed_ns == -1 and parent.one(50_035)
    assert not parent.allocations(60_034)
    assert child.one(60_034).window_id == 0  # the window is the parent's recording's
    assert not child.allocations(50_034) and not child.windows
    assert child.metadata["parent_process_id"] == parent.metadata["process_id"]


def test_child_of_a_busy_recording_writes_only_its_own_rows(run: Any) -> None:
    done = run(
        """
        import os, sys, threading, memlyze
        def busy():
            number = 0
            while not stopping:
                number += 1
                space = {}
                exec(f"def parents_{number}(): return [[] for _ in range(50)]", space)
                space[f"parents_{number}"]()
        memlyze.start(sys.argv[1], sample_rate=1.0, follow=False)
        stopping = False
        thread = threading.Thread(target=busy)
        thread.start()
        for number in range(20):
            pid = os.fork()
            if pid == 0:
                memlyze.start(f"child{number}.mlyze", sample_rate=1.0)
                kept = [bytes(60_001)]
                memlyze.stop()
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        stopping = True
        thread.join()
        """,
        flags=("-W", "ignore"),
    )
    done.trace.check_sound()
    for number in range(20):
        trace = done._replace(trace_path=done.trace_path.with_name(f"child{number}.mlyze")).trace
        trace.check_sound()
        assert trace.one(60_034)
        assert not [frame for frame in trace._frames if frame.function.startswith("parents_")]


MULTIPROCESSING = """
import multiprocessing, sys
def work(number):
    kept = [bytes(number) for number in range(5_000)]
    print("working", number, flush=True)
    if number == 3: raise ValueError(number)
    if number == 4: sys.exit(9)
    return number * 2
if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    for number in (1, 3, 4):
        process = multiprocessing.Process(target=work, args=(number,), name=f"child {number}")
        process.start()
        process.join()
        print(process.exitcode)
    with multiprocessing.Pool(2) as pool:
        print(pool.map(abs, [-1, -2, 3]))
    queue = multiprocessing.Queue()
    queue.put(1)
    print(queue.get())
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(programs: Any, method: str) -> None:
    plain = programs.run(MULTIPROCESSING, method, flags=("-W", "ignore"))
    recorded = programs.run(MULTIPROCESSING, method, flags=("-W", "ignore"), options={})
    assert plain.status == recorded.status == 0, recorded.stderr
    assert recorded.stdout == plain.stdout
    # Child processes number themselves; the rest of their tracebacks is the same.
    assert recorded.stderr.count("ValueError: 3") == plain.stderr.count("ValueError: 3") == 1
    trace = recorded.trace
    assert trace.is_complete
    trace.check_sound()


POOL = """
import multiprocessing, os, signal, sys
def work(size):
    global kept
    kept = bytes(size)
    everybody.wait()                       # so that each worker has one of them
    return os.getpid()
def know(barrier):
    global everybody
    everybody = barrier
if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    pool = context.Pool(3, know, (context.Barrier(3),))
    workers = pool.map(work, [60_000, 60_001, 60_002], chunksize=1)
    print(len(set(workers)))
    pool.terminate()                       # by SIGTERM
    pool.join()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_each_worker_of_a_terminated_pool_leaves_a_whole_trace(programs: Any, method: str) -> None:
    done = programs.run(POOL, method, flags=("-W", "ignore"), options={})
    assert (done.status, done.lines) == (0, ["3"]), done.stderr
    sizes = []
    for trace in programs.family():
        kept = [row for row in trace.allocations(*range(60_033, 60_036)) if row.freed_ns == -1]
        if kept:
            assert trace.is_complete
            trace.check_sound()
            sizes += [row.size for row in kept]
    assert sorted(sizes) == [60_033, 60_034, 60_035]


def test_subprocesses(same: Any) -> None:
    done = same(
        """
        import os, subprocess, sys
        print(subprocess.run(["echo", "one"], stdout=subprocess.PIPE).stdout)
        print(subprocess.run("echo two; exit 3", shell=True, close_fds=False).returncode)
        print(subprocess.run([sys.executable, "-c", "print(3)"], stdout=subprocess.PIPE).stdout)
        print(subprocess.run(["true"], preexec_fn=lambda: [bytes(100) for _ in range(1000)]))
        pid = os.posix_spawn("/bin/echo", ["echo", "four"], os.environ)
        print(os.waitpid(pid, 0)[1])
        print(os.system("exit 5") >> 8, os.popen("echo six").read())
        try:
            subprocess.run(["/does/not/exist"])
        except FileNotFoundError as error:
            print(error)
        sys.stdout.flush()
        listed = subprocess.run(["ls", "/proc/self/fd"], stdout=subprocess.PIPE, close_fds=False)
        print(listed.stdout)
        """
    )
    done.trace.check_sound()


def test_exec_replaces_the_program_and_completes_the_trace(same: Any) -> None:
    done = same(
        """
        import os
        kept = [bytes(50_001)]
        print("before", flush=True)
        os.execv("/bin/sh", ["sh", "-c", "echo after; ls /proc/self/fd | wc -l; exit 3"])
        """
    )
    assert done.status == 3
    trace = done.trace
    assert trace.is_complete
    assert trace.metadata["stop_reason"] == "exec"
    assert trace.one(50_034)
    trace.check_sound()


def test_recording_goes_on_after_an_exec_that_fails(same: Any) -> None:
    done = same(
        """
        import os, time
        kept = [bytes(50_001)]
        for _ in range(3):
            try:
                os.execv("/does/not/exist", ["it"])
            except OSError as error:
                print(error)
        kept.append(bytes(50_002))
        try:
            os._exit("not a number")
        except TypeError as error:
            print(error)
        time.sleep(0.3)  # for more than the last block to come after it
        kept.append(bytes(50_003))
        """
    )
    trace = done.trace
    trace.check_sound()
    assert trace.is_complete
    assert trace.metadata["stop_reason"] == "exit"
    assert trace.one(50_034) and trace.one(50_035) and trace.one(50_036)


def test_ending_that_was_none_is_gone_when_the_program_is_killed(same: Any) -> None:
    """What comes after it may be shorter than it: a trailer would be left over."""
    done = same(
        """
        import os, time
        kept = [bytes(50_001)]
        kept.append([bytes(number) for number in range(3_000)])
        try:
            os.execv("/does/not/exist", ["it"])
        except OSError:
            time.sleep(0.5)
            os.kill(os.getpid(), 9)
        """,
        memory_interval_ms=200,
    )
    trace = done.trace
    trace.check_sound()
    assert not trace.is_complete and "stop_reason" not in trace.metadata
    assert trace.one(50_034)


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="no fork")
def test_hooks_of_the_program_around_fork_run_as_without(same: Any) -> None:
    same(
        """
        import os, threading
        seen = []
        read, write = os.pipe()
        os.register_at_fork(
            before=lambda: seen.append("before"),
            after_in_parent=lambda: seen.append([len(str(n)) for n in range(1000)][-1]),
            after_in_child=lambda: os.write(write, b"child %d" % threading.active_count()))
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        print(seen, os.read(read, 100))
        os.waitpid(pid, 0)
        """
    )
