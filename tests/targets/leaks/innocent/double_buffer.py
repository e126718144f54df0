"""Two buffers that are filled by turns, then swapped."""

from __future__ import annotations

FRONT, BACK = [], []


def draw(frame):
    global FRONT, BACK
    BACK.clear()
    for n in range(2_000):
        BACK.append((frame, n, f"sprite {n}"))
    FRONT, BACK = BACK, FRONT


for frame in range(90):
    draw(frame)
