"""Modules are imported when they are first needed, and work goes on."""

from __future__ import annotations

import importlib

NAMES = [
    "json",
    "decimal",
    "fractions",
    "argparse",
    "csv",
    "sqlite3",
    "xml.dom.minidom",
    "email.mime.text",
    "http.client",
    "unittest",
    "asyncio",
    "concurrent.futures",
    "ctypes",
    "difflib",
    "doctest",
    "ftplib",
    "html.parser",
    "imaplib",
    "inspect",
    "logging.config",
    "multiprocessing",
    "optparse",
    "pdb",
    "pickle",
    "plistlib",
    "pydoc",
    "smtplib",
    "tarfile",
    "telnetlib",
    "turtle",
    "wave",
    "xmlrpc.client",
    "zipfile",
]


def handle(number):
    if number % 40 == 0 and number // 40 < len(NAMES):
        try:
            importlib.import_module(NAMES[number // 40])
        except ImportError:
            pass
    return sorted(str(n * number) for n in range(200))


for number in range(14_000):
    handle(number)
