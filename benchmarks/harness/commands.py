"""Times commands as whole processes."""

from __future__ import annotations

from typing import Any, NamedTuple, Sequence

from harness import processes
from harness.overhead import Say
from harness.results import Results

REPETITIONS = 3


class CommandTimer(NamedTuple):
    """Puts the runs of commands into a section of the results."""

    section: str
    results: Results
    scratch: processes.Scratch
    say: Say

    def time(
        self,
        title: str,
        fields: dict[str, Any],
        command: Sequence[str],
        repetitions: int = REPETITIONS,
    ) -> None:
        """Run a command several times; a failure is a result too."""
        for _ in range(repetitions):
            run: dict[str, Any] = {"kind": "process", **fields}
            try:
                finished = processes.run_process(command, self.scratch)
            except processes.ProgramFailedError as failure:
                self.results.add(self.section, {**run, "failure": str(failure)})
                self.say(f"{self.section}  {title}: FAILED: {str(failure)[-300:]}")
                return
            run.update(
                wall_s=finished.wall_s, cpu_s=finished.cpu_s, peak_rss_bytes=finished.peak_rss_bytes
            )
            self.results.add(self.section, run)
        megabytes = finished.peak_rss_bytes / 1e6
        self.say(f"{self.section}  {title}: {finished.wall_s:.2f} s, {megabytes:.0f} MB")
