"""The file through which the started Pythons tell `memlyze record` what became of the recording.

It is locked as long as it is waited for: the process whose number it has in its name may be in
another container, in which that number says nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import tempfile
import typing

from memlyze.cli.errors import UsageError

_NAME = re.compile(r"memlyze-(\d+)-\w+\.status")


class StatusFile(typing.NamedTuple):
    """A file that is there for the time of a recording."""

    path: str
    descriptor: int

    def read(self) -> str:
        """What was written to it, also if somebody has removed it since."""
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        with open(
            self.descriptor, encoding="utf-8", errors="surrogateescape", newline="", closefd=False
        ) as file:
            return file.read()

    @property
    def was_removed(self) -> bool:
        """Whether somebody has removed it, so that not all may have been written to it."""
        return os.fstat(self.descriptor).st_nlink == 0


@contextlib.contextmanager
def status_file() -> typing.Iterator[StatusFile]:
    """A new, empty file, which is removed in the end.

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
    try:
        _lock(descriptor)
        yield StatusFile(path, descriptor)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        os.close(descriptor)


def _remove_left_over(folder: str) -> None:
    """Remove the files of those `memlyze record` of the same person that were killed."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if match is None or _is_running(int(match.group(1))):
                continue
            with contextlib.suppress(OSError):
                if entry.stat(follow_symlinks=False).st_uid == os.getuid():
                    _remove_unless_locked(entry.path)


def _remove_unless_locked(path: str) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if _lock(descriptor):
            os.unlink(path)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a file; False: another has locked it. Where no file can be locked, none is."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def _is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
