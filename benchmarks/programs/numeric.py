"""What numpy and pandas are used for: large temporaries, many small arrays, tables.

The inputs are made once, before anything is measured.
"""

from __future__ import annotations

import io
import os

# Threads of the linear algebra library that wait for each other are all that would be seen.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd
import pyperf

_source = np.random.default_rng(1)
LARGE = _source.random(1_000_000)
SMALL = [_source.random(50) for _ in range(100)]
MATRIX = _source.random((200, 200))
POINTS = _source.random((4000, 8))
CENTRES = _source.random((16, 8))
ROWS = 50_000
TABLE = pd.DataFrame(
    {
        "key": _source.integers(0, 500, ROWS),
        "group": _source.integers(0, 20, ROWS).astype(str),
        "value": _source.random(ROWS),
    }
)
PRICES = pd.DataFrame({"key": np.arange(500), "price": _source.random(500)})
CSV = TABLE.head(10_000).to_csv(index=False)


def numpy_temporaries() -> None:
    """Each operation makes an array of 8 MB."""
    (np.sqrt(LARGE * 2.0 + 1.0) - LARGE).sum()


def numpy_small_arrays() -> None:
    """Thousands of arrays of 400 bytes."""
    for _ in range(20):
        for array in SMALL:
            ((array + 1.0) * array).sum()


def numpy_matrices() -> None:
    np.linalg.solve(MATRIX, MATRIX.T @ MATRIX)
    np.sort(MATRIX, axis=1)
    np.fft.fft2(MATRIX)


def numpy_distances() -> None:
    """Broadcasts, as a naive clustering does."""
    squares: np.ndarray = ((POINTS[:, None, :] - CENTRES[None, :, :]) ** 2).sum(axis=2)
    np.bincount(squares.argmin(axis=1), minlength=len(CENTRES))


def pandas_groupby() -> None:
    TABLE.groupby("group")["value"].agg(["mean", "max", "count"])
    TABLE.groupby("key")["value"].transform("sum")


def pandas_merge() -> None:
    merged = TABLE.merge(PRICES, on="key")
    merged.assign(total=merged["value"] * merged["price"]).sort_values("total")


def pandas_read_csv() -> None:
    pd.read_csv(io.StringIO(CSV))


def pandas_strings() -> None:
    """Tens of thousands of Python strings."""
    TABLE["group"].str.zfill(5).str.upper().value_counts()


WORKLOADS = (
    numpy_temporaries,
    numpy_small_arrays,
    numpy_matrices,
    numpy_distances,
    pandas_groupby,
    pandas_merge,
    pandas_read_csv,
    pandas_strings,
)

if __name__ == "__main__":
    runner = pyperf.Runner()
    for workload in WORKLOADS:
        runner.bench_func(workload.__name__, workload)
