"""Keeps a great number of blocks of one size alive, and tells what memory the process takes then.

    live_objects.py '{"size": …, "count": …, "tracer": …, "options": {…}, "output": …, "result": …}'

`size` 0 stands for a mixture of 16 to 64 bytes.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness.modes import start_tracer

#: What a bytes object takes beyond its content.
BYTES_HEADER = sys.getsizeof(b"")
#: Longer than the recorder's helper thread needs to hand over what it holds back.
SETTLING_S = 0.5


def resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as status:
        return int(status.read().split()[1]) * resource.getpagesize()


def fill(slots: list[object], size: int) -> None:
    """One allocated block for each slot."""
    if size:
        content = bytearray(size - BYTES_HEADER)
        for i in range(len(slots)):
            slots[i] = bytes(content)
        return
    of_48_bytes = bytearray(48 - BYTES_HEADER)
    of_64_bytes = bytearray(64 - BYTES_HEADER)
    for i in range(0, len(slots), 4):
        slots[i] = object()
        slots[i + 1] = i + 0.5
        slots[i + 2] = bytes(of_48_bytes)
        slots[i + 3] = bytes(of_64_bytes)


def main() -> None:
    request = json.loads(sys.argv[1])
    slots: list[object] = [None] * request["count"]
    before_bytes = resident_bytes()
    stop = start_tracer(request["tracer"], Path(request["output"]), request["options"])
    fill(slots, request["size"])
    time.sleep(SETTLING_S)
    after_bytes = resident_bytes()
    stop()
    answer = {"before_bytes": before_bytes, "after_bytes": after_bytes}
    Path(request["result"]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
