"""A program that `memlyze record` runs finds and does what it would without memlyze."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import Runner, clean_environment, run_python

DESCRIBE_ITSELF = """
import json, os, signal, sys
import __main__
json.dump({
    "argv": sys.argv,
    "path": sys.path,
    "main": __name__,
    "file": getattr(__main__, "__file__", None),
    "package": __main__.__package__,
    "environment": dict(os.environ),
    "working_directory": os.getcwd(),
    "startup_module": "sitecustomize" in sys.modules,
    "importers": sorted(path for path in sys.path_importer_cache if "_startup" in path),
    "flags": list(sys.flags),
    "mask": sorted(int(s) for s in signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "dispositions": {
        int(s): str(signal.getsignal(s)).split(" at ")[0] for s in signal.valid_signals()
    } if hasattr(signal, "valid_signals") else None,
    "input": sys.stdin.read(),
    "process_group": os.getpgrp() == os.getpgid(os.getppid()),
}, sys.stdout)
"""


@pytest.fixture
def program(tmp_path: Path) -> str:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").write_text(DESCRIBE_ITSELF)
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "app.py").write_text(DESCRIBE_ITSELF)
    return "app.py"


@pytest.mark.parametrize(
    "arguments",
    [
        ["app.py", "-q", "--output-file", "x", "", "two words"],
        ["./app.py"],
        ["-m", "package", "-m", "again"],
        ["package"],
        ["-c", DESCRIBE_ITSELF, "-x"],
    ],
    ids=["script", "path", "module", "folder", "code"],
)
def test_program_finds_what_it_would_find(
    arguments: list[str], program: str, memlyze: Runner, tmp_path: Path
) -> None:
    expected = run_python(*arguments, cwd=tmp_path, input="typed\n")
    found = memlyze("record", "-q", "-o", "t.mlyze", *arguments, input="typed\n")
    assert (found.stderr, found.returncode) == (expected.stderr, 0)
    assert json.loads(found.stdout) == json.loads(expected.stdout)
    assert (tmp_path / "t.mlyze").exists()


@pytest.mark.parametrize("python_path", ["", "lib", "lib:other", "l\x1fi%1fb%25:%"])
def test_pythonpath_of_the_user_stays(
    python_path: str, program: str, memlyze: Runner, tmp_path: Path
) -> None:
    environment = {**clean_environment(), "PYTHONPATH": python_path}
    expected = run_python(program, cwd=tmp_path, env=environment, input="")
    found = memlyze("record", "-q", program, env=environment, input="")
    assert json.loads(found.stdout) == json.loads(expected.stdout)


@pytest.mark.parametrize("name", ["a\x1fb.mlyze", "\x1fseed=i:one", "100%25%1f%.mlyze"])
def test_path_may_hold_any_character(name: str, memlyze: Runner, tmp_path: Path) -> None:
    child = "import sys; print([path for path in sys.path if 'own' in path])"
    (tmp_path / "start.py").write_text(
        "import os, subprocess, sys\n"
        "environment = {'PYTHONPATH': '/own\x1fa=i:/own%1f'}\n"
        f"subprocess.run([sys.executable, '-c', {child!r}], env=environment)"
    )
    folder = tmp_path / "in\x1f%1f"
    folder.mkdir()
    done = memlyze("record", "-q", "-o", name, "../start.py", cwd=folder)
    assert (done.stderr, done.stdout, done.returncode) == ("", "['/own\\x1fa=i', '/own%1f']\n", 0)
    root, extension = os.path.splitext(name)
    (other,) = [path.name for path in folder.iterdir() if path.name != name]
    assert re.fullmatch(rf"{re.escape(root)}\.\d+{re.escape(extension)}", other)


def test_python_with_options_gets_them(program: str, memlyze: Runner, tmp_path: Path) -> None:
    arguments = ["-B", "-X", "dev", program]
    expected = run_python(*arguments, cwd=tmp_path, input="")
    found = memlyze("record", "-q", sys.executable, *arguments, input="")
    assert json.loads(found.stdout) == json.loads(expected.stdout)


def test_own_sitecustomize_of_the_program_runs(memlyze: Runner, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "sitecustomize.py").write_text("import sys; sys.customized = __file__\n")
    environment = {**clean_environment(), "PYTHONPATH": str(tmp_path / "lib")}
    code = "import sys, sitecustomize; print(sys.customized, sitecustomize.__file__)"
    own = str(tmp_path / "lib" / "sitecustomize.py")
    found = memlyze("record", "-q", "-c", code, env=environment)
    assert (found.stdout.split(), found.stderr) == ([own, own], "")


def test_only_memlyze_itself_is_imported_additionally(memlyze: Runner, tmp_path: Path) -> None:
    code = "import sys; print(sorted(sys.modules))"
    expected = set(eval(run_python("-c", code, cwd=tmp_path).stdout))
    found = set(eval(memlyze("record", "-q", "-c", code).stdout))
    heavy = {"numpy", "duckdb", "json", "argparse", "logging", "subprocess", "sitecustomize"}
    assert not (found - expected) & heavy


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("", 0),
        ("import sys; sys.exit(3)", 3),
        ("import sys; sys.exit('message')", 1),
        ("import os; os._exit(77)", 77),
        ("1 / 0", 1),
        ("import sys, threading; threading.Thread(target=sys.exit, args=[5]).start()", 0),
    ],
)
def test_exit_status_and_messages_are_those_of_the_program(
    code: str, status: int, memlyze: Runner, tmp_path: Path
) -> None:
    expected = run_python("-c", code, cwd=tmp_path)
    found = memlyze("record", "-q", "-c", code)
    assert found.returncode == expected.returncode == status
    assert (found.stdout, found.stderr) == (expected.stdout, expected.stderr)


def test_inspection_that_the_environment_asks_for_is_the_programs(tmp_path: Path) -> None:
    """Python asks for input when it has run a program, and so would the recorder's own."""
    environment = {**clean_environment(), "PYTHONINSPECT": "1"}
    for words in ((), ("-m", "memlyze", "record", "-q", "--")):
        done = run_python(*words, "-c", "print('ran')", cwd=tmp_path, env=environment, input="")
        assert (done.returncode, done.stdout) == (0, "ran\n")
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGINT", "SIGSEGV", "SIGUSR1", "SIGPIPE"])
def test_death_by_a_signal_is_passed_on(name: str, memlyze: Runner, tmp_path: Path) -> None:
    number = getattr(signal, name)
    code = (
        "import os, signal, resource\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
        f"signal.signal({number}, signal.SIG_DFL) if {number} != 9 else None\n"
        f"os.kill(os.getpid(), {number})\n"
    )
    assert memlyze("record", "-q", "-c", code).returncode == -number
    assert not list(tmp_path.glob("core*"))


REPORT_SIGNALS = """
import os, signal, sys
received = []
signal.signal(signal.SIGTERM, lambda *_: received.append("TERM"))
signal.signal(signal.SIGUSR1, lambda *_: received.append("USR1"))
signal.signal(signal.SIGINT, lambda *_: received.append("INT"))
print("ready", flush=True)
while not received or received[-1] != "TERM":
    signal.pause()
print(*received)
"""


def start(*arguments: str, cwd: Path, **keywords: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "memlyze", *arguments],
        cwd=cwd,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        **keywords,
    )


