"""The compiled parts of memlyze. Nothing here is public."""

from __future__ import annotations
