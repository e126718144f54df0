"""`memlyze.open`: a trace, its tables and SQL over them."""

from __future__ import annotations

import collections
import collections.abc
import contextlib
import functools
import os
import shutil
import threading
import types
import typing
import weakref

from memlyze.errors import MemlyzeError, OptionError
from memlyze.query import definitions, guard, limits, raw_tables
from memlyze.query.engine import engine
from memlyze.query.heap_graph import HeapGraph
from memlyze.query.refusals import refusal
from memlyze.query.registration import register_table, unregister_table
from memlyze.query.source import Columns, Source, open_reader
from memlyze.query.touched import tables_touched
from memlyze.trace.family import distinct_files
from memlyze.trace.reader import TraceFile

if typing.TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

#: Stands for whatever table has changed.
ANY_TABLE = ""
# After a change made anew only when somebody asks for them.
_MADE_WHEN_ASKED = frozenset(
    (
        *raw_tables.LEAKS.values(),
        "window_sums",
        "stack_frames",
        "frees",
        "objects",
        "object_references",
        "object_tree",
    )
)

# By the words of a statement alone they are not made.
_LONG_TO_MAKE = _MADE_WHEN_ASKED | {"allocations"}

Result = typing.TypeVar("Result")
PathLike = typing.Union[str, "os.PathLike[str]"]


