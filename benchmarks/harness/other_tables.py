"""The tables of the memory, query and accuracy parts, and what was measured on what."""

from __future__ import annotations

from statistics import median
from typing import Any

from harness import accuracy, markdown, memory, query_speed
from harness.modes import MODES
from harness.results import Results


def live_memory(results: Results) -> str:
    rows = []
    for size, counts in memory.LIVE.items():
        for count in counts:
            cells = []
            for mode in ("default", "rate_1.0"):
                added = memory.added_bytes(results, size, count, mode)
                cells.append(markdown.NOTHING if added is None else f"{added / 1e6:.1f}")
                cells.append(markdown.NOTHING if added is None else f"{added / count:.1f}")
            if cells[0] != markdown.NOTHING:
                label = f"{size} bytes" if size else "16 to 64 bytes"
                rows.append([label, markdown.number(count / 1e6, 1), *cells])
    head = [
        "blocks of",
        "live, million",
        "default: MB added",
        "default: MB a million",
        "rate 1.0: MB added",
        "rate 1.0: MB a million",
    ]
    return markdown.table(head, rows)


def flat_memory(results: Results) -> str:
    latest = {run["mode"]: run for run in results.runs(memory.SECTION, kind="flat")}
    rows = []
    for mode, run in latest.items():
        readings = run["readings"]
        label = MODES[mode].label
        cells = [label, f"{run['seconds']:.0f}", markdown.number(run["functions"], 0)]
        for part in (1 / 6, 1 / 3, 2 / 3, 1):
            reading = readings[max(1, round(part * (len(readings) - 1)))]
            cells.append(f"{reading[1] / 1e6:.1f}")
        rows.append(cells)
    head = [
        "mode",
        "seconds",
        "functions made",
        "MB at 1/6",
        "MB at 1/3",
        "MB at 2/3",
        "MB at the end",
    ]
    return markdown.table(head, rows)


def grouped(results: Results, kind: str) -> dict[tuple[int, str], list[dict[str, Any]]]:
    """The runs of the query part by millions of allocations and command."""
    groups: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for run in results.runs(query_speed.SECTION, kind=kind):
        groups.setdefault((run["millions"], run.get("command", "")), []).append(run)
    return groups


def query_times(results: Results) -> str:
    rows = []
    for (millions, command), runs in grouped(results, "process").items():
        done = [run for run in runs if "failure" not in run]
        cells = [f"{command}", f"{millions} M", f"{runs[0]['trace_bytes'] / 1e6:.1f}"]
        if done:
            cells.append(f"{median(run['wall_s'] for run in done):.2f}")
            cells.append(f"{max(run['peak_rss_bytes'] for run in done) / 1e6:.0f}")
        else:
            cells += ["failed", markdown.NOTHING]
        rows.append(cells)
    return markdown.table(
        ["whole process", "allocations", "trace, MB", "seconds", "peak, MB"], rows
    )


def decoding(results: Results) -> str:
    rows = []
    for (millions, _), runs in grouped(results, "decode").items():
        events = runs[0]["events"]
        rows.append(
            [
                f"{millions} M allocations",
                markdown.number(events / 1e6, 1),
                f"{decode_rate(runs) / 1e6:.1f}",
                f"{events / median(run['wall_s'] for run in runs) / 1e6:.1f}",
            ]
        )
    head = ["trace", "M events", "M events a second of CPU", "M events a second"]
    return markdown.table(head, rows)


def decode_rate(runs: list[dict[str, Any]]) -> float:
    """Events for each second of CPU, all threads counted."""
    return float(median(run["events"] / run["cpu_s"] for run in runs))


def error_bars(results: Results) -> str:
    rows = []
    for run in accuracy.total(results).values():
        cells = [f"`{run['program']}`", f"{run['sites'] - run['unsteady_sites']} of {run['sites']}"]
        for variant in accuracy.VARIANTS:
            counts = run[variant]
            seen = counts["shown"] + counts["too_few"]
            few = counts["too_few"] + counts["unseen"]
            share = (
                f"{counts['held'] / counts['shown']:.1%}" if counts["shown"] else markdown.NOTHING
            )
            mean = f"{counts['samples'] / seen:.0f}" if seen else markdown.NOTHING
            cells += [share, str(counts["shown"]), str(few)]
            if variant == "default":
                asked = counts["shown"] + few
                held = counts["held"] + counts["too_few_held"]
                cells.append(f"{held / asked:.1%}" if asked else markdown.NOTHING)
            cells.append(mean)
        rows.append(cells)
    head = ["program", "steady sites"]
    for variant in ("default", "64 KiB"):
        head += [f"{variant}: held", "intervals", "too few samples"]
        head += ["held, those included"] if variant == "default" else []
        head.append("mean samples")
    return markdown.table(head, rows)


def error_bars_by_samples(results: Results) -> str:
    rows = []
    runs = accuracy.total(results).values()
    limits = [*accuracy.SAMPLE_CLASSES[1:], None]
    for least, limit in zip(accuracy.SAMPLE_CLASSES, limits):
        cells = [f"{least} to {limit - 1}" if limit else f"{least} or more"]
        for variant in accuracy.VARIANTS:
            shown = sum(run[variant][f"shown_{least}"] for run in runs)
            held = sum(run[variant][f"held_{least}"] for run in runs)
            cells += [f"{held / shown:.1%}" if shown else markdown.NOTHING, str(shown)]
        rows.append(cells)
    head = ["samples of the site", "default: held", "intervals", "64 KiB: held", "intervals"]
    return markdown.table(head, rows if runs else [])


def environment(results: Results) -> str:
    content = results.content["environment"]
    if not content:
        return markdown.NOT_MEASURED
    versions = ", ".join(f"{name} {version}" for name, version in content["versions"].items())
    return (
        f"{content['processor']}, {content['cores']} cores; {content['kernel']}, "
        f"{content['libc']}; CPython {content['python']}; {versions}."
    )
