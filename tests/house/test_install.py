"""What an installation of memlyze contains."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import files, version
from pathlib import Path

from web_pages import need_pages

import memlyze
import memlyze.web


def test_integrations_are_installed_within_the_package(tmp_path: Path) -> None:
    code = "import memlyze.integrations as i; print(i.__name__)"
    result = subprocess.run([sys.executable, "-c", code], cwd=str(tmp_path), stdout=subprocess.PIPE)
    assert result.stdout.strip() == b"memlyze.integrations"


def test_version_of_the_package_is_the_version_of_the_installation() -> None:
    assert memlyze.__version__ == version("memlyze")


def test_licence_is_installed() -> None:
    assert any(path.name == "LICENSE" for path in files("memlyze") or [])


def test_package_is_marked_as_typed() -> None:
    assert (Path(memlyze.__file__).parent / "py.typed").is_file()


def test_web_ui_is_installed_with_everything_its_page_loads() -> None:
    need_pages()
    static = Path(next(iter(memlyze.web.__path__))) / "static"
    page = (static / "index.html").read_text(encoding="utf-8")
    loaded = re.findall(r'(?:src|href)="\./([^"]+)"', page)
    assert loaded
    assert [name for name in loaded if not (static / name).is_file()] == []
