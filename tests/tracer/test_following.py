"""Each process that comes from a recorded one writes its own trace, beside the first."""

from __future__ import annotations

import os
import re
import signal
import sys
from typing import Any

import pytest


def started(trace: Any) -> tuple[Any, ...]:
    """How a process started and ended."""
    return trace.metadata.get("started_by"), trace.metadata.get("stop_reason")


ENDS = {
    "os._exit(3)": "_exit",
    "sys.exit(4)": "exit",
    "raise SystemExit": "exit",
    "raise KeyError('mine')": "exit",
    "os.kill(os.getpid(), 9)": None,
    "os.abort()": None,
    "memlyze.stop(); kept = None; os._exit(0)": "stop",
}


@pytest.mark.parametrize(("end", "reason"), ENDS.items())
def test_forked_child_has_a_trace_of_its_own(
    record: Any, programs: Any, end: str, reason: str | None
) -> None:
    record(
        f"""
        import os, resource, sys, time, memlyze
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        kept = [bytes(50_001)]
        pid = os.fork()
        if pid == 0:
            def childs():
                return bytes(60_001)
            kept.append(childs())
            kept.append(memlyze.active_tracer().output_file)
            assert str(os.getpid()) in kept[-1]
            {"time.sleep(0.4)" if reason is None else ""}  # it is killed: to be seen it must be old
            {end}
        os.waitpid(pid, 0)
        kept.append(bytes(50_002))
        """
    )
    parent = programs.trace_path
    (child,) = programs.family()
    first = child.__class__(parent)
    for trace in (first, child):
        trace.check_sound()
    assert first.is_complete and child.is_complete == (reason is not None)
    assert first.one(50_034) and first.one(50_035) and not first.allocations(60_034)
    assert child.one(60_034) and not child.allocations(50_034, 50_035)
    assert [frame.function for frame in child.stack_of(60_034)] == ["childs", "<module>"]
    assert child.thread_names() == ["MainThread"]
    assert started(child) == ("fork", reason)
    assert child.metadata["family_id"] == first.metadata["family_id"]
    assert child.metadata["parent_recording_id"] == first.metadata["recording_id"]
    assert child.metadata["parent_process_id"] == first.metadata["process_id"]
    assert programs.files() == [f"trace.{child.metadata['process_id']}.mlyze", "trace.mlyze"]


def test_forked_child_forks_and_frees(record: Any, programs: Any) -> None:
    """The parent's blocks are not the child's: what it frees of them is not in its trace."""
    record(
        """
        import os
        kept = [bytes(50_001 + number) for number in range(500)]
        def fork(depth):
            if depth and os.fork() == 0:
                kept[depth * 100:] = [bytes(60_000 + depth)]
                fork(depth - 1)
                os._exit(0)
            if depth:
                os.wait()
        fork(4)
        """
    )
    family = programs.family()
    assert len(family) == 4
    for depth, trace in zip((4, 3, 2, 1), family):
        trace.check_sound()
        assert trace.is_complete
        assert trace.one(60_033 + depth)
        assert not trace.allocations(*range(50_034, 50_534))
    links = [trace.metadata["parent_recording_id"] for trace in family]
    assert links[1:] == [trace.metadata["recording_id"] for trace in family[:-1]]


