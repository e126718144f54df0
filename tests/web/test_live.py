"""Traces that change while they are served: growing, finished, deleted, recorded anew, new ones."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from command_line import clean_environment
from known_trace import known_trace, write_known_trace
from served import Served, serving

from memlyze.trace.blocks import is_finished
from memlyze.web import served_trace
from memlyze.web.catalogue import Catalogue
from memlyze.web.events import Watcher
from memlyze.web.served_trace import ServedTrace

PROGRAM = """
import sys
kept = []
for line in sys.stdin:
    kept.append(bytearray(int(line)))
    print(len(kept), flush=True)
"""


def wait_for(served: Served, is_so: Callable[[dict[str, Any]], bool], trace: str) -> dict[str, Any]:
    """The first thing told of a trace that is so."""
    with served.client.stream("GET", "/api/events") as events:
        for line in events.iter_lines():
            if line.startswith("data: "):
                entry: dict[str, Any] = json.loads(line[len("data: ") :])
                if entry["id"] == trace and is_so(entry):
                    return entry
    raise AssertionError("the stream ended")


def newer_than(revision: int) -> Callable[[dict[str, Any]], bool]:
    """Whether a trace has changed since."""
    return lambda entry: bool(entry["revision"] > revision)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A program that is being recorded, and its trace: it keeps as many bytes as a line of its
    input says.
    """
    path = tmp_path / "live.mlyze"
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    command = ["record", "-q", "--sample-rate", "1", "-o", str(path), str(script)]
    with subprocess.Popen(
        [sys.executable, "-m", "memlyze", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
        cwd=tmp_path,
    ) as process:
        assert tell(process, 10) == 1
        yield process, path
        if process.stdin is not None and not process.stdin.closed:
            process.stdin.close()


def tell(process: subprocess.Popen[str], size: int) -> int:
    """Make the program allocate; how many blocks it has then."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{size}\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def test_trace_is_shown_as_it_grows_until_it_is_complete(
    program: tuple[subprocess.Popen[str], Path],
) -> None:
    process, path = program
    with serving(path) as served:
        entry = wait_for(served, lambda entry: entry["state"] == "live", "live.mlyze")
        before = served.get("info")["bytes"]["value"]
        tell(process, 50_000_000)
        while served.get("info")["bytes"]["value"] < before + 50_000_000:
            entry = wait_for(served, newer_than(entry["revision"]), "live.mlyze")
        (site, *_) = served.get("hotspots", sort="live")["rows"]
        assert site["place"]["line"] == 5
        assert process.stdin is not None
        process.stdin.close()
        wait_for(served, lambda entry: entry["state"] == "complete", "live.mlyze")
        assert served.get("info")["notes"] == []


def test_trace_of_a_killed_program_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "cut.mlyze"
    write_known_trace(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    os.utime(path, (1, 1))
    with serving(path) as served:
        assert served.get("traces")["traces"][0]["state"] == "cut_off"
        assert "cut off" in served.get("info")["notes"][0]
        served.get("timeline")
        served.get("flamegraph")


def test_trace_that_is_deleted_is_shown_from_memory_and_said_to_be_gone(tmp_path: Path) -> None:
    path = tmp_path / "t.mlyze"
    write_known_trace(path)
    with serving(path) as served:
        served.get("info")
        path.unlink()
        entry = wait_for(served, lambda entry: entry["state"] == "gone", "t.mlyze")
        assert "cannot be read any more" in entry["error"]
        assert served.get("flamegraph")["total"]["value"] == 1550


def test_trace_that_is_deleted_before_it_was_looked_at_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "t.mlyze"
    write_known_trace(path)
    # The first one is opened at once.
    with serving(write_known_trace(tmp_path / "first.mlyze"), path) as served:
        path.unlink()
        wait_for(served, lambda entry: entry["state"] == "gone", "t.mlyze")
        status, words = served.refusal("info", trace="t.mlyze")
        assert status == 410
        assert "t.mlyze" in words


def test_trace_that_is_recorded_anew_is_shown_anew(tmp_path: Path) -> None:
    path = tmp_path / "t.mlyze"
    write_known_trace(path)
    with serving(path) as served:
        first = served.get("info")
        known_trace(command_line=("python", "other.py")).write(tmp_path / "new")
        os.replace(tmp_path / "new", path)
        wait_for(served, lambda entry: "other.py" in entry["command_line"], "t.mlyze")
        second = served.get("info")
        assert second["trace"]["revision"] > first["trace"]["revision"]
        assert second["processes"][0]["command_line"] == "python other.py"


def test_folder_is_empty_then_has_a_trace_then_a_bad_one(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "folder"
    folder.mkdir()
    elsewhere.mkdir()
    write_known_trace(elsewhere / "one.mlyze")
    with serving(folder) as served:
        assert served.get("traces")["traces"] == []
        status, words = served.refusal("info")
        assert status == 404
        assert "memlyze record -o" in words
        shutil.copy(elsewhere / "one.mlyze", folder / "one.mlyze")
        wait_for(served, lambda entry: entry["state"] == "complete", "one.mlyze")
        assert served.get("info")["bytes"]["value"] == 1550
        (folder / "bad.mlyze").write_text("no trace")
        entry = wait_for(served, lambda entry: entry["state"] == "bad", "bad.mlyze")
        assert "is not a memlyze trace" in entry["error"]
        assert served.refusal("info", trace="bad.mlyze")[0] == 422
        assert served.get("info", trace="one.mlyze")


def test_trace_of_a_newer_version_is_named(tmp_path: Path) -> None:
    write_known_trace(tmp_path / "new.mlyze")
    content = bytearray((tmp_path / "new.mlyze").read_bytes())
    content[8] = 99
    (tmp_path / "new.mlyze").write_bytes(content)
    with serving(tmp_path) as served:
        assert "format version 99" in served.get("traces")["traces"][0]["error"]


def test_processes_of_a_program_are_one_trace_of_the_folder(tmp_path: Path) -> None:
    for name, process_id in (("app.mlyze", 7), ("app.8.mlyze", 8)):
        more = {"family_id": "f", "recording_id": name}
        known_trace(process_id=process_id, more_metadata=more).write(tmp_path / name)
    with serving(tmp_path) as served:
        (entry,) = served.get("traces")["traces"]
        assert (entry["name"], entry["files"]) == ("app.mlyze", 2)
        assert served.get("info")["bytes"]["value"] == 3100
        assert served.get("flamegraph", process_id=8)["total"]["value"] == 1550
        assert served.get("timeline", buckets=1)["rss"]["max"] == [18000]


def test_hostile_names_are_told_as_they_are(tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>\u202e\u0007" + "x" * 10_000
    known_trace(command_line=("python", name)).write(tmp_path / "t.mlyze")
    with serving(tmp_path / "t.mlyze") as served:
        response = served.client.get("/api/info")
        assert response.headers["content-type"] == "application/json"
        assert response.json()["processes"][0]["command_line"].count(name) == 1


def test_trace_of_nothing_is_shown(tmp_path: Path) -> None:
    golden = Path(__file__).resolve().parents[1] / "trace" / "golden" / "v1" / "empty.mlyze"
    shutil.copy(golden, tmp_path / "empty.mlyze")
    with serving(tmp_path / "empty.mlyze") as served:
        for path in ("info", "timeline", "lanes", "flamegraph", "hotspots", "spike", "windows"):
            served.get(path)
        for path in ("timeline/resident", "timeline/stacked", "heatmap/sites", "windows/names"):
            served.get(path)
        for path in ("heatmap/lifetimes", "source/files", "leaks", "schema"):
            served.get(path)


def test_trace_that_something_else_stands_in_place_of_keeps_no_other_from_being_seen(
    tmp_path: Path,
) -> None:
    known = write_known_trace(tmp_path / "known")
    with serving(tmp_path) as served:
        shutil.copy(known, tmp_path / "first.mlyze")
        wait_for(served, lambda entry: entry["state"] == "complete", "first.mlyze")
        (tmp_path / "first.mlyze").unlink()
        (tmp_path / "first.mlyze").mkdir()
        entry = wait_for(served, lambda entry: entry["state"] == "gone", "first.mlyze")
        assert "no file any more" in entry["error"]
        shutil.copy(known, tmp_path / "second.mlyze")
        wait_for(served, lambda entry: entry["state"] == "complete", "second.mlyze")


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (FileNotFoundError(2, "No such file or directory", "t.mlyze"), "gone", "t.mlyze"),
        (PermissionError(13, "Permission denied", "t.mlyze"), "bad", "Permission denied"),
        (RuntimeError("surprise"), "bad", "surprise"),
    ],
)
def test_trace_that_fails_while_it_is_looked_at_is_said_to_and_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, state: str, words: str
) -> None:
    paths = [write_known_trace(tmp_path / name) for name in ("t.mlyze", "other.mlyze")]
    catalogue = Catalogue(paths)
    trace, other = catalogue.traces

    def fail(path: str) -> bool:
        if path == paths[0]:
            raise error
        return is_finished(path)

    monkeypatch.setattr(served_trace, "is_finished", fail)
    assert catalogue.look() == [trace]
    assert (trace.state, other.state) == (state, "complete")
    assert words in str(trace.error)
    monkeypatch.undo()
    monkeypatch.setattr(served_trace, "_LEAST_INTERVAL_S", 0.0)
    os.chmod(paths[0], 0o600)
    catalogue.look()
    assert (trace.state, trace.error) == ("complete", None)


def test_trace_of_a_folder_that_may_not_be_read_any_more_is_gone_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_known_trace(tmp_path / "t.mlyze")
    catalogue = Catalogue([str(tmp_path)])
    stat = os.stat

    def refuse(asked: Any, **options: Any) -> os.stat_result:
        if str(asked) == path:
            raise PermissionError(13, "Permission denied", path)
        return stat(asked, **options)

    monkeypatch.setattr(os, "stat", refuse)
    assert [trace.state for trace in catalogue.look()] == ["gone"]
    assert catalogue.look() == []
    monkeypatch.undo()
    os.utime(tmp_path, ns=(0, 1))
    assert [trace.state for trace in catalogue.look()] == ["complete"]


def test_what_is_worked_out_once_does_not_delay_what_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_known_trace(tmp_path / "t.mlyze")
    trace = ServedTrace("t", path, is_named=True)
    monkeypatch.setattr(served_trace, "_LEAST_INTERVAL_S", 0.0)
    assert trace.look()
    trace.note_cost(1e6)
    os.utime(path, ns=(0, 1))
    assert trace.look()
    trace.note_cost(1e6)  # and again: it would take all of the time
    os.utime(path, ns=(0, 2))
    assert not trace.look()


def test_watcher_goes_on_after_whatever_went_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    catalogue = Catalogue([write_known_trace(tmp_path / "t.mlyze")])
    watcher = Watcher(catalogue)
    looks = itertools.count(1)

    async def watch() -> None:
        was_seen_again = asyncio.Event()
        loop = asyncio.get_running_loop()

        def look() -> list[ServedTrace]:
            if next(looks) <= 2:
                raise RuntimeError("surprise")
            loop.call_soon_threadsafe(was_seen_again.set)
            return []

        monkeypatch.setattr(catalogue, "look", look)
        watching = asyncio.ensure_future(watcher.watch())
        await asyncio.wait_for(was_seen_again.wait(), 60)
        watching.cancel()

    asyncio.run(watch())
    assert capsys.readouterr().err.count("surprise") == 1  # not again and again
