"""What `memlyze record` hands to the program that it starts, and what it hears back.

The way there is the environment (`memlyze/handover.py`), with LD_PRELOAD for the shim through
which native memory is seen from the first instruction on. The way back is a file of lines that the
Pythons append which met the options.
"""

from __future__ import annotations

import contextlib
import os
import re
import typing

from memlyze.cli.status_file import StatusFile
from memlyze.handover import NATIVE_SHIM, STARTUP_FOLDER, can_preload, encode_options

Value = typing.Union[bool, int, float, str]


class Outcome(typing.NamedTuple):
    """What the started Pythons reported."""

    traces: tuple[str, ...]
    """Paths of the trace files: the first of the family, and others in the order in which recording
    started.
    """
    failures: tuple[tuple[str, str], ...]
    """(Python version, cause) of each Python in which recording could not start."""
    removed_file: str | None
    """The file in which they report, if somebody removed it before all of them could have."""


def child_environment(
    options: typing.Mapping[str, Value], environment: typing.Mapping[str, str], *, preload: bool
) -> dict[str, str]:
    """`environment` with what makes a Python that is started in it record itself.

    With `preload` the shim goes in front of all its libraries, where that is possible.
    """
    original = environment.get("PYTHONPATH")
    handed_over = dict(options)
    if original is not None:
        handed_over["original_pythonpath"] = original
    changed = dict(environment)
    preloaded = environment.get("LD_PRELOAD")
    if preload and can_preload(NATIVE_SHIM) and not _wants_to_be_first(preloaded or ""):
        handed_over["original_ld_preload"] = False if preloaded is None else preloaded
        changed["LD_PRELOAD"] = os.pathsep.join(part for part in (NATIVE_SHIM, preloaded) if part)
    # An empty part would put the working directory on the path.
    changed["PYTHONPATH"] = os.pathsep.join(part for part in (STARTUP_FOLDER, original) if part)
    changed["MEMLYZE_RECORD"] = encode_options(handed_over)
    return changed


def _written(output_file: str, family_id: str) -> list[str]:
    """The first files of this recording that are where it was told to write them."""
    from memlyze.errors import TraceError
    from memlyze.trace.family import read_metadata

    folder, name = os.path.split(output_file)
    asked_for = re.compile(r"\d+".join(map(re.escape, name.split("{pid}"))))
    found = []
    with contextlib.suppress(OSError):
        for other in sorted(filter(asked_for.fullmatch, os.listdir(folder))):
            path = os.path.join(folder, other)
            with contextlib.suppress(TraceError, OSError):
                metadata = read_metadata(path)
                if metadata and metadata.get("family_id") == family_id:
                    found.append(path)
    return found


def _wants_to_be_first(preloaded: str) -> bool:
    """Whether a sanitizer is among the libraries: it ends a program in which another is first."""
    names = [os.path.basename(path) for path in preloaded.replace(":", " ").split()]
    return any(name.startswith(("libasan", "libtsan", "libclang_rt")) for name in names)


def read_outcome(status_file: StatusFile, output_file: str, family_id: str) -> Outcome:
    """What stands in the status file; nothing when no Python met the options. Where that is so, as
    the file was removed or a program of another user may not write to it, the traces count that are
    there.
    """
    told = status_file.read()
    rows = [row.split("\0") for row in told.split("\0\n")]
    begun = [fields[2] for fields in rows if fields[0] == "begun"]
    traces = [fields[2] for fields in rows if fields[0] == "started"]
    was_removed = status_file.was_removed
    if not traces and (was_removed or not told):
        traces = _written(output_file, family_id)
    return Outcome(
        traces=tuple(sorted(traces, key=lambda path: path not in begun[:1])),
        failures=tuple((fields[1], fields[2]) for fields in rows if fields[0] == "failed"),
        removed_file=status_file.path if was_removed else None,
    )
