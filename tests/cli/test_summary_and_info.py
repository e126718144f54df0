"""`memlyze summary` and `memlyze info` over traces in every state."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Runner
from known_trace import known_trace, write_known_trace
from trace_encoder import Allocation, Run, TraceEncoder

from memlyze.trace.format import RESIDENT_CATEGORY_NAMES
from memlyze.wording.units import format_bytes


@pytest.fixture
def trace(tmp_path: Path) -> str:
    write_known_trace(tmp_path / "t.mlyze")
    return "t.mlyze"


def test_summary_of_an_exact_trace(trace: str, memlyze: Runner) -> None:
    result = memlyze("summary", trace)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "memlyze: t.mlyze",
        "  command        python main.py 'two words'",
        "  duration       20.0 ms",
        "  peak resident  8.79 KiB at 10.0 ms",
        "  of which       4.88 KiB Python objects, 2.93 KiB code, 500 B free in Python's pools, "
        "400 B unexplained,",
        "                 100 B library data",
        "  peak live      1.03 KiB of allocations at 12.0 ms",
        "  allocated      1.51 KiB in 6 allocations; 1.03 KiB not freed",
        "  gc             2 runs, 4.00 µs in all",
        "  recording      every allocation recorded, "
        f"{(result.stdout.split('recorded, ')[1]).split(' file')[0]} file, "
        "1.00 MiB memory, 2.00 ms CPU for writing",
        "  references     9 objects, the program stood still for 300 µs",
        "",
        "  allocated    live at 12.0 ms    site",
        "      900 B              400 B    /srv/app/main.py:20 load",
        "                                    mostly in python3.11/json/decoder.py:30 decode",
        "      500 B              500 B    (no Python code)",
        "      150 B              150 B    /srv/app/main.py:10 main",
        "  (no Python code): its thread ran none then, such as threads of libraries, and the "
        "interpreter itself.",
    ]


def test_summary_of_a_sampled_trace_says_where_samples_are_too_few(
    memlyze: Runner, tmp_path: Path
) -> None:
    write_known_trace(tmp_path / "t.mlyze", sampled=True)
    output = memlyze("summary", "t.mlyze").stdout
    assert "(few samples)" in output
    assert "±" not in output  # an interval around three samples would look more precise than it is
    assert "Few samples: record with a greater --sample-rate" in output


def test_summary_as_json(trace: str, memlyze: Runner) -> None:
    summary = json.loads(memlyze("summary", "--json", "--sites", "2", trace).stdout)
    assert summary["bytes"] == {"value": 1550, "error": 0}
    assert summary["peak_rss"] == {"bytes": 9000, "time_ns": 10_000_000, "process_id": 7}
    assert summary["resident"]["bytes"] == 9000
    assert summary["resident"]["parts"][0]["category"] == "python_objects"
    assert [site["function"] for site in summary["sites"]] == ["load", "<unknown>"]
    assert summary["peak_live_ns"] == 12_000_000
    assert summary["peak_live_bytes"] == {"value": 1050, "error": 0}
    assert summary["sites"][0]["held_bytes"]["value"] == 400
    assert summary["is_complete"] is True


def test_info_of_a_whole_trace(trace: str, memlyze: Runner) -> None:
    result = memlyze("info", trace)
    assert (result.returncode, result.stderr) == (0, "")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["state", "complete"] in lines
    assert any(words[:2] == ["events", "11"] for words in lines)
    assert ["events_dropped", "0"] in lines


def test_info_as_json_is_one_object_a_file(trace: str, memlyze: Runner, tmp_path: Path) -> None:
    write_known_trace(tmp_path / "u.mlyze", process_id=8)
    first, second = map(json.loads, memlyze("info", "--json", trace, "u.mlyze").stdout.splitlines())
    assert first["is_complete"] is True
    assert first["tables"]["events"]["rows"] == 11
    assert (first["metadata"]["process_id"], second["metadata"]["process_id"]) == (7, 8)


def test_trace_with_nothing_in_it(memlyze: Runner, tmp_path: Path) -> None:
    TraceEncoder({"process_id": 1}).write(tmp_path / "empty.mlyze")
    summary = memlyze("summary", "empty.mlyze")
    assert (summary.returncode, summary.stderr) == (0, "")
    assert "as only a sample is. To see small programs: --sample-rate 1.0" in summary.stdout
    assert "unknown" in summary.stdout
    assert memlyze("info", "empty.mlyze").returncode == 0
    assert json.loads(memlyze("summary", "--json", "empty.mlyze").stdout)["sites"] == []
    assert memlyze("query", "FROM timeline(buckets := 3)", "empty.mlyze").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["summary"], r"peak resident +unknown: the system did not tell .*/proc"),
        (["peak"], r"resident +unknown: nothing was read of it"),
        (["timeline"], r"resident +unknown: nothing was read of it"),
        (["diff", "t.mlyze"], r"peak resident +unknown: nothing was read of it"),
        (["report", "--markdown"], r"resident memory \| unknown: the system"),
        (["query", "SELECT 'rss', rss, program_rss FROM memory"], r"rss +NULL +NULL"),
    ],
)
def test_resident_memory_that_the_system_did_not_tell_is_unknown(
    arguments: list[str], told: str, memlyze: Runner, tmp_path: Path
) -> None:
    """As without /proc: it is not 0, and what is live is not said to be more than that."""
    encoder = TraceEncoder({"process_id": 1, "sample_rate": 1.0})
    encoder.add_runs([Run(1, 5_000_000, 1 << 16, [Allocation(50 << 20)])])
    encoder.add("memory", [{"time_ns": 6_000_000, "rss": 0, "tracer_bytes": 4096}])
    encoder.write(tmp_path / "t.mlyze")
    done = memlyze(*arguments, "t.mlyze")
    assert done.returncode == 0
    assert re.search(told, done.stdout), done.stdout
    assert "more than is resident" not in done.stdout


@pytest.mark.parametrize("command", ["summary", "info"])
def test_cut_off_trace_is_shown_and_said_to_be_cut_off(
    command: str, trace: str, memlyze: Runner, tmp_path: Path
) -> None:
    content = (tmp_path / trace).read_bytes()
    (tmp_path / "cut.mlyze").write_bytes(content[: len(content) * 3 // 4])
    result = memlyze(command, "cut.mlyze")
    assert (result.returncode, result.stderr) == (0, "")
    assert "cut off" in result.stdout


@pytest.mark.parametrize("command", ["summary", "info"])
def test_damage_is_told(command: str, memlyze: Runner, tmp_path: Path) -> None:
    encoder = known_trace()
    content = bytearray(encoder.to_bytes())
    content[encoder.block_offsets[-2] + 60] ^= 0xFF
    (tmp_path / "bad.mlyze").write_bytes(content)
    result = memlyze(command, "bad.mlyze")
    assert result.returncode == 0
    assert "damaged" in result.stdout


@pytest.mark.parametrize("block_type", ["object_references", "events", "gc", "sources"])
def test_every_command_tells_the_damage_that_info_tells(
    block_type: str, memlyze: Runner, tmp_path: Path
) -> None:
    encoder = known_trace()
    encoder.add("sources", [{"file": "/srv/app/main.py"}])
    (tmp_path / "bad.mlyze").write_bytes(encoder.damaged(block_type))
    (damage,) = json.loads(memlyze("info", "--json", "bad.mlyze").stdout)["damage"]
    assert f"1 {block_type} block is unreadable" in damage
    for command in (
        ["summary"],
        ["leaks"],
        ["hotspots"],
        ["peak"],
        ["query", "FROM gc"],
        ["report", "--markdown"],
    ):
        result = memlyze(*command, "bad.mlyze")
        told = (result.stdout + result.stderr).replace("\\", "")
        assert damage in told, command
    memlyze("report", "-o", "bad.html", "bad.mlyze")
    assert damage in (tmp_path / "bad.html").read_text(encoding="utf-8")
    assert damage in json.loads(memlyze("summary", "--json", "bad.mlyze").stdout)["damage"]


def test_trace_of_which_nothing_can_be_read_claims_nothing(memlyze: Runner, tmp_path: Path) -> None:
    (tmp_path / "cut.mlyze").write_bytes(known_trace().to_bytes()[:60])
    told = memlyze("summary", "cut.mlyze").stdout
    assert re.search(r"sampled +unknown: what the trace says of itself cannot be read", told)
    assert "before the trace was cut off" in told
    report = memlyze("report", "--markdown", "cut.mlyze").stdout
    memlyze("report", "-o", "cut.html", "cut.mlyze")
    page = (tmp_path / "cut.html").read_text(encoding="utf-8")
    for text in (report, page):
        assert "No allocation was written before the trace was cut off" in text
        assert "--sample-rate" not in text


@pytest.mark.parametrize("command", ["summary", "info"])
@pytest.mark.parametrize("content", [b"", b"\x89MLYZE\r\n", b"something else entirely"])
def test_file_that_is_no_trace_is_one_line(
    command: str, content: bytes, memlyze: Runner, tmp_path: Path
) -> None:
    (tmp_path / "no.mlyze").write_bytes(content)
    result = memlyze(command, "no.mlyze")
    assert (result.returncode, result.stdout) == (1, "")
    assert "no.mlyze" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["summary", "info"])
def test_missing_file_is_one_line_and_status_2(command: str, memlyze: Runner) -> None:
    result = memlyze(command, "missing.mlyze")
    assert (result.returncode, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1


def test_text_of_the_program_cannot_steer_the_terminal(memlyze: Runner, tmp_path: Path) -> None:
    encoder = TraceEncoder({"process_id": 1, "command_line": ["a\x1b[2Jb"], "x\x07": "\x1b[31m"})
    encoder.write(tmp_path / "t.mlyze")
    for command in ("summary", "info"):
        assert "\x1b" not in memlyze(command, "t.mlyze").stdout
    found = memlyze("query", "SELECT value FROM metadata", "t.mlyze")
    assert "\x1b" not in found.stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is full")
@pytest.mark.parametrize("command", [("summary",), ("info",), ("query", "FROM allocations")])
def test_output_without_room_is_one_line(
    trace: str, tmp_path: Path, command: tuple[str, ...]
) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "memlyze", *command, trace],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr and len(done.stderr.splitlines()) == 1


def test_sampled_trace_without_a_sample_is_not_called_exact(
    tmp_path: Path, memlyze: Runner
) -> None:
    """A sampled program that ended before its first sample."""
    TraceEncoder({"process_id": 1, "sample_rate": 0.0}).write(tmp_path / "few.mlyze")
    done = memlyze("summary", "--json", "few.mlyze")
    assert json.loads(done.stdout)["is_exact"] is False
    shown = memlyze("summary", "few.mlyze").stdout
    assert "  allocated      nothing fell into the sample" in shown
    assert "only a sample is. To see small programs: --sample-rate 1.0" in shown


def test_summary_of_several_traces_tells_of_every_process(memlyze: Runner, tmp_path: Path) -> None:
    for process_id in (7, 8, 9):
        write_known_trace(tmp_path / f"{process_id}.mlyze", process_id=process_id)
    write_known_trace(tmp_path / "10.mlyze", process_id=10, command_line=("python", "worker.py"))
    lines = memlyze("summary", "7.mlyze", "8.mlyze", "9.mlyze", "10.mlyze").stdout.splitlines()
    assert "  command        python main.py 'two words'  (processes 7, 8, 9)" in lines
    assert "                 python worker.py  (process 10)" in lines
    assert "8.79 KiB at 10.0 ms in process 7" in lines[4]
    recording = next(line for line in lines if line.startswith("  recording"))
    assert "4.00 MiB memory, 8.00 ms CPU for writing" in recording


LOSSES = {
    "events_dropped": ({"events_dropped": 3, "frees_dropped": 2}, "3 events were dropped because"),
    "one": ({"events_dropped": 1}, "1 event was dropped because they could not be written"),
    "in_fork": ({"events_dropped": 4, "events_dropped_in_fork": 4}, "4 events were dropped while"),
    "memory": ({"events_dropped": 5, "events_dropped_for_memory": 5}, "for want of memory"),
    "threads": ({"calls_unrecorded": 6}, "6 calls for memory by threads"),
}


@pytest.mark.parametrize(("later_ms", "bytes_together"), [(5, 18_000), (30, 9_000)])
def test_what_processes_had_resident_together_is_of_one_moment(
    later_ms: int, bytes_together: int, memlyze: Runner, tmp_path: Path
) -> None:
    write_known_trace(tmp_path / "a.mlyze")
    started = 10**18 + later_ms * 10**6
    write_known_trace(tmp_path / "b.mlyze", process_id=8, start_unix_ns=started)
    found = json.loads(memlyze("summary", "--json", "a.mlyze", "b.mlyze").stdout)
    assert found["peak_rss_together"]["bytes"] == bytes_together
    alone = json.loads(memlyze("summary", "--json", "a.mlyze").stdout)
    assert alone["peak_rss_together"] is None


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_told_with_the_advice_for_their_cause(
    name: str, memlyze: Runner, tmp_path: Path
) -> None:
    metadata, expected = LOSSES[name]
    TraceEncoder({"process_id": 1, "end_ns": 5, **metadata}).write(tmp_path / "t.mlyze")
    told = [line for line in memlyze("summary", "t.mlyze").stdout.splitlines() if "!" in line]
    assert expected in "".join(told)
    assert len(told) == 1
    assert ("--when-full" in told[0]) == ("because" in expected)


def test_figures_of_one_are_not_plural(memlyze: Runner, tmp_path: Path) -> None:
    encoder = TraceEncoder({"process_id": 1, "sample_rate": 1.0})
    encoder.add_runs([Run(1, 0, 65536, [Allocation(100, 0)])])
    encoder.add("gc", [{"time_ns": 1, "duration_ns": 5, "generation": 0, "thread_id": 1}])
    encoder.write(tmp_path / "t.mlyze")
    output = memlyze("summary", "t.mlyze").stdout
    assert "in 1 allocation;" in output and "1 run," in output


def test_cut_trace_without_readings_of_the_memory_clock(memlyze: Runner, tmp_path: Path) -> None:
    content = TraceEncoder({"process_id": 1}).to_bytes()
    (tmp_path / "t.mlyze").write_bytes(content[:-16])
    assert "cut off before a reading" in memlyze("summary", "t.mlyze").stdout


def test_recorders_own_memory_is_told_apart(memlyze: Runner, tmp_path: Path) -> None:
    encoder = TraceEncoder({"process_id": 1})
    encoder.add("memory", [{"time_ns": 0, "rss": 5 << 20, "tracer_bytes": 1 << 20}])
    encoder.write(tmp_path / "t.mlyze")
    summary = memlyze("summary", "t.mlyze").stdout
    assert "4.00 MiB at 0 s (and 1.00 MiB of memlyze's own)" in summary


def test_snapshot_that_is_not_of_the_peak_says_which_moment_it_is_of(
    memlyze: Runner, tmp_path: Path
) -> None:
    encoder = TraceEncoder({"process_id": 1})
    encoder.add("memory", [{"time_ns": 400_000_000, "rss": 5 << 20}])
    encoder.add("resident", [{"time_ns": 20_000_000, "category": 1, "resident_bytes": 3 << 20}])
    encoder.write(tmp_path / "t.mlyze")
    output = memlyze("summary", "t.mlyze").stdout
    assert "  at 20.0 ms     3.00 MiB were resident: 3.00 MiB Python objects\n" in output
    assert "of which" not in output
    assert "what it consists of is looked at more rarely than how much it is" in output


def test_snapshot_of_the_peak_does_not_excuse_itself(trace: str, memlyze: Runner) -> None:
    output = memlyze("summary", trace).stdout
    assert "looked at more rarely" not in output


@pytest.mark.parametrize("unexplained_mib", [0, 2])
def test_what_is_unexplained_may_be_of_allocators_that_are_not_seen(
    unexplained_mib: int, memlyze: Runner, tmp_path: Path
) -> None:
    named = [{"name": "jemalloc", "file": "/srv/a.so"}]
    encoder = TraceEncoder({"process_id": 1, "invisible_allocators": named})
    sizes = {"python_objects": 3, "unexplained": unexplained_mib}
    for name, size in sizes.items():
        category = RESIDENT_CATEGORY_NAMES.index(name)
        row = {"time_ns": 20, "category": category, "resident_bytes": size << 20}
        encoder.add("resident", [row])
    encoder.add("memory", [{"time_ns": 20, "rss": 5 << 20}])
    encoder.write(tmp_path / "t.mlyze")
    output = memlyze("summary", "t.mlyze").stdout
    assert "blocks of jemalloc in a.so" in output
    assert ("; the 2.00 MiB that are unexplained may be theirs" in output) == bool(unexplained_mib)


def test_info_of_several_is_a_line_each_with_what_matters(
    trace: str, memlyze: Runner, tmp_path: Path
) -> None:
    facts = {"events_dropped": 4, "allocations_recorded": 12, "end_ns": 1_500_000_000}
    command_line = ["python", "worker.py"]
    TraceEncoder({"process_id": 8, "command_line": command_line, **facts}).write(
        tmp_path / "u.mlyze"
    )
    content = known_trace(process_id=9).to_bytes()
    (tmp_path / "v.mlyze").write_bytes(content[: len(content) * 3 // 4])
    output = memlyze("info", trace, "u.mlyze", "v.mlyze").stdout
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert lines[0] == "process state samples dropped size duration file command"
    size = format_bytes((tmp_path / "u.mlyze").stat().st_size)
    assert lines[2] == f"8 complete 12 4 {size} 1.50 s u.mlyze python worker.py"
    assert lines[3].startswith("9 cut off ")
    assert any(line.startswith("! v.mlyze: the trace was cut off") for line in lines)
    assert "--only PROCESS; of each: --json" in lines[-1]
    assert "metadata" not in output
    assert "metadata" in memlyze("info", "--only", "8", trace, "u.mlyze").stdout


def test_file_that_is_damaged_says_so_among_several(
    trace: str, memlyze: Runner, tmp_path: Path
) -> None:
    (tmp_path / "bad.mlyze").write_bytes(known_trace(process_id=8).damaged("events"))
    line = memlyze("info", trace, "bad.mlyze").stdout.splitlines()[2]
    assert line.split()[:2] == ["8", "damaged"]


def test_trace_of_which_nothing_could_be_written_is_not_called_empty(
    memlyze: Runner, tmp_path: Path
) -> None:
    """As on a full disk: the header alone."""
    encoder = known_trace()
    content = encoder.to_bytes()[: encoder.block_offsets[0]]
    (tmp_path / "full.mlyze").write_bytes(content)
    output = memlyze("summary", "full.mlyze").stdout
    assert "unknown: the trace was cut off before anything was written" in output
    assert "was the disk full" in output
    assert "nothing was recorded" not in output


def test_peak_of_several_processes_is_of_all_together(memlyze: Runner, tmp_path: Path) -> None:
    for process_id in (7, 8):
        write_known_trace(tmp_path / f"{process_id}.mlyze", process_id=process_id)
    output = memlyze("summary", "7.mlyze", "8.mlyze").stdout
    assert "2.05 KiB of allocations at 12.0 ms in all processes together" in output
