#!/usr/bin/env python3
"""Measures memlyze and its peers, and writes the tables of docs/performance.md.

Needs nothing but the interpreter: it makes an environment of its own (.venvs/benchmark) with a
normal build of memlyze and with the peers, and goes on there. The raw figures go to
benchmarks/results/results.json.

examples:
  benchmarks/run.py                                   everything but the instruction counts
  benchmarks/run.py --quick                           a smoke test of every part
  benchmarks/run.py overhead --rounds 3               three more rounds, added to those there are
  benchmarks/run.py overhead --programs go,float --modes untraced,default,rate_1.0
  benchmarks/run.py instructions --programs deltablue
  benchmarks/run.py memory query accuracy             parts by name
  benchmarks/run.py --report                          write the tables from what was measured before
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = Path(".venvs/benchmark")
REQUIREMENTS = ROOT / "benchmarks" / "requirements.txt"
RESULTS = ROOT / "benchmarks" / "results" / "results.json"
PAGE = ROOT / "docs" / "performance.md"
#: Set in the process that goes on inside the environment of the benchmarks.
INSIDE = "MEMLYZE_BENCHMARK_ENVIRONMENT"

PARTS = (
    "overhead",
    "memory",
    "query",
    "analyses",
    "references",
    "intervals",
    "accuracy",
    "page",
    "instructions",
)


def parse_arguments() -> argparse.Namespace:
    summary, _, examples = (__doc__ or "").partition("examples:")
    parser = argparse.ArgumentParser(
        description=summary.strip(),
        epilog="examples:" + examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # argparse would hold the default of an optional list against its choices, so these are
    # checked below.
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"what to measure: {', '.join(PARTS)} (all but the last)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="few programs, one round: a smoke test"
    )
    parser.add_argument("--programs", metavar="A,B", help="names of programs (all); see --list")
    parser.add_argument(
        "--modes", metavar="A,B", help="modes of the overhead part (all); see --list"
    )
    parser.add_argument("--list", action="store_true", help="list programs and modes, and stop")
    parser.add_argument(
        "--rounds", type=int, default=1, metavar="N", help="rounds of new processes (1)"
    )
    parser.add_argument(
        "--turns", type=int, default=12, metavar="N", help="turns of each process (12)"
    )
    parser.add_argument(
        "--peer-turns", type=int, default=3, metavar="N", help="turns of the peers (3)"
    )
    parser.add_argument(
        "--target-seconds",
        type=float,
        default=0.15,
        metavar="S",
        help="length of an untraced turn (0.15)",
    )
    parser.add_argument(
        "--seeds", type=int, default=12, metavar="N", help="seeds of the accuracy part (12)"
    )
    parser.add_argument(
        "--workload-seconds",
        type=float,
        default=0.15,
        metavar="S",
        help="length of a recording of the accuracy part (0.15); longer ones have more samples",
    )
    parser.add_argument(
        "--flat-seconds", type=float, default=60, metavar="S", help="length of the memory run (60)"
    )
    parser.add_argument("--fresh", action="store_true", help="discard earlier runs of these parts")
    parser.add_argument("--report", action="store_true", help="only write the tables again")
    parser.add_argument("--no-report", action="store_true", help="leave docs/performance.md alone")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help="raw figures")
    parser.add_argument(
        "--environment", type=Path, metavar="DIR", help="use this virtual environment as it is"
    )
    arguments = parser.parse_args()
    for part in arguments.parts:
        if part not in PARTS:
            parser.error(f"there is no part {part!r}; the parts are {', '.join(PARTS)}")
    arguments.parts = arguments.parts or list(PARTS[:-1])
    return arguments


def enter_environment(given: Path | None, *, has_pages: bool) -> None:
    """Go on in the environment of the benchmarks, which is made or brought up to date first."""
    environment = given or ROOT / ENVIRONMENT
    if given is None:
        settings = {
            **os.environ,
            "VENV": str(ENVIRONMENT),
            "WEBUI": "enabled" if has_pages else "disabled",
            "PYTHON": sys.executable,
        }
        steps = (
            ["scripts/setup.sh"],
            [f"{ENVIRONMENT}/bin/python", "-m", "pip", "-qq", "install", "-r", str(REQUIREMENTS)],
        )
        for step in steps:
            finished = subprocess.run(step, cwd=ROOT, env=settings, check=False)
            if finished.returncode != 0:
                sys.exit(f"benchmarks: {' '.join(step)} failed; see above")
    python = str(environment / "bin" / "python")
    os.environ[INSIDE] = str(environment)
    os.execv(python, [python, *sys.argv])


def main() -> None:
    arguments = parse_arguments()
    if os.environ.get(INSIDE) is None:
        enter_environment(arguments.environment, has_pages="page" in arguments.parts)
    from harness import session

    session.run(arguments, PAGE)


if __name__ == "__main__":
    main()
