"""The labelled programs of `tests/targets/leaks`: runs them, and scores the verdicts.

In the folder `leaking` the lines that leave memory behind are marked `# leaks`; the programs of
`innocent` leave none. A program is called leaking where a site of it is `growing`; for a leaking
one the first of these must be a marked line.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, Sequence

from command_line import clean_environment

CORPUS = Path(__file__).resolve().parents[1] / "targets" / "leaks"
#: What is given to `memlyze record`.
SAMPLINGS = {
    "default": (),
    "1.0": ("--sample-rate", "1.0"),
}
_MARK = "# leaks"


class Verdict(NamedTuple):
    """What was said of a program."""

    program: Path
    leaks: bool
    """Whether it is known to."""
    found: tuple[str, ...]
    """`file:line` of the growing sites, the fastest first."""

    @property
    def is_right(self) -> bool:
        """Whether the label was found, and at the right place."""
        if not self.leaks:
            return not self.found
        return bool(self.found) and self.found[0] in _marked(self.program)

    def __str__(self) -> str:
        kind = "leaks" if self.leaks else "is innocent"
        return f"{self.program.stem} {kind}; growing: {', '.join(self.found) or 'nothing'}"


class Score(NamedTuple):
    """How the verdicts compare with the labels."""

    precision: float
    recall: float


def programs(corpus: Path = CORPUS) -> list[Path]:
    """All programs, the leaking ones first."""
    return [
        path for kind in ("leaking", "innocent") for path in sorted((corpus / kind).glob("*.py"))
    ]


def judge(program: Path, sampling: str, folder: Path) -> Verdict:
    """Record a program in `folder`, and ask `memlyze leaks`. Raises where either fails."""
    trace = folder / f"{program.parent.name}-{program.stem}-{sampling}.mlyze"
    _memlyze(folder, "record", "-q", "-f", *SAMPLINGS[sampling], "-o", trace, program)
    answer = json.loads(_memlyze(folder, "leaks", "--json", trace))
    trace.unlink()
    found = tuple(
        f"{Path(site['file']).name}:{site['line']}"
        for site in answer["sites"]
        if site["verdict"] == "growing"
    )
    return Verdict(program, program.parent.name == "leaking", found)


def score(verdicts: Sequence[Verdict]) -> Score:
    """Precision: what was called leaking, and does. Recall: what leaks, and was found."""
    called = [verdict for verdict in verdicts if verdict.found]
    leaking = [verdict for verdict in verdicts if verdict.leaks]
    right = sum(verdict.is_right for verdict in leaking)
    return Score(right / max(len(called), 1), right / max(len(leaking), 1))


def _memlyze(folder: Path, *words: object) -> str:
    command = [sys.executable, "-m", "memlyze", *map(str, words)]
    finished = subprocess.run(
        command, cwd=folder, env=clean_environment(), capture_output=True, text=True, timeout=120
    )
    if finished.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed: {finished.stderr}")
    return finished.stdout


def _marked(program: Path) -> set[str]:
    lines = program.read_text(encoding="utf-8").splitlines()
    return {f"{program.name}:{number}" for number, line in enumerate(lines, 1) if _MARK in line}
