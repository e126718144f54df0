"""A class is made for each request, and a registry holds all subclasses."""

from __future__ import annotations


class Form:
    registry = []

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        Form.registry.append(cls)


def make_form(number):
    fields = {f"field_{n}": n for n in range(5)}
    return type(f"Form{number}", (Form,), fields)  # leaks


for number in range(16_000):
    make_form(number)
