"""Per-user sessions, dropped when three hundred newer ones have come."""

from __future__ import annotations

import collections

SESSIONS = collections.OrderedDict()


def open_session(user):
    SESSIONS[user] = {"user": user, "basket": [f"{user}/{n}" for n in range(20)]}
    while len(SESSIONS) > 300:
        SESSIONS.popitem(last=False)


for number in range(25_000):
    open_session(number)
