"""`memlyze serve` on the terminal."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from command_line import Runner
from known_trace import write_known_trace
from served import serving
from web_pages import need_pages


@pytest.fixture(autouse=True)
def pages() -> None:
    """There is nothing to serve without them, and that is said first."""
    need_pages()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return write_known_trace(tmp_path / "exact.mlyze")


def test_interrupt_ends_it_in_order(path: str) -> None:
    with serving(path) as served:
        with served.client.stream("GET", "/api/events") as events:
            next(events.iter_lines())  # an open stream does not keep it
            served.process.send_signal(signal.SIGINT)
            assert served.process.wait(timeout=20) == 0
        assert served.process.stderr is not None
        assert served.process.stderr.read() == ""


def test_port_in_use_is_said(path: str, memlyze: Runner) -> None:
    with serving(path) as served:
        port = served.url.rpartition(":")[2]
        second = memlyze("serve", "--no-browser", "--port", port, path)
    assert second.returncode == 1
    assert second.stderr == (
        f"memlyze serve: port {port} is in use, perhaps by another memlyze serve; "
        "leave out --port to take a free one, or name another\n"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no.mlyze"], "there is no file no.mlyze"),
        (["--port", "70000", "x"], "--port is from 0 to 65535"),
        ([], "the following arguments are required"),
        (["--host", "203.0.113.1", "exact.mlyze"], "is no address of this machine"),
    ],
)
def test_mistake_on_the_command_line_is_one_line(
    path: str, memlyze: Runner, arguments: list[str], words: str
) -> None:
    result = memlyze("serve", "--no-browser", *arguments)
    assert result.returncode in (1, 2)
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"hello, this is no trace at all", "is not a memlyze trace"),
    ],
)
def test_file_that_is_no_trace_is_refused_before_anything_is_served(
    tmp_path: Path, memlyze: Runner, content: bytes, words: str
) -> None:
    (tmp_path / "bad.mlyze").write_bytes(content)
    result = memlyze("serve", "--no-browser", "bad.mlyze")
    assert result.returncode == 1
    assert words in result.stderr
