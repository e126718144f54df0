"""Records are buffered, and flushed when there are enough of them."""

from __future__ import annotations

import io
import logging
import logging.handlers

SINK = logging.StreamHandler(io.StringIO())


class Discard(logging.Handler):
    def emit(self, record):
        self.format(record)


LOG = logging.getLogger("service")
LOG.propagate = False
LOG.setLevel(logging.INFO)
LOG.addHandler(logging.handlers.MemoryHandler(6_000, logging.CRITICAL, Discard()))

for number in range(40_000):
    LOG.info("request %d took %s", number, "long " * 20)
