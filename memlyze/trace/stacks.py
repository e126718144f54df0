"""The call stacks of a trace, merged, and what their frames are called."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np

from memlyze._speedups import _decoder
from memlyze.trace import format as fmt
from memlyze.trace.damage import counted
from memlyze.trace.modules import ModuleNames
from memlyze.trace.placement import Placement
from memlyze.trace.source import BlockSource
from memlyze.trace.tables import text_array, texts

_SPELLED_ROW_BYTES = 12


class Stacks:
    """Everything that is made of the `codes` and `stacks` blocks, decoded once."""

    def __init__(self, source: BlockSource) -> None:
        self._decoder = _decoder.StacksDecoder()
        self._source = source
        self._read = {fmt.CODES: 0, fmt.STACKS: 0}
        self.go_on()

    def go_on(self) -> None:
        """Decode the blocks that were not decoded yet. Ids that were given stay what they are."""
        source = self._source
        for block_type, add in (
            (fmt.CODES, self._decoder.add_codes),
            (fmt.STACKS, self._decoder.add_stacks),
        ):
            self._read[block_type] = source.feed(block_type, add, self._read[block_type])
        if self._decoder.lost:
            source.damage.note(
                "count lost frames",
                f"{counted(self._decoder.lost, 'frame')} of call stacks cannot be found in the "
                "file; <lost> is shown for them",
            )

    def remap(self, stack_ids: Any) -> int:
        """Replace the file's stack ids by merged ones, in place; returns how many are unknown."""
        return self._decoder.remap(stack_ids)

    def frames(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """One row a distinct (function, file, line)."""
        names = texts(self._decoder.texts())
        function, file, line, language = self._decoder.frames()
        modules = ModuleNames(metadata)
        known: dict[tuple[int, int], str] = {}
        for key in set(zip(file.tolist(), language.tolist())):
            known[key] = modules.name(names[key[0]], language_name(key[1]))
        return {
            "frame_id": np.arange(1, len(line) + 1, dtype=np.int32),
            "function": names[function],
            "file": names[file],
            "line": line,
            "module": text_array(known[key] for key in zip(file.tolist(), language.tolist())),
            "language": text_array(map(language_name, language.tolist())),
        }

    def stacks(self) -> dict[str, Any]:
        """One row a distinct stack; `depth` is the number of its frames."""
        parent_id, frame_id, depth = self._decoder.stacks_table()
        return {
            "stack_id": np.arange(1, len(depth) + 1, dtype=np.int32),
            "parent_id": parent_id,
            "frame_id": frame_id,
            "depth": depth,
        }

    def stack_frames(self, placement: Placement) -> dict[str, Any]:
        """The stacks spelled out: one row a frame of each, leaf first (depth 0).

        Raises TraceError where there is no room for them.
        """
        rows = self._decoder.spelled_rows
        in_memory = placement.fits_memory(rows * _SPELLED_ROW_BYTES)
        table = {
            name: placement.column(rows, np.int32, in_memory=in_memory)
            for name in ("stack_id", "depth", "frame_id")
        }
        self._decoder.spell_out(table["stack_id"], table["depth"], table["frame_id"])
        return table


def language_name(number: int) -> str:
    """The name of a language by its number in the format."""
    known = fmt.LANGUAGE_NAMES
    return known[number] if number < len(known) else f"language {number}"
