"""pprof's format (profile.proto, gzipped): each stack with what it allocated and what it holds.

The four sample types are those of Go's heap profiles, so that every tool that reads one knows what
to do: alloc_objects, alloc_space, inuse_objects, inuse_space. The figures are the program's own:
those of a sampled trace are weighted already, as Go's are.
"""

from __future__ import annotations

import gzip
import typing

import numpy as np

from memlyze.analyses.sampling import sampling_of
from memlyze.analyses.stack_totals import LIVE, PEAK, TEMPORARY, StackTotals
from memlyze.exporters import protobuf as pb
from memlyze.exporters.request import Request
from memlyze.exporters.stack_walk import StackWalk
from memlyze.query.session import Trace

_SAMPLE_TYPES = (
    ("alloc_objects", "count"),
    ("alloc_space", "bytes"),
    ("inuse_objects", "count"),
    ("inuse_space", "bytes"),
)
_MAPPING_ID = 1


class _Field:
    """Field numbers of profile.proto that are used here."""

    # Profile
    SAMPLE_TYPE, SAMPLE, MAPPING, LOCATION, FUNCTION, STRING_TABLE = 1, 2, 3, 4, 5, 6
    TIME_NANOS, DURATION_NANOS, PERIOD_TYPE, PERIOD, COMMENT, DEFAULT_TYPE = 9, 10, 11, 12, 13, 14


class _Strings:
    """The string table: each text once, the empty one first."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"": 0}

    def __call__(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def encoded(self) -> typing.Iterator[bytes]:
        return (pb.text(_Field.STRING_TABLE, text) for text in self._numbers)


def write_pprof(
    trace: Trace,
    request: Request,
    file: typing.BinaryIO,
    *,
    comments: typing.Sequence[str] = (),
) -> int:
    """Write the profile and return how many samples it has.

    `inuse` is what was live at the moment of the selection; of `temporary` it is nothing, and
    `alloc` only those. Each sample has the labels `thread` and, of several processes, `process`.
    """
    totals = request.totals(trace)
    walk = StackWalk(trace, totals.stack_id)
    strings = _Strings()
    written = 0
    with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as out:
        for kind, unit in _SAMPLE_TYPES:
            out.write(pb.data(_Field.SAMPLE_TYPE, _value_type(strings, kind, unit)))
        for sample in _samples(trace, totals, walk, request, strings):
            out.write(pb.data(_Field.SAMPLE, sample))
            written += 1
        out.write(pb.data(_Field.MAPPING, _mapping(trace, strings)))
        _write_locations(walk, strings, out)
        metadata = trace.metadata
        start_ns = metadata.get("start_time_unix_ns")
        out.write(pb.number(_Field.TIME_NANOS, start_ns if isinstance(start_ns, int) else 0))
        out.write(pb.number(_Field.DURATION_NANOS, _duration_ns(trace)))
        out.write(pb.data(_Field.PERIOD_TYPE, _value_type(strings, "space", "bytes")))
        out.write(pb.number(_Field.PERIOD, max(int(sampling_of(trace).interval_bytes), 1)))
        out.write(pb.numbers(_Field.COMMENT, map(strings, comments)))
        is_held = request.what in (LIVE, PEAK)
        default = "inuse_space" if is_held else "alloc_space"
        out.write(pb.number(_Field.DEFAULT_TYPE, strings(default)))
        for encoded in strings.encoded():
            out.write(encoded)
    return written


def _duration_ns(trace: Trace) -> int:
    return max(max(file.metadata.get("end_ns") or 0, file.last_time_ns) for file in trace.files)


def _value_type(strings: _Strings, kind: str, unit: str) -> bytes:
    return pb.number(1, strings(kind)) + pb.number(2, strings(unit))


def _samples(
    trace: Trace, totals: StackTotals, walk: StackWalk, request: Request, strings: _Strings
) -> typing.Iterator[bytes]:
    """The samples, encoded, each stack's together."""
    rows: dict[int, list[int]] = {}
    for row, stack_id in enumerate(totals.stack_id.tolist()):
        rows.setdefault(stack_id, []).append(row)
    values = _values(totals, request)
    labels = _Labels(trace, strings)

    def extend(outer: bytes, frame: int) -> bytes:
        return pb.varint(frame + 1) + outer  # innermost first

    for stack_id, locations in walk.walk(b"", extend):
        for row in rows.get(stack_id, ()):
            if any(values[row]):
                thread_id, process_id = int(totals.thread_id[row]), int(totals.process_id[row])
                yield (
                    pb.data(1, locations)
                    + pb.numbers(2, values[row])
                    + labels(thread_id, process_id)
                )


def _values(totals: StackTotals, request: Request) -> list[list[int]]:
    columns = [totals.allocations, totals.allocated_bytes, totals.held, totals.held_bytes]
    if request.what == TEMPORARY:
        nothing = np.zeros(len(totals.stack_id))
        columns = [totals.temporary, totals.temporary_bytes, nothing, nothing]
    values: list[list[int]] = np.rint(np.stack(columns, axis=1)).astype(np.int64).tolist()
    return values


class _Labels:
    """The labels of a sample, encoded."""

    def __init__(self, trace: Trace, strings: _Strings) -> None:
        self._strings = strings
        self._has_processes = len(trace.files) > 1
        threads = trace.table("threads")
        self._names = {
            number: name or str(os_number)
            for number, name, os_number in zip(
                threads["thread_id"].tolist(), threads["name"], threads["os_thread_id"].tolist()
            )
        }
        self._known: dict[tuple[int, int], bytes] = {}

    def __call__(self, thread_id: int, process_id: int) -> bytes:
        key = (thread_id, process_id)
        if key not in self._known:
            encoded = self._label("thread", self._names.get(thread_id, str(thread_id)))
            if self._has_processes:
                encoded += self._label("process", str(process_id))
            self._known[key] = encoded
        return self._known[key]

    def _label(self, key: str, value: str) -> bytes:
        return pb.data(3, pb.number(1, self._strings(key)) + pb.number(2, self._strings(value)))


def _mapping(trace: Trace, strings: _Strings) -> bytes:
    """One mapping that says that names and lines are known: nobody need look for symbols."""
    command_line = trace.metadata.get("command_line")
    name = "python"
    if isinstance(command_line, list) and command_line and isinstance(command_line[0], str):
        name = command_line[0]
    known = b"".join(pb.number(field, 1) for field in (7, 8, 9))
    return pb.number(1, _MAPPING_ID) + pb.number(5, strings(name)) + known


def _write_locations(walk: StackWalk, strings: _Strings, out: gzip.GzipFile) -> None:
    """A location for each frame, and a function for each name and file."""
    functions: dict[tuple[int, int], int] = {}
    for place, frame in enumerate(walk.frames):
        key = (strings(frame.function), strings(frame.file))
        function = functions.setdefault(key, len(functions) + 1)
        line = pb.number(1, function) + pb.number(2, frame.line)
        location = pb.number(1, place + 1) + pb.number(2, _MAPPING_ID) + pb.data(4, line)
        out.write(pb.data(_Field.LOCATION, location))
    for (name, file), function in functions.items():
        described = pb.number(1, function) + pb.number(2, name) + pb.number(3, name)
        out.write(pb.data(_Field.FUNCTION, described + pb.number(4, file)))
