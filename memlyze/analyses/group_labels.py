"""What the threads, processes and windows of a trace are called."""

from __future__ import annotations

from memlyze.analyses.command_lines import process_label
from memlyze.analyses.statements import run_statement
from memlyze.query.session import Trace


def group_labels(trace: Trace, group: str, ids: list[int]) -> list[str]:
    """The names of these; of what a damaged trace has lost the number is left. `group` is `thread`,
    `process` or `window`.
    """
    rows = run_statement(trace, "group_labels", {"group": group})
    labels = {row["group_id"]: row["label"] for row in rows}
    found = [labels.get(number, f"{group} {number}") for number in ids]
    return [process_label(label) for label in found] if group == "process" else found
