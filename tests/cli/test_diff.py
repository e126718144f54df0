"""`memlyze diff`, as a person or a CI job runs it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from command_line import Runner
from known_trace import FIRST_ID, MS, known_trace, write_known_trace
from trace_encoder import Allocation, Run, TraceEncoder

from memlyze.analyses.estimates import Estimate
from memlyze.analyses.thresholds import Verdict, parse_threshold
from memlyze.cli.diff import render_verdicts
from memlyze.cli.terminal import Style


@pytest.fixture
def traces(tmp_path: Path) -> tuple[str, str]:
    """The known trace, and the same with 300 bytes more of main."""
    write_known_trace(tmp_path / "a.mlyze")
    more = known_trace()
    more.add_runs([Run(1, 14 * MS, FIRST_ID + 50, [Allocation(300, 1)])])
    more.write(tmp_path / "b.mlyze")
    return "a.mlyze", "b.mlyze"


def test_difference_is_shown_in_all_and_by_function(
    traces: tuple[str, str], memlyze: Runner
) -> None:
    done = memlyze("diff", *traces)
    assert (done.returncode, done.stderr) == (0, "")
    assert [" ".join(line.split()) for line in done.stdout.splitlines()] == [
        "memlyze: a.mlyze → b.mlyze",
        "",
        "before after change",
        "allocated 1.51 KiB 1.81 KiB +300 B (+19.4 %)",
        "allocations 6 7 +1 (+16.7 %)",
        "not freed 1.03 KiB 1.32 KiB +300 B (+28.6 %)",
        "live at the peak 1.03 KiB 1.32 KiB +300 B (+28.6 %)",
        "peak resident 8.79 KiB 8.79 KiB =",
        "",
        "live at the peak: 1 of 3 functions differs beyond chance",
        "",
        "change before after function",
        "+300 B (+200 %) 150 B 450 B main (/srv/app/main.py)",
    ]


def test_recordings_of_different_programs_and_pythons_are_told(
    traces: tuple[str, str], tmp_path: Path, memlyze: Runner
) -> None:
    newer = {"python_version": "3.14.0"}
    other = known_trace(command_line=("python3.14", "-m", "worker"), more_metadata=newer)
    other.write(tmp_path / "other.mlyze")
    words = " ".join(memlyze("diff", traces[0], "other.mlyze").stdout.split())
    assert "! these are recordings of different programs, main.py and -m worker" in words
    assert "! they ran on Python 3.11 and 3.14: the same objects differ in size" in words


def test_thresholds_decide_the_exit_status(traces: tuple[str, str], memlyze: Runner) -> None:
    kept = memlyze("diff", "--fail-on", "live > +50%", "--fail-on", "rss > 1MB", *traces)
    assert kept.returncode == 0
    assert kept.stdout.splitlines()[-2:] == [
        "  live > +50%: not exceeded, it is +28.6 %",
        "  rss > 1MB: not exceeded, it is 8.79 KiB",
    ]
    exceeded = memlyze("diff", "--fail-on", "live > +5%", "--fail-on", "rss > 1MB", *traces)
    assert exceeded.returncode == 3
    assert "live > +5%: EXCEEDED, it is +28.6 %" in exceeded.stdout


def test_json_has_the_difference_and_the_thresholds(
    traces: tuple[str, str], memlyze: Runner
) -> None:
    done = memlyze("diff", "--json", "--by", "stack", "--fail-on", "peak > +200B", *traces)
    assert done.returncode == 3
    answer = json.loads(done.stdout)
    assert answer["diff"]["totals"]["live"]["change"] == {"value": 300, "error": 0}
    assert answer["diff"]["rows"][0]["place"] == {"module": "main", "function": "main"}
    assert answer["thresholds"][0]["outcome"] == "exceeded"


def test_sampled_recordings_of_the_same_do_not_differ(memlyze: Runner, tmp_path: Path) -> None:
    write_known_trace(tmp_path / "a.mlyze", sampled=True)
    done = memlyze("diff", "--all", "a.mlyze", "a.mlyze")
    assert "0 of 3 functions differ beyond chance" in done.stdout
    assert "(few samples)" in done.stdout


def test_what_is_wrong_with_a_trace_is_told_of_that_one(
    traces: tuple[str, str], memlyze: Runner, tmp_path: Path
) -> None:
    content = (tmp_path / "b.mlyze").read_bytes()
    (tmp_path / "cut.mlyze").write_bytes(content[: len(content) * 3 // 4])
    done = memlyze("diff", "a.mlyze", "cut.mlyze")
    assert done.returncode == 0
    told = next(line for line in done.stdout.splitlines() if "!" in line)
    assert told.startswith("  ! the second: the trace was cut off")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("a.mlyze",), "after.mlyze"),
        (("a.mlyze", "missing.mlyze"), "no file missing.mlyze"),
        (("--fail-on", "much", "a.mlyze", "b.mlyze"), "'much' is no threshold"),
        (("--limit", "0", "a.mlyze", "b.mlyze"), "--limit must be 1 or more"),
    ],
)
def test_mistake_is_one_line_and_status_2(
    words: tuple[str, ...], complaint: str, traces: tuple[str, str], memlyze: Runner
) -> None:
    done = memlyze("diff", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_code_that_neither_recording_has_is_an_error_and_no_gate_that_holds(
    traces: tuple[str, str], memlyze: Runner
) -> None:
    gate = ("--fail-on", "live > +5%")
    for option, name, near in (
        ("--function", "mian", "main"),
        ("--function", "*.decodes", "decode"),
        ("--file", "mains.py", "main.py"),
    ):
        done = memlyze("diff", *traces, option, name, *gate)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"{name!r} is on the call stacks of either recording; near it is" in done.stderr
        assert near in done.stderr
    unlike = memlyze("diff", *traces, "--function", "nofunc", *gate)
    assert "memlyze hotspots --by function lists what is there" in unlike.stderr
    apart = memlyze("diff", *traces, "--function", "main", "--file", "decoder.py", *gate)
    assert apart.returncode == 1


def test_code_that_one_recording_has_is_compared(memlyze: Runner, tmp_path: Path) -> None:
    write_known_trace(tmp_path / "a.mlyze")
    TraceEncoder({"process_id": 1}).write(tmp_path / "empty.mlyze")
    for pair in (("a.mlyze", "empty.mlyze"), ("empty.mlyze", "a.mlyze")):
        done = memlyze("diff", *pair, "--function", "load")
        assert (done.returncode, done.stderr) == (0, "")


def test_what_may_be_above_a_threshold_by_chance_is_said_not_to_exceed_it() -> None:
    verdict = Verdict(parse_threshold("live > +1KiB"), Estimate(1100, 200), "uncertain")
    assert render_verdicts([verdict], Style(io.StringIO())) == [
        "",
        "  live > +1KiB: not exceeded (above it, but within chance), it is +1.07 KiB ±200 B",
    ]
