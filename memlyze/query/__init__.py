"""SQL over traces: a DuckDB session whose views are fed from the trace reader."""

from __future__ import annotations
