"""Sends requests to a web application, several at a time, always the same ones.

    python examples/load.py http://127.0.0.1:8000 --requests 4000 \\
        "GET /products/{n}" "POST /orders" "GET /reports/sales @1000"

The requests take turns. One with `@1000` is sent with every thousandth turn instead; `{n}` is a
number below 3000, another each time.
"""

from __future__ import annotations

import argparse
import collections
import http.client
import random
import sys
import threading
import urllib.parse

SEED = 7
NUMBERS = 3000


def requests_of(wanted: list[str], count: int) -> list[tuple[str, str]]:
    """Method and path of each request, in their order."""
    numbers = random.Random(SEED)
    in_turn: list[tuple[str, str]] = []
    now_and_then: list[tuple[int, str, str]] = []
    for request in wanted:
        what, _, every = request.partition("@")
        method, path = what.split()
        if every:
            now_and_then.append((int(every), method, path))
        else:
            in_turn.append((method, path))
    found = []
    for turn in range(count):
        method, path = in_turn[turn % len(in_turn)]
        for interval, other_method, other_path in now_and_then:
            if turn % interval == interval - 1:
                method, path = other_method, other_path
        found.append((method, path.replace("{n}", str(numbers.randrange(NUMBERS)))))
    return found


def send(
    address: str, waiting: collections.deque[tuple[str, str]], statuses: collections.Counter[str]
) -> None:
    """Send what is waiting, one after the other, until nothing is."""
    connection = http.client.HTTPConnection(address, timeout=60)
    while True:
        try:
            method, path = waiting.popleft()
        except IndexError:
            connection.close()
            return
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            answer.read()
            statuses[str(answer.status)] += 1
        except (OSError, http.client.HTTPException) as error:  # a worker was recycled, perhaps
            statuses[type(error).__name__] += 1
            connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("url", help="such as http://127.0.0.1:8000")
    parser.add_argument("wanted", nargs="+", metavar="REQUEST", help='"GET /path" or "… @EVERY"')
    parser.add_argument("--requests", type=int, default=4000, help="how many in all (4000)")
    parser.add_argument("--clients", type=int, default=4, help="how many at a time (4)")
    options = parser.parse_args()
    waiting = collections.deque(requests_of(options.wanted, options.requests))
    statuses: collections.Counter[str] = collections.Counter()
    address = urllib.parse.urlsplit(options.url).netloc
    threads = [
        threading.Thread(target=send, args=(address, waiting, statuses))
        for _ in range(options.clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(", ".join(f"{count} × {status}" for status, count in sorted(statuses.items())))
    sys.exit(any(not status.startswith("2") for status in statuses))


if __name__ == "__main__":
    main()
