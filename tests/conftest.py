"""Set-up shared by all tests."""

from __future__ import annotations

import signal

import pytest


def pytest_configure() -> None:
    """Give the signals of a terminal their usual meaning, for the programs that tests run; and stop
    at once, and say why, where the package that is found lacks its compiled parts.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell did that: "make test &"
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    try:
        import memlyze._speedups._decoder
        import memlyze._speedups._tracer  # noqa: F401
    except ImportError as error:
        pytest.exit(
            f"memlyze is not installed here ({error}). Run 'make test-python', or install the "
            "package and call 'pytest' ('python -m pytest' would find the source tree first).",
            returncode=4,
        )
