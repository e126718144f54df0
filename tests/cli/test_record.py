"""`memlyze record`: where the trace goes, what is said about it, and what is refused beforehand."""

from __future__ import annotations

import os
import re
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Runner, clean_environment, run_python
from known_trace import write_known_trace

import memlyze as memlyze_package

ALLOCATE = "keep = [bytearray(1 << 20) for _ in range(8)]\n"


@pytest.fixture
def app(tmp_path: Path) -> str:
    (tmp_path / "app.py").write_text(f"def work():\n    global keep\n    {ALLOCATE}\nwork()\n")
    return "app.py"


def traces(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.mlyze"))


def test_trace_is_named_after_program_and_process_so_that_runs_do_not_collide(
    app: str, memlyze: Runner, tmp_path: Path
) -> None:
    for _ in range(2):
        assert memlyze("record", "-q", app).returncode == 0
    names = traces(tmp_path)
    assert len(names) == 2
    for name in names:
        with memlyze_package.open(tmp_path / name) as trace:
            assert name == f"app.{trace.metadata['process_id']}.mlyze"


REMOVE_STATUS_FILE = """
import glob, os, tempfile
for path in glob.glob(os.path.join(tempfile.gettempdir(), "*.status")):
    os.unlink(path)
"""


@pytest.mark.parametrize("options", [["-o", "t.mlyze"], []])
def test_status_of_the_program_counts_though_somebody_cleans_the_temporary_folder(
    options: list[str], app: str, memlyze: Runner, tmp_path: Path
) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / app).write_text(f"{REMOVE_STATUS_FILE}\n{ALLOCATE}")
    environment = {**clean_environment(), "TMPDIR": str(tmp_path / "tmp")}
    result = memlyze("record", *options, app, env=environment)
    assert result.returncode == 0
    assert len(traces(tmp_path)) == 1
    assert str(tmp_path / traces(tmp_path)[0]) in result.stderr


def test_trace_is_found_though_the_program_could_not_tell_where_it_is(
    memlyze: Runner, tmp_path: Path
) -> None:
    """A shell removes the file before Python starts."""
    (tmp_path / "tmp").mkdir()
    environment = {**clean_environment(), "TMPDIR": str(tmp_path / "tmp")}
    script = f"rm tmp/*.status; {sys.executable} -c 'keep = [bytes(1 << 20)]'"
    for options in ["-o", "t.mlyze"], []:
        result = memlyze("record", *options, "--", "sh", "-c", script, env=environment)
        assert result.returncode == 0
        (trace,) = set(traces(tmp_path)) - (set() if options else {"t.mlyze"})
        assert str(tmp_path / trace) in result.stderr
    script = "rm tmp/*.status"
    result = memlyze("record", "-o", "u.mlyze", "--", "sh", "-c", script, env=environment)
    assert "somebody removed" in result.stderr


#: Reports to nobody, as a set-uid program of another user does, which may not open the file.
UNHEARD = """
import os, re, sys
record = os.environ["MEMLYZE_RECORD"]
os.environ["MEMLYZE_RECORD"] = re.sub("status_file=s:[^\\x1f]*", "status_file=s:/no/where", record)
os.execv(sys.executable, [sys.executable, "-c", "keep = [bytes(1 << 20)]"])
"""


@pytest.mark.parametrize("options", [["-o", "t.mlyze"], ["-o", "t.mlyze.{pid}"], []])
def test_trace_is_found_of_a_program_that_may_not_tell_where_it_is(
    options: list[str], memlyze: Runner, tmp_path: Path
) -> None:
    earlier = [tmp_path / "t.mlyze.1", tmp_path / "sh.1.mlyze"]
    for path in earlier:
        write_known_trace(path)
    (tmp_path / "sh.2.mlyze").write_text("no trace")
    there = set(tmp_path.iterdir())
    start = f'exec {sys.executable} -S -c "$0"'
    result = memlyze("record", *options, "--", "sh", "-c", start, UNHEARD)
    assert result.returncode == 0, result.stderr
    (trace,) = set(tmp_path.iterdir()) - there
    assert f"memlyze: {trace}\n" in result.stderr