@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_prefork_server_whose_workers_are_killed_and_made_anew(
    record: Any, programs: Any, how: str
) -> None:
    record(
        f"""
        import os, signal, sys, threading, time
        def worker(number, ready):
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            kept = [bytes(60_000 + number)]
            threading.Thread(target=lambda: kept.append(bytes(70_000 + number))).start()
            time.sleep(0.5)
            os.write(ready, b"r")
            while True:
                time.sleep(1)
        number = 0
        for round in range(2):
            workers = []
            for _ in range(3):
                number += 1
                read, ready = os.pipe()
                pid = os.fork()
                if pid == 0:
                    worker(number, ready)
                workers.append((pid, read))
            for pid, read in workers:
                assert os.read(read, 1) == b"r"
                os.kill(pid, signal.SIGTERM if {how == "terminate"} else signal.SIGKILL)
                os.waitpid(pid, 0)
        """
    )
    family = programs.family()
    assert len(family) == 6
    numbers = set()
    for trace in family:
        trace.check_sound()
        assert trace.is_complete == (how == "terminate")
        (allocation,) = trace.own(*range(60_034, 60_040))
        assert trace.one(allocation.size + 10_000)
        numbers.add(allocation.size - 60_033)
    assert numbers == {1, 2, 3, 4, 5, 6}


