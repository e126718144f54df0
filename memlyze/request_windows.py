"""Windows of requests, for whoever serves them: the integrations."""

from __future__ import annotations

from memlyze._speedups._tracer import RequestWindow

__all__ = ["RequestWindow"]
