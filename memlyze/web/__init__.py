"""The web interface: its built pages in ``static/``; the server comes with ``memlyze serve``."""

from __future__ import annotations
