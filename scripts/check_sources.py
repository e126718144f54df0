#!/usr/bin/env python3
"""Hold the file lists of the meson.build files against the tree.

Meson installs the files that are listed, and no others: a forgotten line is a module that is
missing from the wheel. Prints what is missing or too much and exits 1; ``--write`` brings the lists
of Python and SQL up to date instead. C files are listed by hand, each in the library that it
belongs to.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: Folders whose ``meson.build`` installs Python sources, and where they are installed.
INSTALLED_FOLDERS = {
    "memlyze": "memlyze",
    "integrations": "memlyze/integrations",
}
INSTALLED_SUFFIXES = {".css", ".html", ".js", ".json", ".py", ".pyi", ".sql", ".typed"}
#: Filled by the build of the web UI, and installed by a rule of its own.
GENERATED = "web/static/"

LIST = re.compile(r"# <sources>\n.*?# </sources>\n", re.DOTALL)


def package_files(folder: Path) -> list[str]:
    """The files of a package that belong in the wheel, as paths from its folder, in order."""
    paths = (
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix in INSTALLED_SUFFIXES and path.is_file()
    )
    return sorted(path for path in paths if not path.startswith(GENERATED))


def render(files: list[str], subdir: str) -> str:
    lines = "".join(f"  '{name}',\n" for name in files)
    return (
        "# <sources>\npy.install_sources(\n"
        f"{lines}  subdir: '{subdir}',\n  preserve_path: true,\n)\n# </sources>\n"
    )


def listed_files(block: str) -> list[str]:
    return re.findall(r"^  '([^']+)',$", block, re.MULTILINE)


def check(folder_name: str, subdir: str, write: bool) -> list[str]:
    """The complaints about one folder's list, after correcting it when ``write`` is set."""
    build_file = ROOT / folder_name / "meson.build"
    text = build_file.read_text(encoding="utf-8")
    match = LIST.search(text)
    if match is None:
        return [f"{folder_name}/meson.build has no '# <sources>' list"]
    expected = package_files(ROOT / folder_name)
    if write:
        text = text[: match.start()] + render(expected, subdir) + text[match.end() :]
        build_file.write_text(text, encoding="utf-8")
        return []
    listed = listed_files(match.group())
    return [
        *(f"{folder_name}/{name} is not installed" for name in expected if name not in listed),
        *(
            f"{folder_name}/meson.build lists {name}, which does not exist"
            for name in listed
            if name not in expected
        ),
    ]


def check_c_files() -> list[str]:
    """The complaints about C files that no library lists."""
    folder = ROOT / "memlyze" / "_speedups"
    listed = (folder / "meson.build").read_text(encoding="utf-8")
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.c"))
    return [
        f"memlyze/_speedups/{path} is not compiled: list it in memlyze/_speedups/meson.build"
        for path in paths
        if f"'{path}'" not in listed
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="correct the lists")
    arguments = parser.parse_args()
    complaints = [
        line
        for folder_name, subdir in INSTALLED_FOLDERS.items()
        for line in check(folder_name, subdir, arguments.write)
    ]
    if complaints:
        complaints.append("To correct these lists: python3 scripts/check_sources.py --write")
    complaints += check_c_files()
    for line in complaints:
        print(line)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