def open_trace(
    paths: PathLike | typing.Iterable[PathLike],
    *more: PathLike,
    family: bool = True,
    trusted: bool = True,
    bounds: limits.Bounds | None = None,
) -> Trace:
    """Open one trace file or several at once: `open("a.mlyze")`, `open("a.mlyze", "b.mlyze")`,
    `open(glob.glob("run.*.mlyze"))`. A file that is given twice is read once.

    With the first file of a recording, the files of all processes that came from the program are
    opened too: those beside it that are named after it, such as `trace.4711.mlyze`, and belong to
    the same recording. `family=False` opens just what is named, and so does naming one of these.

    `trusted=False` is for SQL that somebody else wrote: it can then read the trace and nothing
    else, neither files nor network nor variables of this program. `bounds` are of the memory and
    the temporary files that queries take; by default half of the machine's memory, and what the
    disk has.

    Raises OptionError for what is no path, and MemlyzeError when a file cannot be read or is not a
    trace. A damaged or cut-off trace opens: `is_complete` and `damage` say what is missing.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    try:
        names = [os.fspath(path) for path in (*paths, *more)]
    except TypeError:
        raise OptionError(
            f"the paths of memlyze.open() are strings or os.PathLike, or an iterable of them, not "
            f"{_first_that_is_no_path(paths, more)!r}; pass the path of a trace file"
        ) from None
    if not names:
        raise MemlyzeError("no trace file was given; pass at least one path")
    return Trace(distinct_files(names), family=family, trusted=trusted, bounds=bounds)


def _first_that_is_no_path(paths: object, more: typing.Iterable[object]) -> object:
    if not isinstance(paths, collections.abc.Iterable):
        return paths
    wrong = (path for path in (*paths, *more) if not isinstance(path, (str, bytes, os.PathLike)))
    return next(wrong, paths)


def _relation(
    connection: DuckDBPyConnection, query: str, parameters: typing.Any
) -> DuckDBPyRelation:
    return connection.sql(query, params=parameters)


class Tables(typing.Mapping[str, Columns]):
    """The recorded tables by name, each decoded when it is first asked for."""

    _NAMES = tuple(name for name in raw_tables.RAW_TABLES if name not in raw_tables.MADE)

    def __init__(self, source: Source) -> None:
        self._source = source

    def __getitem__(self, name: str) -> Columns:
        if name not in self._NAMES:
            raise KeyError(name)
        return self._source.columns(name)

    def __iter__(self) -> typing.Iterator[str]:
        return iter(self._NAMES)

    def __len__(self) -> int:
        return len(self._NAMES)


class Trace:
    """One or more opened trace files.

    Use it in a `with` block, or call `close()`. Relations that `sql()` returned must be used
    before.
    """

    def __init__(
        self,
        paths: typing.Sequence[str],
        *,
        family: bool = True,
        trusted: bool = True,
        bounds: limits.Bounds | None = None,
    ) -> None:
        self._reader = open_reader(paths, family=family)
        self._source = Source(self._reader)
        self._trusted = trusted
        self._bounds = bounds
        self._connection: DuckDBPyConnection | None = None
        self._defined: set[str] = set()
        self._asked: set[str] = set()
        self._registered: set[str] = set()
        self._versions: collections.Counter[str] = collections.Counter()
        self._is_closed = False
        self._spill_finalizer: weakref.finalize[..., Trace] | None = None

    @property
    def metadata(self) -> dict[str, typing.Any]:
        """What the trace says about itself, by key; of several files, what the first says."""
        return dict(self._reader.metadata)

    @property
    def is_complete(self) -> bool:
        """Whether recording ended in order. False: the process was killed, the file is cut off, or
        it is still being written.
        """
        return bool(self._reader.is_complete)

    @property
    def is_being_written(self) -> bool:
        """Whether the recording goes on, in one of the processes: `go_on` takes in what comes."""
        return any(file.is_being_written for file in self.files)

    @property
    def damage(self) -> list[str]:
        """What could not be read, one sentence each; empty when all was. All of the file is held
        against its checksums for it, once: what was not asked for may be damaged, too.
        """
        return [str(damage) for damage in self._reader.verify()]

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the files."""
        return tuple(file.path for file in self.files)

    @property
    def left_out(self) -> list[str]:
        """The part of `damage` that is about whole files of the family."""
        return [] if isinstance(self._reader, TraceFile) else list(self._reader.left_out)

    @property
    def process_ids(self) -> list[int]:
        """Of each file, the `process_id` that its rows have."""
        return [int(number) for number in self._source.columns("processes")["process_id"]]

    @property
    def files(self) -> list[TraceFile]:
        """The readers of the single files, for what is about files and not about tables."""
        return [self._reader] if isinstance(self._reader, TraceFile) else self._reader.files

    @property
    def tables(self) -> typing.Mapping[str, Columns]:
        """The recorded tables: name → column name → numpy array. See `table`."""
        return Tables(self._source)

    @property
    def heap_graph(self) -> HeapGraph:
        """The objects of the checkpoints, what they refer to and what holds them, as columns."""
        return self._source.heap_graph

    def table(self, name: str) -> Columns:
        """The columns of a recorded table as numpy arrays, all of the same length.

        They are as recorded: `freed_ns` and `end_ns` are −1 where the views have NULL, ids are 0
        where they have NULL, `allocator` is a place in `memlyze.trace.format.ALLOCATOR_NAMES`, and
        a column whose value is the same in every row by nature may be left out (`weight` of an
        exact trace, `process_id` of a single file).

        Raises MemlyzeError for an unknown name.
        """
        try:
            return self.tables[name]
        except KeyError:
            raise MemlyzeError(
                f"there is no table {name!r}; the tables are {', '.join(self.tables)}"
            ) from None

    def made_table(self, name: str) -> Columns:
        """The columns of a private table that is made of the recorded ones, one of
        `raw_tables.MADE`, for analyses that would ask little of DuckDB.
        """
        return self._source.columns(name)

    def sql(self, query: str, parameters: typing.Any = None) -> DuckDBPyRelation:
        """Run SQL over the trace and return the result as a DuckDB relation.

        The relation has `.fetchall()`, `.df()` (where pandas is installed), `.pl()` (polars),
        `.arrow()` (pyarrow) and everything else of DuckDB. Only tables that the query reads are
        decoded. `parameters` fill `?` and `$name` in the query.

        Raises QueryError when DuckDB does not accept the query. The rows are computed when they are
        fetched: what goes wrong then is a `duckdb.Error`.
        """
        connection = self.connection
        guard.check_text(query)
        self.decode_for(query, parameters)
        return self._run(functools.partial(_relation, connection), query, parameters)

    def ask(self, query: str, parameters: typing.Any = None) -> DuckDBPyConnection:
        """Run a statement of memlyze itself; its rows are to be fetched at once from what is
        returned, all of them.

        Such statements say plainly what they read: only the views and macros that they name are
        created, and what they read is found out by their words, unless these could mean a table
        that takes long to make. No relation is made of them, which DuckDB would plan twice.
        """
        connection = self._connected(query)
        if query not in self._asked:
            named = definitions.tables_named(query) - self._registered
            if any(not self._source.is_made(table) for table in named & _LONG_TO_MAKE):
                self._decode(connection, query, parameters)
            else:
                for table in sorted(named):
                    self._register(connection, table)
            self._asked.add(query)
        return self._run(connection.execute, query, parameters)

    @contextlib.contextmanager
    def lending(
        self, tables: typing.Mapping[str, typing.Mapping[str, typing.Any]]
    ) -> typing.Iterator[None]:
        """Within it, queries can read these tables, too: columns that are plain numpy arrays."""
        connection = self._connected("")
        for name, columns in tables.items():
            connection.register(name, dict(columns))
        try:
            yield
        finally:
            for name in tables:
                connection.unregister(name)

    def _run(
        self, run: typing.Callable[[str, typing.Any], Result], query: str, parameters: typing.Any
    ) -> Result:
        try:
            return run(query, parameters)
        except engine().InterruptException:
            raise
        except engine().Error as error:
            raise refusal(error, query) from error

    @contextlib.contextmanager
    def reading(
        self, query: str, *, may_write_files: bool = False
    ) -> typing.Iterator[DuckDBPyRelation | None]:
        """The result of one statement that somebody else wrote, within a read-only transaction.

        None after a COPY, which gives no rows.

        Raises QueryError for anything but a single reading statement, and when DuckDB refuses it.
        """
        connection = self.connection
        statement = guard.check_statement(connection, query, may_write_files=may_write_files)
        # In no transaction: it could not be registered there, and a try that fails would end it.
        self.decode_for(statement)
        with guard.read_only(connection):
            yield self._run(functools.partial(_relation, connection), statement, None)

    def decode_for(self, query: str, parameters: typing.Any = None) -> None:
        """Decode the tables that `query` reads and that are not decoded yet."""
        self._decode(self.connection, query, parameters)

    def _decode(
        self, connection: DuckDBPyConnection, query: str, parameters: typing.Any = None
    ) -> None:
        for table in sorted(tables_touched(connection, query, parameters)):
            self._register(connection, table)

    def _register(self, connection: DuckDBPyConnection, table: str) -> None:
        register_table(connection, table, self._source.columns(table), self._source.constants())
        self._registered.add(table)

    def go_on(self) -> bool:
        """Take in what a recording that goes on has written since; only that is decoded.

        False: nothing can be said of what was opened any more: close it, and open it anew.
        Arrays and relations that were handed out before are of an earlier moment,
        or of none.
        """
        changed = self._source.go_on()
        if changed is None:
            return False
        self._versions.update([ANY_TABLE, *changed] if changed else ())
        if self._connection is not None:
            for table in sorted(changed & self._registered):
                if table in _MADE_WHEN_ASKED:
                    self._forget(self._connection, table)
                else:
                    self._register(self._connection, table)
        return True

    @contextlib.contextmanager
    def judging(self, from_ns: int, to_ns: int) -> typing.Iterator[None]:
        """Within it, `leaks()` judges what happened from one moment to before another, as if
        nothing else had been recorded but what was there when it began.
        """
        self._judge_part((from_ns, to_ns))
        try:
            yield
        finally:
            self._judge_part(None)

    def _judge_part(self, part: tuple[int, int] | None) -> None:
        self._source.judge_part(part)
        if self._connection is not None:
            for table in self._registered.intersection(raw_tables.LEAKS.values()):
                self._forget(self._connection, table)

    def _forget(self, connection: DuckDBPyConnection, table: str) -> None:
        """Have a table made anew when it is asked for again."""
        unregister_table(connection, table)
        self._registered.discard(table)
        self._asked.clear()  # what they read is to be found out again

    def version(self, table: str = ANY_TABLE) -> int:
        """How often `go_on` has changed a table, or anything."""
        return self._versions[table]

    def get_ready(self, table: str = "allocations") -> None:
        """Decode a recorded table while DuckDB is loaded, on another processor if there is one.

        What is wrong with the table is said when it is asked for.
        """

        def decode() -> None:
            with contextlib.suppress(Exception):
                self._source.columns(table)

        thread = threading.Thread(target=decode, daemon=True)
        thread.start()
        try:
            self._connected("")
        finally:
            thread.join()

    @property
    def connection(self) -> DuckDBPyConnection:
        """The DuckDB connection with the views and macros. Raises MemlyzeError after `close()`."""
        import duckdb  # noqa: F401  # which has connections make relations

        return self._connected()

    def _connected(self, query: str | None = None) -> DuckDBPyConnection:
        """The connection with all views and macros, or those that a query names."""
        if self._is_closed:
            raise MemlyzeError("the trace is closed; open it again with memlyze.open()")
        if self._connection is None:
            self._connection = self._connect()
        statements = definitions.create_statements(needed_by=query)
        missing = [sql for name, sql in statements.items() if name not in self._defined]
        if missing:
            self._connection.execute(";\n".join(missing))
            self._defined.update(statements)
        return self._connection

    def _connect(self) -> DuckDBPyConnection:
        connection: DuckDBPyConnection = engine().connect()
        bounds = self._bounds
        memory_bytes = bounds.memory_bytes if bounds else limits.memory_limit_bytes()
        connection.execute(f"SET memory_limit = '{memory_bytes}B'")
        spill_directory = limits.make_spill_directory()
        if spill_directory is not None:
            escaped = spill_directory.replace("'", "''")
            connection.execute(f"SET temp_directory = '{escaped}'")
            self._spill_finalizer = weakref.finalize(
                self, shutil.rmtree, spill_directory, ignore_errors=True
            )
        if bounds is not None:
            connection.execute(f"SET max_temp_directory_size = '{bounds.spill_bytes}B'")
        # DuckDB 1.x guesses the type of text columns from samples, and wants pandas for it.
        connection.execute("SET pandas_analyze_sample = 0")
        connection.execute("SET explain_output = 'all'")
        if not self._trusted:
            guard.restrict(connection)
        return connection

    def interrupt(self) -> None:
        """Stop the query that another thread runs on this trace; it raises `duckdb.Error`."""
        if self._connection is not None:
            self._connection.interrupt()

    def remove_spilled(self) -> None:
        """Remove the temporary files, for a process that is about to end within a query."""
        if self._spill_finalizer is not None:
            self._spill_finalizer()

    def close(self) -> None:
        """Give back memory and temporary files. Safe to call more than once."""
        self._is_closed = True
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.remove_spilled()
        self._reader.close()

    def __enter__(self) -> Trace:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<memlyze trace {', '.join(self.paths)}>"
