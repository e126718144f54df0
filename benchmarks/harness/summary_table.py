"""The first table of the page: each figure that memlyze must reach, and what was measured."""

from __future__ import annotations

import math
from statistics import median
from typing import Callable, NamedTuple

from harness import accuracy, markdown, memory, other_tables, overhead_tables
from harness.modes import MODES
from harness.ratios import PYPERFORMANCE_NAMES, WITH_NUMERIC_NAMES, Ratios
from harness.results import Results

#: The interval is to hold the exact value this often. A program counts as outside when what was
#: seen cannot be chance: each has a few dozen intervals only.
HELD_RANGE = (0.90, 0.99)


class Line(NamedTuple):
    """A figure: what must be reached, what was measured, whether it is reached (None: unknown)."""

    figure: str
    target: str
    measured: str
    reached: bool | None


def _lines(results: Results) -> list[Line]:
    parts = (_overhead, _traces, _memory, _queries, _accuracy)
    return [line for part in parts for line in part(results)]


def is_measured(results: Results) -> bool:
    """Whether there is a figure of the table."""
    return any(line.reached is not None for line in _lines(results))


def summary(results: Results) -> str:
    lines = _lines(results)
    words = {True: "yes", False: "**no**", None: ""}
    rows = [[line.figure, line.target, line.measured, words[line.reached]] for line in lines]
    return markdown.table(["figure", "must reach", "measured", "reached"], rows).replace(
        "| --- | ---: | ---: | ---: |", "| --- | --- | --- | --- |"
    )


def _at_most(figure: str, value: float | None, limit: float, show: Callable[[float], str]) -> Line:
    if value is None or math.isnan(value):
        return Line(figure, f"≤ {show(limit)}", "not measured", None)
    return Line(figure, f"≤ {show(limit)}", show(value), value <= limit)


def _two(value: float) -> str:
    return f"{value:.2f}"


def _three(value: float) -> str:
    return f"{value:.3f}"


def _none_above(ratios: Ratios, title: str, limit: float, names: frozenset[str]) -> Line:
    compared = len(ratios.among(names, "default"))
    above = ratios.above("default", limit, names)
    return Line(
        f"{title} above {limit} beyond the noise",
        "none",
        f"{markdown.names(above)} of {compared}" if compared else "not measured",
        not above if compared else None,
    )


def _overhead(results: Results) -> list[Line]:
    ratios = Ratios(results, "wall_s")
    lines = [_at_most("default, geometric mean", ratios.mean("default"), 1.02, _three)]
    lines.append(_none_above(ratios, "default, programs", 1.05, PYPERFORMANCE_NAMES))
    title = "default, with numpy's and pandas's programs"
    mean = ratios.mean("default", WITH_NUMERIC_NAMES)
    lines.append(_at_most(f"{title}, geometric mean", mean, 1.03, _three))
    lines.append(_none_above(ratios, title, 1.06, WITH_NUMERIC_NAMES))
    for mode, limit in (("rate_0.01", 1.03), ("rate_0.1", 1.08), ("rate_1.0", 1.20)):
        title = f"`sample_rate={mode[5:]}`, geometric mean"
        lines.append(_at_most(title, ratios.mean(mode), limit, _three))
    for peer, title in (
        ("tracemalloc", "tracemalloc(1)"),
        ("memray_all", "memray with `trace_python_allocators`"),
    ):
        slower, compared = ratios.not_faster("rate_1.0", peer)
        lines.append(
            Line(
                f"1.0: not faster than {title}",
                "none",
                f"{markdown.names(slower)} of {compared}" if compared else "not measured",
                not slower if compared else None,
            )
        )
    slower, compared = ratios.not_faster("rate_1.0", "memray")
    faster = compared - len(slower)
    lines.append(
        Line(
            "1.0: faster than memray's default, which sees no small objects",
            "9 of 10",
            f"{faster} of {compared}; not: {markdown.names(slower)}"
            if compared
            else "not measured",
            faster >= 0.9 * compared if compared else None,
        )
    )
    for program, mode, limit in (
        ("allocation_loop", "rate_1.0", 1.4),
        ("allocation_loop_deep", "rate_1.0", 2.0),
        ("malloc_loop", "default", 1.25),
    ):
        ratio = ratios.of(program, mode)
        value = ratio.median if ratio else None
        lines.append(_at_most(f"`{program}`, {MODES[mode].label}", value, limit, _two))
    title = "1.0, native memory too, with numpy's and pandas's programs, geometric mean"
    mean = ratios.mean("native_1.0", WITH_NUMERIC_NAMES)
    lines.append(_at_most(title, mean, 1.30, _three))
    slower, compared = ratios.not_faster("native_1.0", "memray")
    lines.append(
        Line(
            "1.0, native memory too: not faster than memray's default, which sees the same of it",
            "none",
            f"{markdown.names(slower)} of {compared}" if compared else "not measured",
            not slower if compared else None,
        )
    )
    return lines


