"""A data pipeline in three stages: write a gzipped CSV of orders, total them up, write JSON lines.

By default the totals are made from a list of all rows, which is the memory to find; with
``--streaming`` from one row at a time. Record both and compare the peaks:

    memlyze record -o all.mlyze examples/data_pipeline.py
    memlyze record -o streaming.mlyze examples/data_pipeline.py --streaming
    memlyze query "SELECT max(heap_live) FROM memory" all.mlyze
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import tempfile
from pathlib import Path
from typing import Dict, Iterable, Iterator

import memlyze

ORDERS = 150_000
CUSTOMERS = 700

Totals = Dict[str, Dict[str, float]]


@memlyze.profile
def generate(path: Path) -> None:
    with gzip.open(path, "wt", newline="", encoding="utf-8", compresslevel=1) as file:
        writer = csv.writer(file)
        writer.writerow(["order", "customer", "product", "cents"])
        for order in range(ORDERS):
            customer = order * 7919 % CUSTOMERS
            writer.writerow([order, f"customer-{customer}", f"p{order % 13}", order * 31 % 10_000])


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def total_up(rows: Iterable[dict[str, str]]) -> Totals:
    totals: Totals = {}
    for row in rows:
        products = totals.setdefault(row["customer"], {})
        products[row["product"]] = products.get(row["product"], 0) + int(row["cents"]) / 100
    return totals


@memlyze.profile
def total_all_at_once(path: Path) -> Totals:
    return total_up(list(read_rows(path)))


@memlyze.profile
def total_streaming(path: Path) -> Totals:
    return total_up(read_rows(path))


@memlyze.profile
def write_json_lines(totals: Totals, path: Path) -> None:
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as file:
        for customer, products in sorted(totals.items()):
            file.write(json.dumps({"customer": customer, "products": products}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Total up a CSV of orders.")
    parser.add_argument("--streaming", action="store_true", help="hold one row at a time")
    total = total_streaming if parser.parse_args().streaming else total_all_at_once
    with tempfile.TemporaryDirectory() as folder:
        orders, result = Path(folder, "orders.csv.gz"), Path(folder, "totals.jsonl.gz")
        generate(orders)
        totals = total(orders)
        write_json_lines(totals, result)
    cents = sum(round(sum(products.values()) * 100) for products in totals.values())
    print(f"{ORDERS} orders of {len(totals)} customers, {cents / 100:.2f} in all")


if __name__ == "__main__":
    main()
