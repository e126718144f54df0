"""Ratios of the overhead part: of a turn to the untraced ones of the program that are beside it."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from harness.catalogue import NUMERIC, PYPERFORMANCE
from harness.results import Results
from harness.spreads import Spread, geometric_mean, spread

SECTION = "overhead"
PYPERFORMANCE_NAMES = frozenset(program.name for program in PYPERFORMANCE)
#: What native memory is judged on: pyperformance's programs, and numpy's and pandas's.
WITH_NUMERIC_NAMES = PYPERFORMANCE_NAMES | {program.name for program in NUMERIC}
BASES = ("untraced", "untraced_again")


class Ratios:
    """The ratios of all programs and modes for one quantity, `wall_s` or `cpu_s`.

    The two untraced turns together are what the others are compared with; the ratio of
    the second to the first is the noise, in the place of `untraced_again`.
    """

    def __init__(self, results: Results, quantity: str) -> None:
        turns: dict[tuple[str, int, int], dict[str, float]] = defaultdict(dict)
        self.programs: list[str] = []
        for run in results.runs(SECTION):
            if run["program"] not in self.programs:
                self.programs.append(run["program"])
            for number, turn in enumerate(run["turns"]):
                turns[run["program"], run["round"], number][run["mode"]] = turn[quantity]
        self._best: dict[tuple[str, str], float] = {}
        for (program, *_), values in turns.items():
            for mode, value in values.items():
                known = self._best.get((program, mode), math.inf)
                self._best[program, mode] = min(known, value)
        collected: dict[tuple[str, str], list[float]] = defaultdict(list)
        untraced: dict[str, list[float]] = defaultdict(list)
        for (program, *_), values in turns.items():
            bases = [values[mode] for mode in BASES if mode in values]
            if not bases:
                continue
            base = geometric_mean(bases)
            untraced[program].append(base)
            for mode, value in values.items():
                if mode == "untraced_again" and "untraced" in values:
                    collected[program, mode].append(value / values["untraced"])
                elif mode not in BASES:
                    collected[program, mode].append(value / base)
        self._spreads = {key: spread(ratios) for key, ratios in collected.items()}
        self.untraced = {program: spread(values) for program, values in untraced.items()}

    def of(self, program: str, mode: str) -> Spread | None:
        """Median and margin over the turns; None where the mode was not measured or failed."""
        return self._spreads.get((program, mode))

    def among(self, names: frozenset[str], mode: str) -> dict[str, Spread]:
        """Of the programs of these names, by program."""
        ratios = {name: self.of(name, mode) for name in self.programs if name in names}
        return {name: ratio for name, ratio in ratios.items() if ratio is not None}

    def pyperformance(self, mode: str) -> dict[str, Spread]:
        """By program, our own left out."""
        return self.among(PYPERFORMANCE_NAMES, mode)

    def mean(self, mode: str, names: frozenset[str] = PYPERFORMANCE_NAMES) -> float:
        """Geometric mean of the medians over these programs; not a number without any."""
        return geometric_mean([ratio.median for ratio in self.among(names, mode).values()])

    def mean_of_best(self, mode: str, names: frozenset[str] = PYPERFORMANCE_NAMES) -> float:
        """The same of the shortest turns: what is left when a busy machine is taken out.

        Only the first of the untraced ones counts, so that both sides had as many tries; a mode
        with fewer turns than the untraced one looks a little worse than it is.
        """
        found = []
        for program in self.programs:
            best, base = self._best.get((program, mode)), self._best.get((program, "untraced"))
            if program in names and best is not None and base is not None:
                found.append(best / base)
        return geometric_mean(found)

    def above(
        self, mode: str, limit: float, names: frozenset[str] = PYPERFORMANCE_NAMES
    ) -> list[str]:
        """Programs whose ratio is above the limit by more than its margin and the noise."""
        found = []
        for program, ratio in self.among(names, mode).items():
            if ratio.median - max(ratio.margin, self.noise(program)) > limit:
                found.append(program)
        return found

    def noise(self, program: str) -> float:
        """How far the ratio of two equal runs lies from 1, or its margin; 0 where not measured."""
        again = self.of(program, "untraced_again")
        if again is None:
            return 0.0
        distance = abs(again.median - 1)
        return distance if math.isinf(again.margin) else max(distance, again.margin)

    def not_faster(self, mode: str, peer: str) -> tuple[list[str], int]:
        """Programs on which the mode is not faster than the peer, and how many were compared."""
        slower, compared = [], 0
        for program in self.programs:
            mine, other = self.of(program, mode), self.of(program, peer)
            if mine is None or other is None:
                continue
            compared += 1
            if mine.median >= other.median:
                slower.append(program)
        return slower, compared


def failures(results: Results) -> list[dict[str, Any]]:
    """Runs that ended with an error."""
    return [run for run in results.runs(SECTION) if "failure" in run]
