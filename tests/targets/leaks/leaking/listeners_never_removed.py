"""Widgets subscribe to a bus when they are made, and are never unsubscribed."""

from __future__ import annotations


class Bus:
    def __init__(self):
        self.listeners = {}

    def subscribe(self, topic, listener):
        self.listeners.setdefault(topic, []).append(listener)

    def publish(self, topic, value):
        for listener in self.listeners.get(topic, ())[-3:]:
            listener(value)


class Widget:
    def __init__(self, number):
        self.number = number
        self.cells = bytearray(600)  # leaks
        BUS.subscribe("tick", self.on_tick)

    def on_tick(self, value):
        self.cells[0] = value % 256


BUS = Bus()

for number in range(40_000):
    widget = Widget(number)
    BUS.publish("tick", number)
    " ".join(map(str, range(60)))
