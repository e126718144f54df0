"""How the figures of a trace are estimated."""

from __future__ import annotations

from memlyze.analyses.estimates import Sampling
from memlyze.analyses.remembered import remembered
from memlyze.analyses.statements import run_statement
from memlyze.query.session import Trace


def sampling_of(trace: Trace) -> Sampling:
    """The sampling of a trace, of all its processes together."""
    return remembered(
        trace, "sampling", lambda: Sampling(**run_statement(trace, "sampling")[0]), of="samplings"
    )
