"""File descriptors: the program's are its own, and it neither sees nor disturbs the recorder's."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest
import seccomp

SEEN = """
import os
def seen():
    listing = os.open("/proc/self/fd", os.O_RDONLY)
    found = sorted(map(int, os.listdir(listing)))
    os.close(listing)
    return found
"""


def test_program_sees_no_descriptor_of_ours(same: Any, own_table: Any) -> None:
    same(
        SEEN
        + """
import sys, time
print(seen())
time.sleep(0.3)
print(seen(), flush=True)
if os.fork() == 0:
    print(seen(), flush=True)
    os._exit(0)
os.wait()
print(seen())
print(os.open("/dev/null", os.O_RDONLY))
""",
        popen=own_table,
        flags=("-W", "error"),
    )


def test_shared_table_is_what_the_other_tests_believe_it_is(programs: Any) -> None:
    done = programs.run(SEEN + "print(len(seen()))", options={}, **seccomp.popen("shared"))
    plain = programs.run(SEEN + "print(len(seen()))", **seccomp.popen("shared"))
    assert int(done.stdout) == int(plain.stdout) + 5  # trace, memory clock, mappings, memory, pages


def test_descriptors_that_the_program_closes_are_closed(run: Any, own_table: Any) -> None:
    """A copy of ours would keep the pipe from its end, and the file locked."""
    done = run(
        """
        import fcntl, os, sys, memlyze
        null = os.open(os.devnull, os.O_RDONLY)
        def use():
            read, write = os.pipe()
            os.dup2(write, 0)                       # also where standard input was
            file = os.open("locked", os.O_RDWR | os.O_CREAT)
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
            os.dup2(null, 0)
            os.close(write)
            os.close(file)
            os.set_blocking(read, False)
            print(os.read(read, 1))
            file = os.open("locked", os.O_RDWR)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.close(file)
            os.close(read)
            yield
        uses = use()
        next(uses)
        memlyze.start(sys.argv[1], sample_rate=1.0)
        next(uses)
        uses = use()
        next(uses)
        if os.fork() == 0:
            os._exit(0)
        os.wait()                                   # another helper thread has begun
        next(uses)
        """,
        **own_table,
    )
    assert done.lines == ["b''"] * 2
    done.trace.check_sound()


def test_record_locks_of_the_program_stay(run: Any, own_table: Any) -> None:
    """Those of fcntl end with any close of the file in the process, other than in its copies."""
    done = run(
        """
        import fcntl, os, sys, memlyze
        file = os.open("locked", os.O_RDWR | os.O_CREAT)
        fcntl.lockf(file, fcntl.LOCK_EX)
        def is_locked():
            if os.fork() == 0:
                try:
                    fcntl.lockf(os.open("locked", os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os._exit(1)
                os._exit(0)
            return os.wait()[1] >> 8 == 1
        memlyze.start(sys.argv[1])
        print(is_locked(), is_locked())
        memlyze.stop()
        print(is_locked())
        """,
        **own_table,
    )
    assert done.lines == ["True True", "True"]


def test_daemon_that_closes_all_descriptors_is_recorded_on(same: Any, any_table: Any) -> None:
    done = same(
        """
        import os, time
        kept = [bytes(50_001)]
        os.closerange(3, 65_536)
        time.sleep(0.3)
        kept.append(bytes(50_002))
        """,
        popen=any_table,
    )
    trace = done.trace
    assert trace.is_complete
    assert trace.one(50_034) and trace.one(50_035)
    assert trace.memory[-1]["rss"] > 0


def test_file_of_the_program_at_any_descriptor_is_never_written_to(
    same: Any, own_table: Any
) -> None:
    """Nor read or closed: again and again while the helper thread works."""
    done = same(
        """
        import os, time
        file = os.open("precious.txt", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.write(file, b"precious")
        kept = [bytes(50_001)]
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            for number in range(3, 300):
                if number != file:
                    os.dup2(file, number)
                    [str(number) for number in range(30)]
            os.closerange(file + 1, 300)
        for number in range(3, 300):
            os.dup2(file, number)
        kept.append(bytes(50_002))
        print(open("precious.txt").read())
        """,
        popen=own_table,
    )
    assert (done.trace_path.parent / "precious.txt").read_text() == "precious"
    trace = done.trace
    assert trace.is_complete
    assert trace.one(50_034) and trace.one(50_035)
    trace.check_sound()


def test_descriptor_that_is_replaced_while_no_helper_thread_is_there(
    run: Any, any_table: Any
) -> None:
    """Around a fork the trace is in the program's table, whatever table it is in otherwise."""
    done = run(
        """
        import os, sys
        read, write = os.pipe()
        def replace_all():
            for number in range(3, 300):
                if number not in (read, write):
                    os.dup2(write, number)
        os.register_at_fork(before=replace_all)     # runs after what was registered later
        import memlyze
        memlyze.start(sys.argv[1], sample_rate=1.0)
        kept = [bytes(50_001)]
        if os.fork() == 0:
            os._exit(0)
        os.wait()
        os.closerange(write, 300)
        os.set_blocking(read, False)
        print(os.read(read, 1))                     # nothing was written, and nothing is kept open
        kept.append(bytes(50_002))
        """,
        **any_table,
    )
    assert done.lines == ["b''"]
    trace = done.trace
    assert trace.is_complete
    assert trace.one(50_034) and trace.one(50_035)


def test_trace_that_was_renamed_is_written_on_after_a_fork(run: Any, any_table: Any) -> None:
    done = run(
        """
        import os, subprocess, sys, memlyze
        memlyze.start(sys.argv[1], sample_rate=1.0)
        kept = [bytes(50_001)]
        os.rename(sys.argv[1], "renamed.mlyze")
        if os.fork() == 0:
            os._exit(0)
        os.wait()
        subprocess.run(["true"], preexec_fn=lambda: None)
        kept.append(bytes(50_002))
        """,
        **any_table,
    )
    trace = done._replace(trace_path=done.trace_path.with_name("renamed.mlyze")).trace
    assert trace.is_complete
    assert trace.one(50_034) and trace.one(50_035)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_trace_is_written_on_after_a_fork_without_the_rights_to_it(
    run: Any, any_table: Any
) -> None:
    done = run(
        """
        import os, sys, memlyze
        os.umask(0o077)
        memlyze.start(sys.argv[1], sample_rate=1.0)
        kept = [bytes(50_001)]
        os.setuid(65_534)
        try:
            open(sys.argv[1])
        except PermissionError:
            print("no rights")
        if os.fork() == 0:
            os._exit(0)
        os.wait()
        kept.append(bytes(50_002))
        """,
        **any_table,
    )
    assert done.lines == ["no rights"]
    trace = done.trace
    assert trace.is_complete
    assert trace.one(50_034) and trace.one(50_035)


def test_few_descriptors_allowed(same: Any) -> None:
    done = same(
        """
        import os, resource, time
        print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        opened = []
        try:
            while True:
                opened.append(os.open("/dev/null", os.O_RDONLY))
        except OSError as error:
            print(error.strerror, opened)
        kept = [bytes(50_001)]
        if os.fork() == 0:
            os._exit(0)
        os.wait()
        kept.append(bytes(50_002))
        """,
        popen={"preexec_fn": _few_descriptors},
        follow=False,
    )
    trace = done.trace
    assert trace.is_complete
    assert trace.one(50_034) and trace.one(50_035)
    assert trace.memory[-1]["rss"] > 0


def _few_descriptors() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))


@pytest.mark.parametrize("descriptors", ["0", "0 1 2", "2", "1 2"])
def test_standard_descriptors_that_are_closed_stay_free_for_the_program(
    programs: Any, descriptors: str
) -> None:
    source = """
        import os
        file = os.open("out.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(file, str([file, os.dup(file)]).encode())
        """
    programs.write(source)
    redirections = " ".join(f"{number}>&-" for number in descriptors.split())
    results = []
    for options in (None, {}):
        command = f"exec {sys.executable} inner.py {redirections}"
        shell = f"import os\nos.execv('/bin/sh', ['sh', '-c', {command!r}])"
        programs.write(source, "inner.py")
        environment = {}
        if options is not None:
            import json

            environment["INNER"] = json.dumps(
                {"output_file": str(programs.trace_path), "sample_rate": 1.0}
            )
        done = programs.run(
            "import os\n"
            "if 'INNER' in os.environ: os.environ['MEMLYZE_TEST_RECORD'] = os.environ['INNER']\n"
            + shell,
            env=environment,
        )
        results.append((done.status, (programs.directory / "out.txt").read_text()))
    assert results[0] == results[1]
    assert results[0][0] == 0
    done.trace.check_sound()
