"""The chains of references in the trace of a program that a test has run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import memlyze
from memlyze.query.session import Trace


class Link(NamedTuple):
    """An object of a chain, and how the one before refers to it."""

    how: str
    type: str


class Held:
    """A trace with checkpoints; its last one is asked where a test does not say otherwise."""

    def __init__(self, path: Path) -> None:
        self.trace: Trace = memlyze.open(path)
        self.checkpoints = self._rows("SELECT * FROM checkpoints ORDER BY checkpoint_id")
        self.last = self.checkpoints[-1]["checkpoint_id"] if self.checkpoints else 0

    def _rows(self, sql: str, parameters: list[Any] | None = None) -> list[dict[str, Any]]:
        relation = self.trace.sql(sql, parameters)
        return [dict(zip(relation.columns, row)) for row in relation.fetchall()]

    def objects(self, condition: str) -> list[dict[str, Any]]:
        """Objects of the last checkpoint, by a condition in SQL."""
        return self._rows(
            f"SELECT * FROM objects WHERE checkpoint_id = {self.last} AND {condition} "
            "ORDER BY object_id"
        )

    def one(self, condition: str) -> dict[str, Any]:
        """The only such object."""
        found = self.objects(condition)
        assert len(found) == 1, f"{len(found)} objects with {condition}, not one"
        return found[0]

    def chain(self, condition: str) -> list[Link]:
        """The shortest chain to the only such object, from the root on."""
        rows = self._rows(
            "SELECT how, type FROM path_to_root($1) ORDER BY step",
            [self.one(condition)["object_id"]],
        )
        return [Link(row["how"], row["type"]) for row in rows]

    def retained(self, condition: str) -> int:
        """Bytes that would be freed with the only such object."""
        (row,) = self._rows(
            f"SELECT retained FROM retained() WHERE object_id = {self.one(condition)['object_id']}"
        )
        return int(row["retained"])

    def references(self, from_id: int) -> list[tuple[str, int]]:
        """How an object refers to others."""
        rows = self._rows(
            f"SELECT how, to_id FROM object_references WHERE from_id = {from_id} ORDER BY ALL"
        )
        return [(row["how"], row["to_id"]) for row in rows]
