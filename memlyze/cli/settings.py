"""Where the options of `memlyze record` come from: flags, environment, pyproject.toml, defaults.

The earlier source wins. `memlyze.options.TraceOptions` holds the defaults and judges the values;
here each value keeps a name for the place that it came from, so that a wrong one can be found.
"""

from __future__ import annotations

import difflib
import math
import os
import sys
import typing

from memlyze.cli.errors import UsageError
from memlyze.errors import MemlyzeError
from memlyze.wording.names import printable

Value = typing.Union[bool, int, float, str]

_SIZE_SUFFIXES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
# How much of a name must agree with an option's to be it, misspelt.
_NEAR = 0.75
_PREFIX = "MEMLYZE_"
_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")


class Option(typing.NamedTuple):
    """An option of the recorder: the same name in TraceOptions, in pyproject.toml and here."""

    name: str
    parse: typing.Callable[[str], Value]
    metavar: str
    help: str

    @property
    def flag(self) -> str:
        """As on the command line: `--sample-rate`."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """As in the environment: `MEMLYZE_SAMPLE_RATE`."""
        return _PREFIX + self.name.upper()


def parse_bytes(text: str) -> int:
    """A number of bytes: `524288`, `512K`, `1.5M`. Raises ValueError."""
    stripped = text.strip().lower()
    for ending in ("ib", "b"):
        if stripped.endswith(ending):
            stripped = stripped[: -len(ending)]
            break
    unit = _SIZE_SUFFIXES.get(stripped[-1:], 0) if stripped else 0
    if not unit:
        return int(stripped)
    size = float(stripped[:-1]) * unit
    if not math.isfinite(size):
        raise ValueError("too large")
    return int(size)


def parse_interval(text: str) -> int | str:
    """A number of bytes, or `adaptive`. Raises ValueError."""
    from memlyze.options import ADAPTIVE

    return ADAPTIVE if text.strip().lower() == ADAPTIVE else parse_bytes(text)


def parse_switch(text: str) -> bool:
    """`1`, `true`, `yes`, `on` or their opposites. Raises ValueError."""
    lowered = text.strip().lower()
    if lowered not in _TRUE + _FALSE:
        raise ValueError("expected true or false")
    return lowered in _TRUE


OPTIONS = (
    Option(
        "sample_rate",
        float,
        "RATE",
        "least probability with which an allocation is recorded, however small; 1.0 records all",
    ),
    Option(
        "sample_interval",
        parse_interval,
        "BYTES",
        "bytes allocated between two samples on average, may end in K, M or G; or `adaptive`: as "
        "close as the program's pace allows",
    ),
    Option("max_stack_depth", int, "FRAMES", "frames kept of each call stack"),
    Option("track_gc", parse_switch, "", "record the runs of the garbage collector"),
    Option(
        "native", parse_switch, "", "record what libraries allocate with malloc and map with mmap"
    ),
    Option(
        "memory_interval_ms", int, "MS", "milliseconds between two readings of the memory clock"
    ),
    Option(
        "when_full",
        str,
        "{wait,drop}",
        "when the trace cannot be written fast enough: the program waits, or events are dropped",
    ),
    Option(
        "seed", int, "NUMBER", "seed of the sampling, to repeat it; 0 takes a new one each time"
    ),
    Option(
        "follow",
        parse_switch,
        "",
        "record the processes too that the program starts, each into a file of its own",
    ),
    Option(
        "references",
        parse_switch,
        "",
        "record at the end, and at checkpoints, what refers to what: who holds an object",
    ),
    Option(
        "max_trace_bytes",
        parse_bytes,
        "BYTES",
        "bound of the trace's size: the newest part is kept; may end in K, M or G",
    ),
    Option(
        "checkpoint_signal",
        str,
        "SIGNAL",
        "record what refers to what when the program gets this signal, such as SIGUSR2",
    ),
    Option(
        "checkpoint_interval_s",
        float,
        "SECONDS",
        "and after so many seconds, and whenever half as much time has passed again; 0: not",
    ),
    Option(
        "carry_into_threads",
        parse_switch,
        "",
        "what is started or submitted in a window is in it in other threads as well",
    ),
    Option(
        "include_source",
        parse_switch,
        "",
        "keep the text of the source files in the trace, but for the standard library's",
    ),
)
OUTPUT_FILE = "output_file"


class Settings(typing.NamedTuple):
    """The options of a recording."""

    output_file: str | None
    """None: to be named after the program."""
    tracer: dict[str, Value]
    """Those of `OPTIONS` that were set somewhere."""


def collect_settings(
    flags: typing.Mapping[str, Value | None],
    environment: typing.Mapping[str, str],
    directory: str | None,
) -> Settings:
    """Put the sources together. `flags` holds values by option name, None where not given;
    `directory` is where the search for pyproject.toml begins, None: there is none.

    Raises UsageError that names the option, the accepted values and where the wrong one stands.
    """
    values: dict[str, Value] = {}
    places: dict[str, str] = {}
    for source in (_from_pyproject(directory), _from_environment(environment), _from_flags(flags)):
        for name, (value, place) in source.items():
            values[name], places[name] = value, place
    output_file = values.pop(OUTPUT_FILE, None)
    if output_file is not None and not isinstance(output_file, str):
        raise UsageError(f"output_file must be a path ({places[OUTPUT_FILE]})")
    _validate(values, places)
    return Settings(output_file, values)


def _from_flags(
    flags: typing.Mapping[str, Value | None],
) -> dict[str, tuple[Value, str]]:
    known = {option.name: option for option in OPTIONS}
    found: dict[str, tuple[Value, str]] = {}
    for name, value in flags.items():
        if value is not None:
            place = f"from {known[name].flag if name in known else '-o'}"
            found[name] = (_parsed(known.get(name), value, place), place)
    return found


def _parsed(option: Option | None, value: Value, place: str) -> Value:
    """`value`, read where it is text. Raises UsageError that says what is accepted."""
    if option is None or not isinstance(value, str):
        return value
    from memlyze.options import accepted_values

    try:
        return option.parse(value)
    except ValueError:
        units = (
            ", or with K, M or G after it" if option.parse in (parse_bytes, parse_interval) else ""
        )
        accepted = accepted_values(option.name) + units
        raise UsageError(f"{option.name} must be {accepted}, not {value!r} ({place})") from None


def _from_environment(environment: typing.Mapping[str, str]) -> dict[str, tuple[Value, str]]:
    found: dict[str, tuple[Value, str]] = {}
    for option in OPTIONS:
        text = environment.get(option.variable)
        if text:
            place = f"from the environment variable {option.variable}"
            found[option.name] = (_parsed(option, text, place), place)
    output_file = environment.get("MEMLYZE_OUTPUT_FILE")
    if output_file:
        found[OUTPUT_FILE] = (output_file, "from the environment variable MEMLYZE_OUTPUT_FILE")
    return found


def misspelt_variables(environment: typing.Mapping[str, str]) -> list[str]:
    """A sentence for each variable of the environment that is nearly that of an option."""
    known = [*(option.name.upper() for option in OPTIONS), OUTPUT_FILE.upper()]
    found = []
    for variable in sorted(environment):
        name = variable[len(_PREFIX) :]
        if not variable.startswith(_PREFIX) or name in known:
            continue
        nearest = [option for option in known if f"_{name}_" in f"_{option}_"]
        nearest += difflib.get_close_matches(name, known, 1, cutoff=_NEAR)
        if nearest:
            found.append(
                f"the environment variable {printable(variable)} is not used; was "
                f"{_PREFIX}{nearest[0]} meant?"
            )
    return found


def _from_pyproject(directory: str | None) -> dict[str, tuple[Value, str]]:
    path = None if directory is None else _nearest_pyproject(directory)
    if path is None:
        return {}
    table = _read_table(path)
    known = {option.name: option for option in OPTIONS}
    found: dict[str, tuple[Value, str]] = {}
    for name, value in table.items():
        place = f"from [tool.memlyze] in {path}"
        if name not in known and name != OUTPUT_FILE:
            choices = ", ".join([OUTPUT_FILE, *known])
            raise UsageError(f"there is no option {name!r}; the options are {choices} ({place})")
        found[name] = (_parsed(known.get(name), value, place), place)
    return found


def _nearest_pyproject(directory: str) -> str | None:
    directory = os.path.abspath(directory)
    while True:
        path = os.path.join(directory, "pyproject.toml")
        if os.path.isfile(path):
            return path
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent


def _read_table(path: str) -> dict[str, typing.Any]:
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return {}
    # Most projects have no such table; do not parse, and do not fail on, files that do not name us.
    if b"memlyze" not in content:
        return {}
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        table = tomllib.loads(content.decode("utf-8")).get("tool", {}).get("memlyze", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}; correct the file") from None
    if not isinstance(table, dict):
        raise UsageError(f"[tool.memlyze] in {path} must be a table")
    return table


def _validate(values: typing.Mapping[str, Value], places: typing.Mapping[str, str]) -> None:
    from memlyze.options import TraceOptions

    judge: typing.Callable[..., object] = TraceOptions
    for name, value in values.items():
        try:
            judge(**{name: value})
        except (MemlyzeError, ValueError, TypeError) as error:
            raise UsageError(f"{error} ({places[name]})") from None
    try:
        judge(**values)
    except (MemlyzeError, ValueError, TypeError) as error:
        raise UsageError(str(error)) from None
