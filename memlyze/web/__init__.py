"""The web interface: the built pages lie in ``static/``; the server comes with ``memlyze serve``."""

from __future__ import annotations
