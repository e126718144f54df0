"""The detector's precision and recall on programs whose leaks are known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from labelled_programs import SAMPLINGS, judge, programs, score

AT_ONCE = 2
LEAST_PRECISION = {"default": 0.95, "1.0": 0.9}
#: Of the programs that leak, so many are found at least. A sample of an allocation every 512 KiB
#: has only a handful of what leaves a megabyte or two, and says so: `too_few_samples`.
LEAST_RECALL = {"default": 0.75, "1.0": 0.9}
#: Every so many programs: recording all of them in full takes minutes, as
#: `benchmarks/leak_corpus.py` does.
STEP = {"default": 1, "1.0": 3}


def test_corpus_has_as_many_programs_as_it_should() -> None:
    kinds = [path.parent.name for path in programs()]
    assert kinds.count("leaking") >= 45
    assert kinds.count("innocent") >= 45


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_leaks_are_found_and_nothing_else_is(sampling: str, tmp_path: Path) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        chosen = programs()[:: STEP[sampling]]
        verdicts = list(pool.map(lambda program: judge(program, sampling, tmp_path), chosen))
    reached = score(verdicts)
    wrong = "\n".join(str(verdict) for verdict in verdicts if not verdict.is_right)
    # What the first pass gives is what a user sees: nothing is tried again.
    print(f"{sampling}: precision {reached.precision:.3f}, recall {reached.recall:.3f}\n{wrong}")
    assert reached.precision >= LEAST_PRECISION[sampling], wrong
    assert reached.recall >= LEAST_RECALL[sampling], wrong
