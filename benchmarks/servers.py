#!/usr/bin/env python3
"""What the middleware costs a web server: requests a second, latency and processor time.

Two servers as they are used: uvicorn with a FastAPI endpoint that answers JSON, and gunicorn with a
Django view that renders a template. A cast is three of a kind, fresh: with the middleware, without,
and once more without, which tells the noise. They take turns in a random order, some 0.2 s each,
in which they are asked over one connection, one request after the other; meanwhile the others'
workers stand still (SIGSTOP). So whatever slows the machine for longer than a turn slows all.
Figures are those of all turns of a cast together, ratios are taken within a cast, and the median
over the casts is shown: several are needed, since where things lie in memory is chance and makes
two equal servers differ by up to 5 %. All of a cast have the same hash seed.

Servers have a core, and the client has another: else a request is less work whenever the scheduler
happens to leave both on one, where one need not wake the other's. So the recorder's thread, whose
work counts as well, has to share the server's core, as it does where a worker is started for each.

Needs an environment with memlyze[test]:

    .venv/bin/python benchmarks/servers.py --casts 10
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterable, Iterator

from harness.spreads import spread

FASTAPI = """
import os
from fastapi import FastAPI
app = FastAPI()
@app.get("/items/{number}")
async def item(number: int):
    return {"number": number, "tags": [f"tag {n}" for n in range(20)], "price": number * 1.5}
if os.environ["RECORDED"] == "yes":
    from memlyze.integrations.asgi import MemlyzeMiddleware
    app.add_middleware(MemlyzeMiddleware)
"""
DJANGO = """
import os
from django.conf import settings
from django.http import HttpResponse
from django.template import Context, Engine
from django.urls import path
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="of a benchmark",
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"])  # says how long answers are
from django.core.wsgi import get_wsgi_application
page = Engine().from_string(
    "<h1>{{ number }}</h1><ul>{% for row in rows %}<li>{{ row.name|title }}: {{ row.price }}</li>"
    "{% endfor %}</ul>")
def item(request, number):
    request.environ["memlyze.route"] = "/items/<int:number>"
    rows = [{"name": f"item {n}", "price": n * 1.5} for n in range(30)]
    return HttpResponse(page.render(Context({"number": number, "rows": rows})))
urlpatterns = [path("items/<int:number>", item)]
app = get_wsgi_application()
if os.environ["RECORDED"] == "yes":
    from memlyze.integrations.wsgi import MemlyzeMiddleware
    app = MemlyzeMiddleware(app)
