"""The walk-through of the two web applications: its commands run as they stand there, and find the
leak, the bounded cache and the spike of each.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from command_line import clean_environment

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "walkthrough.md").read_text(encoding="utf-8")
DEADLINE_S = 60

# Of each section: what the leaking line says and what holds it, the routes, and where cache and
# spike are.
SECTIONS = {
    "FastAPI": {
        "leak": 'of an order"',
        "holder": "shop.deliveries → Deliveries._subscribers",
        "leaking": "POST /orders",
        "steady": "GET /products/{number}",
        "cache": "load_product",
        "spike": "sales",
        "spiking": "/reports/sales",
    },
    "Django": {
        "leak": 'of a comment"',
        "holder": "comment_published → Signal.receivers",
        "leaking": "POST /comments/",
        "steady": "GET /articles/<int:number>/",
        "cache": "article",
        "spike": "export",
        "spiking": "/export/",
    },
}


def commands_of(title: str) -> list[str]:
    """What is to be typed in a section, in this order; lines that go on are joined."""
    section = re.split(rf"^## .*{title}.*$", PAGE, flags=re.MULTILINE)[1].split("\n## ")[0]
    blocks = "\n".join(re.findall(r"```console\n(.*?)```", section, re.DOTALL))
    return re.findall(r"^\$ (.*)$", blocks.replace("\\\n", " "), re.MULTILINE)


def place_of(text: str) -> str:
    """The file and line of the examples that says this."""
    places = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (ROOT / "examples").rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if text in line
    ]
    assert len(places) == 1
    return places[0]


class Shell:
    """Runs commands in a folder in which `examples/` is, and nothing else of the sources."""

    def __init__(self, folder: Path) -> None:
        (folder / "examples").symlink_to(ROOT / "examples")
        self.folder = folder
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            self.port = chosen.getsockname()[1]
        self.how: dict[str, Any] = {
            "cwd": folder,
            "env": {
                **clean_environment(),
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "PYTHONDONTWRITEBYTECODE": "1",
                "HOME": str(folder),
            },
        }

    def run(self, command: str) -> str:
        command = command.replace(":8000", f":{self.port}")
        done = subprocess.run(
            command, shell=True, capture_output=True, text=True, timeout=240, **self.how
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def serve(self, command: str) -> subprocess.Popen[bytes]:
        option = "--bind 127.0.0.1:" if command.startswith("gunicorn") else "--port "
        process = subprocess.Popen(f"exec {command} {option}{self.port}", shell=True, **self.how)
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return process
            except OSError:
                time.sleep(0.05)
        process.kill()
        raise AssertionError(f"{command} does not answer")


@pytest.mark.parametrize("title", SECTIONS)
def test_walkthrough_finds_leak_cache_and_spike(tmp_path: Path, title: str) -> None:
    wanted = SECTIONS[title]
    serve, load, *questions = commands_of(title)
    shell = Shell(tmp_path)
    server = shell.serve(serve)
    try:
        assert "× 200" in shell.run(load)
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=DEADLINE_S) in (0, -signal.SIGINT)
    answers = {question.split()[1]: shell.run(question) for question in questions}

    def row(command: str, text: str) -> str:
        return next(line for line in answers[command].splitlines() if text in line)

    assert " grows " in row("windows", wanted["leaking"])
    assert " grows " not in row("windows", wanted["steady"])
    assert "1 site grows without bound" in answers["leaks"]
    assert place_of(wanted["leak"]) in answers["leaks"].split("\n\n")[1].splitlines()[0]
    assert wanted["holder"] in row("leaks", "held by")
    judged = answers["leaks"].split("freed in one go")[2]
    assert wanted["spike"] in judged.split("\n\n")[0]
    assert re.search(rf"MiB live .*{wanted['cache']}$", judged, re.MULTILINE)
    assert "MiB" in row("timeline", f" {wanted['cache']}")
    peaks = answers["query"].splitlines()
    assert wanted["spiking"] in peaks[2]
