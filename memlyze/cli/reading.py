"""What a process that reads traces does differently from one that starts programs."""

from __future__ import annotations

import gc
import os

# How many more objects there are when the collector looks for cycles: what a trace gives stays.
_COLLECTION_THRESHOLD = 100_000


def prepare_to_read() -> None:
    """To be called before numpy is imported; children that are started later have it, too."""
    gc.set_threshold(_COLLECTION_THRESHOLD)
    # numpy's linear algebra, which nothing here uses, would start a thread for each processor, and
    # end the process where there is no room for them.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
