"""What can be set about a recording: defaults, ranges, validation."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` would bring `enum` along
import os

from memlyze.errors import OptionError

TYPE_CHECKING = False  # `typing` itself stays out of the recorded program
if TYPE_CHECKING:
    from typing import Any

#: A `sample_interval`: as close as the program's pace allows.
ADAPTIVE = "adaptive"
#: What it is where a `sample_rate` alone was set.
_INTERVAL_BYTES_WITH_RATE = 64 * 1024


class _Range:
    """The values that an option accepts, and how to say so."""

    def __init__(self, kind: type, lowest: float, highest: float, words: str) -> None:
        self.kind = kind
        self.lowest = lowest
        self.highest = highest
        self.words = words


_RANGES = {
    "sample_rate": _Range(float, 0.0, 1.0, "a number from 0.0 to 1.0"),
    "sample_interval": _Range(
        int, 1, 1 << 40, f'"{ADAPTIVE}" or a whole number of bytes from 1 to 1099511627776'
    ),
    "max_stack_depth": _Range(int, 2, 4096, "a whole number of frames from 2 to 4096"),
    "memory_interval_ms": _Range(int, 1, 10_000, "a whole number of milliseconds from 1 to 10000"),
    "max_trace_bytes": _Range(
        int, 0, 1 << 50, "0 for no bound, or a whole number of bytes from 1048576 (1 MiB) on"
    ),
    "checkpoint_interval_s": _Range(
        float, 0.0, 86_400.0, "a number of seconds from 0 (none) to 86400"
    ),
    "seed": _Range(int, 0, (1 << 64) - 1, "a whole number from 0 to 18446744073709551615"),
}
WHEN_FULL = ("wait", "drop")
LEAST_TRACE_BYTES = 1 << 20
# Python runs a handler between two instructions: behind a fault it would never come to one, and the
# fault comes again. SIGABRT and SIGTRAP are how a program stops itself.
_FATAL_SIGNALS = frozenset(
    ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGSYS", "SIGABRT", "SIGIOT", "SIGTRAP")
)
_UNHANDLED_SIGNALS = frozenset(("SIGKILL", "SIGSTOP"))
_SIGNAL_WORDS = 'the name of a signal that can be handled, such as "SIGUSR2", or "" for none'


class TraceOptions:
    """The options of one recording, validated.

    Attributes:
        output_file: path of the trace file. `{pid}` in it stands for the process id.
        sample_rate: the least probability, 0.0 to 1.0, with which any allocation is recorded.
            1.0 records every allocation exactly; 0.0 leaves it to `sample_interval` alone.
        sample_interval: mean number of allocated bytes between two samples. An allocation of n
            bytes is recorded with probability 1 - (1 - sample_rate) * exp(-n / sample_interval).
            "adaptive": from 512 to 524288, as close as the program's pace allows, which is the
            closer the less it allocates; with a `sample_rate`, 65536.
        max_stack_depth: frames kept of a call stack; of a deeper one the innermost are kept (at
            least half as many, where from CPython 3.12 on each call from C counts as a frame).
        track_gc: record each run of the cyclic garbage collector.
        memory_interval_ms: milliseconds between two readings of the memory clock.
        when_full: what to do when the program allocates faster than the trace can be written:
            "wait" (the program waits, nothing is lost) or "drop" (events are dropped and counted).
        force: replace an existing `output_file`.
        seed: seed of the sampling; 0 takes a new one each time.
        native: record also what is allocated with malloc and its kin, and what is mapped.
        follow: record the processes too that this one starts, each into a file of its own beside
            `output_file`.
        references: at the end, and at each `memlyze.checkpoint()`, record what refers to what:
            that is what tells who still holds an object.
        max_trace_bytes: bound of the trace's size. When it is reached the older half is dropped:
            the newest events are kept, and the blocks that are still live. 0: no bound.
        checkpoint_signal: take such a checkpoint when the process gets this signal, such as
            "SIGUSR2"; "" is none. Only where recording is started in the main thread.
        checkpoint_interval_s: take such a checkpoint, too, after so many seconds, and again
            whenever half as much time has passed again, at the end of the collector's next run; 0:
            none.
        carry_into_threads: carry the present window into each `threading.Thread` that is started,
            and into what `ThreadPoolExecutor.submit` and `run_in_executor` are given; otherwise
            what runs there is in no window.
        include_source: keep the text of the source files that stacks go through in the trace, but
            for those of the standard library: at most 4 MiB of a file and 64 MiB of a process.

    Raises:
        OptionError: an option is unknown, of the wrong type or out of range. The message names the
            option and the accepted range.
    """

    __slots__ = (
        "output_file",
        "sample_rate",
        "sample_interval",
        "max_stack_depth",
        "track_gc",
        "memory_interval_ms",
        "when_full",
        "force",
        "seed",
        "native",
        "follow",
        "references",
        "max_trace_bytes",
        "checkpoint_signal",
        "checkpoint_interval_s",
        "carry_into_threads",
        "include_source",
    )

    def __init__(
        self,
        output_file: str | os.PathLike[str] = "trace.mlyze",
        *,
        sample_rate: float = 0.0,
        sample_interval: int | str = ADAPTIVE,
        max_stack_depth: int = 1024,
        track_gc: bool = True,
        memory_interval_ms: int = 10,
        when_full: str = "wait",
        force: bool = False,
        seed: int = 0,
        native: bool = True,
        follow: bool = True,
        references: bool = True,
        max_trace_bytes: int = 0,
        checkpoint_signal: str = "",
        checkpoint_interval_s: float = 0.0,
        carry_into_threads: bool = False,
        include_source: bool = False,
    ) -> None:
        self.output_file = _path(output_file)
        self.sample_rate = float(_number("sample_rate", sample_rate))
        self.sample_interval = _interval(sample_interval)
        self.max_stack_depth = int(_number("max_stack_depth", max_stack_depth))
        self.track_gc = _flag("track_gc", track_gc)
        self.memory_interval_ms = int(_number("memory_interval_ms", memory_interval_ms))
        self.when_full = _choice("when_full", when_full, WHEN_FULL)
        self.force = _flag("force", force)
        self.seed = int(_number("seed", seed))
        self.native = _flag("native", native)
        self.follow = _flag("follow", follow)
        self.references = _flag("references", references)
        self.max_trace_bytes = _trace_bytes(max_trace_bytes)
        self.checkpoint_signal = signal_name("checkpoint_signal", checkpoint_signal)
        self.checkpoint_interval_s = float(_number("checkpoint_interval_s", checkpoint_interval_s))
        self.carry_into_threads = _flag("carry_into_threads", carry_into_threads)
        self.include_source = _flag("include_source", include_source)

    @property
    def is_exact(self) -> bool:
        """Whether every allocation is recorded."""
        return self.sample_rate == 1.0

    @property
    def is_adaptive(self) -> bool:
        """Whether the interval is as close as the program's pace allows."""
        return self.sample_interval == ADAPTIVE and self.sample_rate == 0.0

    @property
    def interval_bytes(self) -> int:
        """R, where it is not adaptive."""
        if isinstance(self.sample_interval, str):
            return _INTERVAL_BYTES_WITH_RATE
        return self.sample_interval

    @property
    def surcharge_bytes(self) -> int:
        """What each allocation spends of the sampling budget beyond its size: -ln(1 - rate) * R.

        Rounded up to whole bytes, so that the probability is at least `sample_rate`.
        """
        if self.is_exact or self.sample_rate == 0.0:
            return 0
        import math

        return math.ceil(-math.log1p(-self.sample_rate) * self.interval_bytes)


