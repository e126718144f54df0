"""Sessions are put into a module-level dictionary at login, and logout forgets to remove them."""

from __future__ import annotations

import json

SESSIONS = {}


def login(user):
    SESSIONS[user] = {  # leaks
        "user": user,  # leaks
        "history": [f"/page/{user}/{page}" for page in range(12)],  # leaks
    }


def handle(number):
    body = json.loads(json.dumps({"user": number, "page": [1, 2, 3] * 10}))  # leaks the number
    login(body["user"])


for number in range(20_000):
    handle(number)
