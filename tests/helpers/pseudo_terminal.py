"""Runs `memlyze` on a terminal of its own, as the leader of a session with job control."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import time
import warnings
from pathlib import Path
from types import TracebackType
from typing import Mapping

from command_line import clean_environment

_PATIENCE_S = 60


class PseudoTerminal:
    """A command on a pseudo-terminal. Use it in a `with` block, which ends the command."""

    def __init__(
        self,
        *arguments: str,
        cwd: Path,
        environment: Mapping[str, str] | None = None,
        program: tuple[str, ...] | None = None,
    ) -> None:
        command = list(program or (sys.executable, "-m", "memlyze", *arguments))
        variables = {**clean_environment(), "TERM": "dumb", **(environment or {})}
        self._status: int | None = None
        self._text = ""
        with warnings.catch_warnings():
            # The child executes the program at once, whatever the threads of the tests hold.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.process, self._descriptor = pty.fork()
        if self.process == 0:
            try:
                os.chdir(cwd)
                os.execve(command[0], command, variables)
            finally:
                os._exit(127)

    def send(self, text: str) -> None:
        """Type `text`."""
        os.write(self._descriptor, text.encode())

    def expect(self, wanted: str) -> str:
        """Wait until `wanted` appears; return everything up to its end."""
        deadline = time.monotonic() + _PATIENCE_S
        while wanted not in self._text:
            self._read(deadline, f"{wanted!r} did not appear in {self._text!r}")
        end = self._text.index(wanted) + len(wanted)
        before, self._text = self._text[:end], self._text[end:]
        return before

    def expect_nothing_more(self) -> None:
        """Drop what has been printed and not been expected."""
        self._text = ""

    def _read(self, deadline: float, complaint: str) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], deadline - time.monotonic())
        assert ready, complaint
        try:
            data = os.read(self._descriptor, 1 << 16)
        except OSError:  # the other end is closed
            data = b""
        assert data, f"the command ended: {complaint}"
        self._text += data.decode(errors="replace")
        return True

    def wait(self) -> int:
        """Wait for the end; the exit status, or the negative number of the signal that killed
        it.
        """
        if self._status is None:
            # Its output must be read, or it would wait for that.
            while True:
                try:
                    if not os.read(self._descriptor, 1 << 16):
                        break
                except OSError:
                    break
            _, status = os.waitpid(self.process, 0)
            killed = os.WIFSIGNALED(status)
            self._status = -os.WTERMSIG(status) if killed else os.WEXITSTATUS(status)
        return self._status

    def __enter__(self) -> PseudoTerminal:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._status is None:
            for number in (signal.SIGCONT, signal.SIGKILL):
                try:
                    os.killpg(self.process, number)
                except ProcessLookupError:
                    break
            self.wait()
        os.close(self._descriptor)
