"""`memlyze hotspots`, `timeline`, `peak` and `flamegraph`, as a person runs them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from command_line import Runner
from known_trace import known_trace, write_known_trace
from pseudo_terminal import PseudoTerminal
from trace_encoder import TraceEncoder

COMMANDS = ("hotspots", "timeline", "peak", "flamegraph")


@pytest.fixture
def trace(tmp_path: Path) -> str:
    write_known_trace(tmp_path / "t.mlyze")
    return "t.mlyze"


def test_hotspots_on_a_narrow_terminal_keep_what_was_not_freed(trace: str, tmp_path: Path) -> None:
    """Of the lesser column the share goes first."""
    size = {"COLUMNS": "62"}
    with PseudoTerminal("hotspots", trace, cwd=tmp_path, environment=size) as terminal:
        shown = terminal.expect("main.py:")
    assert re.search(r"allocated +not freed +site", shown)
    assert re.search(r"900 B +58 % +400 B +\S*/", shown)


def test_hotspots_by_function(trace: str, memlyze: Runner) -> None:
    done = memlyze("hotspots", "--by", "function", "--limit", "2", trace)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "memlyze: t.mlyze",
        "  1.51 KiB allocated in 6 allocations, 1.03 KiB not freed, 19 % freed within 1.00 ms",
        "",
        "  allocated          not freed          count    temporary  mean life  function",
        "      900 B    58 %      400 B    38 %      3         33 %    3.50 ms  "
        "/srv/app/main.py load",
        "      500 B    32 %      500 B    48 %      1          0 %             (no Python code)",
        "  and 1 more function (--limit)",
        "  (no Python code): its thread ran none then, such as threads of libraries, and the "
        "interpreter itself.",
    ]


def test_hotspots_count_what_lives_for_a_few_allocations(
    trace: str, tmp_path: Path, memlyze: Runner
) -> None:
    asked = ("hotspots", "--temporary-allocations")
    lines = memlyze(*asked, "1", trace).stdout.splitlines()
    assert lines[1].endswith("freed before their thread made another")
    assert "upper bound" not in "".join(lines)
    write_known_trace(tmp_path / "s.mlyze", sampled=True)
    lines = memlyze(*asked, "20", "s.mlyze").stdout.splitlines()
    assert lines[1].endswith("freed before their thread made 20 others")
    assert any("what is temporary is an upper bound" in line for line in lines)
    assert memlyze(*asked, "0", trace).returncode == 2
    assert "not allowed with" in memlyze(*asked, "2", "--within", "1ms", trace).stderr


def test_types_and_unknown_sites_are_explained_below(trace: str, memlyze: Runner) -> None:
    by_type = memlyze("hotspots", "--by", "type", trace).stdout
    assert "memlyze.checkpoint() in the program" in by_type
    first, second = (float(line.split()[0]) for line in by_type.splitlines()[4:6])
    assert first >= second  # in the order of what is live
    for command in ("hotspots", "peak", "summary"):
        assert "(no Python code): its thread ran none" in memlyze(command, trace).stdout
        assert "checkpoint()" not in memlyze(command, trace).stdout


def test_hotspots_at_a_moment_come_with_the_moment(trace: str, memlyze: Runner) -> None:
    lines = memlyze("hotspots", "--sort", "peak", "--at", "8ms", trace).stdout.splitlines()
    assert lines[3].split("  ")[1] == "live at 8.00 ms"
    assert lines[4].split()[:2] == ["600", "B"]


def test_timeline_draws_curves_and_names_peaks(trace: str, memlyze: Runner) -> None:
    lines = memlyze("timeline", "--buckets", "10", trace).stdout.splitlines()
    assert lines[1] == "  0 s to 20.0 ms, 2.00 ms a character; each curve has a scale of its own"
    assert lines[3] == "  resident  ▅▅▅▅██████  up to 8.79 KiB at 8.00 ms"
    assert "  peak of 1.03 KiB at 12.0 ms" in lines
    assert any(line.split()[-2:] == ["/srv/app/main.py:20", "load"] for line in lines)


def test_timeline_as_a_table(trace: str, memlyze: Runner) -> None:
    lines = memlyze("timeline", "--table", "--buckets", "2", "--peaks", "0", trace).stdout
    rows = [line.split() for line in lines.splitlines()[3:]]
    assert [row[:5] for row in rows] == [
        ["0", "s", "8.79", "KiB", "500"],
        ["10.0", "ms", "8.79", "KiB", "1.03"],
    ]


def test_peak_says_what_was_live_and_resident(trace: str, memlyze: Runner) -> None:
    assert memlyze("peak", trace).stdout.splitlines() == [
        "memlyze: t.mlyze",
        "  peak        1.03 KiB live at 12.0 ms",
        "  resident    8.79 KiB at 10.0 ms",
        "  at 10.0 ms  4.88 KiB Python objects, 2.93 KiB code, 500 B free in Python's pools, "
        "400 B unexplained,",
        "              100 B library data",
        "",
        "   live    share  site",
        "  500 B     48 %  (no Python code)",
        "  400 B     38 %  /srv/app/main.py:20 load",
        "  150 B     14 %  /srv/app/main.py:10 main",
        "  (no Python code): its thread ran none then, such as threads of libraries, and the "
        "interpreter itself.",
    ]


def test_peak_of_another_moment(trace: str, memlyze: Runner) -> None:
    lines = memlyze("peak", "--at", "8ms", "--by", "function", trace).stdout.splitlines()
    assert lines[1:3] == [
        "  live      700 B at 8.00 ms",
        "  peak      1.03 KiB live at 12.0 ms",
    ]


def test_flamegraph_is_a_tree_of_text(trace: str, memlyze: Runner) -> None:
    assert memlyze("flamegraph", trace).stdout.splitlines() == [
        "memlyze: t.mlyze",
        "  allocated",
        "",
        "  share     bytes",
        "  100 %  1.51 KiB    all",
        "   68 %  1.03 KiB    main  /srv/app/main.py:10",
        "   58 %     900 B    └─ load  /srv/app/main.py:20",
        "   32 %     500 B       └─ decode  python3.11/json/decoder.py:30",
        "   32 %     500 B    (no Python code)",
    ]


def test_difference_shows_what_changed(trace: str, memlyze: Runner) -> None:
    lines = memlyze("flamegraph", "--difference", "8ms", "end", trace).stdout.splitlines()
    assert lines[1] == "  not freed, and how much more than what was live at 8.00 ms"
    changes = {line.split("  ")[-1].strip(): line.split()[0] for line in lines[4:]}
    assert changes["(no Python code)"] == "+500"
    assert changes["python3.11/json/decoder.py:30"] == "−200"


def test_selection_reaches_the_analysis(trace: str, memlyze: Runner) -> None:
    words = ("--time", "2ms..5ms", "--window", "outer", "--function", "load", "--thread", "1")
    for command in ("hotspots", "flamegraph"):
        done = memlyze(command, "--json", *words, trace)
        found = json.loads(done.stdout)
        total = found["total"] if command == "hotspots" else found["nodes"][0]
        assert total["bytes"]["value"] == 900, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_trace_with_nothing_in_it_is_answered_in_words(
    command: str, memlyze: Runner, tmp_path: Path
) -> None:
    TraceEncoder({"process_id": 1}).write(tmp_path / "empty.mlyze")
    done = memlyze(command, "empty.mlyze")
    assert (done.returncode, done.stderr) == (0, "")
    expected = "up to 0 B" if command == "timeline" else "Nothing was"
    assert expected in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_cut_off_trace_is_shown_and_said_to_be_cut_off(
    command: str, memlyze: Runner, tmp_path: Path
) -> None:
    content = known_trace().to_bytes()
    (tmp_path / "cut.mlyze").write_bytes(content[: len(content) * 3 // 4])
    done = memlyze(command, "cut.mlyze")
    assert (done.returncode, done.stderr) == (0, "")
    assert "cut off" in done.stdout


def test_few_samples_are_said_to_be_few(memlyze: Runner, tmp_path: Path) -> None:
    write_known_trace(tmp_path / "t.mlyze", sampled=True)
    for command in COMMANDS:
        output = memlyze(command, "t.mlyze").stdout
        assert "(few samples)" in output
        assert "±" not in output


@pytest.mark.parametrize(
    ("words", "complaint", "status"),
    [
        (("hotspots", "--limit", "0"), "--limit must be 1 or more", 2),
        (("hotspots", "--at", "then", "--sort", "peak"), "'then' is no moment", 2),
        (("timeline", "--buckets", "0"), "--buckets must be 1 or more", 2),
        (("timeline", "--time", "5ms..1ms"), "ends before it begins", 2),
        (("peak", "--thread", "nobody"), "no thread 'nobody' in the trace; it has MainThread", 1),
        (("flamegraph", "--window", "none"), "no window 'none'", 1),
        (("flamegraph", "--min-share", "200"), "percentage", 2),
        (("flamegraph", "--live", "--temporary"), "not allowed with", 2),
    ],
)
def test_mistake_is_one_line(
    words: tuple[str, ...], complaint: str, status: int, trace: str, memlyze: Runner
) -> None:
    first, *rest = words
    done = memlyze(first, trace, *rest)
    assert (done.returncode, done.stdout) == (status, "")
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["hotspots", "peak", "flamegraph", "timeline"])
def test_code_that_is_not_in_the_trace_is_an_error(
    command: str, trace: str, memlyze: Runner
) -> None:
    done = memlyze(command, "--function", "laod", trace)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no function 'laod' is on the call stacks of the trace; near it is load" in done.stderr
    assert memlyze(command, "--function", "l?ad", trace).returncode == 0


@pytest.mark.parametrize(
    "words", [("peak", "--at"), ("hotspots", "--sort", "peak", "--at"), ("flamegraph", "--live-at")]
)
def test_moment_after_the_end_is_an_error(
    words: tuple[str, ...], trace: str, memlyze: Runner
) -> None:
    done = memlyze(*words, "99h", trace)
    assert (done.returncode, done.stdout) == (2, "")
    assert "99h is after the end: it was recorded until" in done.stderr
