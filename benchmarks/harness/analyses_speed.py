"""How long the analyses take, as whole processes, beside memray's reports on the same program.

The traces are real recordings of `programs/service.py` with every allocation in them, as in the
part on queries. What a process takes merely to start is measured as well: the time of its `--help`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median
from typing import Any, Sequence

from harness import markdown, processes, query_speed
from harness.overhead import Say
from harness.results import Results

SECTION = "analyses"
START = "start"
REPETITIONS = 3
#: Each analysis and its words; `{trace}` becomes the path.
ANALYSES = {
    "summary": ("summary", "{trace}"),
    "hotspots": ("hotspots", "{trace}"),
    "hotspots --by line --sort peak": ("hotspots", "--by", "line", "--sort", "peak", "{trace}"),
    "timeline": ("timeline", "{trace}"),
    "peak": ("peak", "{trace}"),
    "flamegraph": ("flamegraph", "{trace}"),
    "flamegraph --live --inverted": ("flamegraph", "--live", "--inverted", "{trace}"),
    "diff (with itself)": ("diff", "{trace}", "{trace}"),
}
#: memray's reports, and the analysis that each is beside.
PEERS = {
    "stats": ("summary", ("stats", "{trace}")),
    "table": ("hotspots", ("table", "--force", "--output", "{trace}.html", "{trace}")),
    "flamegraph": ("flamegraph", ("flamegraph", "--force", "--output", "{trace}.html", "{trace}")),
}


def measure(
    millions: Sequence[int], results: Results, scratch: processes.Scratch, say: Say
) -> None:
    """Time the analyses of traces of so many million allocations."""
    per_loop = query_speed.allocations(query_speed.record("rate_1.0", 1, scratch), scratch)
    for size in millions:
        loops = -(-size * 1_000_000 // per_loop)
        trace = query_speed.record("rate_1.0", loops, scratch)
        common = {"millions": size}
        memlyze = [str(Path(sys.executable).parent / "memlyze")]
        _time("memlyze", START, [*memlyze, "--help"], common, results, scratch, say)
        for name, words in ANALYSES.items():
            command = [*memlyze, *(word.format(trace=trace) for word in words)]
            _time("memlyze", name, command, common, results, scratch, say)
        trace.unlink()
        file = query_speed.record("memray_all", loops, scratch)
        for name, (_, words) in PEERS.items():
            command = [sys.executable, "-m", "memray", *(word.format(trace=file) for word in words)]
            _time("memray", name, command, common, results, scratch, say, repetitions=1)
        file.unlink()


def _time(
    tool: str,
    name: str,
    command: Sequence[str],
    common: dict[str, Any],
    results: Results,
    scratch: processes.Scratch,
    say: Say,
    repetitions: int = REPETITIONS,
) -> None:
    for _ in range(repetitions):
        run: dict[str, Any] = {"kind": "process", "tool": tool, "analysis": name, **common}
        try:
            finished = processes.run_process(command, scratch)
        except processes.ProgramFailedError as failure:
            results.add(SECTION, {**run, "failure": str(failure)})
            say(f"analyses  {tool} {name}: FAILED: {str(failure)[-300:]}")
            return
        run.update(wall_s=finished.wall_s, peak_rss_bytes=finished.peak_rss_bytes)
        results.add(SECTION, run)
    say(f"analyses  {tool} {name}: {finished.wall_s:.2f} s")


def table(results: Results) -> str:
    """Each analysis with its time and memory, beside memray's report of the same purpose."""
    rows = []
    for millions in sorted({run["millions"] for run in results.runs(SECTION, kind="process")}):
        start_s = _wall_s(results, "memlyze", START, millions) or 0.0
        for name in ANALYSES:
            wall_s = _wall_s(results, "memlyze", name, millions)
            if wall_s is None:
                rows.append([f"memlyze {name}", f"{millions} M", "failed", *[markdown.NOTHING] * 4])
                continue
            peer = next((peer for peer, (beside, _) in PEERS.items() if beside == name), None)
            peer_s = _wall_s(results, "memray", peer, millions) if peer else None
            rows.append(
                [
                    f"memlyze {name}",
                    f"{millions} M",
                    f"{wall_s:.2f}",
                    f"{wall_s - start_s:.2f}",
                    f"{_peak_bytes(results, name, millions) / 1e6:.0f}",
                    f"{peer}: {peer_s:.2f}" if peer_s is not None else markdown.NOTHING,
                    f"{peer_s / wall_s:.0f} ×" if peer_s is not None else markdown.NOTHING,
                ]
            )
    head = [
        "whole process",
        "allocations",
        "seconds",
        "beyond its start",
        "peak, MB",
        "memray, seconds",
        "faster",
    ]
    return markdown.table(head, rows)


def _runs(results: Results, tool: str, name: str, millions: int) -> list[dict[str, Any]]:
    runs = results.runs(SECTION, kind="process", tool=tool, analysis=name, millions=millions)
    return [run for run in runs if "failure" not in run]


def _wall_s(results: Results, tool: str, name: str, millions: int) -> float | None:
    runs = _runs(results, tool, name, millions)
    return float(median(run["wall_s"] for run in runs)) if runs else None


def _peak_bytes(results: Results, name: str, millions: int) -> float:
    return float(max(run["peak_rss_bytes"] for run in _runs(results, "memlyze", name, millions)))
