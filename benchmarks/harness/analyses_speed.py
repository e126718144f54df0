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
from harness.commands import CommandTimer
from harness.overhead import Say
from harness.results import Results

SECTION = "analyses"
START = "start"
#: Each analysis and its words; `{trace}` becomes the path.
ANALYSES = {
    "summary": ("summary", "{trace}"),
    "hotspots": ("hotspots", "{trace}"),
    "hotspots --by line --sort peak": ("hotspots", "--by", "line", "--sort", "peak", "{trace}"),
    "timeline": ("timeline", "{trace}"),
    "peak": ("peak", "{trace}"),
    "flamegraph": ("flamegraph", "{trace}"),
    "flamegraph --live --inverted": ("flamegraph", "--live", "--inverted", "{trace}"),
    "leaks": ("leaks", "{trace}"),
    "windows": ("windows", "{trace}"),
    "diff (with itself)": ("diff", "{trace}", "{trace}"),
    "report": ("report", "--force", "--output-file", "{trace}.html", "{trace}"),
    "report --markdown": ("report", "--markdown", "{trace}"),
    "export --format pprof": (
        "export",
        "--format",
        "pprof",
        "--force",
        "--output-file",
        "{trace}.pb.gz",
        "{trace}",
    ),
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
    timer = CommandTimer(SECTION, results, scratch, say)
    per_loop = query_speed.allocations(query_speed.record("rate_1.0", 1, scratch), scratch)
    for size in millions:
        loops = -(-size * 1_000_000 // per_loop)
        trace = query_speed.record("rate_1.0", loops, scratch)
        common = {"millions": size}
        memlyze = [str(Path(sys.executable).parent / "memlyze")]
        timer.time(
            f"memlyze {START}",
            {"tool": "memlyze", "analysis": START, **common},
            [*memlyze, "--help"],
        )
        for name, words in ANALYSES.items():
            command = [*memlyze, *(word.format(trace=trace) for word in words)]
            timer.time(f"memlyze {name}", {"tool": "memlyze", "analysis": name, **common}, command)
        trace.unlink()
        file = query_speed.record("memray_all", loops, scratch)
        for name, (_, words) in PEERS.items():
            command = [sys.executable, "-m", "memray", *(word.format(trace=file) for word in words)]
            timer.time(
                f"memray {name}",
                {"tool": "memray", "analysis": name, **common},
                command,
                repetitions=1,
            )
        file.unlink()


def table(results: Results) -> str:
    """Each analysis with its times and memory, beside memray's report of the same purpose. How much
    faster is told by processor time, which what else a machine does changes least: memlyze uses two
    processors where it can, memray one.
    """
    rows = []
    for millions in sorted({run["millions"] for run in results.runs(SECTION, kind="process")}):
        start_s = _seconds(results, "memlyze", START, millions, "wall_s") or 0.0
        for name in ANALYSES:
            wall_s = _seconds(results, "memlyze", name, millions, "wall_s")
            cpu_s = _seconds(results, "memlyze", name, millions, "cpu_s")
            if wall_s is None or cpu_s is None:
                rows.append([f"memlyze {name}", f"{millions} M", "failed", *[markdown.NOTHING] * 5])
                continue
            peer = next((peer for peer, (beside, _) in PEERS.items() if beside == name), None)
            peer_s = _seconds(results, "memray", peer, millions, "cpu_s") if peer else None
            rows.append(
                [
                    f"memlyze {name}",
                    f"{millions} M",
                    f"{wall_s:.2f}",
                    f"{wall_s - start_s:.2f}",
                    f"{cpu_s:.2f}",
                    f"{_peak_bytes(results, name, millions) / 1e6:.0f}",
                    f"{peer}: {peer_s:.2f}" if peer_s is not None else markdown.NOTHING,
                    f"{peer_s / cpu_s:.0f} ×" if peer_s is not None else markdown.NOTHING,
                ]
            )
    head = [
        "whole process",
        "allocations",
        "seconds",
        "beyond its start",
        "of CPU",
        "peak, MB",
        "memray, of CPU",
        "faster",
    ]
    return markdown.table(head, rows)


def _runs(results: Results, tool: str, name: str, millions: int) -> list[dict[str, Any]]:
    runs = results.runs(SECTION, kind="process", tool=tool, analysis=name, millions=millions)
    return [run for run in runs if "failure" not in run]


def _seconds(results: Results, tool: str, name: str, millions: int, which: str) -> float | None:
    """The median of `wall_s` or `cpu_s`; None: it was not measured, or failed."""
    runs = _runs(results, tool, name, millions)
    return float(median(run[which] for run in runs)) if runs else None


def _peak_bytes(results: Results, name: str, millions: int) -> float:
    return float(max(run["peak_rss_bytes"] for run in _runs(results, "memlyze", name, millions)))
