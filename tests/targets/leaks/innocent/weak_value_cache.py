"""A cache of weak references, beside objects that live for a request."""

from __future__ import annotations

import weakref


class Image:
    def __init__(self, name):
        self.name = name
        self.pixels = bytearray(3_000)


CACHE = weakref.WeakValueDictionary()


def load(name):
    image = CACHE.get(name)
    if image is None:
        image = CACHE[name] = Image(name)
    return image


def handle(number):
    images = [load(f"image {(number + n) % 5_000}") for n in range(10)]
    return sum(len(image.pixels) for image in images)


for number in range(6_000):
    handle(number)
