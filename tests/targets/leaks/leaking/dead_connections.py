"""Connections that the other side has left are never taken out of the set."""

from __future__ import annotations


class Connection:
    def __init__(self, number):
        self.number = number
        self.is_open = True
        self.read_buffer = bytearray(1024)  # leaks
        self.write_buffer = bytearray(512)  # leaks

    def close(self):
        self.is_open = False


CONNECTIONS = set()


def serve(number):
    connection = Connection(number)
    CONNECTIONS.add(connection)
    connection.read_buffer[:5] = b"hello"
    connection.close()


for number in range(45_000):
    serve(number)
    " ".join(map(str, range(60)))
