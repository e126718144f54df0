"""Starting and stopping: what is refused, what goes on, what is in the file."""

from __future__ import annotations

import os
from typing import Any

import pytest
from recorded import short


def test_second_start_is_refused_and_the_first_goes_on(run: Any) -> None:
    done = run(
        """
        import sys, memlyze
        first = memlyze.start(sys.argv[1], sample_rate=1.0)
        kept = [bytes(50_001)]
        other = memlyze.Tracer(output_file="other.mlyze")
        for attempt in (memlyze.start, first.start, other.start):
            try:
                attempt()
            except memlyze.MemlyzeError as error:
                print(type(error).__name__, error)
        assert memlyze.active_tracer() is first and first.is_active
        kept.append(bytes(50_002))
        first.stop()
        assert memlyze.active_tracer() is None and not first.is_active
        """
    )
    assert len(done.lines) == 3
    for line in done.lines:
        assert line.startswith(f"TracerStateError already recording into {done.trace_path}")
        assert "memlyze.stop()" in line
    trace = done.trace
    assert trace.one(50_034).size and trace.one(50_035).size
    assert not (done.trace_path.parent / "other.mlyze").exists()
    assert trace.is_complete
    assert trace.metadata["stop_reason"] == "stop"


def test_what_the_start_itself_makes_is_not_recorded(run: Any) -> None:
    """Nor what it imports, with the folders that the import system then reads."""
    done = run(
        """
        import sys, memlyze
        assert "_posixsubprocess" not in sys.modules
        tracer = memlyze.start(sys.argv[1], sample_rate=1.0, checkpoint_signal="SIGUSR1")
        kept = bytes(50_001)
        tracer.stop()
        """
    )
    assert done.trace.one(50_034).size
    stacks = {row.stack_id for row in done.trace.allocations()} - {0}
    frames = {frame for stack in stacks for frame in done.trace.stack(stack)}
    own = {short(frame.function) for frame in frames if frame.file.endswith("tracer.py")}
    assert "start" not in own
    assert "stop" in own  # they are told by these names


def test_stop_without_a_start_is_refused(run: Any) -> None:
    done = run(
        """
        import memlyze
        tracer = memlyze.Tracer(output_file="unused.mlyze")
        for attempt in (memlyze.stop, tracer.stop):
            try:
                attempt()
            except memlyze.MemlyzeError as error:
                print(type(error).__name__, error)
        """
    )
    expected = "TracerStateError not recording; start with memlyze.start() first"
    assert done.lines == [expected, expected]


def test_tracer_cannot_be_used_twice(run: Any) -> None:
    done = run(
        """
        import sys, memlyze
        tracer = memlyze.start(sys.argv[1])
        tracer.stop()
        for attempt in (tracer.start, tracer.stop):
            try:
                attempt()
            except memlyze.MemlyzeError as error:
                print(error)
        print(repr(tracer).replace(sys.argv[1], "X"))
        """
    )
    assert "has been used" in done.lines[0] and "not recording" in done.lines[1]
    assert done.lines[2] == "<memlyze.Tracer stopped 'X'>"


def test_several_recordings_in_one_process_hold_what_was_allocated_in_each(run: Any) -> None:
    done = run(
        """
        import memlyze
        kept = []
        options = [dict(sample_rate=1.0), dict(sample_rate=1.0, max_stack_depth=5),
                   dict(sample_interval=1), dict(sample_rate=0.9999), dict(sample_rate=1.0)]
        def allocate(depth, size):
            if depth:
                allocate(depth - 1, size)
            else:
                kept.append(bytes(size))
        for number, chosen in enumerate(options):
            with memlyze.Tracer(output_file=f"{number}.mlyze", **chosen):
                allocate(10, 60_000 + number)
                kept.append(bytes(50_000 + number))
                if number:
                    del kept[0]
        """
    )
    for number in range(5):
        trace = done._replace(trace_path=done.trace_path.with_name(f"{number}.mlyze")).trace
        for other in range(5):
            expected = 1 if other == number else 0
            assert len(trace.allocations(50_033 + other)) == expected
            assert len(trace.allocations(60_033 + other)) == expected
        functions = trace.functions_of(60_033 + number)
        assert functions == (
            ["allocate"] * (len(functions) - 1) + ["<truncated>"]
            if number == 1
            else ["allocate"] * 11 + ["<module>"]
        )
        trace.check_sound()


