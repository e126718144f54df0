"""What `benchmarks/run.py` is made of; see `benchmarks/README.md` for the method."""

from __future__ import annotations
