"""Processes that do the same work under different tracers and take turns at it.

Whatever slows a machine down for longer than a turn slows down all of them, which runs one after
another do not have. Only one runs at a time: the others are stopped, their tracers' threads too.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness.processes import HARNESS, TIMEOUT_S, ProgramFailedError, Scratch


class Taker:
    """A process that has its workload ready and its tracer started, and is stopped between turns.

    Whoever made it has to close it: a process that is stopped does not end by itself.

    Raises:
        ProgramFailedError: here and in all its methods: the process ended, or gave no answer.
    """

    def __init__(
        self, name: str, request: dict[str, Any], scratch: Scratch, variables: dict[str, str]
    ) -> None:
        self._result = scratch.path / f"result-{name}.json"
        self._result.unlink(missing_ok=True)
        self._stderr = (scratch.path / f"stderr-{name}").open("w+b")
        turn_fd, self._turn_fd = os.pipe()
        self._answer_fd, answer_fd = os.pipe()
        request = {
            **request,
            "task": "take_turns",
            "turn_fd": turn_fd,
            "answer_fd": answer_fd,
            "result": str(self._result),
        }
        self._process = subprocess.Popen(
            [sys.executable, str(HARNESS / "worker.py"), json.dumps(request)],
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
            cwd=scratch.path,
            env={**scratch.environment(), **variables},
            pass_fds=(turn_fd, answer_fd),
        )
        os.close(turn_fd)
        os.close(answer_fd)
        self._said = b""
        try:
            self._answer()
        except ProgramFailedError:
            self.close()
            raise
        self._stand_still()

    def take_turn(self) -> dict[str, float]:
        """Have it do its work once more; what `worker.Work` measured."""
        self._process.send_signal(signal.SIGCONT)
        os.write(self._turn_fd, b".")
        figures: dict[str, float] = json.loads(self._answer())
        self._stand_still()
        return figures

    def finish(self) -> dict[str, Any]:
        """Have the tracer stopped and the process end; what it says of itself."""
        self._process.send_signal(signal.SIGCONT)
        os.close(self._turn_fd)
        self._turn_fd = -1
        if self._process.wait(TIMEOUT_S) != 0:
            raise self._failure()
        said: dict[str, Any] = json.loads(self._result.read_text(encoding="utf-8"))
        return said

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        for descriptor in (self._turn_fd, self._answer_fd):
            if descriptor >= 0:
                os.close(descriptor)
        self._turn_fd = self._answer_fd = -1
        self._stderr.close()

    def _stand_still(self) -> None:
        """Stop it; back when all of its threads are."""
        self._process.send_signal(signal.SIGSTOP)
        any_change = os.WSTOPPED | os.WEXITED | os.WNOWAIT
        change = os.waitid(os.P_PID, self._process.pid, any_change)
        if change is not None and change.si_status == signal.SIGSTOP:
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)  # told once

    def _answer(self) -> bytes:
        """A line that the process has said."""
        while b"\n" not in self._said:
            ready, _, _ = select.select([self._answer_fd], [], [], TIMEOUT_S)
            said = os.read(self._answer_fd, 4096) if ready else b""
            if not said:
                self._process.kill()
                self._process.wait()
                raise self._failure()
            self._said += said
        line, _, self._said = self._said.partition(b"\n")
        return line

    def _failure(self) -> ProgramFailedError:
        self._stderr.seek(0)
        words = self._stderr.read().decode(errors="replace").strip()
        return ProgramFailedError(f"status {self._process.returncode}: {words[-2000:]}")


def trace_of(name: str, scratch: Scratch) -> Path:
    """Where a taker of this name has its trace."""
    return scratch.path / f"trace-{name}"
