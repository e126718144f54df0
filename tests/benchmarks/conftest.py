"""The harness of the benchmarks is imported from its folder, as `benchmarks/run.py` does it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))
