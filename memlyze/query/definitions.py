"""The public views and macros: one `.sql` file each, from which names, columns and comments are
read.

A file opens with a comment that says what a row is. Each column of the outermost SELECT stands
at four spaces, below a comment at four spaces that says what it means:

    -- One thread that allocated.
    CREATE VIEW threads AS
    SELECT
        -- Number of the thread.
        thread_id,

A macro with parameters names them under `-- Parameters:`, one `name: meaning` each.
"""

from __future__ import annotations

import functools
import json
import os
import re
import typing

from memlyze.query import raw_tables
from memlyze.query.statements import split_statements

_HERE = os.path.dirname(os.path.abspath(__file__))
_CREATE = re.compile(r"^CREATE (VIEW|MACRO) (\w+)(\([^)]*\))?", re.MULTILINE)
_MACRO = re.compile(r"^CREATE OR REPLACE MACRO", re.MULTILINE)
_COLUMN_NAME = re.compile(r"(\w+),?$")
_PARAMETER = re.compile(r"^  (\w+): (.*)$")

#: The order in which people meet them, in `--schema` and in the documentation.
VIEW_ORDER = (
    "allocations",
    "frees",
    "mappings",
    "stacks",
    "frames",
    "stack_frames",
    "windows",
    "memory",
    "rss_explained",
    "resident_mappings",
    "gc",
    "threads",
    "processes",
    "checkpoints",
    "objects",
    "object_references",
    "sources",
    "metadata",
)
#: Views and macros that others are made of, and nobody else need know.
PRIVATE = (
    "errors",
    "sampling",
    "process_ends",
    "ended_processes",
    "window_label",
    "window_blocks",
    "window_collections",
    "window_rows",
    "frames_of_code",
    "selected",
    "judged",
    "group_labels",
    "object_how",
    "named_types",
    "named_roots",
)
MACRO_ORDER = (
    "hotspots",
    "leaks",
    "live_at",
    "timeline",
    "flamegraph",
    "lifetimes",
    "windows_by_name",
    "retained",
    "path_to_root",
)


class Column(typing.NamedTuple):
    """A column of a view or macro."""

    name: str
    comment: str


class Definition(typing.NamedTuple):
    """A view or macro, as its file defines it."""

    kind: str
    """`view` or `macro`."""
    name: str
    signature: str
    """How a query calls it: `threads`, `live_at(t)`."""
    comment: str
    parameters: tuple[Column, ...]
    columns: tuple[Column, ...]
    sql: str


@functools.lru_cache(maxsize=None)
def views() -> tuple[Definition, ...]:
    """All public views."""
    return tuple(_load("views", name) for name in VIEW_ORDER)


@functools.lru_cache(maxsize=None)
def macros() -> tuple[Definition, ...]:
    """All public table macros."""
    return tuple(_load("macros", name) for name in MACRO_ORDER)


class Example(typing.NamedTuple):
    """A query of docs/sql.md."""

    title: str
    """What it answers."""
    sql: str


@functools.lru_cache(maxsize=None)
def examples() -> tuple[Example, ...]:
    """Queries to begin with; each runs as it is."""
    with open(os.path.join(_HERE, "examples.json"), encoding="utf-8") as file:
        return tuple(Example(**example) for example in json.load(file))


@functools.lru_cache(maxsize=None)
def _created() -> dict[str, str]:
    """The SQL of each private table, view and macro by the name that it creates, in an order in
    which each has what it is made of before it. An interrupt may come between two of them, or
    before it is noted that they are there: so they can be run again.
    """
    private = [_read("private", name) for name in PRIVATE]
    public = [_read("views", name) for name in VIEW_ORDER]
    public += [_read("macros", name) for name in MACRO_ORDER]
    made = {}
    for sql in split_statements("\n".join(private + public))[0]:
        create = _CREATE.search(sql)
        assert create is not None
        start, end = create.start(), create.start() + len("CREATE")
        made[create.group(2)] = f"{sql[:start]}CREATE OR REPLACE{sql[end:]}"
    return {**raw_tables.create_statements(), **made}


def create_statements(needed_by: str | None = None) -> dict[str, str]:
    """The SQL that creates the private tables, views and macros, in order, by name.

    With `needed_by`, a query, those that it names, and what these are made of: perhaps more, as
    words of other meaning count too. To create all takes DuckDB a tenth of a second.
    """
    created = _created()
    if needed_by is None:
        return created
    needed: set[str] = set()
    named = set(_names_in(needed_by))
    while named:
        needed |= named
        named = {name for other in named for name in _names_in(created[other])} - needed
    return {name: sql for name, sql in created.items() if name in needed}


def tables_named(query: str) -> set[str]:
    """The private tables, without their prefix, that a query could read by the words in it."""
    prefix = raw_tables.PREFIX
    return {
        name[len(prefix) :]
        for name in create_statements(needed_by=query)
        if name.startswith(prefix)
    }


@functools.lru_cache(maxsize=None)
def _names_in(sql: str) -> frozenset[str]:
    code = re.sub(r"--.*", "", sql)
    words = re.findall(r"(\w+)(\s*\()?", code.lower())
    # A macro is called; without that, its name is a column's.
    return frozenset(
        word for word, call in words if word in _created() and (call or word not in _called())
    )


@functools.lru_cache(maxsize=None)
def _called() -> frozenset[str]:
    """The names of all macros."""
    return frozenset(name for name, sql in _created().items() if _MACRO.search(sql))


def _load(folder: str, name: str) -> Definition:
    return parse(_read(folder, name))


def _read(folder: str, name: str) -> str:
    with open(os.path.join(_HERE, folder, name + ".sql"), encoding="utf-8") as file:
        return file.read()


def parse(sql: str) -> Definition:
    """Read one `.sql` file. Raises ValueError when it does not keep to the form."""
    create = _CREATE.search(sql)
    if create is None:
        raise ValueError("no CREATE VIEW or CREATE MACRO at the start of a line")
    kind, name, parameters = create.groups()
    comment, parameter_comments = _header(sql[: create.start()])
    return Definition(
        kind=kind.lower(),
        name=name,
        signature=name + (parameters or ""),
        comment=comment,
        parameters=parameter_comments,
        columns=_columns(sql),
        sql=sql,
    )


def _header(text: str) -> tuple[str, tuple[Column, ...]]:
    lines = [line[3:].rstrip() for line in text.splitlines() if line.startswith("--")]
    if "Parameters:" not in lines:
        return " ".join(line for line in lines if line), ()
    split = lines.index("Parameters:")
    parameters = []
    for line in lines[split + 1 :]:
        match = _PARAMETER.match(line)
        if match is None:
            raise ValueError(f"not of the form 'name: meaning' under Parameters: {line!r}")
        parameters.append(Column(*match.groups()))
    return " ".join(line for line in lines[:split] if line), tuple(parameters)


def _columns(sql: str) -> tuple[Column, ...]:
    lines = sql.splitlines()
    first = max(number for number, line in enumerate(lines) if line == "SELECT") + 1
    columns: list[Column] = []
    comment: list[str] = []
    expression = ""
    for line in lines[first:]:
        if line.startswith("    -- "):
            if expression:
                columns.append(_column(comment, expression))
                comment, expression = [], ""
            comment.append(line[7:].strip())
        elif line.startswith("    "):
            expression = line.strip()
        else:
            break
    columns.append(_column(comment, expression))
    return tuple(columns)


def _column(comment: list[str], expression: str) -> Column:
    name = _COLUMN_NAME.search(expression)
    if not comment or name is None:
        raise ValueError(f"a column without a comment or name: {expression!r}")
    return Column(name.group(1), " ".join(comment))