def where_the_folder_is_gone(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `memlyze` in a folder that has been removed."""
    (tmp_path / "gone").mkdir()
    run = 'rmdir "$PWD"; exec "$@"'
    return subprocess.run(
        ["sh", "-c", run, "sh", sys.executable, "-m", "memlyze", *arguments],
        cwd=tmp_path / "gone",
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_program_is_recorded_where_the_working_directory_is_gone(tmp_path: Path) -> None:
    program = tmp_path / "app.py"
    program.write_text("keep = [bytes(1 << 20)]\nprint('ran')\n")
    output_file = str(tmp_path / "t.mlyze")
    for arguments in [str(program)], [sys.executable, str(program)]:
        result = where_the_folder_is_gone(tmp_path, "record", "-f", "-o", output_file, *arguments)
        assert (result.returncode, result.stdout) == (0, "ran\n")
        assert f"Next: memlyze leaks {output_file}" in result.stderr
    result = where_the_folder_is_gone(tmp_path, "summary", output_file)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["record", "{program}"], 2),
        (["record", "-o", "t.mlyze", "{program}"], 2),
        (["export", "--format", "pprof", "-o", "t.pb.gz", "{trace}"], 1),
    ],
)
def test_working_directory_that_is_gone_is_the_cause(
    arguments: list[str], status: int, tmp_path: Path
) -> None:
    program, trace = tmp_path / "app.py", tmp_path / "trace.mlyze"
    program.write_text("print('ran')\n")
    write_known_trace(trace)
    words = [word.format(program=program, trace=trace) for word in arguments]
    result = where_the_folder_is_gone(tmp_path, *words)
    assert (result.returncode, result.stdout) == (status, "")
    assert "the working directory has been removed; " in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "name"),
    [(["-c", "pass"], "code"), (["-m", "this"], "this"), (["-m", "json.tool"], "json.tool")],
)
def test_module_and_code_name_the_trace(
    arguments: list[str], name: str, memlyze: Runner, tmp_path: Path
) -> None:
    memlyze("record", "-q", *arguments)
    assert re.match(rf"{re.escape(name)}\.\d+\.mlyze$", traces(tmp_path)[0])


def test_summary_says_where_the_trace_is_what_it_shows_and_what_to_type_next(
    app: str, memlyze: Runner, tmp_path: Path
) -> None:
    result = memlyze("record", "--sample-rate", "1.0", "-o", "t.mlyze", app)
    assert (result.returncode, result.stdout) == (0, "")
    said = result.stderr
    assert str(tmp_path / "t.mlyze") in said
    for words in ("duration", "peak resident", "allocated", "every allocation recorded"):
        assert words in said
    assert re.search(r"8\.0\d MiB +8\.0\d MiB +app\.py:3 (work|<listcomp>)", said)
    leaks_line, peak_line, serve_line = said.strip().splitlines()[-3:]
    assert re.match(r"Next: memlyze leaks t\.mlyze +# ", leaks_line)
    assert re.match(r" +memlyze peak t\.mlyze +# ", peak_line)
    assert re.match(r" +memlyze serve t\.mlyze +# ", serve_line)
    assert memlyze("leaks", "t.mlyze").returncode == 0


def test_sampled_summary_has_error_bars_or_says_too_few(memlyze: Runner) -> None:
    code = "def work(): return [bytearray(100_000) for _ in range(400)]\nkeep = work()"
    said = memlyze("record", "--seed", "1", "-o", "t.mlyze", "-c", code).stderr
    assert re.search(r"±[<\d.]+ %.* (work|<listcomp>)", said)
    few = memlyze("record", "--sample-interval", "1G", "-o", "u.mlyze", "-c", code)
    assert few.returncode == 0
    assert "work" not in few.stderr or "sample" in few.stderr


def test_quiet_says_nothing(app: str, memlyze: Runner) -> None:
    result = memlyze("record", "--quiet", app)
    assert (result.stdout, result.stderr) == ("", "")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_what_is_no_regular_file_is_not_replaced(memlyze: Runner, tmp_path: Path) -> None:
    os.mkfifo(str(tmp_path / "pipe"))
    done = memlyze("record", "-f", "-o", "pipe", "-c", "print('ran')")
    assert done.returncode == 2
    assert "pipe is no regular file" in done.stderr and "ran" not in done.stdout
    assert (tmp_path / "pipe").is_fifo()


def test_program_is_not_replaced_by_its_trace(memlyze: Runner, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print('ran')")
    result = memlyze("record", "--force", "-o", "app.py", "app.py")
    assert (result.returncode, result.stdout) == (2, "")
    assert "-o would overwrite the program's own app.py" in result.stderr
    assert (tmp_path / "app.py").read_text() == "print('ran')"


@pytest.mark.parametrize("name", ["line\nfeed.mlyze", "a\ttab.mlyze", "a\rreturn.mlyze"])
def test_trace_with_a_control_character_in_its_name_is_found(
    name: str, memlyze: Runner, tmp_path: Path
) -> None:
    result = memlyze("record", "-q", "-o", name, "-c", "print('ran')")
    assert (result.returncode, result.stdout, result.stderr) == (0, "ran\n", "")
    with memlyze_package.open(tmp_path / name) as trace:
        assert trace.is_complete


def test_existing_file_is_refused_before_the_program_runs(memlyze: Runner, tmp_path: Path) -> None:
    (tmp_path / "t.mlyze").write_text("precious")
    result = memlyze("record", "-o", "t.mlyze", "-c", "print('ran')")
    assert (result.returncode, result.stdout) == (2, "")
    assert "--force" in result.stderr
    assert (tmp_path / "t.mlyze").read_text() == "precious"
    forced = memlyze("record", "-q", "--force", "-o", "t.mlyze", "-c", "print('ran')")
    assert (forced.returncode, forced.stdout) == (0, "ran\n")
    with memlyze_package.open(tmp_path / "t.mlyze") as trace:
        assert trace.is_complete


@pytest.mark.parametrize(
    ("output_file", "advice"),
    [
        ("missing/t.mlyze", "there is no folder"),
        (".", "is a folder"),
        ("/proc/t.mlyze", "cannot be written|cannot write|not permitted|No such file"),
    ],
)
def test_place_that_cannot_be_written_is_said(
    output_file: str, advice: str, memlyze: Runner
) -> None:
    result = memlyze("record", "-o", output_file, "-c", "print('ran')")
    assert re.search(advice, result.stderr)
    if output_file != "/proc/t.mlyze":  # where root may write, as far as anybody can tell before
        assert (result.returncode, result.stdout) == (2, "")


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_folder_without_permission_is_refused(memlyze: Runner, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    result = memlyze("record", "-o", "locked/t.mlyze", "-c", "print('ran')")
    assert (result.returncode, result.stdout) == (2, "")


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ([], "nothing to run"),
        (["--sample-rate", "2", "app.py"], r"sample_rate must be .* 0\.0 to 1\.0.*--sample-rate"),
        (["--sample-rate", "much", "app.py"], "--sample-rate"),
        (["--no-such-option", "app.py"], "record --help"),
        (["no-such-program"], "no-such-program"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    arguments: list[str], advice: str, app: str, memlyze: Runner, tmp_path: Path
) -> None:
    result = memlyze("record", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert re.search(advice, result.stderr)
    assert len(result.stderr.splitlines()) == 1
    assert traces(tmp_path) == []


def test_options_reach_the_recorder_from_all_their_sources(
    app: str, memlyze: Runner, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.memlyze]\nmax_stack_depth = 77\n")
    environment = {**clean_environment(), "MEMLYZE_MEMORY_INTERVAL_MS": "33"}
    memlyze(
        *("record", "-q", "-o", "t.mlyze", "--sample-interval", "64K", "--no-track-gc"),
        *("--when-full", "drop", app),
        env=environment,
    )
    with memlyze_package.open(tmp_path / "t.mlyze") as trace:
        metadata = trace.metadata
    assert metadata["max_stack_depth"] == 77
    assert metadata["memory_interval_ms"] == 33
    assert metadata["sample_interval"] == 65536
    assert metadata["track_gc"] is False
    assert metadata["when_full"] == "drop"


def test_options_after_the_program_are_the_programs(memlyze: Runner, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import sys; print(sys.argv[1:])")
    result = memlyze("record", "-q", "-o", "t.mlyze", "app.py", "-o", "x", "--force", "-m", "--")
    assert result.stdout == "['-o', 'x', '--force', '-m', '--']\n"
    separated = memlyze("record", "-q", "--", "app.py", "-q")
    assert separated.stdout == "['-q']\n"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no folder that refuses every file")
def test_cause_is_said_where_the_trace_cannot_be_written(memlyze: Runner, app: str) -> None:
    result = memlyze("record", "-o", "/proc/x.mlyze", app)
    assert result.stderr == (
        "memlyze: nothing was recorded: cannot write the trace /proc/x.mlyze: "
        "No such file or directory; choose another output_file\n"
    )


def test_program_that_is_no_python_runs_and_the_cause_is_said(memlyze: Runner) -> None:
    result = memlyze("record", "echo", "hello")
    assert (result.returncode, result.stdout) == (0, "hello\n")
    # The latter where this Python has a loader, and so a C library, of its own.
    causes = "echo started no Python", "echo uses another C library"
    assert "nothing was recorded: " in result.stderr
    assert any(cause in result.stderr for cause in causes)
    assert len(result.stderr.splitlines()) == 1


def test_two_pythons_of_one_script_write_two_traces(memlyze: Runner, tmp_path: Path) -> None:
    import sys

    script = tmp_path / "both.sh"
    script.write_text(
        f"#!/bin/sh\n{sys.executable} -c 'print(1)'\n{sys.executable} -c 'print(2)'\n"
    )
    script.chmod(0o755)
    result = memlyze("record", "-q", "-o", "t.mlyze", "./both.sh")
    assert result.stdout == "1\n2\n"
    assert len(traces(tmp_path)) == 2


def test_killed_program_is_summarised_up_to_its_end(memlyze: Runner, tmp_path: Path) -> None:
    code = (
        "import os, time\n"
        "keep = [bytearray(1 << 20) for _ in range(64)]\n"
        "end = time.monotonic() + 0.6\n"
        "while time.monotonic() < end: pass\n"
        "os.kill(os.getpid(), 9)\n"
    )
    result = memlyze("record", "-o", "t.mlyze", "-c", code)
    assert result.returncode == -9
    assert "the trace was cut off" in result.stderr
    assert re.search(r"\d MiB .*<string>:2", result.stderr)


def test_trace_cannot_go_to_standard_output(memlyze: Runner, tmp_path: Path) -> None:
    done = memlyze("record", "-o", "-", "-c", "print('ran')")
    assert (done.returncode, done.stdout) == (2, "")
    assert "a trace cannot be written to standard output" in done.stderr
    assert not (tmp_path / "-").exists()


@pytest.mark.skipif(sys.version_info < (3, 10), reason="Python does not tell what it looks for")
def test_module_that_is_not_there_has_no_report_of_the_interpreter(
    memlyze: Runner, tmp_path: Path
) -> None:
    done = memlyze("record", "-o", "t.mlyze", "-m", "no_such_module_here")
    assert done.returncode == 1
    python, ours = done.stderr.splitlines()
    assert "No module named no_such_module_here" in python
    assert ours.startswith("memlyze: the program never began; ")
    (tmp_path / "failing.py").write_text("raise SystemExit(1)")
    assert "peak resident" in memlyze("record", "-o", "u.mlyze", "-m", "failing").stderr
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("raise SystemExit(1)")
    found = memlyze("record", "-o", "v.mlyze", "-m", "package.module")
    assert "peak resident" in found.stderr


def test_status_is_the_programs_where_there_is_no_memory_to_summarise(tmp_path: Path) -> None:
    """numpy's linear algebra would ask for memory for each processor, and end the process."""
    little = 70 << 20
    command = ("record", "-o", "t.mlyze", "-c", "import sys; print('ran'); sys.exit(5)")
    done = subprocess.run(
        [sys.executable, "-m", "memlyze", *command],
        cwd=tmp_path,
        env=clean_environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (little, little)),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (5, "ran\n")
    assert "Traceback" not in done.stderr
    assert "try again: memlyze summary " in done.stderr or "peak live" in done.stderr
    with memlyze_package.open(tmp_path / "t.mlyze") as trace:
        assert trace.is_complete


@pytest.mark.parametrize(
    ("ends", "cause"),
    [
        ("os.abort()", "what sums it up was ended by a signal: Aborted"),
        ("os._exit(3)", "what sums it up ended early"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("print('summed up', file=sys.stderr)", None),
    ],
)
def test_status_is_the_programs_however_its_summary_ends(
    ends: str, cause: str | None, tmp_path: Path
) -> None:
    done = run_python(
        "-c",
        "import os, sys\nfrom memlyze.cli import summary\n"
        f"def sum_up(paths): {ends}\n"
        "summary.print_after_recording = sum_up\n"
        "from memlyze.cli.main import main\n"
        "sys.exit(main(['record', '-o', 't.mlyze', '-c', 'import sys; sys.exit(5)']))",
        cwd=tmp_path,
    )
    assert done.returncode == 5, done.stderr
    begin = "summed up"
    if cause is not None:
        begin = f"memlyze: recorded, but not summarised ({cause}); try again: memlyze summary "
    assert done.stderr.startswith(begin)
    assert done.stderr.count("\n") == 1


def test_program_need_not_wait_for_what_reads_traces(tmp_path: Path) -> None:
    (tmp_path / "t.mlyze").touch()
    done = run_python(
        "-c",
        "import sys\nfrom memlyze.cli.main import main\n"
        "main(['record', '-q', '-f', '-o', 't.mlyze', '-c', 'pass'])\n"
        "print('numpy' in sys.modules)",
        cwd=tmp_path,
    )
    assert done.stdout == "False\n"
