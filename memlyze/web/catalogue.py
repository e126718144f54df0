"""The traces that are served: what was named on the command line, and what stands in folders."""

from __future__ import annotations

import os
import typing

from memlyze.trace.family import find_family
from memlyze.web.failures import NotFoundError
from memlyze.web.served_trace import GONE, ServedTrace

EXTENSION = ".mlyze"
#: Traces that are in memory at once.
_MOST_OPEN = 3


class Catalogue:
    """Traces by id. What is in a folder comes and goes with its files."""

    def __init__(self, paths: typing.Sequence[str]) -> None:
        """`paths` are of trace files and of folders."""
        self._folders = [path for path in paths if os.path.isdir(path)]
        self._named = [path for path in paths if not os.path.isdir(path)]
        self._folder_times: dict[str, tuple[int, int]] = {}
        self._in_folders: dict[str, list[str]] = {}
        self._by_path: dict[str, ServedTrace] = {}
        self._order: list[ServedTrace] = []
        self._recent: list[ServedTrace] = []
        self.look()

    @property
    def traces(self) -> list[ServedTrace]:
        """Those that were named, in that order, then those in folders, the newest first."""
        return self._order

    def find(self, trace_id: str | None) -> ServedTrace:
        """The trace with this id; None: the first. Raises NotFoundError."""
        if trace_id is None:
            if self._order:
                return self._order[0]
            raise NotFoundError(
                f"there is no trace in {', '.join(self._folders)} yet; record one: "
                f"memlyze record -o {os.path.join(self._folders[0], 'trace.mlyze')} app.py"
            )
        for trace in self._order:
            if trace.id == trace_id:
                return trace
        raise NotFoundError(f"no trace {trace_id!r} is served here; choose one of the list")

    def look(self) -> list[ServedTrace]:
        """See what has become of all files; those of which there is something new to tell."""
        first_paths = self._named + [
            path for folder in self._folders for path in self._list(folder)
        ]
        named = set(self._named)
        for path in first_paths:
            if path not in self._by_path:
                self._by_path[path] = ServedTrace(self._new_id(path), path, is_named=path in named)
        changed = [trace for trace in self._by_path.values() if trace.look()]
        for trace in list(self._by_path.values()):
            if trace.path not in named and trace.state == GONE and not trace.is_open:
                del self._by_path[trace.path]
                self._folder_times.clear()  # or it is found again in what a folder had
        others = list(self._by_path.values())
        self._order = [self._by_path[path] for path in self._named] + sorted(
            (trace for trace in others if trace.path not in named),
            key=lambda trace: (-(trace.entry.start_time_unix_ns or 0), trace.path),
        )
        return changed

    def _list(self, folder: str) -> list[str]:
        """The first file of each recording in a folder."""
        try:
            status = os.stat(folder)
            changed_ns = status.st_mtime_ns, status.st_ctime_ns  # of names, and of permissions
            if self._folder_times.get(folder) == changed_ns:
                return self._in_folders[folder]
            names = sorted(os.listdir(folder), key=lambda name: (len(name), name))
        except OSError:
            return []  # its traces are found to be gone, one by one
        paths = [os.path.join(folder, name) for name in names if name.endswith(EXTENSION)]
        firsts: list[str] = []
        members: set[str] = set()
        for path in paths:  # the name of a member is longer than that of the first
            if path not in members and os.path.isfile(path):
                firsts.append(path)
                members.update(find_family([path]).paths)
        self._folder_times[folder], self._in_folders[folder] = changed_ns, firsts
        return firsts

    def _new_id(self, path: str) -> str:
        """The file's name, which a link can be read by; with a number where it is not the only
        one.
        """
        name = os.path.basename(path).encode("utf-8", "backslashreplace").decode("utf-8")
        taken = {trace.id for trace in self._by_path.values()}
        number, found = 1, name
        while found in taken:
            number += 1
            found = f"{name}~{number}"
        return found

    def used(self, trace: ServedTrace) -> None:
        """Note that a trace is asked now; those that were not for longest give back their memory.

        To be called on the worker's thread.
        """
        self._recent = [trace, *(other for other in self._recent if other is not trace)]
        for other in self._recent[_MOST_OPEN:]:
            other.close()
        del self._recent[_MOST_OPEN:]

    def close(self) -> None:
        """Close all; when the worker has ended."""
        for trace in self._by_path.values():
            trace.close()
