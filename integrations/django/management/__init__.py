"""What `manage.py` can do with memlyze."""

from __future__ import annotations
