"""The file through which the started Pythons tell `memlyze record` what became of the recording."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import typing

from memlyze.cli.errors import UsageError

_NAME = re.compile(r"memlyze-(\d+)-\w+\.status")


@contextlib.contextmanager
def status_file() -> typing.Iterator[str]:
    """The path of a new, empty file, which is removed in the end.

    Raises UsageError where none can be made.
    """
    _remove_left_over(tempfile.gettempdir())
    try:
        descriptor, path = tempfile.mkstemp(prefix=f"memlyze-{os.getpid()}-", suffix=".status")
    except OSError as error:
        raise UsageError(
            f"no temporary file can be made ({error.strerror}); set TMPDIR to a folder that can be "
            "written to"
        ) from None
    os.close(descriptor)
    try:
        yield path
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _remove_left_over(folder: str) -> None:
    """Remove the files of those `memlyze record` of the same person that were killed."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if match is None or _is_running(int(match.group(1))):
                continue
            with contextlib.suppress(OSError):
                if entry.stat(follow_symlinks=False).st_uid == os.getuid():
                    os.unlink(entry.path)


def _is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
