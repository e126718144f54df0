"""Per-user sessions whose expiry compares seconds with milliseconds."""

from __future__ import annotations

import time

SESSIONS = {}


class Session:
    def __init__(self, user):
        self.user = user
        self.started = time.time()
        self.basket = [f"{user}:{n}" for n in range(12)]  # leaks


def expire(now):
    for user in [u for u, session in SESSIONS.items() if now - session.started > 30_000]:
        del SESSIONS[user]


def handle(number):
    SESSIONS[f"user{number}"] = Session(number)  # leaks
    if number % 1000 == 0:
        expire(time.time())


for number in range(20_000):
    handle(number)
