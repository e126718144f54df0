"""What could not be read of a trace, in words."""

from __future__ import annotations

from typing import Callable, NamedTuple

from memlyze.trace import format as fmt
from memlyze.trace.blocks import Block, Layout

_PLACES_SHOWN = 3


class Damage:
    """Collects what is found to be wrong with a file while it is read."""

    def __init__(self) -> None:
        self._notes: dict[str, str] = {}
        self._faults: dict[tuple[int, int], _Fault] = {}

    def note(self, key: str, text: str) -> None:
        """Add a sentence, once for each `key`."""
        self._notes[key] = text

    def note_layout(self, layout: Layout, of: str = "", *, is_growing: bool = False) -> None:
        """Say what finding the blocks has shown, in place of what it had shown before; `of` says of
        which part, where not of the last. The end of a file that is growing is no damage.
        """
        gaps = f"{of}gap "
        self._notes = {key: text for key, text in self._notes.items() if not key.startswith(gaps)}
        for gap in layout.gaps:
            key = f"{gaps}{gap.offset}"
            if gap.is_cut_off and is_growing:
                continue
            if gap.is_cut_off:
                self.note(
                    key,
                    f"{of}the file ends in the middle of a block that begins at byte "
                    f"{gap.offset:,}; everything before it is shown",
                )
                continue
            if gap.repeated_blocks:
                is_one = gap.repeated_blocks == 1
                self.note(
                    f"{key} repeated",
                    f"{of}{counted(gap.repeated_blocks, 'block')} at byte {gap.offset:,} "
                    f"{'has' if is_one else 'have'} the number{'' if is_one else 's'} of blocks "
                    f"before and {'is' if is_one else 'are'} left out: was the file appended to "
                    "one that was there?",
                )
                continue
            size = gap.end - gap.offset
            what = f"{size:,} bytes are damaged at byte {gap.offset:,}" if size else ""
            lost = counted(gap.lost_blocks, "block") if gap.lost_blocks else ""
            if what and lost:
                what = f"{what}, where {lost} stood"
            elif lost:
                what = f"{lost} cannot be found before byte {gap.offset:,}"
            self.note(key, f"{of}{what}; what stands before and after is shown")
        if layout.is_complete and not layout.is_indexed:
            self.note(
                f"{of}index",
                f"{of}the index at the end is damaged; the blocks were found without it",
            )

    def unreadable(self, block: Block, reason: str) -> None:
        """Add a block that cannot be decoded. Told again, it counts once."""
        self._faults[block.part, block.offset] = _Fault(block, reason)

    def is_unreadable(self, block: Block) -> bool:
        """Whether that was said of a block."""
        return (block.part, block.offset) in self._faults

    @property
    def has_faults(self) -> bool:
        """Whether anything is known to be missing."""
        return bool(self._faults) or any(not key.startswith("count ") for key in self._notes)

    def sentences(self, rows: Callable[[int], int]) -> list[str]:
        """The findings; `rows` tells how many rows of a block type there are, with the lost."""
        by_type: dict[int, list[_Fault]] = {}
        for fault in self._faults.values():
            by_type.setdefault(fault.block.block_type, []).append(fault)
        found = [
            _describe(block_type, faults, rows(block_type))
            for block_type, faults in sorted(by_type.items())
        ]
        return [*self._notes.values(), *found]


class _Fault(NamedTuple):
    block: Block
    reason: str


def _describe(block_type: int, faults: list[_Fault], row_count: int) -> str:
    name = fmt.BLOCK_TYPE_NAMES.get(block_type, f"type {block_type}")
    rows = "events" if block_type == fmt.EVENTS else "rows"
    faults = sorted(faults, key=lambda fault: fault.block.offset)
    places = ", ".join(_place(fault.block) for fault in faults[:_PLACES_SHOWN])
    more = len(faults) - _PLACES_SHOWN
    if more > 0:
        places += f" and {more:,} more"
    lost = sum(fault.block.row_count for fault in faults)
    one = len(faults) == 1
    reason = faults[0].reason if one else f"at the first, {faults[0].reason}"
    return (
        f"{counted(len(faults), f'{name} block')} {'is' if one else 'are'} unreadable at "
        f"byte{'' if one else 's'} {places} ({reason}): {lost:,} {rows} are left out, "
        f"{max(row_count - lost, 0):,} before and after are shown"
    )


def _place(block: Block) -> str:
    return f"{block.offset:,}" + (" of the earlier part" if block.part else "")


def counted(number: int, noun: str) -> str:
    """ "1 block", "2 blocks"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
