"""A genetic search: each generation replaces the one before, and the best are kept."""

from __future__ import annotations

import random

DRAW = random.Random(2)


def mutate(genes):
    return [gene + DRAW.random() - 0.5 for gene in genes]


POPULATION = [[DRAW.random() for _ in range(40)] for _ in range(200)]
BEST = []
for generation in range(120):
    children = [mutate(genes) for genes in POPULATION for _ in range(2)]
    POPULATION = sorted(children, key=lambda genes: abs(sum(genes)))[:200]
    BEST = sorted(BEST + POPULATION[:3], key=lambda genes: abs(sum(genes)))[:10]
