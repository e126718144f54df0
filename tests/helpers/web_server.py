"""Runs web servers as their users do, asks them as clients do, and reads the traces they leave."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Iterable, NamedTuple

import httpx
from command_line import clean_environment, run_python

DEADLINE_S = 60
_POLL_S = 0.02

# What the applications of these tests keep of each request: so many bytes and its number.
KEPT_BYTES = 100_000
# Less than the buffer of a file, which is 131 072 bytes large from CPython 3.14 on.
_MOST_NUMBER = 20_000
CLIENTS = 8
_KEPT = f"""
SELECT a.process_id, a.size - {KEPT_BYTES + 33} AS number, w.name
FROM allocations a LEFT JOIN windows w USING (window_id)
WHERE a.size BETWEEN {KEPT_BYTES + 33} AND {KEPT_BYTES + 33 + _MOST_NUMBER}
    AND a.freed_ns IS NULL
"""


class Answer(NamedTuple):
    """What a request was answered with."""

    process: int
    number: int


class WebServer:
    """One server, with all of its processes, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.answers: list[Answer] = []
        self._unanswered: set[int] = set()
        self._traces = directory / "traces"
        self._traces.mkdir()
        self._log = directory / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._client: httpx.Client | None = None
        self._next_number = 0

    # --- its life ---------------------------------------------------------------------------------

    def start(self, *command: object, **variables: str) -> None:
        """Start a command of this Python, `{port}` in it replaced, and wait for its answer."""
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            port = chosen.getsockname()[1]
        words = [sys.executable, *(str(word).replace("{port}", str(port)) for word in command)]
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                words,
                cwd=self.directory,
                env={
                    **clean_environment(),
                    "PYTHONPATH": str(self.directory),
                    "HOME": str(self.directory),  # where gunicorn keeps a socket
                    **variables,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        # Each request has a connection of its own, so that all workers get some.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=DEADLINE_S, trust_env=False
        )
        self.wait_until("the server answers", lambda: self._responds("/up"))

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Send the server a signal and wait for the end of all of its processes."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(timeout=DEADLINE_S)
        self.wait_until("all processes have ended", lambda: not self._is_group_alive())

    def close(self) -> None:
        """Leave nothing behind."""
        if self._client is not None:
            self._client.close()
        if self._process is not None:
            if self._is_group_alive():
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    @property
    def process_id(self) -> int:
        """Of the process that was started."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """What the server has printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def wait_until(self, what: str, is_so: Callable[[], bool]) -> None:
        """Wait for something that happens by itself; fail when it does not."""
        end = time.monotonic() + DEADLINE_S
        while not is_so():
            assert self._process is None or time.monotonic() < end, f"not: {what}\n{self.log}"
            time.sleep(_POLL_S)

    def _is_group_alive(self) -> bool:
        assert self._process is not None
        try:
            os.killpg(self._process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def _responds(self, path: str) -> bool:
        assert self._client is not None and self._process is not None
        assert self._process.poll() is None, f"the server ended at its start\n{self.log}"
        try:
            return self._client.get(path).status_code == 200
        except httpx.TransportError:
            return False

    # --- its requests -----------------------------------------------------------------------------

    def ask(self, requests: int, clients: int = CLIENTS) -> list[Answer]:
        """Send so many requests, several at a time; the answers, in no order.

        Where a server that replaces a worker drops a request, as some do, another one is sent.
        """
        answers: list[Answer] = []
        self.wait_until(
            "an answer to each request", lambda: self._ask_some(requests, clients, answers)
        )
        self.answers += answers
        return answers

    def _ask_some(self, requests: int, clients: int, answers: list[Answer]) -> bool:
        """Send as many as have no answer yet. Whether all have one then."""
        numbers = range(self._next_number, self._next_number + requests - len(answers))
        self._next_number += len(numbers)
        with ThreadPoolExecutor(clients) as pool:
            found = dict(zip(numbers, pool.map(self._ask, numbers)))
        self._unanswered.update(number for number, answer in found.items() if answer is None)
        answers += [answer for answer in found.values() if answer is not None]
        return len(answers) == requests

    def ask_until(self, what: str, is_so: Callable[[set[int]], bool]) -> None:
        """Send requests until the ids of the processes that answered since are as wanted."""
        seen: set[int] = set()

        def is_reached() -> bool:
            seen.update(answer.process for answer in self.ask(8))
            return is_so(seen)

        self.wait_until(what, is_reached)

    def _ask(self, number: int) -> Answer | None:
        assert self._client is not None and self._process is not None
        try:
            response = self._client.get(f"/items/{number}")
        except (httpx.RemoteProtocolError, httpx.ConnectError, httpx.ReadError):
            assert self._process.poll() is None, self.log
            return None
        assert response.status_code == 200, f"{response.text}\n{self.log}"
        answer = response.json()
        assert answer["number"] == number
        return Answer(answer["process"], number)

    # --- its traces -------------------------------------------------------------------------------

    def traces(self) -> list[str]:
        """The paths of all traces."""
        return sorted(str(path) for path in self._traces.glob("*.mlyze"))

    def query(self, sql: str, paths: Iterable[str] | None = None) -> tuple[list[Any], str]:
        """The rows of a query over all traces, or some; and what the command says beside them."""
        chosen = self.traces() if paths is None else list(paths)
        done = run_python(
            "-m", "memlyze", "query", "--format", "json", sql, *chosen, cwd=self.directory
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), done.stderr

    def kept(self, paths: Iterable[str] | None = None) -> tuple[list[tuple[int, int, str]], str]:
        """Of each request that left its bytes: process, number and the name of its window."""
        rows, said = self.query(_KEPT, paths)
        found = [(row["process_id"], row["number"], row["name"]) for row in rows]
        return sorted(row for row in found if row[1] not in self._unanswered), said

    def expected(self, name: str) -> list[tuple[int, int, str]]:
        """What `kept` is to find when nothing is missing."""
        return sorted((answer.process, answer.number, name) for answer in self.answers)
