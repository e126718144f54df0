"""A default argument is one list for all calls."""

from __future__ import annotations


def collect(row, rows=[]):
    rows.append(row)
    return rows[-1]


def handle(number):
    row = {"number": number, "cells": [number + cell for cell in range(40)]}  # leaks
    return collect(row)


for number in range(45_000):
    handle(number + 1000)  # leaks the number
