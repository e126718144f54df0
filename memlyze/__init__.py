"""memlyze: a memory profiler for Python."""

from __future__ import annotations
