"""Golden traces of every format version: what was once read from them is read for ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from trace_compare import assert_readers_agree, read_tables

from memlyze.trace import format as fmt
from memlyze.trace.reader import TraceFile
from memlyze.trace.reference_decoder import decode

GOLDEN = sorted((Path(__file__).parent / "golden").glob("v*/*.mlyze"))


def named(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def rounded(tables: dict[str, Any]) -> dict[str, Any]:
    """Tables with weights as precise as every C library computes them."""
    for row in tables["allocations"]:
        row["weight"] = float(f"{row['weight']:.12g}")
    return tables


def expected_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
    return found


def of_that_time(tables: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Without the tables and columns that have come since, in which it has nothing: nothing but
    what is worked out from the events, which the decoders agree on.
    """
    assert not any(
        rows for name, rows in tables.items() if name not in expected and name != "frees"
    )
    kept: dict[str, Any] = {}
    for name, once in expected.items():
        known = set(once[0]) if once else set()
        for row in tables[name]:
            assert not {row[column] for column in row if column not in known} - {0, -1, ""}
        kept[name] = [{c: row[c] for c in row if c in known} for row in tables[name]]
    return kept


def test_each_format_version_has_golden_traces() -> None:
    versions = {path.parent.name for path in GOLDEN}
    assert versions == {f"v{number}" for number in range(1, fmt.FORMAT_VERSION + 1)}


@pytest.mark.parametrize("path", GOLDEN, ids=named)
def test_reference_decoder_reads_what_was_once_read(path: Path) -> None:
    expected = expected_of(path)
    found = decode(path.read_bytes())
    assert found.metadata == expected["metadata"]
    assert found.is_complete == expected["is_complete"]
    tables = of_that_time(found.tables, expected["tables"])
    assert rounded(tables) == rounded(expected["tables"])


@pytest.mark.parametrize("path", GOLDEN, ids=named)
def test_fast_decoder_reads_what_was_once_read(path: Path) -> None:
    expected = expected_of(path)
    tables = of_that_time(read_tables(path), expected["tables"])
    assert rounded(tables) == rounded(expected["tables"])
    assert_readers_agree(path)
    with TraceFile(path) as trace:
        assert trace.metadata == expected["metadata"]
        assert trace.is_complete == expected["is_complete"]
