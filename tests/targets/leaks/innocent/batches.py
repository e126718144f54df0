"""Each batch of results replaces the one before."""

from __future__ import annotations


def compute(batch):
    return [{"batch": batch, "row": row, "text": f"{batch}/{row}"} for row in range(20_000)]


RESULTS = []
for batch in range(40):
    RESULTS = compute(batch)
    total = sum(len(row["text"]) for row in RESULTS)
