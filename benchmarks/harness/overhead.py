"""Time, trace size and memory of each program in each mode, against the untraced program.

Runs are interleaved: a round runs every program in every mode, the modes of a program in an order
that is shuffled with a fixed seed. The ratio of a run is taken to the untraced runs of its own
program and round, so that a machine that slows down for a while does not favour anybody.
"""

from __future__ import annotations

import random
from typing import Any, Callable, NamedTuple, Sequence

from harness import processes
from harness.catalogue import PROGRAMS, Program
from harness.modes import MODES
from harness.results import Results

SECTION = "overhead"
CALIBRATION = "calibration"
#: The untraced warm-up is left out where it would take longer than this.
LONGEST_WARMUP_S = 0.5
COUNTERS = (
    "allocations_recorded",
    "frees_recorded",
    "events_dropped",
    "frees_dropped",
    "waits",
    "wait_ns",
    "stacks_interned",
    "codes_interned",
    "stack_table_resets",
    "stacks_truncated",
    "stale_blocks_closed",
    "writer_cpu_ns",
    "tracer_peak_bytes",
)
Say = Callable[[str], None]


class Plan(NamedTuple):
    """How much is measured.

    Attributes:
        programs: names from the catalogue.
        modes: names of `MODES`.
        rounds: rounds with memlyze's modes.
        peer_rounds: the first so many of them run the peers too.
        target_s: duration of one untraced run.
    """

    programs: Sequence[str]
    modes: Sequence[str]
    rounds: int
    peer_rounds: int
    target_s: float


def loops_of(
    names: Sequence[str], target_s: float, results: Results, scratch: processes.Scratch, say: Say
) -> dict[str, dict[str, Any]]:
    """Calibration of each program (`loops`, `loop_s`), measured where it is not in the results yet.

    A program that does not run untraced on this interpreter is left out, and the reason said.
    """
    known = {
        run["program"]: run
        for run in results.runs(CALIBRATION, target_s=target_s)
        if "loops" in run
    }
    for name in names:
        if name in known:
            continue
        request = {"task": "calibrate", "program": name, "target_s": target_s}
        try:
            answer = processes.run_script("worker", request, scratch)
        except processes.ProgramFailedError as failure:
            say(f"{name}: left out, it does not run here untraced: {str(failure)[-300:]}")
            continue
        known[name] = {"program": name, "target_s": target_s, **answer}
        results.add(CALIBRATION, known[name])
    return {name: known[name] for name in names if name in known}


def measure(plan: Plan, results: Results, scratch: processes.Scratch, say: Say) -> None:
    """Run all rounds of the plan; each run is in the results as soon as it is over."""
    calibrations = loops_of(plan.programs, plan.target_s, results, scratch, say)
    first_round = 1 + max((run["round"] for run in results.runs(SECTION)), default=-1)
    for round_number in range(first_round, first_round + plan.rounds):
        with_peers = round_number - first_round < plan.peer_rounds
        modes = [mode for mode in plan.modes if with_peers or not MODES[mode].is_peer]
        for name, calibration in calibrations.items():
            order = random.Random(f"{name} {round_number}").sample(modes, len(modes))
            runs = {}
            for mode in order:
                runs[mode] = _run(PROGRAMS[name], mode, round_number, calibration, scratch)
                results.add(SECTION, runs[mode])
            say(f"round {round_number}  {name:26}{_one_line(runs, modes)}")


def _run(
    program: Program,
    mode_name: str,
    round_number: int,
    calibration: dict[str, Any],
    scratch: processes.Scratch,
) -> dict[str, Any]:
    mode = MODES[mode_name]
    run: dict[str, Any] = {
        "program": program.name,
        "mode": mode_name,
        "round": round_number,
        "loops": calibration["loops"],
    }
    try:
        run.update(
            processes.run_program(
                program.name,
                calibration["loops"],
                scratch,
                tracer=mode.tracer,
                options=mode.options,
                is_preloaded=mode.is_preloaded,
                warmup_loops=1 if calibration["loop_s"] <= LONGEST_WARMUP_S else 0,
            )
        )
        if mode.tracer == "memlyze" and round_number == 0:
            request = {
                "trace": str(scratch.path / "trace.mlyze"),
                "metadata": COUNTERS,
                "queries": [],
            }
            answer = processes.run_script("inspect_trace", request, scratch)
            run["counters"] = answer["metadata"]
            run["is_complete"] = answer["is_complete"]
    except processes.ProgramFailedError as failure:
        run["failure"] = str(failure)
    return run


def _one_line(runs: dict[str, dict[str, Any]], modes: Sequence[str]) -> str:
    base_s = runs.get("untraced", {}).get("wall_s")
    words = []
    for mode in modes:
        run = runs[mode]
        if "failure" in run:
            words.append(f"{mode} FAILED")
        elif mode == "untraced" or base_s is None:
            words.append(f"{run['wall_s']:.2f} s")
        else:
            words.append(f"{mode} {run['wall_s'] / base_s:.2f}")
    return "  ".join(words)
