"""Chunks of an array are collected, joined and dropped."""

from __future__ import annotations

import numpy as np


def chunk(seed):
    return np.random.default_rng(seed).random(4_000)


def report(day):
    chunks = []
    for hour in range(24):
        chunks.append(chunk(day * 24 + hour))
    return float(np.concatenate(chunks).mean())


MEANS = [report(day) for day in range(60)]
