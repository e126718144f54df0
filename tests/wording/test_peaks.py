"""Why what is live is more than is resident, in words."""

from __future__ import annotations

from memlyze.analyses.estimates import Estimate
from memlyze.analyses.mapped_memory import MappedMemory
from memlyze.wording.peaks import why_not_resident

MIB = 1 << 20
LIVE = Estimate(72 * MIB, 2 * MIB)


def test_mapped_memory_is_told_with_what_of_it_was_resident() -> None:
    mapped = MappedMemory(Estimate(64 * MIB, 0), 16384, 4_000_000)
    assert why_not_resident(LIVE, mapped, 30 * MIB) == (
        "of which 64.0 MiB is mapped (mmap): at most 16.0 KiB of that was resident at 4.00 ms, "
        "the rest was only reserved then"
    )


def test_mapped_memory_of_which_no_snapshot_was_taken() -> None:
    mapped = MappedMemory(Estimate(64 * MIB, 0), None, None)
    assert "resident only where it was written to" in why_not_resident(LIVE, mapped, 30 * MIB)


def test_other_memory_that_is_not_resident() -> None:
    assert "more than is resident" in why_not_resident(LIVE, None, 30 * MIB)
    few = MappedMemory(Estimate(1 * MIB, 0), 0, 0)
    assert "more than is resident" in why_not_resident(LIVE, few, 30 * MIB)


def test_nothing_is_said_where_there_is_no_more_or_chance_may_have_made_it() -> None:
    assert why_not_resident(LIVE, None, 80 * MIB) == ""
    assert why_not_resident(LIVE, None, 71 * MIB) == ""
    assert why_not_resident(LIVE, None, None) == ""
