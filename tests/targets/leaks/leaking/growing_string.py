"""An audit trail is one string that each request makes longer."""

from __future__ import annotations


class Audit:
    def __init__(self):
        self.trail = ""

    def note(self, line):
        self.trail = "".join((self.trail, line))  # leaks


AUDIT = Audit()
for number in range(600):
    AUDIT.note(f"request {number}: " + "ok " * 3000 + "\n")
    [value * value for value in range(2000)]