def test_context_manager_stops_when_an_exception_leaves_it(run: Any) -> None:
    done = run(
        """
        import sys, memlyze
        try:
            with memlyze.Tracer(output_file=sys.argv[1], sample_rate=1.0) as tracer:
                raise KeyError("mine")
        except KeyError as error:
            print(error, memlyze.active_tracer())
        with memlyze.Tracer(output_file="2.mlyze") as tracer:
            memlyze.stop()      # and leaving it is no error
        """
    )
    assert done.lines == ["'mine' None"]
    assert done.trace.is_complete


def test_program_that_ends_while_recording_has_a_complete_trace(record: Any) -> None:
    trace = record("kept = [bytes(50_001)]").trace
    assert trace.is_complete
    assert trace.metadata["stop_reason"] == "exit"
    assert trace.metadata["end_ns"] > 0


def test_existing_file_is_refused_and_replaced_with_force(run: Any) -> None:
    done = run(
        """
        import os, sys, memlyze
        path = sys.argv[1]
        open(path, "w").write("precious")
        try:
            memlyze.start(path)
        except memlyze.MemlyzeError as error:
            print(type(error).__name__, error)
        print(open(path).read(), memlyze.active_tracer())
        reader = open(path)
        memlyze.start(path, force=True)
        memlyze.stop()
        print(reader.read())    # whoever reads the old one still does
        """
    )
    assert done.lines[0] == (
        f"TraceWriteError {done.trace_path} exists already; choose another output_file, or replace "
        "it with force=True (--force)"
    )
    assert done.lines[1:] == ["precious None", "precious"]
    assert done.trace.is_complete


def test_force_replaces_no_pipe_device_or_directory(run: Any) -> None:
    done = run(
        """
        import os, stat, memlyze
        os.mkfifo("pipe")
        os.mkdir("directory")
        os.symlink("/dev/null", "link")
        for path in ("pipe", "directory", "link"):
            for force in (False, True):
                try:
                    memlyze.start(path, force=force)
                except memlyze.MemlyzeError as error:
                    print(str(error).replace(os.getcwd() + "/", ""))
        print(stat.S_ISFIFO(os.stat("pipe").st_mode))
        print(os.path.isdir("directory"), os.path.islink("link"))
        """
    )
    assert done.lines[-2:] == ["True", "True True"]
    assert len(done.lines) == 8
    assert all("choose another output_file" in line for line in done.lines[:6])


@pytest.mark.parametrize("path", ["missing/directory/x.mlyze", "file/x.mlyze", "x" * 300])
def test_path_that_cannot_be_written_is_named_with_the_reason(run: Any, path: str) -> None:
    done = run(
        f"""
        import memlyze, os
        open("file", "w").close()
        try:
            memlyze.start({path!r})
        except memlyze.MemlyzeError as error:
            print(type(error).__name__, isinstance(error, OSError), error)
        print(memlyze.active_tracer(), sorted(os.listdir()))
        """
    )
    directory = done.trace_path.parent
    assert done.lines[0].startswith(
        f"TraceWriteError True cannot write the trace {directory}/{path}: "
    )
    assert done.lines[0].endswith("; choose another output_file")
    assert done.lines[1] == "None ['file', 'program.py']"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_directory_without_permission_is_named(run: Any) -> None:
    done = run(
        """
        import memlyze, os
        os.mkdir("locked", 0o500)
        try:
            memlyze.start("locked/x.mlyze")
        except memlyze.MemlyzeError as error:
            print(error)
        """
    )
    assert "Permission denied" in done.stdout


def test_process_id_in_the_path(run: Any) -> None:
    done = run(
        """
        import memlyze, os
        with memlyze.Tracer(output_file="{pid}-{pid}.mlyze") as tracer:
            print(os.path.basename(tracer.output_file) == f"{os.getpid()}-{os.getpid()}.mlyze")
        print(os.path.exists(tracer.output_file))
        """
    )
    assert done.lines == ["True", "True"]


@pytest.mark.parametrize(
    "name",
    ["b'bytes.mlyze'", "__import__('pathlib').Path('p.mlyze')", "'ü🐍.mlyze'", "b'\\xff.mlyze'"],
)
def test_kinds_of_paths(run: Any, name: str) -> None:
    done = run(
        f"""
        import memlyze, os
        memlyze.start({name})
        memlyze.stop()
        print(os.path.getsize({name}) > 100)
        """
    )
    assert done.lines == ["True"]