def test_signals_sent_to_the_recorder_reach_the_program_once(tmp_path: Path) -> None:
    with start("record", "-q", "-c", REPORT_SIGNALS, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGUSR1)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    received = output.split()
    assert sorted(received) == ["INT", "TERM", "USR1"]
    assert process.returncode == 0


TELL_SIGNALS = """
import os, signal, time
def tell(number, frame):
    os.write(1, b"%d\\n" % number)
for number in NUMBERS:
    signal.signal(number, tell)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
os.write(1, b"ready\\n")
while True:
    time.sleep(0.01)
"""
_OWN = ["KILL", "STOP", "CONT", "CHLD", "SEGV", "BUS", "FPE", "ILL", "TERM"]


def test_every_signal_that_a_program_may_handle_is_passed_on(tmp_path: Path) -> None:
    own = {getattr(signal, f"SIG{name}") for name in _OWN}
    numbers = sorted(int(number) for number in signal.valid_signals() - own)
    program = TELL_SIGNALS.replace("NUMBERS", repr(numbers))
    with start("record", "-q", "-c", program, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for number in numbers:
            process.send_signal(number)
            assert process.stdout.readline() == f"{number}\n"
        process.terminate()
        _, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (0, "")


STOPPED = """
import os, signal, time
from memlyze._speedups import _tracer
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
waiting = os.getpid()
if os.fork() == 0:
    os.kill(waiting, signal.SIGSTOP)
    while ") T " not in open(f"/proc/{waiting}/stat").read():
        pass
    time.sleep(0.3)  # longer than what is waited for
    os.kill(waiting, signal.SIGCONT)
    os._exit(0)
begun = time.monotonic()
print(_tracer.wait_for_signal({signal.SIGUSR1}, 0.1))
while time.monotonic() < begun + 0.3:
    print(_tracer.wait_for_signal({signal.SIGUSR1}, 0.1))
os.kill(waiting, signal.SIGUSR1)
print(_tracer.wait_for_signal({signal.SIGUSR1, signal.SIGUSR2}, 60) == (signal.SIGUSR1, 0, waiting))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux who is stopped")
def test_wait_for_a_signal_that_a_stop_outlasts_finds_none(tmp_path: Path) -> None:
    done = run_python("-c", STOPPED, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    *nothing, last = done.stdout.split()
    assert set(nothing) == {"None"} and last == "True"


COUNT_SIGNALS = """
import os, signal, sys, time
received = []
def receive(number, frame):
    received.append(number)
    os.write(1, b"%d\\n" % number)  # print may be what it interrupts
signal.signal(signal.SIGUSR1, receive)
signal.signal(signal.SIGUSR2, receive)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(f"{received.count(signal.SIGUSR1)} times"))
print("ready", flush=True)
while True:
    time.sleep(0.01)  # not pause: what came just before would wait for the next one
