"""An editor keeps a copy of the document for every change, without limit."""

from __future__ import annotations

HISTORY = []


class Document:
    def __init__(self):
        self.lines = ["start"]

    def change(self, number):
        HISTORY.append(list(self.lines))  # leaks
        self.lines[number % len(self.lines)] = f"line {number}"
        if len(self.lines) < 150:
            self.lines.append("")


DOCUMENT = Document()
for number in range(9_000):
    DOCUMENT.change(number)
    "\n".join(DOCUMENT.lines).split("\n")
