"""One call of the runner: which parts are measured, on what, and that the tables are written."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Sequence

from harness import (
    accuracy,
    analyses_speed,
    instructions,
    intervals,
    memory,
    overhead,
    page,
    query_speed,
    references,
    report,
)
from harness.catalogue import MEASURED, NUMERIC, OWN, PYPERFORMANCE, QUICK
from harness.modes import MODES
from harness.processes import ProgramFailedError, Scratch
from harness.results import Results, build_of_memlyze

_start_s = time.monotonic()


def say(text: str) -> None:
    """A line of progress, with the minutes since the start."""
    print(f"{(time.monotonic() - _start_s) / 60:5.1f} min  {text}", flush=True)


def run(arguments: argparse.Namespace, tables: Path) -> None:
    """Do what the command line asks for; a wrong name ends the process with a message."""
    if arguments.list:
        _list()
        return
    results = Results(arguments.results)
    if not arguments.report:
        _measure(arguments, results)
    if not arguments.no_report:
        report.write(results, tables)
        say(f"wrote the tables of {tables.name}")


def _list() -> None:
    print("modes:", ", ".join(MODES))
    print("numpy and pandas:", ", ".join(program.name for program in NUMERIC))
    print("own programs:", ", ".join(program.name for program in OWN))
    print("pyperformance:", ", ".join(program.name for program in PYPERFORMANCE))


def _chosen(
    option: str, text: str | None, known: Sequence[str], default: Sequence[str]
) -> list[str]:
    """The names of a comma-separated option."""
    if text is None:
        return list(default)
    names = text.split(",")
    for name in names:
        if name not in known:
            sys.exit(f"benchmarks: there is no {option} {name!r}; see --list")
    return names


def _measure(arguments: argparse.Namespace, results: Results) -> None:
    every = [program.name for program in MEASURED]
    quick = arguments.quick
    programs = _chosen("program", arguments.programs, every, QUICK if quick else every)
    modes = _chosen("mode", arguments.modes, list(MODES), list(MODES))
    build = build_of_memlyze()
    discarded = results.begin(overhead.CALIBRATION, "", fresh=False)
    for part in arguments.parts:
        discarded = results.begin(part, build, fresh=arguments.fresh)
        if discarded:
            say(discarded)
    with Scratch() as scratch:
        if "overhead" in arguments.parts:
            plan = overhead.Plan(
                programs,
                modes,
                rounds=1 if quick else arguments.rounds,
                turns=2 if quick else arguments.turns,
                peer_turns=2 if quick else arguments.peer_turns,
                target_s=arguments.target_seconds,
            )
            overhead.measure(plan, results, scratch, say)
        if "memory" in arguments.parts:
            memory.measure(5 if quick else arguments.flat_seconds, quick, results, scratch, say)
        if "query" in arguments.parts:
            query_speed.measure((1,) if quick else (1, 10), results, scratch, say)
        if "references" in arguments.parts:
            heaps = (100_000,) if quick else (1_000_000, 5_000_000)
            references.measure(heaps, results, scratch, say)
        if "analyses" in arguments.parts:
            analyses_speed.measure((1,) if quick else (1, 10), results, scratch, say)
        if "intervals" in arguments.parts:
            dense = programs if arguments.programs else list(intervals.DENSE_PROGRAMS)
            calibrations = overhead.loops_of(dense, arguments.target_seconds, results, scratch, say)
            rounds = 1 if quick else arguments.rounds
            intervals.measure(calibrations, rounds, results, scratch, say)
        if "accuracy" in arguments.parts:
            calibrations = overhead.loops_of(
                programs, arguments.target_seconds, results, scratch, say
            )
            seeds = 3 if quick else arguments.seeds
            workload_s = arguments.workload_seconds
            accuracy.measure(calibrations, seeds, workload_s, results, scratch, say)
        if "page" in arguments.parts:
            try:
                page.measure((1,) if quick else (1, 10), results, scratch, say)
            except (page.UnmeasurableError, ProgramFailedError) as failure:
                say(f"page: {failure}")
        if "instructions" in arguments.parts:
            counted = programs if arguments.programs else list(instructions.PROGRAMS)
            calibrations = overhead.loops_of(
                counted, arguments.target_seconds, results, scratch, say
            )
            try:
                instructions.measure(calibrations, results, scratch, say)
            except (instructions.ValgrindMissingError, ProgramFailedError) as failure:
                say(f"instructions: {failure}")
