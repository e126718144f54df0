"""Time, trace size and memory of each program in each mode, against the untraced program.

A round starts a process for each program and mode; those of a program take turns at their work, in
an order that is shuffled with a fixed seed. The ratio of a turn is taken to the untraced ones
beside it, so that a machine that slows down for a while does not favour anybody.
"""

from __future__ import annotations

import contextlib
import random
from pathlib import Path
from typing import Any, Callable, Iterator, NamedTuple, Sequence

from harness import processes
from harness.catalogue import PROGRAMS, Program
from harness.modes import MODES
from harness.results import Results
from harness.turns import Taker, trace_of
from memlyze.handover import NATIVE_SHIM

SECTION = "overhead"
CALIBRATION = "calibration"
#: The untraced warm-up is left out where it would take longer than this.
LONGEST_WARMUP_S = 0.5
FEWEST_TURNS = 5
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
        rounds: how often new processes are started.
        turns: of each process. Those whose work cannot be done in the time of a turn have fewer.
        peer_turns: the peers take part in so many of them.
        target_s: duration of an untraced turn.
    """

    programs: Sequence[str]
    modes: Sequence[str]
    rounds: int
    turns: int
    peer_turns: int
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
    """Run all rounds of the plan; what a program took is in the results as soon as it is known."""
    calibrations = loops_of(plan.programs, plan.target_s, results, scratch, say)
    first_round = 1 + max((run["round"] for run in results.runs(SECTION)), default=-1)
    for round_number in range(first_round, first_round + plan.rounds):
        for name, calibration in calibrations.items():
            runs = _round(PROGRAMS[name], round_number, calibration, plan, scratch)
            results.add_all(SECTION, runs.values())
            say(f"round {round_number}  {name:26}{_one_line(runs)}")


def _round(
    program: Program,
    round_number: int,
    calibration: dict[str, Any],
    plan: Plan,
    scratch: processes.Scratch,
) -> dict[str, dict[str, Any]]:
    """What each mode took in each turn, and left behind."""
    order = random.Random(f"{program.name} {round_number}")
    runs: dict[str, dict[str, Any]] = {}
    takers: dict[str, Taker] = {}
    with contextlib.ExitStack() as started:
        for mode_name in plan.modes:
            runs[mode_name] = {
                "program": program.name,
                "mode": mode_name,
                "round": round_number,
                "loops": calibration["loops"],
                "turns": [],
            }
            with _failure_in(runs[mode_name]):
                takers[mode_name] = _start(program, mode_name, calibration, scratch)
                started.callback(takers[mode_name].close)
        for turn in range(_turns(plan.turns, calibration["loop_s"], plan.target_s)):
            in_turn = [name for name in takers if turn < plan.peer_turns or not MODES[name].is_peer]
            for mode_name in order.sample(in_turn, len(in_turn)):
                if "failure" not in runs[mode_name]:
                    with _failure_in(runs[mode_name]):
                        runs[mode_name]["turns"].append(takers[mode_name].take_turn())
        for mode_name, taker in takers.items():
            run = runs[mode_name]
            if "failure" not in run:
                with _failure_in(run):
                    run.update(taker.finish())
                    if round_number == 0 and MODES[mode_name].tracer == "memlyze":
                        run.update(_counters(trace_of(mode_name, scratch), scratch))
            trace_of(mode_name, scratch).unlink(missing_ok=True)
    return runs


def _turns(wanted: int, loop_s: float, target_s: float) -> int:
    """How many a program takes: all together no more than twice as long as those of others."""
    return max(min(wanted, FEWEST_TURNS), round(wanted * min(1.0, 2 * target_s / loop_s)))


def _start(
    program: Program, mode_name: str, calibration: dict[str, Any], scratch: processes.Scratch
) -> Taker:
    mode = MODES[mode_name]
    request = {
        "program": program.name,
        "loops": calibration["loops"],
        "warmup_loops": 1 if calibration["loop_s"] <= LONGEST_WARMUP_S else 0,
        "tracer": mode.tracer,
        "options": mode.options,
        "output": str(trace_of(mode_name, scratch)),
    }
    variables = {"LD_PRELOAD": NATIVE_SHIM} if mode.is_preloaded else {}
    return Taker(mode_name, request, scratch, variables)


@contextlib.contextmanager
def _failure_in(run: dict[str, Any]) -> Iterator[None]:
    """Within it, a process that fails is said in its run, and the others go on."""
    try:
        yield
    except processes.ProgramFailedError as failure:
        run["failure"] = str(failure)


def _counters(trace: Path, scratch: processes.Scratch) -> dict[str, Any]:
    request = {"trace": str(trace), "metadata": COUNTERS, "queries": []}
    answer = processes.run_script("inspect_trace", request, scratch)
    kept = ("is_complete", "heap_graph_bytes")
    return {"counters": answer["metadata"], **{name: answer[name] for name in kept}}


def _one_line(runs: dict[str, dict[str, Any]]) -> str:
    """The shortest turns, which is enough to see that all goes well."""
    shortest_s = {
        mode: min(turn["wall_s"] for turn in run["turns"])
        for mode, run in runs.items()
        if "failure" not in run
    }
    base_s = shortest_s.get("untraced")
    words = []
    for mode in runs:
        if mode not in shortest_s:
            words.append(f"{mode} FAILED")
        elif mode == "untraced" or base_s is None:
            words.append(f"{shortest_s[mode]:.2f} s")
        else:
            words.append(f"{mode} {shortest_s[mode] / base_s:.2f}")
    return "  ".join(words)
