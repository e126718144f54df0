"""The Python code of the README and of the API page runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run_first_example(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, object]:
    """Run the first Python block of a page, whose `load()` allocates 64 MiB; its variables."""
    match = re.search(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    assert match is not None
    monkeypatch.chdir(tmp_path)
    kept = []

    def load() -> None:
        for _ in range(64):
            kept.append(bytes(1 << 20))

    variables: dict[str, object] = {"load": load}
    exec(match.group(1), variables)
    return variables


def test_example_of_the_readme_finds_what_was_allocated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = run_first_example("README.md", tmp_path, monkeypatch)
    ((_, _, allocated_bytes, _), *_) = variables["sites"]  # type: ignore[misc]
    assert 32 << 20 < allocated_bytes < 128 << 20


def test_example_of_the_api_page_writes_a_trace_and_shows_its_greatest_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_first_example("docs/python-api.md", tmp_path, monkeypatch)
    assert (tmp_path / "trace.mlyze").is_file()
    assert "load" in capsys.readouterr().out
