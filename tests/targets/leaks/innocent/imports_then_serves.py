"""Many modules are imported, some on first use, then requests are served."""

from __future__ import annotations

import argparse
import asyncio
import concurrent.futures
import csv
import decimal
import email.message
import http.client
import importlib
import time
import urllib.request
import xml.etree.ElementTree

LAZY = ["sqlite3", "unittest", "tarfile", "zipfile", "logging.config", "multiprocessing", "pydoc"]
ROUTES = [argparse, asyncio, concurrent.futures, csv, decimal, email, http, urllib, xml]


def handle(number):
    if number % 300 == 0 and number // 300 < len(LAZY):
        importlib.import_module(LAZY[number // 300])
    text = ";".join(f"{number}={n}" for n in range(200))
    return len(text.split(";"))


for number in range(3_000):
    handle(number)
    if number % 10 == 0:
        time.sleep(0.002)
