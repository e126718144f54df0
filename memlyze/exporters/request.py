"""What of a trace is exported: which allocations, and what became of them."""

from __future__ import annotations

import typing

from memlyze.analyses import stack_totals
from memlyze.analyses.hotspots import TEMPORARY_NS
from memlyze.analyses.selection import Selection
from memlyze.query.session import Trace


class Request(typing.NamedTuple):
    """The allocations of `selection`, and of these: all (`allocated`), those live at the end of its
    time range (`live`) or when most of them was live in it (`peak`), or those freed within
    `within_ns` (`temporary`).
    """

    what: str = stack_totals.ALLOCATED
    selection: Selection = Selection()
    within_ns: int = TEMPORARY_NS

    def held_moment(self, trace: Trace) -> int:
        """When what is `live` was so, in nanoseconds since the start of the trace."""
        return stack_totals.held_moment(trace, self.what, self.selection)

    def totals(self, trace: Trace) -> stack_totals.StackTotals:
        """What each call stack has of it. Raises SelectionError."""
        return stack_totals.stack_totals(
            trace,
            selection=self.selection,
            live_at_ns=self.held_moment(trace),
            within_ns=self.within_ns,
        )


#: Whatever was allocated.
EVERYTHING = Request()
