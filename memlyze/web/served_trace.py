"""A trace that is served: its files, what state they are in, and the session that answers for
it.
"""

from __future__ import annotations

import errno
import os
import stat
import time
import typing

from memlyze.errors import MemlyzeError, TraceError
from memlyze.query.limits import Bounds, memory_limit_bytes
from memlyze.query.session import Trace, open_trace
from memlyze.trace.blocks import is_finished
from memlyze.trace.family import find_family, read_metadata
from memlyze.trace.metadata import metadata_int
from memlyze.trace.writing import is_being_written
from memlyze.web.failures import GoneError

COMPLETE, LIVE, CUT_OFF, GONE, BAD = "complete", "live", "cut_off", "gone", "bad"

# Following what grows, and answering for it, takes at most this part of the time.
_SHARE = 0.5
_LEAST_INTERVAL_S = 0.4
# With this, what is served of ten million allocations stays below a gigabyte.
_LEAST_QUERY_BYTES = 384 << 20
_QUERY_BYTES_A_STORED_BYTE = 12
_SPILL_BYTES = 16 << 30


class Entry(typing.NamedTuple):
    """What is told of a trace: `TraceEntry` in the contract."""

    id: str
    name: str
    path: str
    file_bytes: int
    files: int
    modified_unix_ns: int
    state: str
    error: str | None
    revision: int
    command_line: str
    start_time_unix_ns: int | None
    is_named: bool


class _FileState(typing.NamedTuple):
    device: int
    inode: int
    mode: int
    size: int
    modified_ns: int


