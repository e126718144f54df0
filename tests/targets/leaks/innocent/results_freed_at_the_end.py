"""Results are collected over the whole run, used, and let go at the end."""

from __future__ import annotations


def compute(number):
    return {"number": number, "roots": [number ** (1 / n) for n in range(1, 20)]}


def main():
    results = []
    for number in range(80_000):
        results.append(compute(number))
    print(sum(len(result["roots"]) for result in results))


main()
