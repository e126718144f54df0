"""What answers which path of the contract. An answer is a function of what was asked."""

from __future__ import annotations

from memlyze.web.requests import Answer
from memlyze.web.routes import overview

ANSWERS: tuple[tuple[str, Answer], ...] = (
    ("/api/info", overview.info),
    ("/api/lanes", overview.lanes),
    ("/api/schema", overview.schema),
)
