"""What the sampling interval costs, on programs that allocate densely: the choice of the default.

Ratios of CPU time of the thread that runs the program, so that what else runs on the machine counts
for little; within a round, to the mean of its two untraced runs.
"""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

from harness import markdown
from harness.catalogue import PROGRAMS
from harness.modes import MODES
from harness.overhead import Say
from harness.processes import Scratch, run_program
from harness.results import Results
from harness.spreads import geometric_mean, spread

SECTION = "intervals"
DENSE_PROGRAMS = (
    "coroutines",
    "crypto_pyaes",
    "float",
    "json_loads",
    "regex_effbot",
    "spectral_norm",
    "telco",
    "unpickle",
)
INTERVALS_KIB = (4, 16, 64, 128, 256, 512, 1024, 4096)
UNTRACED, UNTRACED_AGAIN = 0, -1  # in the place of an interval


def measure(
    calibrations: dict[str, dict[str, Any]],
    rounds: int,
    results: Results,
    scratch: Scratch,
    say: Say,
) -> None:
    """Run each program untraced twice and at each interval, in shuffled order, so many rounds."""
    wanted = (UNTRACED, UNTRACED_AGAIN, *INTERVALS_KIB)
    first_round = 1 + max((run["round"] for run in results.runs(SECTION)), default=-1)
    for round_number in range(first_round, first_round + rounds):
        for name, calibration in calibrations.items():
            for interval_kib in random.Random(f"{name} {round_number}").sample(wanted, len(wanted)):
                traced = interval_kib > 0
                finished = run_program(
                    PROGRAMS[name].name,
                    calibration["loops"],
                    scratch,
                    tracer=MODES["default"].tracer if traced else "",
                    options={"sample_interval": interval_kib * 1024} if traced else {},
                    warmup_loops=1,
                )
                results.add(
                    SECTION,
                    {
                        "program": name,
                        "round": round_number,
                        "interval_kib": interval_kib,
                        "thread_cpu_s": finished["thread_cpu_s"],
                    },
                )
        say(f"round {round_number}  intervals of {len(calibrations)} programs")


def table(results: Results) -> str:
    """A row an interval: the geometric mean of the programs' ratios, and the greatest of them."""
    runs: dict[tuple[str, int], dict[int, float]] = defaultdict(dict)
    for run in results.runs(SECTION):
        runs[run["program"], run["round"]][run["interval_kib"]] = run["thread_cpu_s"]
    ratios: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for (program, _), seconds in runs.items():
        if UNTRACED not in seconds or UNTRACED_AGAIN not in seconds:
            continue
        base_s = geometric_mean([seconds[UNTRACED], seconds[UNTRACED_AGAIN]])
        ratios[UNTRACED][program].append(seconds[UNTRACED_AGAIN] / seconds[UNTRACED])
        for interval_kib in INTERVALS_KIB:
            if interval_kib in seconds:
                ratios[interval_kib][program].append(seconds[interval_kib] / base_s)
    rows = []
    for interval_kib in (UNTRACED, *INTERVALS_KIB):
        medians = {name: spread(found).median for name, found in ratios[interval_kib].items()}
        if medians:
            greatest = max(medians, key=lambda name: medians[name])
            rows.append(
                [
                    f"{interval_kib} KiB" if interval_kib else "untraced, again (noise)",
                    markdown.number(geometric_mean(list(medians.values())), 3),
                    f"{medians[greatest]:.3f} (`{greatest}`)",
                ]
            )
    return markdown.table(["sampling interval", "geometric mean", "greatest"], rows)
