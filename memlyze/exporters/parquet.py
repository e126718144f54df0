"""Parquet, compressed with zstd."""

from __future__ import annotations

SUFFIX = ".parquet"
COPY_OPTIONS = "FORMAT parquet, COMPRESSION zstd"
