"""Each server, as its users start it: every request it answered is in the trace of the worker that
answered it, however the server and its workers end, and all traces are read as one.
"""

from __future__ import annotations

import os
import signal
from typing import List

import pytest
from web_server import CLIENTS, WebServer

Command = List[str]

UVICORN = ["-m", "uvicorn", "asgi_app:app", "--port", "{port}"]
HYPERCORN = ["-m", "hypercorn", "asgi_app:app", "--bind", "127.0.0.1:{port}"]
GUNICORN = ["-m", "gunicorn", "wsgi_app:app", "--bind", "127.0.0.1:{port}"]
GUNICORN_ASGI = ["-m", "gunicorn", "asgi_app:app", "--bind", "127.0.0.1:{port}"]
UVICORN_WORKER = ["--worker-class", "uvicorn_worker.UvicornWorker"]
FLASK = ["-m", "flask", "--app", "flask_app", "run", "--port", "{port}"]
DJANGO = ["manage.py", "runserver", "127.0.0.1:{port}"]
TWO = ["--workers", "2"]

ONE_PROCESS: dict[str, Command] = {
    "uvicorn": UVICORN,
    "uvicorn_without_lifespan": [*UVICORN, "--lifespan", "off"],
    "hypercorn": HYPERCORN,
    "flask": FLASK,
    "django": [*DJANGO, "--noreload"],
}
WORKERS: dict[str, Command] = {
    "uvicorn": [*UVICORN, *TWO],
    "hypercorn": [*HYPERCORN, *TWO],
    "gunicorn_sync": [*GUNICORN, *TWO],
    "gunicorn_sync_preloaded": [*GUNICORN, *TWO, "--preload"],
    "gunicorn_gthread": [*GUNICORN, *TWO, "--threads", "4"],
    "gunicorn_gthread_preloaded": [*GUNICORN, *TWO, "--threads", "4", "--preload"],
    "gunicorn_gevent": [*GUNICORN, *TWO, "--worker-class", "gevent"],
    "gunicorn_gevent_preloaded": [*GUNICORN, *TWO, "--worker-class", "gevent", "--preload"],
    "gunicorn_uvicorn": [*GUNICORN_ASGI, *TWO, *UVICORN_WORKER],
    "gunicorn_uvicorn_preloaded": [*GUNICORN_ASGI, *TWO, *UVICORN_WORKER, "--preload"],
}
RECYCLING: dict[str, Command] = {
    "uvicorn": [*WORKERS["uvicorn"], "--limit-max-requests", "20"],
    "hypercorn": [*WORKERS["hypercorn"], "--max-requests", "20"],
    "gunicorn_sync": [*WORKERS["gunicorn_sync"], "--max-requests", "20"],
    "gunicorn_gthread_preloaded": [
        *WORKERS["gunicorn_gthread_preloaded"], "--max-requests", "20",
    ],
    "gunicorn_uvicorn": [*WORKERS["gunicorn_uvicorn"], "--max-requests", "20"],
}  # fmt: skip

# They answer in threads that go on while the process ends, and their reloaders, when they are told
# to end, kill the process that serves.
DEVELOPMENT = ("flask", "django")


def name_of(command: Command) -> str:
    return "/items/{number:int}" if "asgi_app:app" in command else "/items/{number}"


@pytest.mark.parametrize("how", ONE_PROCESS)
def test_terminated_server_leaves_a_whole_trace(server: WebServer, how: str) -> None:
    command = ONE_PROCESS[how]
    server.start(*command)
    server.ask(60)
    server.stop(signal.SIGTERM)
    assert len(server.traces()) == 1
    found, said = server.kept()
    expected = server.expected(name_of(command))
    if how in DEVELOPMENT:  # each client has its last answer before the window of it has ended
        unended = {number for _, number, name in found if not name}
        assert len(unended) <= CLIENTS
        found, expected = (
            [row for row in rows if row[1] not in unended] for rows in (found, expected)
        )
    assert (found, said) == (expected, "")


@pytest.mark.parametrize("how", WORKERS)
def test_each_worker_of_a_terminated_server_leaves_a_whole_trace(
    server: WebServer, how: str
) -> None:
    command = WORKERS[how]
    server.start(*command)
    server.ask_until("both workers have answered", lambda seen: len(seen) == 2)
    server.ask(40)
    server.stop(signal.SIGTERM)
    assert server.kept() == (server.expected(name_of(command)), "")


@pytest.mark.parametrize("how", RECYCLING)
def test_recycled_workers_leave_whole_traces(server: WebServer, how: str) -> None:
    command = RECYCLING[how]
    server.start(*command)
    server.ask_until("workers were replaced", lambda seen: len(seen) >= 4)
    server.stop(signal.SIGTERM)
    assert server.kept() == (server.expected(name_of(command)), "")