def test_failed_start_leaves_nothing_behind(same: Any, run: Any) -> None:
    done = run(
        """
        import atexit, gc, os, sys, threading, memlyze
        def state():
            return (threading.Thread._set_native_id, len(gc.callbacks),
                    len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")))
        before = state()
        for _ in range(3):
            try:
                memlyze.start("missing/x.mlyze")
            except memlyze.MemlyzeError:
                pass
        print(state() == before)
        """
    )
    assert done.lines == ["True"]


def test_stop_leaves_nothing_behind(run: Any) -> None:
    done = run(
        """
        import gc, os, sys, threading, tracemalloc, memlyze
        tracemalloc.start()
        def state():
            return (threading.Thread._set_native_id, threading.Thread.start, tracemalloc.stop,
                    list(gc.callbacks), sorted(os.listdir("/proc/self/fd")),
                    len(os.listdir("/proc/self/task")))
        before = state()
        for number in range(3):
            memlyze.start(sys.argv[1], force=True, sample_rate=1.0)
            memlyze.stop()
            print(state() == before)
        """
    )
    assert done.lines == ["True"] * 3


def test_metadata_tells_the_options_and_the_program(run: Any) -> None:
    done = run(
        """
        import os, sys, memlyze
        memlyze.start(sys.argv[1], sample_rate=0.25, sample_interval=1000, max_stack_depth=77,
                      track_gc=False, memory_interval_ms=20, when_full="drop")
        memlyze.stop()
        print(os.getpid(), os.getppid())
        """
    )
    metadata = done.trace.metadata
    expected = {
        "sample_rate": 0.25,
        "sample_interval": 1000,
        "max_stack_depth": 77,
        "track_gc": False,
        "memory_interval_ms": 20,
        "when_full": "drop",
        "format_version": 1,
        "working_directory": str(done.trace_path.parent),
        "process_id": int(done.stdout.split()[0]),
        "parent_process_id": int(done.stdout.split()[1]),
    }
    assert {key: metadata[key] for key in expected} == expected
    assert metadata["command_line"][-1] == str(done.trace_path)
    assert metadata["writer_cpu_ns"] > 0 and metadata["tracer_peak_bytes"] > 0


def test_memory_clock_ticks(run: Any) -> None:
    done = run(
        """
        import sys, time, memlyze
        memlyze.start(sys.argv[1], sample_rate=1.0, memory_interval_ms=5)
        kept = bytearray(64 << 20)
        for page in range(0, len(kept), 4096): kept[page] = 1
        until = time.monotonic() + 0.5
        while time.monotonic() < until: pass
        memlyze.stop()
        """
    )
    memory = done.trace.memory
    times = [tick["time_ns"] for tick in memory]
    assert times == sorted(times)
    assert len(memory) > 10
    assert memory[-1]["rss"] > 64 << 20
    assert memory[-1]["heap_live"] >= 64 << 20
    assert all(tick["tracer_bytes"] > 0 for tick in memory)


def test_chdir_before_the_stop(record: Any) -> None:
    done = record(
        """
        import os
        kept = [bytes(50_001)]
        os.chdir("/")
        """,
        output_file="relative.mlyze",
    )
    trace = done._replace(trace_path=done.trace_path.with_name("relative.mlyze")).trace
    assert trace.is_complete
    assert trace.one(50_034)


@pytest.mark.skipif(not hasattr(os, "uname") or os.uname().machine != "x86_64", reason="x86-64")
def test_child_made_behind_the_back_of_the_fork_handlers_runs_on(same: Any) -> None:
    done = same(
        """
        import ctypes, os, sys
        fork = 57  # as the system call: glibc runs no handlers, and the child has no helper thread
        child = ctypes.CDLL(None).syscall(fork)
        if child == 0:
            for number in range(200_000):
                [number]
            sys.exit(3)
        print(os.waitpid(child, 0)[1])
        """
    )
    assert done.lines == [str(3 << 8)]


def test_a_recording_brings_little_for_the_collector_to_go_through(run: Any) -> None:
    """Each collection of all objects goes through the recorder's, too."""
    done = run(
        """
        import gc, sys, threading
        gc.collect()
        before, modules = len(gc.get_objects()), set(sys.modules)
        import memlyze
        memlyze.start(sys.argv[1])
        gc.collect()
        print(len(gc.get_objects()) - before)
        print(*(set(sys.modules) - modules))
        """
    )
    objects, modules = done.lines
    assert int(objects) < 550
    rarely_needed = {"carrying", "parts", "signals", "windows"}
    assert not {f"memlyze.{name}" for name in rarely_needed} & set(modules.split())
    assert not {"math", "warnings", "_tracemalloc"} & set(modules.split())