def _traces(results: Results) -> list[Line]:
    enough = [figures for figures in overhead_tables.traces(results) if figures.is_large_enough]
    worst = max(enough, key=lambda figures: figures.kb_per_100_000, default=None)
    line = _at_most(
        "trace at 1.0, KB per 100 000 allocations with their frees, greatest",
        worst.kb_per_100_000 if worst else None,
        200,
        lambda value: f"{value:.0f}",
    )
    if worst:
        line = line._replace(measured=f"{line.measured} (`{worst.program}`)")
    return [line]


def _memory(results: Results) -> list[Line]:
    per_million = []
    for size, counts in memory.LIVE.items():
        for count in counts:
            added = memory.added_bytes(results, size, count, "rate_1.0")
            if added is not None:
                per_million.append((added / count, size))
    worst, size = max(per_million, default=(math.nan, 0))
    line = _at_most(
        "tracer memory at 1.0, MB per million live allocations, greatest",
        worst,
        40,
        lambda value: f"{value:.0f}",
    )
    if per_million:
        blocks = f"{size}-byte blocks" if size else "blocks of 16 to 64 bytes"
        line = line._replace(measured=f"{line.measured} ({blocks})")
    flat = {run["mode"]: run for run in results.runs(memory.SECTION, kind="flat")}
    if "default" not in flat or "untraced" not in flat:
        return [line, Line("memory by default", "flat", "not measured", None)]
    growth: dict[str, float] = {}
    last_bytes: dict[str, int] = {}
    for mode in ("untraced", "default"):
        half_bytes, last_bytes[mode] = memory.early_and_late(flat[mode])
        growth[mode] = (last_bytes[mode] - half_bytes) / 1e6
    above_mb = (last_bytes["default"] - last_bytes["untraced"]) / 1e6
    measured = f"{growth['default']:+.1f} MB in the second half of "
    measured += f"{flat['default']['seconds']:.0f} s of ever new code "
    measured += f"(untraced: {growth['untraced']:+.1f}); in all {above_mb:.1f} MB above untraced"
    # A megabyte is what the allocator's own wandering makes of a flat program.
    is_flat = growth["default"] - max(0.0, growth["untraced"]) <= 1.0
    return [line, Line("memory by default", "flat", measured, is_flat)]


def _queries(results: Results) -> list[Line]:
    slowest: dict[int, tuple[float, float, str]] = {}
    for (millions, command), runs in other_tables.grouped(results, "process").items():
        if not command.startswith("memlyze query"):
            continue
        if any("failure" in run for run in runs):
            slowest[millions] = (math.inf, math.inf, f"{command} failed")
            continue
        seconds = median(run["wall_s"] for run in runs)
        peak = max(run["peak_rss_bytes"] for run in runs)
        known = slowest.get(millions, (0.0, 0.0, ""))
        slowest[millions] = (
            max(seconds, known[0]),
            max(peak, known[1]),
            command if seconds > known[0] else known[2],
        )
    lines = []
    for millions, limit_s in ((1, 1.0), (10, 4.0)):
        seconds, peak, command = slowest.get(millions, (math.nan, math.nan, ""))
        line = _at_most(
            f"`memlyze query`, {millions} M allocations, whole process, slowest query, s",
            seconds,
            limit_s,
            _two,
        )
        if command:
            line = line._replace(measured=f"{line.measured} ({command.partition(': ')[2]})")
        lines.append(line)
    lines.append(
        _at_most(
            "`memlyze query`, 10 M allocations, peak memory, MB",
            slowest.get(10, (math.nan, math.nan, ""))[1] / 1e6,
            1000,
            lambda value: f"{value:.0f}",
        )
    )
    rates = [
        other_tables.decode_rate(runs) for runs in other_tables.grouped(results, "decode").values()
    ]
    rate = min(rates) / 1e6 if rates else None
    lines.append(
        Line(
            "decoding alone, M events/s on one core",
            "≥ 20",
            f"{rate:.1f}" if rate is not None else "not measured",
            rate >= 20 if rate is not None else None,
        )
    )
    return lines


def _accuracy(results: Results) -> list[Line]:
    outside, compared, shown, held = [], 0, 0, 0
    for program, run in accuracy.total(results).items():
        counts = run["default"]
        if not counts["shown"]:
            continue
        compared += 1
        shown += counts["shown"]
        held += counts["held"]
        low, high = accuracy.plausible_range(counts["held"], counts["shown"])
        if high < HELD_RANGE[0] or low > HELD_RANGE[1]:
            share = counts["held"] / counts["shown"]
            outside.append(f"{program}: {share:.0%} of {counts['shown']}")
    figure = "default: the 95 % interval holds the exact value"
    target = "90–99 % for each program"
    if not compared:
        return [Line(figure, target, "not measured", None)]
    measured = f"{held / shown:.1%} of {shown} over {compared} programs"
    measured += f"; outside: {'; '.join(outside) or 'none'}"
    return [Line(figure, target, measured, not outside)]
