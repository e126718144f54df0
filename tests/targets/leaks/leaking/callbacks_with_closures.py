"""Every subscription adds a callback, and nobody unsubscribes."""

from __future__ import annotations


class Bus:
    def __init__(self):
        self.listeners = []

    def subscribe(self, listener):
        self.listeners.append(listener)


BUS = Bus()


def connect(number):
    inbox = [f"hello {number}"] * 60  # leaks

    def receive(message):
        inbox.append(message)

    BUS.subscribe(receive)


for number in range(12_000):
    connect(number)
    text = ",".join(str(n) for n in range(100))
    text.split(",")