"""


def test_signal_sent_to_the_process_group_comes_once(tmp_path: Path) -> None:
    """As supervisors send them; and what is meant for the recorder alone is passed on."""
    with start(
        "record", "-q", "-c", COUNT_SIGNALS, cwd=tmp_path, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for _ in range(10):
            os.killpg(process.pid, signal.SIGUSR1)
            assert process.stdout.readline() == f"{int(signal.SIGUSR1)}\n"
            # The recorder deals with the lower number first: it is ready for another of those.
            process.send_signal(signal.SIGUSR2)
            assert process.stdout.readline() == f"{int(signal.SIGUSR2)}\n"
        os.killpg(process.pid, signal.SIGTERM)
        _, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint) == (1, "10 times\n")


def test_program_does_not_outlive_a_killed_recorder(tmp_path: Path) -> None:
    code = "import os, time\nprint(os.getpid(), flush=True)\nwhile True:\n    time.sleep(0.01)"
    with start("record", "-q", "-o", "t.mlyze", "-c", code, cwd=tmp_path) as process:
        assert process.stdout is not None
        int(process.stdout.readline())
        process.kill()
        process.communicate(timeout=60)  # ends when the program's end of the pipe is closed
    assert process.returncode == -signal.SIGKILL
    assert (tmp_path / "t.mlyze").exists()


def test_nothing_stays_when_the_program_has_ended(memlyze: Runner) -> None:
    """Neither a process nor a copy of a descriptor: what reads the output finds its end."""
    code = "import os; os.close(1); os.close(2)"
    found = memlyze("record", "-q", "-c", code, start_new_session=True)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_signals_ignored_at_the_start_stay_ignored(memlyze: Runner, tmp_path: Path) -> None:
    def ignore_hangup() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    code = "import signal; print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
    found = memlyze("record", "-q", "-c", code, preexec_fn=ignore_hangup)
    assert found.stdout == "True\n"


def test_end_is_known_where_the_ends_of_children_are_ignored(memlyze: Runner) -> None:
    def ignore_children() -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    code = "import signal; print(signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN); exit(3)"
    found = memlyze("record", "-q", "-c", code, preexec_fn=ignore_children)
    assert (found.returncode, found.stdout, found.stderr) == (3, "True\n", "")


def test_files_that_the_program_opens_have_the_numbers_that_they_would_have(
    memlyze: Runner, tmp_path: Path
) -> None:
    code = "import os; print(os.open('/dev/null', 0), os.open('/dev/null', 0))"
    expected = run_python("-c", code, cwd=tmp_path).stdout
    assert memlyze("record", "-q", "-c", code).stdout == expected


def test_console_script_of_this_python_is_recorded(
    memlyze: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tool").write_text(f"#!{sys.executable}\nimport sys; print(sys.argv)\n")
    (tmp_path / "tool").chmod(0o755)
    environment = clean_environment()
    environment["PATH"] = f"{tmp_path}{os.pathsep}{environment['PATH']}"
    found = memlyze("record", "-q", "tool", "-x", env=environment)
    assert found.stdout == f"['{tmp_path}/tool', '-x']\n"
    assert len(list(tmp_path.glob("tool.*.mlyze"))) == 1


def test_closed_standard_output_does_not_change_the_exit_status(
    memlyze: Runner, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "memlyze", "record", "-q", "-c", "raise SystemExit(3)"]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *command],
        cwd=tmp_path,
        env=clean_environment(),
        stderr=subprocess.PIPE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (3, b"")


def test_bare_name_is_a_command_before_it_is_a_folder(memlyze: Runner, tmp_path: Path) -> None:
    for name in ("tool", "alone"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__main__.py").write_text("print('folder')\n")
    commands = tmp_path / "commands"
    commands.mkdir()
    tool = commands / "tool"
    tool.write_text(f"#!{sys.executable}\nprint('command')\n")
    tool.chmod(0o755)
    path = os.pathsep.join([str(commands), os.environ["PATH"]])
    environment = {**clean_environment(), "PATH": path}
    for typed, what in (("tool", "command"), ("./tool", "folder"), ("alone", "folder")):
        done = memlyze("record", "-q", "-f", "-o", "t.mlyze", "--", typed, env=environment)
        assert (done.returncode, done.stdout) == (0, f"{what}\n"), done.stderr
