"""JSON: an array of objects, or (JSON lines) an object a line, which big-data engines read."""

from __future__ import annotations

SUFFIX = ".json"
COPY_OPTIONS = "FORMAT json, ARRAY true"
LINES_SUFFIX = ".jsonl"
LINES_COPY_OPTIONS = "FORMAT json"
