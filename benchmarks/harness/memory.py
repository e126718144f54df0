"""What the tracer itself takes of memory: for each live allocation, and over time.

Two programs. `live_objects.py` keeps a million blocks of a size alive, and then two; what the
process takes more than the untraced one is the tracer's. `ever_new_code.py` makes new code and
new stacks without end; its memory must not grow.
"""

from __future__ import annotations

from typing import Any

from harness import processes
from harness.catalogue import OWN_PROGRAMS
from harness.modes import MODES
from harness.overhead import Say
from harness.results import Results

SECTION = "memory"
MODE_NAMES = ("untraced", "default", "rate_1.0")
#: Bytes of a block (0: a mixture of 16 to 64) and the two numbers of blocks.
LIVE = {
    0: (1_000_000, 2_000_000),
    128: (1_000_000, 2_000_000),
    500: (1_000_000, 2_000_000),
    2000: (500_000, 1_000_000),
}


def measure(
    flat_seconds: float,
    quick: bool,
    results: Results,
    scratch: processes.Scratch,
    say: Say,
) -> None:
    """Run both programs in each mode; a later call replaces the figures of an earlier one."""
    for size, counts in LIVE.items():
        for count in counts[:1] if quick else counts:
            for mode in MODE_NAMES:
                run = _run("live_objects", mode, {"size": size, "count": count}, scratch)
                results.add(SECTION, {"kind": "live", "size": size, "count": count, **run})
            added = _added(results, size, count)
            say(f"memory  {count} live blocks of {size or '16 to 64'} bytes: {added}")
    for mode in MODE_NAMES:
        # The default must stay flat; the others are there to compare it with.
        seconds = flat_seconds if mode == "default" else flat_seconds / 2
        run = _run("ever_new_code", mode, {"seconds": seconds}, scratch)
        results.add(SECTION, {"kind": "flat", "seconds": seconds, **run})
        first, last = early_and_late(run)
        say(
            f"memory  ever new code, {mode}: {first / 1e6:.1f} MB at half, {last / 1e6:.1f} MB at "
            f"the end ({run['functions']} functions)"
        )


def early_and_late(run: dict[str, Any]) -> tuple[int, int]:
    """Resident bytes at half of the run, when bounded tables have filled, and at its end."""
    readings = run["readings"]
    return readings[len(readings) // 2][1], readings[-1][1]


def added_bytes(results: Results, size: int, count: int, mode: str) -> int | None:
    """What the process takes more than the untraced one, with that many live blocks."""
    grown = {}
    for run in results.runs(SECTION, kind="live", size=size, count=count):
        grown[run["mode"]] = run["after_bytes"] - run["before_bytes"]
    if mode not in grown or "untraced" not in grown:
        return None
    return int(grown[mode] - grown["untraced"])


def _added(results: Results, size: int, count: int) -> str:
    words = []
    for mode in MODE_NAMES[1:]:
        added = added_bytes(results, size, count, mode)
        words.append(f"{mode} +{(added or 0) / 1e6:.1f} MB")
    return ", ".join(words)


def _run(
    program: str, mode_name: str, what: dict[str, Any], scratch: processes.Scratch
) -> dict[str, Any]:
    mode = MODES[mode_name]
    trace = scratch.path / "trace.mlyze"
    trace.unlink(missing_ok=True)
    request = {**what, "tracer": mode.tracer, "options": mode.options, "output": str(trace)}
    answer = processes.run_script(OWN_PROGRAMS / f"{program}.py", request, scratch)
    return {"mode": mode_name, **answer}