@pytest.mark.parametrize("how", ["uvicorn", "gunicorn_sync", "gunicorn_uvicorn_preloaded"])
def test_killed_worker_leaves_what_it_had_answered(server: WebServer, how: str) -> None:
    command = WORKERS[how]
    name = name_of(command)
    server.start(*command)
    server.ask_until("both workers have answered", lambda seen: len(seen) == 2)
    killed = server.answers[-1].process
    server.wait_until("all is in the files", lambda: server.kept()[0] == server.expected(name))
    os.kill(killed, signal.SIGKILL)
    server.ask_until("another took its place", lambda seen: len(seen - {killed}) == 2)
    server.stop(signal.SIGTERM)
    found, said = server.kept()
    assert found == server.expected(name)
    assert f"1 of {len(server.traces())} traces was cut off" in said
    assert f"{killed}.mlyze: killed" in said


RELOADING: dict[str, tuple[Command, str]] = {
    "uvicorn": ([*UVICORN, "--reload"], "asgi_app.py"),
    "hypercorn": ([*HYPERCORN, "--reload"], "asgi_app.py"),
    "flask": ([*FLASK, "--debug"], "flask_app.py"),
    "django": (DJANGO, "django_site.py"),
}


@pytest.mark.parametrize("how", RELOADING)
def test_each_reload_leaves_a_whole_trace(server: WebServer, how: str) -> None:
    command, name = RELOADING[how]
    server.start(*command)
    (first,) = {answer.process for answer in server.ask(20)}
    before = server.expected(name_of(command))
    source = server.directory / name

    def is_reloaded(seen: set[int]) -> bool:
        if seen <= {first}:  # a change that comes before the server looks is none to it
            source.write_text(source.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        return bool(seen - {first})

    server.ask_until("the application was reloaded", is_reloaded)
    if how in DEVELOPMENT:
        server.wait_until(
            "requests of both processes are in the files",
            lambda: {process for process, _, _ in server.kept()[0]} > {first},
        )
        server.stop(signal.SIGTERM)
        found, said = server.kept()
        assert set(before) <= set(found)
        assert {(process, number) for process, number, _ in found} <= set(server.answers)
        assert f"{first}.mlyze" not in said  # the one that was reloaded is whole
    else:
        server.stop(signal.SIGTERM)
        assert server.kept() == (server.expected(name_of(command)), "")


def test_workers_that_a_hangup_replaces_leave_whole_traces(server: WebServer) -> None:
    command = WORKERS["gunicorn_gthread_preloaded"]
    server.start(*command)
    server.ask_until("both workers have answered", lambda seen: len(seen) == 2)
    before = {answer.process for answer in server.answers}
    os.kill(server.process_id, signal.SIGHUP)
    server.ask_until("others took their place", lambda seen: len(seen - before) == 2)
    server.stop(signal.SIGTERM)
    assert server.kept() == (server.expected(name_of(command)), "")


@pytest.mark.parametrize("how", ["uvicorn", "hypercorn", "gunicorn_sync", "gunicorn_gevent"])
def test_server_is_recorded_whole_from_the_outside(server: WebServer, how: str) -> None:
    """`memlyze record` in front: the first file names them all, the server's own process included.
    The options are those of the command, and requests are windows as before.
    """
    command = WORKERS[how]
    first = str(server.directory / "traces" / "all.mlyze")
    record = ["-m", "memlyze", "record", "--quiet", "--sample-rate", "1.0", "-o", first]
    server.start(*record, *command)
    server.ask_until("both workers have answered", lambda seen: len(seen) == 2)
    server.stop(signal.SIGTERM)
    assert server.kept([first]) == (server.expected(name_of(command)), "")
    ((master, workers),) = [
        (row["started_by"], row["workers"])
        for row in server.query(
            """SELECT any_value(started_by) FILTER (WHERE path LIKE '%all.mlyze') AS started_by,
                   count(DISTINCT process_id) FILTER (WHERE process_id IN
                       (SELECT process_id FROM windows WHERE kind = 'http')) AS workers
               FROM processes""",
            [first],
        )[0]
    ]
    assert (master, workers) == (None, 2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_recorded_uvicorn_has_one_checkpoint_of_what_its_application_held(
    server: WebServer, number: signal.Signals
) -> None:
    """It shuts down in order, and then raises SIGTERM again without a handler."""
    first = str(server.directory / "traces" / "all.mlyze")
    record = ["-m", "memlyze", "record", "--quiet", "-o", first]
    server.start(*record, *UVICORN)
    server.ask(20)
    server.stop(number)
    rows, said = server.query(
        """SELECT c.reason, count(*) AS kept FROM checkpoints c
           JOIN objects o USING (process_id, checkpoint_id)
           WHERE o.type = 'bytes' AND o.length BETWEEN 100_000 AND 100_019 GROUP BY ALL"""
    )
    assert (rows, said) == ([{"reason": "exit", "kept": 20}], "")
    assert server.query("SELECT count(*) AS taken FROM checkpoints")[0] == [{"taken": 1}]
