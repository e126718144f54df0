"""The blocks of an opened trace, read one at a time; a bad one is noted and skipped."""

from __future__ import annotations

from typing import Any, Callable, Iterator, Mapping, NamedTuple

import numpy as np

from memlyze._speedups import _decoder
from memlyze.trace import format as fmt
from memlyze.trace.blocks import Block, FileBytes, Layout, find_more_blocks, parse_header
from memlyze.trace.damage import Damage


class BlockSource:
    """Blocks by type.

    With `earlier`, the part of the trace that was written before: its blocks come first, but for
    what it says about itself.
    """

    def __init__(
        self,
        file: FileBytes,
        layout: Layout,
        damage: Damage,
        earlier: tuple[FileBytes, Layout] | None = None,
    ) -> None:
        self._files = [file]
        self._before: list[Block] = []
        if earlier is not None:
            self._files.append(earlier[0])
            self._before = [
                block._replace(part=1)
                for block in earlier[1].blocks
                if block.block_type not in (fmt.METADATA, fmt.INDEX)
            ]
        self.damage = damage
        self.rows_shown: dict[int, int] = {}
        self._sound: set[tuple[int, int]] = set()
        self._earlier_gaps = [] if earlier is None else earlier[1].gaps
        self._kept: dict[int, _Kept] = {}
        self._take(layout)

    def _take(self, layout: Layout) -> None:
        self._own_layout = layout
        self.layout = layout._replace(blocks=[*self._before, *layout.blocks])
        self._by_type: dict[int, list[Block]] = {}
        for block in self.layout.blocks:
            self._by_type.setdefault(block.block_type, []).append(block)

    def go_on(self) -> set[int] | None:
        """Find what has been written since; the types of the blocks that are new.

        None where the file is not what it was: it is to be read anew.
        """
        layout = find_more_blocks(self._files[0], self._own_layout)
        if layout is None:
            return None
        counts = {block_type: len(blocks) for block_type, blocks in self._by_type.items()}
        self._take(layout)
        return {
            block_type
            for block_type, blocks in self._by_type.items()
            if len(blocks) != counts.get(block_type)
        }

    def blocks(self, block_type: int) -> list[Block]:
        """The blocks of a type, in file order."""
        return self._by_type.get(block_type, [])

    def rows(self, block_type: int) -> int:
        """Rows of all blocks of a type, as the headers or the index announce them."""
        return sum(block.row_count for block in self.blocks(block_type))

    def raw_bytes(self, block: Block) -> int:
        """Bytes of a block's payload once decompressed; 0 where its header is damaged."""
        header = parse_header(self._files[block.part].read(block.offset, fmt.BLOCK_HEADER.size))
        return header.raw_bytes if header else 0

    def read(self, block: Block) -> bytes | None:
        """A block, header and payload; None, and noted, where it is not what it should be."""
        data = self._files[block.part].read(
            block.offset, min(block.stored_bytes, _GREATEST_BLOCK_BYTES)
        )
        header = parse_header(data)
        if header is None:
            self.damage.unreadable(block, "its header is damaged")
        elif header.block_type != block.block_type:
            self.damage.unreadable(block, "it is not the block that the index names")
        else:
            # Bytes between this block and the next one in the index are nobody's.
            return data[: fmt.BLOCK_HEADER.size + header.payload_bytes]
        return None

    def is_sound(self, block: Block) -> bool:
        """Whether a block's payload can be decompressed and matches its checksum; noted, where it
        does not. Each is read for this once at most, and not at all if it has been decoded.
        """
        place = block.part, block.offset
        if place not in self._sound and not self.damage.is_unreadable(block):
            data = self.read(block)
            if data is not None:
                try:
                    _decoder.check_block(data)
                    self._sound.add(place)
                except _decoder.CorruptBlockError as error:
                    self.damage.unreadable(block, str(error))
        return place in self._sound

    def has_gap_between(self, before: Block | None, after: Block) -> bool:
        """Whether blocks of unknown types are lost between two of the same part (None: from its
        beginning on).
        """
        gaps = self._earlier_gaps if after.part else self.layout.gaps
        start = -1 if before is None or before.part != after.part else before.offset
        return any(gap.lost_blocks and start < gap.offset <= after.offset for gap in gaps)

    def each(self, block_type: int, start: int = 0) -> Iterator[tuple[Block, bytes]]:
        """The blocks of a type that can be read, in file order, with their bytes; with `start`
        without the first so many, which were read before.

        Whoever decodes them says `shown` or `damage.unreadable`.
        """
        if start == 0:
            self.rows_shown[block_type] = 0
        for block in self.blocks(block_type)[start:]:
            data = self.read(block)
            if data is not None:
                yield block, data

    def feed(self, block_type: int, add: Callable[[bytes], None], start: int = 0) -> int:
        """Give `add` the blocks of a type as `each` finds them, and say what became of each.

        Returns how many there are: where to start when there are more.
        """
        for block, data in self.each(block_type, start):
            try:
                add(data)
                self.shown(block)
            except _decoder.CorruptBlockError as error:
                self.damage.unreadable(block, str(error))
        return len(self.blocks(block_type))

    def shown(self, block: Block) -> None:
        """Count a block's rows as decoded."""
        self._sound.add((block.part, block.offset))
        self.rows_shown[block.block_type] = (
            self.rows_shown.get(block.block_type, 0) + block.row_count
        )

    def columns(self, block_type: int, dtypes: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """All rows of a type other than `events`, by column name.

        Integers are int64 arrays, doubles float64 arrays, texts lists of bytes. Where `dtypes`
        names a column it comes as that, block by block, so that no wider copy of all is made.
        """
        kept = self._kept.get(block_type)
        start = 0 if kept is None else kept.blocks
        if kept is not None and start == len(self.blocks(block_type)):
            return dict(kept.columns)
        columns = self._decode_columns(block_type, dtypes, start)
        if kept is not None:
            columns = {
                name: _join([kept.columns[name], values], column.encoding)
                for (name, values), column in zip(columns.items(), fmt.COLUMNS[block_type])
            }
        if not self.layout.is_complete and dtypes is None:
            self._kept[block_type] = _Kept(len(self.blocks(block_type)), columns)
        return dict(columns)

    def _decode_columns(
        self, block_type: int, dtypes: Mapping[str, Any] | None, start: int
    ) -> dict[str, Any]:
        schema = fmt.COLUMNS[block_type]
        narrowed = [(k, (dtypes or {}).get(column.name)) for k, column in enumerate(schema)]
        wanted = [fmt.decoded_as(column) for column in schema]
        parts: list[list[Any]] = []
        for block, data in self.each(block_type, start):
            try:
                part = _decoder.decode_columns(data, wanted)
                for number, dtype in narrowed:
                    if dtype is not None:
                        part[number] = part[number].astype(dtype)
                parts.append(part)
                self.shown(block)
            except _decoder.CorruptBlockError as error:
                self.damage.unreadable(block, str(error))
        return {
            column.name: _join(
                [part[number] for part in parts], column.encoding, (dtypes or {}).get(column.name)
            )
            for number, column in enumerate(schema)
        }


class _Kept(NamedTuple):
    """The columns of the first so many blocks of a file that is still being written."""

    blocks: int
    columns: dict[str, Any]


_GREATEST_BLOCK_BYTES = fmt.BLOCK_HEADER.size + fmt.MAX_PAYLOAD_BYTES


def _join(parts: list[Any], encoding: int, dtype: Any = None) -> Any:
    if encoding == fmt.BYTES:
        return [text for part in parts for text in part]
    if not parts:
        return np.empty(0, dtype or (np.float64 if encoding == fmt.F64 else np.int64))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
