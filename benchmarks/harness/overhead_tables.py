"""The tables of the overhead part: time, CPU time, traces."""

from __future__ import annotations

from typing import Any, Iterator, Sequence

from harness import markdown
from harness.modes import MODES
from harness.ratios import PYPERFORMANCE_NAMES, SECTION, WITH_NUMERIC_NAMES, Ratios
from harness.results import Results

COMPARED = [mode for mode in MODES if mode != "untraced"]
#: Fewer allocations than this say nothing about bytes an allocation: the trace is mostly names
#: and metadata.
ENOUGH_ALLOCATIONS = 100_000


def wall_time(results: Results) -> str:
    ratios = Ratios(results, "wall_s")
    labels = ["noise" if mode == "untraced_again" else MODES[mode].label for mode in COMPARED]
    rows = []
    for program in ratios.programs:
        if program in ratios.untraced:
            cells = [markdown.ratio(ratios.of(program, mode)) for mode in COMPARED]
            rows.append([f"`{program}`", markdown.number(ratios.untraced[program].median), *cells])
    if rows:
        rows += [[title, "", *cells] for title, cells in _means(ratios, COMPARED)]
    return markdown.table(["program", "untraced, s", *labels], rows)


def _means(ratios: Ratios, modes: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The last rows of a table: title, and a figure for each mode."""
    for title, names in (
        ("**geometric mean of pyperformance's**", PYPERFORMANCE_NAMES),
        ("**with numpy's and pandas's**", WITH_NUMERIC_NAMES),
    ):
        yield title, [markdown.number(ratios.mean(mode, names), 3) for mode in modes]
        best = [markdown.number(ratios.mean_of_best(mode, names), 3) for mode in modes]
        yield "the same, shortest turn to shortest turn", best


def cpu_time(results: Results) -> str:
    ratios = Ratios(results, "cpu_s")
    modes = ("default", "rate_1.0", "native_1.0", "memray", "memray_all", "tracemalloc")
    rows = []
    for program in ratios.programs:
        if program in ratios.untraced:
            cells = [markdown.ratio(ratios.of(program, mode)) for mode in modes]
            rows.append([f"`{program}`", *cells])
    if rows:
        rows += [[title, *cells] for title, cells in _means(ratios, modes)]
    return markdown.table(["program", *(MODES[mode].label for mode in modes)], rows)


class TraceFigures:
    """What the trace of one exact run shows."""

    def __init__(self, run: dict[str, Any]) -> None:
        counters = run["counters"]
        self.program: str = run["program"]
        self.counters: dict[str, Any] = counters
        self.allocations: int = counters["allocations_recorded"]
        self.events: int = self.allocations + counters["frees_recorded"]
        self.trace_bytes: int = run["trace_bytes"]
        self.heap_graph_bytes: int = run["heap_graph_bytes"]
        self.wall_s: float = sum(turn["wall_s"] for turn in run["turns"])

    @property
    def kb_per_100_000(self) -> float:
        """Kilobytes of trace for 100 000 allocations with their frees; without the heap graph."""
        return self.event_bytes / max(1, self.allocations) * 100

    @property
    def event_bytes(self) -> int:
        """Of the trace, all but the heap graph."""
        return self.trace_bytes - self.heap_graph_bytes

    @property
    def is_large_enough(self) -> bool:
        return self.allocations >= ENOUGH_ALLOCATIONS


def traces(results: Results) -> Iterator[TraceFigures]:
    """The exact run of each program that has counters."""
    for run in results.runs(SECTION, mode="rate_1.0"):
        if "counters" in run:
            yield TraceFigures(run)


def trace_sizes(results: Results) -> str:
    default_bytes: dict[str, int] = {}
    for run in results.runs(SECTION, mode="default"):
        if "trace_bytes" in run:
            default_bytes.setdefault(run["program"], run["trace_bytes"])
    memray_bytes: dict[str, int] = {}
    for run in results.runs(SECTION, mode="memray_all"):
        if "trace_bytes" in run:
            memray_bytes.setdefault(run["program"], run["trace_bytes"])
    rows = []
    for figures in traces(results):
        name = figures.program
        default, memray = default_bytes.get(name), memray_bytes.get(name)
        rows.append(
            [
                f"`{name}`",
                markdown.number(figures.allocations, 0),
                markdown.number(figures.allocations / figures.wall_s / 1e6, 1),
                markdown.number(figures.kb_per_100_000, 1) if figures.is_large_enough else "(few)",
                markdown.number(figures.event_bytes / max(1, figures.events), 2),
                markdown.number(memray / max(1, figures.events), 2) if memray else markdown.NOTHING,
                markdown.number(figures.trace_bytes / 1000, 0),
                markdown.number(figures.heap_graph_bytes / 1000, 0),
                markdown.number(default / 1000, 0) if default else markdown.NOTHING,
                markdown.number(figures.counters["stacks_interned"], 0),
                markdown.number(figures.counters["tracer_peak_bytes"] / 1e6, 1),
                markdown.number(figures.counters["wait_ns"] / 1e6, 0),
                markdown.number(figures.counters["events_dropped"], 0),
            ]
        )
    head = [
        "program",
        "allocations",
        "M/s",
        "KB per 100 000",
        "bytes an event",
        "memray, all: bytes an event",
        "trace, KB",
        "heap graph, KB",
        "trace by default, KB",
        "stacks",
        "tracer, MB at most",
        "waited, ms",
        "dropped",
    ]
    return markdown.table(head, rows)


def instruction_counts(results: Results) -> str:
    by_program: dict[str, dict[str, dict[str, Any]]] = {}
    for run in results.runs("instructions"):
        by_program.setdefault(run["program"], {})[run["mode"]] = run
    rows = []
    for program, modes in by_program.items():
        base = modes["untraced"]["program_thread"]
        cells = [f"`{program}`", markdown.number(base / 1e6, 1)]
        for mode in ("default", "rate_1.0"):
            for key in ("program_thread", "all_threads"):
                cells.append(markdown.number(modes[mode][key] / base, 3) if mode in modes else "")
        rows.append(cells)
    head = [
        "program",
        "untraced, million a loop",
        "default",
        "default, with the writer",
        "rate 1.0",
        "rate 1.0, with the writer",
    ]
    return markdown.table(head, rows)