"""
GUNICORN = "gunicorn program:app --threads 2 --keep-alive 60 --bind 127.0.0.1:{port}"
SERVERS = {
    "uvicorn, FastAPI, JSON": (
        FASTAPI,
        "uvicorn program:app --no-access-log --log-level warning --port {port}",
    ),
    "gunicorn, Django, template": (DJANGO, GUNICORN),
}


#: The cores that may be used; none where the system does not tell.
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
#: Left out at the begin of a turn: a server that stood still has overdue timers.
WAKING_S = 0.01


def stay_on(place: int) -> None:
    """This process, and what it starts, on one core: that one of those there are."""
    if CORES:
        os.sched_setaffinity(0, {CORES[place % len(CORES)]})


class Server:
    """One server, ready to answer."""

    def __init__(
        self,
        folder: Path,
        source: str,
        command: str,
        is_recorded: bool,
        hash_seed: str,
    ) -> None:
        (folder / "program.py").write_text(source, encoding="utf-8")
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            self.port = int(chosen.getsockname()[1])
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", *command.format(port=self.port).split()],
            cwd=folder,
            env={
                **os.environ,
                "RECORDED": "yes" if is_recorded else "no",
                "PYTHONHASHSEED": hash_seed,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: stay_on(0),
        )
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            if self.process.poll() is not None:
                sys.exit(f"the server does not start: {command}")
            time.sleep(0.05)

    def worker(self) -> str:
        """Number of the process that answers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return children.split()[0] if children.split() else str(self.process.pid)

    def worker_cpu_ns(self) -> int:
        """What its threads have run, in nanoseconds by the scheduler's count."""
        tasks = Path(f"/proc/{self.worker()}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)

    def worker_rss_bytes(self) -> int:
        """Resident memory of the process that answers."""
        status = Path(f"/proc/{self.worker()}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024

    @contextlib.contextmanager
    def alone(self, others: Iterable[Server]) -> Iterator[None]:
        """The workers of other servers stand still."""
        stopped = [int(server.worker()) for server in others if server is not self]
        for process in stopped:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in stopped:
                os.kill(process, signal.SIGCONT)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


@dataclasses.dataclass
class Turns:
    """What a server has done in its turns."""

    seconds: float = 0.0
    cpu_ns: int = 0
    answered: int = 0  # in the time that cpu_ns counts
    latencies_s: list[float] = dataclasses.field(default_factory=list)

    def take(self, server: Server, seconds: float, paths: int = 10_000) -> None:
        """Let it answer for so long, after a moment in which it wakes up."""
        before_ns = server.worker_cpu_ns()
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            begin = time.perf_counter() + WAKING_S
            end = begin + seconds
            while True:
                begun = time.perf_counter()
                if begun >= end:
                    break
                self.answered += 1
                ask(connection, self.answered * 7919 % paths)
                if begun >= begin:
                    self.latencies_s.append(time.perf_counter() - begun)
        self.seconds += seconds
        self.cpu_ns += server.worker_cpu_ns() - before_ns

    def figures(self) -> dict[str, float]:
        latencies_us = sorted(1e6 * latency_s for latency_s in self.latencies_s)
        return {
            "requests a second": len(latencies_us) / self.seconds,
            "latency, median, µs": latencies_us[len(latencies_us) // 2],
            "latency, 99th percentile, µs": latencies_us[len(latencies_us) * 99 // 100],
            "processor time of a request, µs": self.cpu_ns / self.answered / 1e3,
        }


def ask(connection: socket.socket, number: int) -> None:
    """One request, and its whole answer."""
    head = f"GET /items/{number} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    connection.sendall(f"{head}Connection: keep-alive\r\n\r\n".encode())
    answer = connection.recv(65536)
    headers, _, body = answer.partition(b"\r\n\r\n")
    if not headers.startswith(b"HTTP/1.1 200"):
        sys.exit(f"not answered: {answer[:200]!r}")
    length = re.search(rb"(?i)content-length: (\d+)", headers)
    missing = int(length[1]) - len(body) if length else 0
    while missing > 0:
        missing -= len(connection.recv(65536))


@contextlib.contextmanager
def cast(
    source: str,
    command: str,
    kinds: tuple[str, ...] = ("plain", "again", "recorded"),
    hash_seed: str = "random",
) -> Iterator[dict[str, Server]]:
    """A server of each kind, ready."""
    with tempfile.TemporaryDirectory() as folder:
        servers = {}
        try:
            for name in kinds:
                place = Path(folder) / name
                place.mkdir()
                servers[name] = Server(place, source, command, name == "recorded", hash_seed)
            yield servers
        finally:
            for server in servers.values():
                server.stop()


def compare(name: str, casts: int, turns: int, seconds: float) -> None:
    """Print the ratios of recorded to plain; and of plain to plain, which is the noise."""
    source, command = SERVERS[name]
    order = random.Random(1)
    found: dict[str, list[dict[str, float]]] = collections.defaultdict(list)
    for number in range(casts):
        with cast(source, command, hash_seed=str(number)) as servers:
            for server in servers.values():
                Turns().take(server, 1.0)
            done = {kind: Turns() for kind in servers}
            for _ in range(turns):
                for kind in order.sample(sorted(servers), len(servers)):
                    with servers[kind].alone(servers.values()):
                        done[kind].take(servers[kind], seconds)
        for kind, took in done.items():
            found[kind].append(took.figures())
    print(f"{name}, {casts} casts, {turns} turns of {seconds} s each")
    for figure in found["plain"][0]:
        words = []
        for kind in ("recorded", "again"):
            ratios = [
                here[figure] / there[figure] for here, there in zip(found[kind], found["plain"])
            ]
            ratio = spread(ratios)
            words.append(f"{kind} {ratio.median:.3f} ± {ratio.margin:.3f}")
        plain = statistics.median(here[figure] for here in found["plain"])
        print(f"  {figure:32} {plain:7.0f} plain; to plain: " + ", ".join(words), flush=True)


def run_long(requests: int, paths: int) -> None:
    """Print the size of the trace and the memory of the worker as requests go by."""
    source, command = SERVERS["uvicorn, FastAPI, JSON"]
    with cast(source, command, ("plain", "recorded")) as servers:
        done = {name: Turns() for name in servers}
        while done["recorded"].answered < requests:
            for name, turns in done.items():
                turns.take(servers[name], 5.0, paths)
                turns.latencies_s.clear()
            (trace,) = servers["recorded"].folder.glob("*.mlyze")
            print(
                f"{done['recorded'].answered:9} requests: trace {trace.stat().st_size:10} bytes, "
                f"worker {servers['recorded'].worker_rss_bytes() / 2**20:.1f} MiB resident, "
                f"without memlyze {servers['plain'].worker_rss_bytes() / 2**20:.1f} MiB",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--casts", type=int, default=10, help="of three servers (10)")
    parser.add_argument("--turns", type=int, default=40, help="of each server of a cast (40)")
    parser.add_argument("--seconds", type=float, default=0.2, help="length of a turn (0.2)")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--long", type=int, metavar="REQUESTS", help="one long run instead")
    parser.add_argument("--paths", type=int, default=10_000, help="distinct paths (10000)")
    options = parser.parse_args()
    stay_on(1)
    if options.long:
        run_long(options.long, options.paths)
    else:
        for name in options.servers:
            compare(name, options.casts, options.turns, options.seconds)


if __name__ == "__main__":
    main()