class ServedTrace:
    """One recording. `look` is called on the watcher's thread, `session` on the worker's."""

    def __init__(self, trace_id: str, path: str, *, is_named: bool) -> None:
        self.id = trace_id
        self._is_named = is_named
        self.path = path
        self.paths: tuple[str, ...] = (path,)
        self.revision = 0
        self.state = BAD
        self.error: str | None = None
        self._files: dict[str, _FileState] = {}
        self._folder_ns = -1
        self._header: dict[str, typing.Any] = {}
        self._session: Trace | None = None
        self._session_revision = -1
        self._headers: dict[str, dict[str, typing.Any]] = {}
        self._revised_at = 0.0
        self._cost_s = self._cost_before_s = 0.0

    @property
    def entry(self) -> Entry:
        """What is known of it at this moment."""
        files = list(self._files.values())
        command_line = self._header.get("command_line")
        started_ns = metadata_int(self._header, "start_time_unix_ns")
        return Entry(
            id=self.id,
            name=os.path.basename(self.path),
            path=self.path,
            file_bytes=sum(file.size for file in files),
            files=len(self.paths),
            modified_unix_ns=max((file.modified_ns for file in files), default=0),
            state=self.state,
            error=self.error,
            revision=self.revision,
            command_line=" ".join(map(str, command_line)) if isinstance(command_line, list) else "",
            start_time_unix_ns=started_ns if started_ns > 0 else None,
            is_named=self._is_named,
        )

    def look(self) -> bool:
        """See what has become of the files; whether there is anything to tell. Nothing that is
        wrong with them is raised: it must not keep other traces from being looked at.
        """
        before = (self.state, self.error, self.revision)
        try:
            self._look()
        except Exception as error:
            self.state, self.error = BAD, f"{self.path} cannot be looked at: {error!r}"
        return before != (self.state, self.error, self.revision)

    def _look(self) -> None:
        try:
            files = self._stat_files()
        except OSError as error:
            self._lose(error)
            return
        is_back = self.state == GONE
        if files != self._files or is_back:
            if self._files and not is_back and not self._is_due():
                return  # it has grown, and is looked at a little later
            self._files = files
            self.revision += 1
            self._revised_at = time.monotonic()
            self._cost_before_s, self._cost_s = self._cost_s, 0.0
            self._read_header()
        if self.error is None:
            self._read_state()

    def _stat_files(self) -> dict[str, _FileState]:
        folder_ns = os.stat(os.path.dirname(self.path) or os.curdir).st_mtime_ns
        if folder_ns != self._folder_ns:  # a process more may have begun to write
            self.paths = tuple(find_family([self.path]).paths)
            self._folder_ns = folder_ns
        found = {}
        for path in self.paths:
            status = os.stat(path)
            if not stat.S_ISREG(status.st_mode):  # to open a pipe would wait for its other end
                raise OSError(errno.EINVAL, "it is no file any more", path)
            found[path] = _FileState(
                status.st_dev, status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns
            )
        return found

    def _lose(self, error: OSError) -> None:
        if self.state != GONE:
            why = f"{error.filename or self.path} cannot be read any more: {error.strerror}"
            self.state, self.error = GONE, why
            self.revision += 1

    def _read_header(self) -> None:
        try:
            self._headers.clear()
            self._header = self._header_of(self.path)
            self.error = None
        except (TraceError, OSError) as error:
            self.state, self.error = BAD, str(error)

    def _is_due(self) -> bool:
        """Whether what the last two revisions have cost leaves room for the next. The lesser of
        them: what is worked out once, when a trace or a view of it is opened, is no sign of what
        the next one takes.
        """
        waits_s = max(min(self._cost_s, self._cost_before_s) / _SHARE, _LEAST_INTERVAL_S)
        return time.monotonic() >= self._revised_at + waits_s

    def note_cost(self, seconds: float) -> None:
        """Count what an answer has taken."""
        self._cost_s += seconds

    def _read_state(self) -> None:
        try:
            self.state = self._state()
        except FileNotFoundError as error:  # deleted since it was found to be there
            self._lose(error)
        except (TraceError, OSError) as error:
            self.state, self.error = BAD, str(error)

    def _state(self) -> str:
        unfinished = [path for path in self.paths if not is_finished(path)]
        if not unfinished:
            return COMPLETE
        return LIVE if any(map(self._is_being_written, unfinished)) else CUT_OFF

    def _is_being_written(self, path: str) -> bool:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        try:
            return is_being_written(descriptor, self._header_of(path))
        finally:
            os.close(descriptor)

    def _header_of(self, path: str) -> dict[str, typing.Any]:
        if path not in self._headers:
            self._headers[path] = read_metadata(path) or {}
        return self._headers[path]

    def session(self) -> Trace:
        """The trace as it is now: gone on with where the file has grown, opened anew where it is
        another one.

        Raises MemlyzeError when it cannot be read, GoneError when it is no longer there.
        """
        if self._session is not None and (
            self._session_revision == self.revision or self.state == GONE
        ):
            return self._session
        if self.state == GONE:
            raise GoneError(self.error or f"{self.path} is gone")
        revision, known = self.revision, self._session
        if known is not None and known.paths == self.paths and known.go_on():
            self._session_revision = revision
            return known
        try:
            opened = open_trace(self.path, bounds=self._bounds())
            self._take(opened, revision)
        except MemlyzeError as error:
            self.error = str(error)
            raise
        return opened

    def _bounds(self) -> Bounds:
        """What queries may take beside the decoded columns; the rest goes to disk."""
        wanted = max(_LEAST_QUERY_BYTES, _QUERY_BYTES_A_STORED_BYTE * self.entry.file_bytes)
        return Bounds(min(wanted, memory_limit_bytes()), _SPILL_BYTES)

    def _take(self, opened: Trace, revision: int) -> None:
        """Let the new session take the place of the old one, whose memory goes first."""
        self.close()
        self._session, self._session_revision = opened, revision
        opened.decode_for("SELECT count(*) FROM allocations")

    @property
    def is_open(self) -> bool:
        """Whether it takes memory."""
        return self._session is not None

    def close(self) -> None:
        """Give back the memory; it is opened again when it is asked for again."""
        if self._session is not None:
            self._session.close()
            self._session = None
