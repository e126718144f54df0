"""A weak dictionary does not help where its values refer to its keys."""

from __future__ import annotations

import weakref

EXTRAS = weakref.WeakKeyDictionary()


class Request:
    def __init__(self, number):
        self.number = number


def annotate(request):
    EXTRAS[request] = {  # leaks
        "request": request,
        "notes": [f"note {request.number}.{n}" for n in range(12)],  # leaks
    }


for number in range(45_000):
    annotate(Request(number))
