"""The pages that `memlyze serve` serves, which not every build has."""

from __future__ import annotations

import os

import pytest

from memlyze.web import pages


def need_pages() -> None:
    """Skip the test where the package was built without them on purpose. Where they are missing
    otherwise, that is what the test finds.
    """
    if os.environ.get("WEBUI") == "disabled" and not pages.are_built():
        pytest.skip("built without the web UI (WEBUI=disabled)")
