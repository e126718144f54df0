"""Runs pyperformance's own scripts without pyperf's machinery of worker processes.

The scripts hand their workload to a `pyperf.Runner`. Here a module of that name stands in for
pyperf; its Runner hands the one workload that is wanted to a function of ours, and passes over
the others.
"""

from __future__ import annotations

import argparse
import platform
import runpy
import sys
import time
import types
from functools import partial
from pathlib import Path
from typing import Any, Callable, Sequence

Workload = Callable[[int], Any]
"""Does its work the given number of times."""


class WorkloadFinished(BaseException):
    """The wanted workload has been measured; the rest of the script is not needed."""


class WorkloadMissingError(Exception):
    """The script has no workload of the wanted name; the message lists those that it has."""


def run_script(
    script: Path, arguments: Sequence[str], workload_name: str, measure: Callable[[Workload], None]
) -> None:
    """Run a pyperf script as `__main__`, up to the workload of that name, and give it to `measure`.

    Raises:
        WorkloadMissingError: the script went to its end without it.
    """
    seen: list[str] = []

    def offer(name: str, workload: Workload) -> None:
        seen.append(name)
        if name == workload_name:
            measure(workload)
            raise WorkloadFinished

    sys.modules["pyperf"] = _pyperf_module(offer)
    sys.argv = [str(script), *arguments]
    sys.path[0] = str(script.parent)
    try:
        runpy.run_path(str(script), run_name="__main__")
    except WorkloadFinished:
        return
    raise WorkloadMissingError(
        f"{script} has no workload {workload_name!r}; it has {', '.join(seen)}"
    )


def _pyperf_module(offer: Callable[[str, Workload], None]) -> types.ModuleType:
    module: Any = types.ModuleType("pyperf")
    module.perf_counter = time.perf_counter
    module.python_implementation = lambda: platform.python_implementation().lower()
    module.python_has_jit = lambda: False
    module.Runner = partial(_Runner, offer)
    loaded: types.ModuleType = module
    return loaded


class _Runner:
    """As much of `pyperf.Runner` as pyperformance's scripts use."""

    def __init__(
        self, offer: Callable[[str, Workload], None], add_cmdline_args: Any = None, **_: Any
    ) -> None:
        self._offer = offer
        self.metadata: dict[str, Any] = {}
        self.argparser = argparse.ArgumentParser()
        self.args: argparse.Namespace | None = None

    def parse_args(self, args: Sequence[str] | None = None) -> argparse.Namespace:
        if self.args is None:
            self.args = self.argparser.parse_args(args)
        return self.args

    def bench_time_func(
        self, name: str, time_func: Callable[..., Any], *args: Any, **_: Any
    ) -> None:
        self._offer(name, lambda loops: time_func(loops, *args))

    def bench_func(self, name: str, func: Callable[..., Any], *args: Any, **_: Any) -> None:
        def workload(loops: int) -> None:
            for _ in range(loops):
                func(*args)

        self._offer(name, workload)

    def bench_async_func(
        self, name: str, func: Callable[..., Any], *args: Any, loop_factory: Any = None, **_: Any
    ) -> None:
        import asyncio

        async def repeat(loops: int) -> None:
            for _ in range(loops):
                await func(*args)

        def workload(loops: int) -> None:
            event_loop = (loop_factory or asyncio.new_event_loop)()
            asyncio.set_event_loop(event_loop)
            try:
                event_loop.run_until_complete(repeat(loops))
            finally:
                asyncio.set_event_loop(None)
                event_loop.close()

        self._offer(name, workload)
