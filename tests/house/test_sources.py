"""The meson.build files install every source of the package."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def check_sources(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(root / "scripts" / "check_sources.py"), *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def small_tree(tmp_path: Path) -> Path:
    """A tree with the script and a package of one module, its list up to date."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(str(ROOT / "scripts" / "check_sources.py"), str(tmp_path / "scripts"))
    for folder in ("memlyze", "integrations"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
        (tmp_path / folder / "meson.build").write_text("# <sources>\n# </sources>\nsubdir('x')\n")
    (tmp_path / "memlyze" / "_speedups" / "core").mkdir(parents=True)
    (tmp_path / "memlyze" / "_speedups" / "meson.build").write_text("files('core/listed.c')\n")
    assert check_sources(tmp_path, "--write").returncode == 0
    return tmp_path


def test_every_source_of_the_project_is_installed() -> None:
    result = check_sources(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("name", ["late.py", "late.pyi", "views/late.sql"])
def test_source_that_is_not_listed_is_named(small_tree: Path, name: str) -> None:
    path = small_tree / "memlyze" / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    result = check_sources(small_tree)
    assert result.returncode == 1
    assert f"memlyze/{name} is not installed" in result.stdout


def test_listed_source_that_is_gone_is_named(small_tree: Path) -> None:
    (small_tree / "integrations" / "__init__.py").unlink()
    result = check_sources(small_tree)
    assert result.returncode == 1
    assert "lists __init__.py, which does not exist" in result.stdout


def test_c_file_that_no_library_lists_is_named(small_tree: Path) -> None:
    for name in ("listed.c", "late.c"):
        (small_tree / "memlyze" / "_speedups" / "core" / name).touch()
    result = check_sources(small_tree)
    assert result.returncode == 1
    assert "core/late.c is not compiled" in result.stdout
    assert "listed.c is not" not in result.stdout


def test_rewritten_list_keeps_the_rest_of_the_file(small_tree: Path) -> None:
    (small_tree / "memlyze" / "late.py").touch()
    assert check_sources(small_tree, "--write").returncode == 0
    assert check_sources(small_tree).returncode == 0
    assert (small_tree / "memlyze" / "meson.build").read_text().endswith("subdir('x')\n")