def accepted_values(name: str) -> str:
    """What an option accepts, in words, as in its error messages."""
    if name in _RANGES:
        return _RANGES[name].words
    if name == "checkpoint_signal":
        return _SIGNAL_WORDS
    return _words_of(WHEN_FULL) if name == "when_full" else "true or false"


def from_keywords(output_file: str | os.PathLike[str], options: dict[str, Any]) -> TraceOptions:
    """The options given by keyword; an unknown name is an OptionError that lists the known ones."""
    known = [name for name in TraceOptions.__slots__ if name != "output_file"]
    for name in options:
        if name not in known:
            raise OptionError(f"there is no option {name!r}; the options are {', '.join(known)}")
    return TraceOptions(output_file, **options)


def _path(value: Any) -> str:
    try:
        path = os.fspath(value)
    except TypeError:
        path = None
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if not isinstance(path, str) or not path or "\0" in path:
        raise OptionError(f"output_file must be the path of a file, not {value!r}")
    return path


def _number(name: str, value: Any) -> float:
    accepted = _RANGES[name]
    good_type = isinstance(value, (int, float) if accepted.kind is float else int)
    if (
        not good_type
        or isinstance(value, bool)
        or not accepted.lowest <= value <= accepted.highest  # false for nan too
    ):
        raise OptionError(f"{name} must be {accepted.words}, not {value!r}")
    number: float = value
    return number


def _interval(value: Any) -> int | str:
    return ADAPTIVE if value == ADAPTIVE else int(_number("sample_interval", value))


def _trace_bytes(value: int) -> int:
    number = int(_number("max_trace_bytes", value))
    if 0 < number < LEAST_TRACE_BYTES:
        raise OptionError(
            f"max_trace_bytes must be {_RANGES['max_trace_bytes'].words}, not {value!r}"
        )
    return number


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise OptionError(f"{name} must be True or False, not {value!r}")
    return value


def _choice(name: str, value: Any, accepted: tuple[str, ...]) -> str:
    if value not in accepted:
        raise OptionError(f"{name} must be {_words_of(accepted)}, not {value!r}")
    return str(value)


def signal_name(name: str, value: Any) -> str:
    is_known = isinstance(value, str) and (
        value == ""
        or (value.startswith("SIG") and not value.startswith("SIG_") and hasattr(_signal, value))
    )
    if not is_known or value in _UNHANDLED_SIGNALS:
        raise OptionError(f"{name} must be {_SIGNAL_WORDS}, not {value!r}")
    if value in _FATAL_SIGNALS:
        raise OptionError(
            f"{name} must not be {value!r}, the signal of a program that cannot go on: handled, it "
            'would never end; take "SIGUSR2", "SIGUSR1" or "SIGRTMIN", whichever the program leaves'
        )
    return str(value)


def _words_of(choices: tuple[str, ...]) -> str:
    return " or ".join(f'"{choice}"' for choice in choices)
