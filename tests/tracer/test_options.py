"""Options: what is accepted, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from memlyze.errors import MemlyzeError, OptionError
from memlyze.options import TraceOptions, from_keywords


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("sample_rate", 1.5, "a number from 0.0 to 1.0"),
        ("sample_rate", -0.1, "a number from 0.0 to 1.0"),
        ("sample_rate", float("nan"), "a number from 0.0 to 1.0"),
        ("sample_rate", "all", "a number from 0.0 to 1.0"),
        ("sample_rate", True, "a number from 0.0 to 1.0"),
        ("sample_rate", None, "a number from 0.0 to 1.0"),
        ("sample_interval", 0, '"adaptive" or a whole number of bytes from 1 to 1099511627776'),
        (
            "sample_interval",
            1 << 41,
            '"adaptive" or a whole number of bytes from 1 to 1099511627776',
        ),
        (
            "sample_interval",
            "close",
            '"adaptive" or a whole number of bytes from 1 to 1099511627776',
        ),
        ("sample_interval", 1.5, '"adaptive" or a whole number of bytes from 1 to 1099511627776'),
        ("max_stack_depth", 1, "a whole number of frames from 2 to 4096"),
        ("max_stack_depth", 4097, "a whole number of frames from 2 to 4096"),
        ("memory_interval_ms", 0, "a whole number of milliseconds from 1 to 10000"),
        ("memory_interval_ms", 10_001, "a whole number of milliseconds from 1 to 10000"),
        ("checkpoint_interval_s", -0.1, "a number of seconds from 0 (none) to 86400"),
        ("checkpoint_interval_s", float("nan"), "a number of seconds from 0 (none) to 86400"),
        ("checkpoint_interval_s", "10", "a number of seconds from 0 (none) to 86400"),
        ("seed", -1, "a whole number from 0 to 18446744073709551615"),
        ("seed", 1 << 64, "a whole number from 0 to 18446744073709551615"),
        ("track_gc", 1, "True or False"),
        ("force", "yes", "True or False"),
        ("when_full", "explode", '"wait" or "drop"'),
        ("when_full", None, '"wait" or "drop"'),
        ("when_full", [], '"wait" or "drop"'),
        ("output_file", "", "the path of a file"),
        ("output_file", 3, "the path of a file"),
        ("output_file", None, "the path of a file"),
        ("output_file", "nul\0", "the path of a file"),
    ],
)
def test_wrong_value_is_named_with_what_is_accepted(name: str, value: Any, accepted: str) -> None:
    with pytest.raises(OptionError) as raised:
        TraceOptions(**{name: value})
    message = str(raised.value)
    assert message == f"{name} must be {accepted}, not {value!r}"
    assert isinstance(raised.value, (MemlyzeError, ValueError))


@pytest.mark.parametrize(
    "name", ["SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGSYS", "SIGABRT", "SIGIOT", "SIGTRAP"]
)
def test_signal_after_which_a_program_cannot_go_on_is_refused(name: str) -> None:
    with pytest.raises(OptionError) as raised:
        TraceOptions(checkpoint_signal=name)
    message = str(raised.value)
    assert message.startswith(f"checkpoint_signal must not be {name!r}")
    assert "SIGUSR2" in message


@pytest.mark.parametrize("name", ["SIG_DFL", "SIG_IGN", "SIG_BLOCK", "SIG_SETMASK", "SIGSTOP"])
def test_what_is_no_signal_to_be_handled_is_refused(name: str) -> None:
    with pytest.raises(OptionError, match="must be the name of a signal that can be handled"):
        TraceOptions(checkpoint_signal=name)


@pytest.mark.parametrize(
    "options",
    [
        {"sample_rate": 0},
        {"sample_rate": 1},
        {"sample_rate": 0.5, "sample_interval": 1},
        {"sample_interval": 1 << 40},
        {"max_stack_depth": 2},
        {"max_stack_depth": 4096},
        {"memory_interval_ms": 10_000},
        {"checkpoint_interval_s": 86_400},
        {"seed": (1 << 64) - 1},
        {"when_full": "drop", "force": True, "track_gc": False},
    ],
)
def test_ends_of_each_range_are_accepted(options: dict[str, Any]) -> None:
    TraceOptions("x", **options)


@pytest.mark.parametrize("path", ["x.mlyze", b"x.mlyze", Path("x.mlyze")])
def test_output_file_may_be_text_bytes_or_a_path(path: Any) -> None:
    assert TraceOptions(path).output_file == "x.mlyze"


def test_unknown_option_is_named_with_those_that_exist() -> None:
    with pytest.raises(OptionError) as raised:
        from_keywords("x", {"sample_rat": 1.0})
    message = str(raised.value)
    assert "'sample_rat'" in message
    for name in ("sample_rate", "sample_interval", "max_stack_depth", "track_gc", "seed"):
        assert name in message


def test_probability_is_at_least_the_sample_rate() -> None:
    import math

    for rate in (0.001, 0.01, 0.1, 0.5, 0.99, 1 - 2**-52):
        for interval in (1, 1000, 512 * 1024, 1 << 40):
            surcharge = TraceOptions(
                "x", sample_rate=rate, sample_interval=interval
            ).surcharge_bytes
            assert -math.expm1(-surcharge / interval) >= rate * (1 - 1e-12)
