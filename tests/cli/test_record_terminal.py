"""A recorded program on a terminal: keys that send signals, job control, input."""

from __future__ import annotations

import shutil
import signal
import sys
from pathlib import Path

import pytest
from pseudo_terminal import PseudoTerminal

COUNT_INTERRUPTS = """
import os, signal, sys, time
count = 0
def interrupted(*_):
    global count
    count += 1
    os.write(1, b"interrupts %d\\n" % count)  # print may be what it interrupts
signal.signal(signal.SIGINT, interrupted)
print("terminals", *(os.isatty(n) for n in range(3)), flush=True)
while not count:
    time.sleep(0.01)
print("input", input(), flush=True)
print("interrupts at the end", count, flush=True)
"""


def test_program_has_the_terminal_and_an_interrupt_comes_once(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(COUNT_INTERRUPTS)
    with PseudoTerminal("record", "-q", "app.py", cwd=tmp_path) as terminal:
        terminal.expect("terminals True True True")
        terminal.send("\x03")
        terminal.expect("interrupts 1")
        terminal.send("typed\n")
        terminal.expect("input typed")
        terminal.expect("interrupts at the end 1")
        assert terminal.wait() == 0


def test_interrupted_program_ends_as_without_memlyze(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import time\nprint('ready', flush=True)\nwhile True:\n    time.sleep(0.01)\n"
    )
    with PseudoTerminal("record", "-q", "-o", "t.mlyze", "app.py", cwd=tmp_path) as terminal:
        terminal.expect("ready")
        terminal.send("\x03")
        output = terminal.expect("KeyboardInterrupt")
        assert output.count("Traceback") == 1
        assert terminal.wait() == -signal.SIGINT
    assert (tmp_path / "t.mlyze").exists()


REPORT_CONTINUATIONS = """
import signal, time
count = 0
def continued(*_):
    global count
    count += 1
    print("continued", count, flush=True)
signal.signal(signal.SIGCONT, continued)
try:
    print("ready", flush=True)  # whoever has read this may interrupt already
    while True:
        time.sleep(0.01)
except KeyboardInterrupt:
    print("continued", count, "times", flush=True)
    raise SystemExit(7)
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with job control")
def test_program_is_stopped_and_continued_by_the_shell(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(REPORT_CONTINUATIONS)
    shell = (str(shutil.which("bash")), "--norc", "--noprofile", "-i")
    environment = {"PS1": "PROMPT>", "HISTFILE": "/dev/null"}
    with PseudoTerminal(program=shell, cwd=tmp_path, environment=environment) as terminal:
        terminal.expect("PROMPT>")
        terminal.send(f"{sys.executable} -m memlyze record -q app.py\n")
        terminal.expect("ready")
        for time in (1, 2):
            terminal.send("\x1a")
            terminal.expect("Stopped")
            terminal.expect("PROMPT>")
            terminal.send("fg\n")
            terminal.expect(f"continued {time}")
        terminal.send("\x03")
        terminal.expect("continued 2 times")
        terminal.send("echo status $?\n")
        terminal.expect("status 7")
        terminal.send("exit\n")
        assert terminal.wait() == 0
