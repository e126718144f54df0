"""Set-up shared by all tests."""

from __future__ import annotations

import pytest


def pytest_configure() -> None:
    """Stop at once, and say why, where the package that is found lacks its compiled parts."""
    try:
        import memlyze._speedups._decoder
        import memlyze._speedups._tracer  # noqa: F401
    except ImportError as error:
        pytest.exit(
            f"memlyze is not installed here ({error}). Run 'make test-python', or install the "
            "package and call 'pytest' ('python -m pytest' would find the source tree first).",
            returncode=4,
        )
