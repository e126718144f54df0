"""k-means clustering: the same job with numpy where it is installed, and in plain Python where not.

The plain version keeps a list of tuples and builds many small objects; the numpy version makes few
and large ones, above all the matrix of distances from every point to every centre.

    memlyze record -o trace.mlyze examples/numeric_job.py
    memlyze record -o plain.mlyze examples/numeric_job.py --plain
"""

from __future__ import annotations

import argparse
import random
from typing import List, Tuple

import memlyze

POINTS = 60_000
CLUSTERS = 8
ROUNDS = 4

Points = List[Tuple[float, float]]


def make_points(seed: int = 1) -> Points:
    """Points around ``CLUSTERS`` places on a grid, the same for the same seed."""
    source = random.Random(seed)
    return [
        (source.gauss(number % 4 * 10, 1.5), source.gauss(number % CLUSTERS // 4 * 10, 1.5))
        for number in range(POINTS)
    ]


@memlyze.profile
def cluster_plain(points: Points) -> Points:
    centres = points[:CLUSTERS]
    for _ in range(ROUNDS):
        members: list[Points] = [[] for _ in centres]
        for x, y in points:
            distances = [(x - cx) ** 2 + (y - cy) ** 2 for cx, cy in centres]
            members[distances.index(min(distances))].append((x, y))
        centres = [
            (sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group))
            for group in members
        ]
    return centres


@memlyze.profile
def cluster_numpy(points: Points) -> Points:
    import numpy as np

    places = np.array(points)
    centres = places[:CLUSTERS]
    for _ in range(ROUNDS):
        distances = ((places[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
        nearest = distances.argmin(axis=1)
        centres = np.array([places[nearest == number].mean(axis=0) for number in range(CLUSTERS)])
    return [(float(x), float(y)) for x, y in centres]


def numpy_is_installed() -> bool:
    try:
        import numpy  # noqa: F401
    except ImportError:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description="Cluster points with k-means.")
    parser.add_argument(
        "--plain", action="store_true", help="do without numpy even where it is there"
    )
    use_numpy = numpy_is_installed() and not parser.parse_args().plain
    points = make_points()
    centres = cluster_numpy(points) if use_numpy else cluster_plain(points)
    print(f"{POINTS} points, {CLUSTERS} centres, {'with' if use_numpy else 'without'} numpy:")
    for x, y in sorted(centres):
        print(f"  {x:8.3f} {y:8.3f}")


if __name__ == "__main__":
    main()
