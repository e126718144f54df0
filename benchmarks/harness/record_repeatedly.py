"""Records the same work of one program several times in one process, a trace each."""

from __future__ import annotations

import gc
import json
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness.catalogue import PROGRAMS
from harness.pyperf_runner import Workload, run_script


def main() -> None:
    import memlyze

    request = json.loads(sys.argv[1])

    def on_workload(workload: Workload) -> None:
        if request["warmup_loops"]:
            workload(request["warmup_loops"])
        for number, recording in enumerate(request["recordings"]):
            random.seed(0)
            gc.collect()
            output = Path(request["folder"]) / f"recording-{number}.mlyze"
            with memlyze.Tracer(output, force=True, **recording["options"]):
                workload(request["loops"])

    program = PROGRAMS[request["program"]]
    run_script(program.script(), program.arguments, program.workload, on_workload)
    Path(request["result"]).write_text("{}", encoding="utf-8")


if __name__ == "__main__":
    main()
