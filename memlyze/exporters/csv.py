"""CSV with a header, as DuckDB writes it: NULL is an empty field."""

from __future__ import annotations

SUFFIX = ".csv"
COPY_OPTIONS = "FORMAT csv, HEADER true"
