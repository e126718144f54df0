#!/usr/bin/env python3
"""What the middleware costs a web server: requests a second and latency, with it and without.

Two servers as they are used: uvicorn with a FastAPI endpoint that answers JSON, and gunicorn with a
Django view that renders a template. Server and client run in processes of their own. Both kinds
of server are up all the time, and rounds alternate between them in a random order, so that what
the machine does meanwhile meets both; ratios are taken within a round, and their median is shown.

With --cpu the processor time of the server for each request is measured instead, memlyze's thread
included: pairs of fresh servers, one with the middleware and one without, asked as often as each
other in turns. It says what requests a second would on a machine that has nothing else to do, and
needs none: what the machine does meanwhile delays a request, and hardly makes it more work. Servers
have a core, and the client has another: else a request is less work whenever the scheduler happens
to leave both on one, where one need not wake the other's. Both of a pair have the same hash seed,
and who is not asked stands still; where things lie in memory is chance, which makes two servers
without the middleware differ by up to 5 %: hence the many pairs.

Needs an environment with memlyze[test]:

    .venv/bin/python benchmarks/servers.py --rounds 20
    .venv/bin/python benchmarks/servers.py --cpu --rounds 20
"""

from __future__ import annotations

import argparse
import contextlib
import json
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
from typing import Any, Iterable, Iterator

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


def stay_on(place: int) -> None:
    """This process, and what it starts, on one core: that one of those it may use."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[place % len(cores)]})


class Server:
    """One server, ready to answer."""

    def __init__(
        self,
        folder: Path,
        source: str,
        command: str,
        is_recorded: bool,
        is_pinned: bool = False,
        hash_seed: str = "random",
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
            preexec_fn=(lambda: stay_on(0)) if is_pinned else None,
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


def load(port: int, seconds: float, paths: int) -> dict[str, Any]:
    """Ask over one connection, one request after the other; runs in a process of its own."""
    latencies = []
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    end = time.perf_counter() + seconds
    number = 0
    while True:
        number = (number + 7919) % paths
        begun = time.perf_counter()
        if begun >= end:
            break
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
        latencies.append(time.perf_counter() - begun)
    latencies.sort()
    return {
        "requests": len(latencies),
        "per_second": len(latencies) / seconds,
        "p50_us": latencies[len(latencies) // 2] * 1e6,
        "p99_us": latencies[len(latencies) * 99 // 100] * 1e6,
    }


def load_apart(
    port: int, seconds: float, paths: int = 10_000, is_pinned: bool = False
) -> dict[str, Any]:
    command = [sys.executable, __file__, "--load", str(port), str(seconds), str(paths)]
    found = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        preexec_fn=(lambda: stay_on(1)) if is_pinned else None,
    ).stdout
    return dict(json.loads(found))


@contextlib.contextmanager
def both(
    source: str,
    command: str,
    kinds: tuple[str, ...] = ("plain", "again", "recorded"),
    is_pinned: bool = False,
    hash_seed: str = "random",
) -> Iterator[dict[str, Server]]:
    with tempfile.TemporaryDirectory() as folder:
        servers = {}
        for name in kinds:
            place = Path(folder) / name
            place.mkdir()
            servers[name] = Server(place, source, command, name == "recorded", is_pinned, hash_seed)
        try:
            yield servers
        finally:
            for server in servers.values():
                server.stop()


def compare(name: str, rounds: int, seconds: float) -> None:
    """Print the ratios of recorded to plain; and of plain to plain, which is the noise."""
    source, command = SERVERS[name]
    with both(source, command) as servers:
        for server in servers.values():
            load_apart(server.port, 1.0)
        found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in servers}
        order = random.Random(1)
        for _ in range(rounds):
            for kind in order.sample(sorted(servers), len(servers)):
                found[kind].append(load_apart(servers[kind].port, seconds))
    print(f"{name}: {statistics.median(r['per_second'] for r in found['plain']):.0f} requests/s")
    for figure in ("per_second", "p50_us", "p99_us"):
        words = []
        for kind in ("recorded", "again"):
            ratios = [
                here[figure] / there[figure] for here, there in zip(found[kind], found["plain"])
            ]
            middle = statistics.median(ratios)
            spread = 1.58 * (statistics.quantiles(ratios)[2] - statistics.quantiles(ratios)[0])
            words.append(f"{kind} {middle:.3f} ± {spread / len(ratios) ** 0.5:.3f}")
        print(f"  {figure:11} to plain: " + ", ".join(words), flush=True)


def compare_cpu(name: str, pairs: int, seconds: float) -> None:
    """Print the processor time a request takes with the middleware, and the ratio to without."""
    source, command = SERVERS[name]
    order = random.Random(1)
    ratios, plain_us = [], []
    for pair in range(pairs):
        kinds = ("plain", "recorded")
        with both(source, command, kinds, is_pinned=True, hash_seed=str(pair)) as servers:
            spent = dict.fromkeys(servers, 0)
            answered = dict.fromkeys(servers, 0)
            for server in servers.values():
                load_apart(server.port, seconds / 4, is_pinned=True)
            for _ in range(4):
                for kind in order.sample(sorted(servers), len(servers)):
                    server = servers[kind]
                    with server.alone(servers.values()):
                        before_ns = server.worker_cpu_ns()
                        answer = load_apart(server.port, seconds / 4, is_pinned=True)
                        answered[kind] += answer["requests"]
                        spent[kind] += server.worker_cpu_ns() - before_ns
        each = {kind: spent[kind] / answered[kind] / 1e3 for kind in spent}
        ratios.append(each["recorded"] / each["plain"])
        plain_us.append(each["plain"])
    middle = statistics.median(ratios)
    quartiles = statistics.quantiles(ratios)
    spread = 1.58 * (quartiles[2] - quartiles[0]) / len(ratios) ** 0.5
    print(f"{name}: {statistics.median(plain_us):.0f} µs of processor time a request")
    print(f"  with the middleware, to without: {middle:.3f} ± {spread:.3f}", flush=True)


def run_long(requests: int, paths: int) -> None:
    """Print the size of the trace and the memory of the worker as requests go by."""
    source, command = SERVERS["uvicorn, FastAPI, JSON"]
    with both(source, command) as servers:
        done = dict.fromkeys(servers, 0)
        while done["recorded"] < requests:
            for name in ("plain", "recorded"):
                done[name] += load_apart(servers[name].port, 5.0, paths)["requests"]
            (trace,) = servers["recorded"].folder.glob("*.mlyze")
            print(
                f"{done['recorded']:9} requests: trace {trace.stat().st_size:10} bytes, "
                f"worker {servers['recorded'].worker_rss_bytes() / 2**20:.1f} MiB resident, "
                f"without memlyze {servers['plain'].worker_rss_bytes() / 2**20:.1f} MiB",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--cpu", action="store_true", help="processor time, in pairs of servers")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a round (1)")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--long", type=int, metavar="REQUESTS", help="one long run instead")
    parser.add_argument("--paths", type=int, default=10_000, help="distinct paths (10000)")
    parser.add_argument("--load", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load:
        port, seconds, paths = options.load
        print(json.dumps(load(int(port), float(seconds), int(paths))))
    elif options.long:
        run_long(options.long, options.paths)
    else:
        for name in options.servers:
            (compare_cpu if options.cpu else compare)(name, options.rounds, options.seconds)


if __name__ == "__main__":
    main()
