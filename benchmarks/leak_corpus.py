#!/usr/bin/env python3
"""Prints how well `memlyze leaks` tells programs that leak from programs that do not.

    benchmarks/leak_corpus.py                 the programs of tests/targets/leaks
    benchmarks/leak_corpus.py --corpus DIR    others, in DIR/leaking and DIR/innocent

Each program is recorded once at the default sampling and once at 1.0, one after the other, and
judged once: nothing is tried again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "helpers"))

from labelled_programs import CORPUS, SAMPLINGS, judge, programs, score


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, default=CORPUS, metavar="DIR")
    corpus = parser.parse_args().corpus
    for sampling in SAMPLINGS:
        with tempfile.TemporaryDirectory() as folder:
            verdicts = [judge(program, sampling, Path(folder)) for program in programs(corpus)]
        reached = score(verdicts)
        leaking = sum(verdict.leaks for verdict in verdicts)
        print(
            f"{sampling}: precision {reached.precision:.3f}, recall {reached.recall:.3f} "
            f"({leaking} leaking programs, {len(verdicts) - leaking} innocent)"
        )
        for verdict in verdicts:
            if not verdict.is_right:
                print(f"  wrong: {verdict}")


if __name__ == "__main__":
    main()
