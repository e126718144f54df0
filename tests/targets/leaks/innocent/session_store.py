"""Sessions are opened and closed all the time; some thousand are open."""

from __future__ import annotations

import random

DRAW = random.Random(10)
SESSIONS = {}


def open_session(number):
    SESSIONS[number] = {"user": number, "history": [f"/page/{n}" for n in range(15)]}


def close_session():
    del SESSIONS[next(iter(SESSIONS))]


for number in range(100_000):
    open_session(number)
    if len(SESSIONS) > 4_000 + 500 * DRAW.random():
        close_session()
        if DRAW.random() < 0.3:
            close_session()
