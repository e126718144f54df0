"""Goes on making new functions, calling them on new stacks and dropping them; tells its memory
every second.

ever_new_code.py '{"seconds": …, "tracer": …, "options": {…}, "output": …, "result": …}'
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness.modes import start_tracer

SOURCE = """
def caller_{number}(path):
    if path:
        step = path.pop()
        if step == 0:
            return caller_{number}(path)
        elif step == 1:
            return [caller_{number}(path)]
        return (caller_{number}(path), bytes(4000))
    return [bytes(2000) for _ in range(20)]
"""
CALLS_A_FUNCTION = 20
LONGEST_PATH = 100


def resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as status:
        return int(status.read().split()[1]) * resource.getpagesize()


def main() -> None:
    request = json.loads(sys.argv[1])
    choices = random.Random(1)
    stop = start_tracer(request["tracer"], Path(request["output"]), request["options"])
    start = time.monotonic()
    readings: list[tuple[float, int]] = []
    functions = 0
    while True:
        elapsed_s = time.monotonic() - start
        if elapsed_s >= len(readings):
            readings.append((elapsed_s, resident_bytes()))
        if elapsed_s > request["seconds"]:
            break
        functions += 1
        names: dict[str, Any] = {}
        code = compile(SOURCE.format(number=functions), f"<generated {functions}>", "exec")
        exec(code, names)
        for _ in range(CALLS_A_FUNCTION):
            path = [choices.randrange(3) for _ in range(choices.randrange(LONGEST_PATH))]
            names[f"caller_{functions}"](path)
    stop()
    answer = {"functions": functions, "readings": readings}
    Path(request["result"]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
