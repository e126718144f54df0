"""Whether the error bars tell the truth: how often the shown 95 % interval holds the exact value.

In one process, after a warm-up, the workload is recorded exactly, then once for each seed while
sampling, then exactly again. A site is the innermost line. The sites that allocated most bytes
are taken from the exact recording; the two exact recordings must agree about a site (the program
must do the same each time), otherwise it has no exact value and is left out.
"""

from __future__ import annotations

import copy
import math
from typing import Any

from harness import processes
from harness.modes import MODES
from harness.overhead import LONGEST_WARMUP_S, Say
from harness.results import Results

SECTION = "accuracy"
SITES = 10
#: The exact recordings may differ by this much about a site (an object cached here, another there).
EXACT_TOLERANCE = 0.001
SMALL_INTERVAL_BYTES = 65536
#: Intervals are counted apart by how many samples they come from: at least so many.
SAMPLE_CLASSES = (10, 30, 100)
VARIANTS: dict[str, dict[str, Any]] = {
    "default": MODES["default"].options,
    "interval_65536": {"sample_interval": SMALL_INTERVAL_BYTES},
}

COUNTS = (
    "shown",
    "held",
    "too_few",
    "too_few_held",
    "unseen",
    "samples",
    *(f"shown_{least}" for least in SAMPLE_CLASSES),
    *(f"held_{least}" for least in SAMPLE_CLASSES),
)


def measure(
    calibrations: dict[str, dict[str, Any]],
    seeds: int,
    workload_s: float,
    results: Results,
    scratch: processes.Scratch,
    say: Say,
) -> None:
    """Record each program exactly, and with so many seeds by default; half as many otherwise.

    `workload_s` is what the recorded work takes untraced; the longer, the more samples a site
    has. Seeds go on after those that earlier runs of the program had.
    """
    for name, calibration in calibrations.items():
        first_seed = 1 + sum(run["seeds"] for run in results.runs(SECTION, program=name))
        recordings = [{"label": "exact", "options": {"sample_rate": 1.0}}]
        for variant, options in VARIANTS.items():
            count = seeds if variant == "default" else max(1, seeds // 2)
            for seed in range(first_seed, first_seed + count):
                recordings.append({"label": variant, "options": {**options, "seed": seed}})
        recordings.append(recordings[0])
        request = {
            "program": name,
            "loops": max(1, round(workload_s / calibration["loop_s"])),
            "warmup_loops": 1 if calibration["loop_s"] <= LONGEST_WARMUP_S else 0,
            "recordings": recordings,
            "folder": str(scratch.path),
        }
        run: dict[str, Any] = {"program": name, "seeds": seeds}
        try:
            processes.run_script("record_repeatedly", request, scratch)
            answer = processes.run_script("read_sites", request, scratch)
        except processes.ProgramFailedError as failure:
            results.add(SECTION, {**run, "failure": str(failure)})
            say(f"accuracy  {name}: FAILED: {str(failure)[-300:]}")
            continue
        run.update(compare(answer["recordings"]))
        results.add(SECTION, run)
        say(f"accuracy  {name:26}{_one_line(run)}")


def compare(recordings: list[dict[str, Any]]) -> dict[str, Any]:
    """For each variant, how many intervals there were and how many of them held the exact value.

    Intervals of sites with too few samples, which memlyze shows as such, are counted apart; so are
    sites that a recording has no sample of.
    """
    first, second = (entry["sites"] for entry in recordings if entry["label"] == "exact")
    greatest = sorted(first, key=lambda site: -first[site]["bytes"])[:SITES]
    steady = [site for site in greatest if _agree(first[site], second.get(site))]
    outcome: dict[str, Any] = {
        "sites": len(greatest),
        "unsteady_sites": len(greatest) - len(steady),
    }
    for variant in VARIANTS:
        counts = dict.fromkeys(COUNTS, 0)
        for recording in recordings:
            if recording["label"] != variant:
                continue
            for site in steady:
                _count(recording["sites"].get(site), first[site]["bytes"], counts)
        outcome[variant] = counts
    return outcome


def _agree(one: dict[str, float], other: dict[str, float] | None) -> bool:
    if other is None:
        return False
    return abs(one["bytes"] - other["bytes"]) <= EXACT_TOLERANCE * one["bytes"]


def _count(estimate: dict[str, Any] | None, exact_bytes: float, counts: dict[str, int]) -> None:
    if estimate is None:
        counts["unseen"] += 1
        return
    # A block so large that it is always recorded has no error, and the value is not known better.
    tolerance = EXACT_TOLERANCE * exact_bytes
    holds = abs(estimate["bytes"] - exact_bytes) <= estimate["bytes_error"] + tolerance
    kind = "too_few" if estimate["too_few_samples"] else "shown"
    counts[kind] += 1
    counts["held" if kind == "shown" else "too_few_held"] += holds
    counts["samples"] += estimate["samples"]
    if kind == "shown":
        reached = (least for least in SAMPLE_CLASSES if estimate["samples"] >= least)
        of_class = max(reached, default=SAMPLE_CLASSES[0])
        counts[f"shown_{of_class}"] += 1
        counts[f"held_{of_class}"] += holds


def total(results: Results) -> dict[str, dict[str, Any]]:
    """By program, the counts of all its runs together; failed runs are left out."""
    totals: dict[str, dict[str, Any]] = {}
    for run in results.runs(SECTION):
        if "failure" in run:
            continue
        known = totals.get(run["program"])
        if known is None:
            totals[run["program"]] = copy.deepcopy(run)
            continue
        known["seeds"] += run["seeds"]
        known["unsteady_sites"] = max(known["unsteady_sites"], run["unsteady_sites"])
        for variant in VARIANTS:
            for key in COUNTS:
                known[variant][key] += run[variant][key]
    return totals


def plausible_range(held: int, shown: int) -> tuple[float, float]:
    """Wilson's 95 % interval of the share of intervals that hold: a few of them prove little."""
    share, z = held / shown, 1.96
    middle = share + z * z / (2 * shown)
    half = z * math.sqrt(share * (1 - share) / shown + z * z / (4 * shown * shown))
    scale = 1 + z * z / shown
    return (middle - half) / scale, (middle + half) / scale


def _one_line(run: dict[str, Any]) -> str:
    words = []
    for variant in VARIANTS:
        counts = run[variant]
        share = f"{counts['held'] / counts['shown']:.1%}" if counts["shown"] else "–"
        few = counts["too_few"] + counts["unseen"]
        words.append(f"{variant} {share} of {counts['shown']} (too few: {few})")
    words.append(f"unsteady sites: {run['unsteady_sites']}")
    return "  ".join(words)
