"""Everything that a user can name is documented: commands, options, variables, public names.

Views, macros and columns are in tests/query/test_sql_page.py.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import memlyze
from memlyze.cli import settings
from memlyze.cli.main import COMMANDS
from memlyze.query import definitions

ROOT = Path(__file__).resolve().parents[2]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    """The part of a page below the heading that has `title` in it, up to the next such heading."""
    heading = re.compile(rf"^(#+) .*\b{re.escape(title)}\b.*$", re.MULTILINE)
    match = heading.search(text)
    assert match is not None, f"there is no heading for {title!r}"
    level = len(match.group(1))
    end = re.compile(rf"^#{{1,{level}}} ", re.MULTILINE).search(text, match.end())
    return text[match.end() : end.start() if end else len(text)]


def options_of(command: str) -> set[str]:
    """The long options that a command's help lists."""
    result = subprocess.run(
        [sys.executable, "-m", "memlyze", command, "--help"],
        cwd=str(Path(sys.executable).parent),  # where no source tree is
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    # argparse's heading is another before CPython 3.10.
    _, listed = re.split(r"\n(?:options|optional arguments):\n", result.stdout)
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", listed)) - {"--help"}


def is_named(name: str, text: str) -> bool:
    """Whether a text has `name` in code markup, alone or as the start of a longer phrase."""
    return re.search(rf"`{re.escape(name)}(?![\w-])", text) is not None


@pytest.mark.parametrize("command", COMMANDS)
def test_command_has_a_section_that_names_each_of_its_options(command: str) -> None:
    text = section(page("cli.md"), command)
    options = options_of(command)
    assert options
    # Options of the recording have a page of their own.
    text += page("options.md")
    assert sorted(option for option in options if not is_named(option, text)) == []


@pytest.mark.parametrize("name", memlyze.TraceOptions.__slots__)
def test_option_of_a_recording_is_documented(name: str) -> None:
    assert is_named(name, page("options.md"))


@pytest.mark.parametrize("option", settings.OPTIONS, ids=lambda option: str(option.name))
def test_option_is_documented_with_its_flag_and_variable(option: settings.Option) -> None:
    (row,) = [
        line for line in page("options.md").splitlines() if line.startswith(f"| `{option.name}`")
    ]
    assert is_named(option.flag, row)
    assert is_named(option.variable, row)


def test_every_view_and_macro_is_documented() -> None:
    """A `.sql` file that the definitions leave out would be a view that the page lacks."""
    folder = Path(definitions.__file__).parent
    files = {path.stem for kind in ("views", "macros") for path in (folder / kind).glob("*.sql")}
    assert files == {d.name for d in (*definitions.views(), *definitions.macros())}


@pytest.mark.parametrize("name", memlyze.__all__)
def test_public_name_is_in_the_python_api(name: str) -> None:
    assert re.search(rf"memlyze\.{name}\b", page("python-api.md"))


def test_readme_names_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"^\$? ?make demo$", text, re.MULTILINE)
    assert re.search(r"^\$? ?make test$", text, re.MULTILINE)


def test_links_between_pages_lead_somewhere() -> None:
    for path in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"]:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"
