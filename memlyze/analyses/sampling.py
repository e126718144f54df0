"""How the figures of a trace are estimated."""

from __future__ import annotations

from memlyze.analyses.estimates import Sampling
from memlyze.query.session import Trace


def sampling_of(trace: Trace) -> Sampling:
    """The sampling of a trace, of all its processes together."""
    row = trace.made_table("sampling")
    return Sampling(**{name: column[0].item() for name, column in row.items()})
