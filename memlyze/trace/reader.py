"""Reading of traces: `TraceFile` for one file, `TraceSet` for several at once."""

from __future__ import annotations

from memlyze.trace.trace_file import TABLE_NAMES, BlockCounts, TraceFile
from memlyze.trace.trace_set import TraceSet

__all__ = ["TABLE_NAMES", "BlockCounts", "TraceFile", "TraceSet"]