MULTIPROCESSING = """
import multiprocessing, sys
def work(number):
    global kept
    kept = bytes(60_000 + number)
if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    for number in (1, 2):
        process = multiprocessing.Process(target=work, args=(number,), name=f"child {number}")
        process.start()
        process.join()
        assert process.exitcode == 0
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_are_recorded_whole(
    record: Any, programs: Any, method: str
) -> None:
    record(MULTIPROCESSING, method, flags=("-W", "ignore"))
    children = [trace for trace in programs.family() if trace.allocations(60_034, 60_035)]
    assert len(children) == 2
    for number, trace in enumerate(children, 1):
        trace.check_sound()
        assert trace.is_complete
        assert trace.one(60_033 + number)
        assert started(trace)[0] == ("spawn" if method == "spawn" else "fork")
    # And whoever helps: a fork server, a tracker of resources.
    assert all(trace.metadata["started_by"] in ("spawn", "fork") for trace in programs.family())


def test_pool_of_concurrent_futures(record: Any, programs: Any) -> None:
    record(
        """
        import concurrent.futures, multiprocessing
        def work(number):
            return len(bytes(60_000 + number))
        if __name__ == "__main__":
            context = multiprocessing.get_context("spawn")
            with concurrent.futures.ProcessPoolExecutor(2, context) as pool:
                assert list(pool.map(work, range(8))) == list(range(60_000, 60_008))
        """
    )
    found = [row.size for trace in programs.family() for row in trace.own(*range(60_033, 60_041))]
    assert sorted(found) == list(range(60_033, 60_041))


STARTS = {
    "subprocess.run([sys.executable, *child], check=True)": "spawn",
    "subprocess.run([sys.executable, *child], check=True, env=own)": "spawn",
    "subprocess.run([sys.executable, *child], close_fds=False, cwd='/', check=True)": "spawn",
    "subprocess.run(['./script', *child[1:]], check=True)": "spawn",
    "os.waitpid(os.posix_spawn(sys.executable, [sys.executable, *child], own), 0)": "spawn",
    "os.waitpid(os.posix_spawn(sys.executable, [sys.executable, *child], os.environ), 0)": "spawn",
    "assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, *child]) == 0": "exec",
    "os.execv(sys.executable, [sys.executable, *child])": "exec",
    "os.execve(sys.executable, [sys.executable, *child], own)": "exec",
    "os.execlp(sys.executable, sys.executable, *child)": "exec",
    "os.execvpe(os.path.basename(link), [sys.executable, *child], {**own, 'PATH': '/:.'})": "exec",
}


@pytest.mark.parametrize(("start", "how"), STARTS.items())
def test_program_that_is_started_is_recorded_and_finds_what_it_would_find(
    same: Any, programs: Any, start: str, how: str
) -> None:
    (programs.directory / "script").write_text(
        f"#!{sys.executable}\nexec(__import__('sys').argv[1])\n"
    )
    (programs.directory / "script").chmod(0o755)
    (programs.directory / "python3").symlink_to(sys.executable)
    same(
        """
        import os, subprocess, sys
        code = '''if 1:
            import os, sys
            kept = bytes(60_001)
            print(sorted(os.environ.items()), sys.path)
        '''
        child = ["-c", code]
        link = "python3"
        own = {"PYTHONPATH": "/one:/two", "MINE": "yes"}
        os.environ["MINE"] = "too"
        """
        f"""
        {start}
        """,
    )
    (child,) = [trace for trace in programs.family() if trace.allocations(60_034)]
    child.check_sound()
    assert child.is_complete
    assert child.metadata["started_by"] == how
    assert child.metadata["sample_rate"] == 1.0


def test_started_programs_start_programs(record: Any, programs: Any) -> None:
    record(
        """
        import subprocess, sys
        start = "subprocess.run([sys.executable, '-c', 'kept = bytes(60_001)'])"
        code = f"import subprocess, sys; {start}"
        subprocess.run([sys.executable, "-c", code])
        """
    )
    child, grandchild = programs.family()
    assert grandchild.one(60_034)
    assert grandchild.metadata["parent_recording_id"] == child.metadata["recording_id"]
    assert child.metadata["family_id"] == grandchild.metadata["family_id"]
    assert all(re.match(r"trace(\.\d+)?\.mlyze$", name) for name in programs.files())


def test_exec_keeps_the_process_and_overwrites_nothing(record: Any, programs: Any) -> None:
    record(
        """
        import os, sys
        become = "os.execv(sys.executable, [sys.executable, '-c', 'bytes(60_002)'])"
        code = f"import os, sys; kept = bytes(60_001); {become}"
        os.execv(sys.executable, [sys.executable, "-c", code])
        """
    )
    first = programs.files()
    second, third = programs.family()
    pid = second.metadata["process_id"]
    assert third.metadata["process_id"] == pid
    assert first == [f"trace.{pid}-2.mlyze", f"trace.{pid}.mlyze", "trace.mlyze"]
    assert second.one(60_034) and third.one(60_035)
    assert started(second) == ("exec", "exec") and started(third) == ("exec", "exit")
    assert third.metadata["parent_recording_id"] == second.metadata["recording_id"]


def test_child_on_its_way_to_another_program_leaves_no_file(same: Any, programs: Any) -> None:
    """Nor does a preexec_fn come in between: the parent is who called subprocess."""
    same(
        """
        import subprocess, sys
        def prepare():
            return [bytes(number) for number in range(1000)]
        print(subprocess.run(["true"], preexec_fn=prepare).returncode)
        code = "kept = bytes(60_001)"
        print(subprocess.run([sys.executable, "-c", code], preexec_fn=prepare).returncode)
        try:
            subprocess.run(["true"], preexec_fn=lambda: 1 / 0)
        except subprocess.SubprocessError as error:
            print(error)
        """
    )
    (child,) = programs.family()
    assert child.one(60_034)
    assert started(child) == ("spawn", "exit")
    assert child.metadata["parent_process_id"] != child.metadata["process_id"]
    assert len(programs.files()) == 2


def test_other_programs_see_nothing_of_it(same: Any, programs: Any) -> None:
    same(
        """
        import os, subprocess, sys
        print(subprocess.run(["env"], stdout=subprocess.PIPE).stdout)
        print(subprocess.run("env", shell=True, stdout=subprocess.PIPE).stdout)
        print(subprocess.run(["sh", "-c", "env"], env={"ONE": "1"}, stdout=subprocess.PIPE).stdout)
        sys.stdout.flush()
        os.system("env | grep -v SHLVL")
        os.execvp("env", ["env"])
        """
    )
    assert programs.files() == ["trace.mlyze"]


def test_without_following_there_is_one_file(same: Any, programs: Any) -> None:
    same(
        """
        import os, subprocess, sys
        print(subprocess.run([sys.executable, "-c", "print(1)"]).returncode)
        if os.fork() == 0:
            os._exit(0)
        os.wait()
        os.execv(sys.executable, ["python", "-c", "print(2)"])
        """,
        follow=False,
    )
    assert programs.files() == ["trace.mlyze"]


def test_nothing_is_followed_after_the_recording(run: Any, programs: Any) -> None:
    run(
        """
        import os, subprocess, sys, memlyze
        memlyze.start(sys.argv[1])
        memlyze.stop()
        subprocess.run([sys.executable, "-c", "pass"])
        if os.fork() == 0:
            os._exit(0)
        os.wait()
        """
    )
    assert programs.files() == ["trace.mlyze"]


def test_wrong_arguments_are_answered_as_without(same: Any) -> None:
    same(
        """
        import os, subprocess, sys, _posixsubprocess
        p = sys.executable
        class Odd:
            def keys(self): return ["A"]
            def values(self): raise KeyError("no values")
            def items(self): return [("A", "B")]
            def __getitem__(self, key): raise KeyError("no item")
            def __len__(self): return 1
        for call in (
            lambda: os.execv(), lambda: os.execv(p), lambda: os.execv(p, []),
            lambda: os.execve(p, ["p"], 1), lambda: os.execve(p, ["p"], {1: 2}),
            lambda: os.execve(sys.executable, ["p"], {"A=": "1"}),
            lambda: os.execve(sys.executable, ["p"], {"PYTHONPATH": 3}),
            lambda: os.execve(sys.executable, ["p"], Odd()),
            lambda: os.execve(sys.executable, ["p"], None),
            # None is right from 3.13 on.
            lambda: os.posix_spawn(p, ["p"], None if sys.version_info < (3, 13) else 1),
            lambda: os.posix_spawn(sys.executable, ["p"], Odd()),
            lambda: os.posix_spawn(sys.executable, ["p"], {"A": "B"}, nonsense=1),
            lambda: os.posix_spawn(sys.executable), lambda: os.posix_spawn("p\\0", ["p"], {}),
            lambda: os.execve(2.5, ["p"], {}), lambda: os._exit(), lambda: os._exit(1, 2),
            lambda: _posixsubprocess.fork_exec(), lambda: _posixsubprocess.fork_exec(*range(7)),
            lambda: subprocess.run([sys.executable, "-c", ""], env={"A": 1}),
        ):
            try:
                print(call())
            except BaseException as error:
                print(type(error), error)
        """
    )


def test_interrupt_while_the_environment_is_asked_for_is_not_lost(same: Any) -> None:
    same(
        """
        import os, sys
        class Interrupted(dict):
            def keys(self):
                raise KeyboardInterrupt
        try:
            os.execve(sys.executable, ["p"], Interrupted(A="B"))
        except KeyboardInterrupt:
            print("interrupted")
        """
    )


def test_functions_are_the_same_objects_and_look_the_same(same: Any) -> None:
    same(
        """
        import os, posix, sys
        print([(f.__name__, f.__module__, f.__text_signature__, f is getattr(posix, f.__name__))
               for f in (os._exit, os.execv, os.execve, os.posix_spawn)])
        """
    )


@pytest.mark.parametrize("exact", [True, False])
def test_vfork_children_write_nothing(same: Any, programs: Any, exact: bool) -> None:
    """A child of vfork has its parent's memory: were it to record, the parent's trace would be
    wrong.
    """
    done = same(
        """
        import subprocess
        for number in range(50):
            print(subprocess.run(["true"]).returncode)
            try:
                subprocess.run(["/does/not/exist"])
            except FileNotFoundError:
                print("none")
        """,
        sample_rate=1.0 if exact else 0.0,
    )
    done.trace.check_sound()
    assert programs.files() == ["trace.mlyze"]


def test_child_that_cannot_write_goes_on_and_says_so(programs: Any) -> None:
    done = programs.run(
        """
        import os, sys
        kept = [bytes(50_001)]
        if os.fork() == 0:
            print("child")
            sys.stdout.flush()
            os.rename("traces", "elsewhere")
            if os.fork() == 0:
                print("grandchild")
                sys.stdout.flush()
                os._exit(0)
            os.wait()
            os._exit(0)
        os.wait()
        print("parent")
        """,
        options={"output_file": str(_folder(programs) / "trace.mlyze")},
    )
    assert (done.status, done.lines) == (0, ["child", "grandchild", "parent"])
    told = re.findall(r"^memlyze: process \d+ is not recorded: .*$", done.stderr, re.MULTILINE)
    assert len(told) == 1 and "No such file" in told[0]
    assert "Traceback" not in done.stderr


def _folder(programs: Any) -> Any:
    folder = programs.directory / "traces"
    folder.mkdir()
    return folder


def test_file_that_has_the_name_already_stays(record: Any, programs: Any) -> None:
    record(
        """
        import os, sys
        with open(f"trace.{os.getpid()}.mlyze", "w") as file:
            file.write("an earlier one")
        os.execv(sys.executable, [sys.executable, "-c", "kept = bytes(60_001)"])
        """
    )
    (child,) = programs.family()
    assert child.one(60_034)
    pid = child.metadata["process_id"]
    assert programs.files() == [f"trace.{pid}-2.mlyze", f"trace.{pid}.mlyze", "trace.mlyze"]
    assert (programs.directory / f"trace.{pid}.mlyze").read_text() == "an earlier one"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_killed_child_leaves_a_readable_trace(programs: Any, number: int) -> None:
    with programs.started(
        """
        import os, time
        pid = os.fork()
        if pid == 0:
            kept = [bytes(60_001)]
            time.sleep(0.5)
            os.kill(os.getpid(), int(os.environ["NUMBER"]))
        os.waitpid(pid, 0)
        """,
        options={},
        env={"NUMBER": str(int(number))},
    ) as process:
        assert process.wait(timeout=60) == 0
    (child,) = programs.family()
    child.check_sound()
    assert child.one(60_034)
    assert child.is_complete == (number == signal.SIGTERM)


def test_no_descriptor_of_the_recorder_is_in_the_childs_table(same: Any) -> None:
    same(
        """
        import os, sys
        def listed():
            return sorted(int(name) for name in os.listdir("/proc/self/fd"))
        print(listed())
        sys.stdout.flush()
        if os.fork() == 0:
            print(listed())
            sys.stdout.flush()
            if os.fork() == 0:
                print(listed())
                sys.stdout.flush()
                os._exit(0)
            os.wait()
            print(listed())
            sys.stdout.flush()
            code = "import os; print(os.listdir('/proc/self/fd'))"
            os.execv(sys.executable, [sys.executable, "-c", code])
        os.wait()
        """
    )


def test_os_exit_within_a_handler_of_fork_ends(same: Any) -> None:
    """There is no helper thread between the handlers: nobody must wait for it."""
    same(
        """
        import os
        os.register_at_fork(before=lambda: os._exit(5))
        os.fork()
        """
    )


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="no /proc")
def test_child_that_is_not_followed_has_no_thread(same: Any) -> None:
    same(
        """
        import os
        if os.fork() == 0:
            print(len(os.listdir("/proc/self/task")), flush=True)
            os._exit(0)
        os.wait()
        """,
        follow=False,
    )


def test_fork_within_a_collection_leaves_no_wrong_row(record: Any, programs: Any) -> None:
    record(
        """
        import gc, os
        class Forks:
            def __del__(self):
                self.pid = os.fork()
                forked.append(self.pid)
        forked = []
        first = Forks()
        first.itself = first
        del first
        gc.collect()
        assert len(forked) == 1
        gc.collect()
        kept = bytes(60_001)
        if forked[0]:
            os.waitpid(forked[0], 0)
        """
    )
    (child,) = programs.family()
    child.check_sound()
    assert child.one(60_034)
    assert child.gc and all(0 <= row["duration_ns"] < 10**10 for row in child.gc)
