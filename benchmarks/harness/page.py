"""What a person waits for on the page of `memlyze serve`, in headless Chromium; beside it memray's
page of the same program, which is a file with the data of the flame graph in it.

The traces are those of the part on queries. memray's report loads its libraries from elsewhere,
unless it is made with `--no-web`, as here.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any, Callable, NamedTuple, Sequence

from harness import markdown, processes, query_speed
from harness.catalogue import SERVICE
from harness.modes import MODES
from harness.overhead import Say
from harness.results import Results

SECTION = "page"
BROWSER = Path(__file__).resolve().parent.parent / "browser"


class UnmeasurableError(Exception):
    """Something is missing; the message says what, and what to do."""


def measure(
    millions: Sequence[int], results: Results, scratch: processes.Scratch, say: Say
) -> None:
    """Measure the pages of traces of so many million allocations. Raises UnmeasurableError."""
    chromium = _chromium()
    per_loop = query_speed.allocations(query_speed.record("rate_1.0", 1, scratch), scratch)
    for size in millions:
        loops = -(-size * 1_000_000 // per_loop)
        trace = query_speed.record("rate_1.0", loops, scratch)
        memlyze = str(Path(sys.executable).parent / "memlyze")
        variables = {"CHROMIUM": chromium, "MEMLYZE": memlyze}
        figures = _in_browser("page", trace, scratch, variables)
        figures["liveMs"] = _live(loops, scratch, variables)
        common = {"millions": size, "allocations": query_speed.allocations(trace, scratch)}
        results.add(SECTION, {"tool": "memlyze", **common, **figures})
        say(f"page  {size} M: usable after {median(figures['usableMs']) / 1000:.2f} s")
        trace.unlink()
        results.add(SECTION, {"tool": "memray", **common, **_memray(loops, scratch, variables)})
        say(f"page  {size} M: memray's report is measured")


def _chromium() -> str:
    from memlyze.web import pages

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if found is None:
        raise UnmeasurableError("there is no Chromium; on Debian: apt-get install chromium")
    if not pages.are_built() or shutil.which("node") is None:
        raise UnmeasurableError("the pages are not built; build memlyze with Node.js")
    return found


def _in_browser(
    script: str, file: Path, scratch: processes.Scratch, variables: dict[str, str]
) -> dict[str, Any]:
    command = ["node", str(BROWSER / f"{script}.mjs"), str(file)]
    figures: dict[str, Any] = json.loads(processes.run_process(command, scratch, variables).stdout)
    return figures


def _live(loops: int, scratch: processes.Scratch, variables: dict[str, str]) -> list[float]:
    """How old the newest moment on the page is, while a trace with so many loops in it grows."""
    file = scratch.path / "growing.mlyze"
    request = {
        "program": SERVICE.name,
        "loops": loops,
        "output": str(file),
        "options": MODES["rate_1.0"].options,
    }
    command = [sys.executable, str(processes.HARNESS / "record_and_go_on.py"), json.dumps(request)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=scratch.environment()) as program:
        assert program.stdin is not None and program.stdout is not None
        program.stdout.readline()
        try:
            ages: list[float] = _in_browser("live", file, scratch, variables)["ageMs"]
        finally:
            program.stdin.close()
    file.unlink()
    return ages


def _memray(loops: int, scratch: processes.Scratch, variables: dict[str, str]) -> dict[str, Any]:
    file = query_speed.record("memray_all", loops, scratch)
    report = file.with_suffix(".html")
    words = ("flamegraph", "--temporal", "--no-web", "--force", "--output", str(report), str(file))
    made = processes.run_process([sys.executable, "-m", "memray", *words], scratch)
    file.unlink()
    figures: dict[str, Any] = {"make_s": made.wall_s, "make_bytes": made.peak_rss_bytes}
    figures["page_bytes"] = report.stat().st_size
    try:
        figures.update(_in_browser("memray", report, scratch, variables))
    except processes.ProgramFailedError as failure:
        figures["failure"] = str(failure)
    report.unlink()
    return figures


class _Row(NamedTuple):
    title: str
    #: From the figures of memlyze, and of memray.
    memlyze: Callable[[dict[str, Any]], str]
    memray: Callable[[dict[str, Any]], str] | None = None
    asked: tuple[str, str] = ("", "")


def table(results: Results) -> str:
    """A figure a row; what is asked, and what was measured of traces of each size."""
    latest = {(run["tool"], run["millions"]): run for run in results.runs(SECTION)}
    sizes = sorted({millions for _, millions in latest})
    rows = []
    for row in _ROWS:
        cells = [row.title]
        for size, asked in zip(sizes, row.asked if len(sizes) > 1 else row.asked[:1]):
            cells += [asked or markdown.NOTHING, row.memlyze(latest["memlyze", size])]
            peer = latest.get(("memray", size))
            shown = row.memray is not None and peer is not None and "failure" not in peer
            cells.append(row.memray(peer) if shown else markdown.NOTHING)  # type: ignore[misc,arg-type]
        rows.append(cells)
    head = ["figure"]
    for size in sizes:
        head += [f"{size} M: asked", f"{size} M: measured", f"{size} M: memray"]
    return markdown.table(head, rows if sizes else [])


def _seconds(values: Sequence[float]) -> str:
    return f"{median(values) / 1000:.2f} s"


def _share(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-round(share * 1000) * len(ordered) // 1000) - 1)]


def _brush(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda figures: f"{_share(figures['brushMs'][name], 0.95):.0f} ms"


def _frames(pace: str, movement: str, what: str) -> Callable[[dict[str, Any]], str]:
    def shown(figures: dict[str, Any]) -> str:
        values = figures["frameMs"][pace][movement][what]
        return f"{median(values):.1f} ms, {max(values):.1f} ms"

    return shown


_BRUSH = ("< 150 ms", "< 500 ms")
_FRAME = ("< 16 ms, < 32 ms",) * 2
_ROWS = (
    _Row(
        "from the command to a page that can be used (memray: made, and drawn)",
        lambda figures: _seconds(figures["usableMs"]),
        lambda figures: f"{figures['make_s'] + median(figures['drawnMs']) / 1000:.2f} s",
        ("< 1.5 s", "< 3 s"),
    ),
    _Row(
        "of it, from opening the file in the browser",
        lambda figures: markdown.NOTHING,
        lambda figures: _seconds(figures["drawnMs"]),
    ),
    _Row(
        "brush → timeline and what was born",
        _brush("timeline"),
        lambda figures: f"{_share(figures['rangeMs'], 0.95):.0f} ms",
        _BRUSH,
    ),
    _Row("brush → flame graph", _brush("flamegraph"), None, _BRUSH),
    _Row("brush → inverted flame graph", _brush("inverted"), None, _BRUSH),
    _Row("brush → hotspots", _brush("hotspots"), None, _BRUSH),
    *(
        _Row(f"{name}: median, greatest", _frames(pace, movement, what), None, asked)
        for movement in ("zoom", "pan")
        for name, pace, what, asked in (
            (f"frames of a {movement}, as many as can be made", "unpaced", "between", _FRAME),
            ("60 a second at most, as of a display", "paced", "between", ("< 32 ms",) * 2),
            ("work for one of these", "paced", "work", _FRAME),
        )
    ),
    _Row(
        "age of what is newest on the page while the trace grows: median, greatest",
        lambda figures: f"{median(figures['liveMs']):.0f} ms, {max(figures['liveMs']):.0f} ms",
        None,
        ("< 1 s",) * 2,
    ),
    _Row(
        "memory of the server (memray: of making the report)",
        lambda figures: f"{figures['serverBytes'] / 1e6:.0f} MB",
        lambda figures: f"{figures['make_bytes'] / 1e6:.0f} MB",
        ("", "< 1 GB"),
    ),
    _Row(
        "first load, compressed (memray: the file)",
        lambda figures: f"{figures['firstLoadBytes'] / 1e3:.0f} kB",
        lambda figures: f"{figures['page_bytes'] / 1e6:.1f} MB",
        ("< 400 kB",) * 2,
    ),
)
