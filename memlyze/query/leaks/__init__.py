"""What stays and what grows: the figures and verdicts beneath the macro `leaks()`.

One way: `curves.py` lays the live bytes of each site over time, `trend.py` has the statistical
tests, `shape.py` measures the curves, `verdicts.py` judges them, and `table.py` makes rows of it.
`docs/leaks.md` says what is tested and why.
"""

from __future__ import annotations
