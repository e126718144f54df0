"""Whether a trace that has no end is still being written, or was cut off.

Where the process that writes it is one of this machine, it is asked for; of another machine's, such
as a container's, there is only the file to go by: a recorder writes at least four times a second.
"""

from __future__ import annotations

import contextlib
import os
import platform
import time
from typing import Any, Mapping

from memlyze.trace.metadata import metadata_int

_SILENCE_NS = 3_000_000_000
_PROCESSES = "/proc"


def is_being_written(descriptor: int, metadata: Mapping[str, Any]) -> bool:
    """Whether somebody writes the opened file, which has no end yet.

    `metadata` is that of its header. Raises OSError.
    """
    status = os.fstat(descriptor)
    was_written_lately = time.time_ns() - status.st_mtime_ns < _SILENCE_NS
    process_id, host = metadata_int(metadata, "process_id"), metadata.get("hostname")
    if process_id <= 0 or not host:
        return False  # no recorder has written this
    if host != platform.node():
        return was_written_lately
    if not _is_running(process_id):
        return False
    # A program may be stopped for long, by a debugger or its terminal, and go on to write.
    return was_written_lately or _has_open(process_id, status)


def _is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return _state(process_id) != "Z"


def _state(process_id: int) -> str:
    """One letter; empty where the system does not tell. A dead process that nobody has waited for
    yet is a zombie.
    """
    with contextlib.suppress(OSError), open(f"{_PROCESSES}/{process_id}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()[0].decode("ascii", "replace")
    return ""


def _has_open(process_id: int, wanted: os.stat_result) -> bool:
    """Whether a thread of the process has the file open: the recorder has a table of files of its
    own. False where the system does not tell.
    """
    threads = f"{_PROCESSES}/{process_id}/task"
    with contextlib.suppress(OSError):
        for thread in os.listdir(threads):
            with contextlib.suppress(OSError), os.scandir(f"{threads}/{thread}/fd") as files:
                for file in files:
                    with contextlib.suppress(OSError):
                        found = os.stat(file.path)
                        if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
                            return True
    return False
