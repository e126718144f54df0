"""Starts a recording before the program does anything: the program need not know of it."""

from __future__ import annotations

import json
import os

_options = os.environ.pop("MEMLYZE_TEST_RECORD", None)  # so that its children do not inherit it
if _options:
    import memlyze

    memlyze.start(**json.loads(_options))
