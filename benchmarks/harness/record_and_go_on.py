"""Records a program's work, says so, and goes on with it at some pace until its input ends: a trace
that grows while somebody looks at it.
"""

from __future__ import annotations

import json
import select
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness.catalogue import PROGRAMS
from harness.pyperf_runner import Workload, run_script

_PAUSE_S = 0.2


def main() -> None:
    import memlyze

    request = json.loads(sys.argv[1])

    def on_workload(workload: Workload) -> None:
        with memlyze.Tracer(request["output"], force=True, **request["options"]):
            workload(request["loops"])
            print("ready", flush=True)
            while not select.select([sys.stdin], [], [], _PAUSE_S)[0]:
                workload(1)

    program = PROGRAMS[request["program"]]
    run_script(program.script(), program.arguments, program.workload, on_workload)


if __name__ == "__main__":
    main()
