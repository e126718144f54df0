#!/usr/bin/env python3
"""Check the formatting of C (clang-format), Cython (cython-lint) and meson files.

``--fix`` formats the C and meson files in place.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Where the tools were installed: beside the interpreter that runs this.
TOOLS = Path(sys.executable).parent


def tracked(*patterns: str) -> list[str]:
    """The project's files of these patterns, below the folders that hold native sources."""
    folders = [ROOT / "memlyze", ROOT / "tests", ROOT / "integrations", ROOT / "benchmarks"]
    found = {path for folder in folders for pattern in patterns for path in folder.rglob(pattern)}
    found.update(path for pattern in patterns for path in ROOT.glob(pattern))
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def run(tool: str, *arguments: str) -> bool:
    # cython-lint looks for pycodestyle on PATH.
    environment = {**os.environ, "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"}
    return (
        subprocess.run([str(TOOLS / tool), *arguments], cwd=ROOT, env=environment).returncode == 0
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fix", action="store_true", help="format C and meson files in place")
    fix = parser.parse_args().fix

    c_files = tracked("*.c", "*.h")
    cython_files = tracked("*.pyx", "*.pxd", "*.pxi")
    meson_files = tracked("meson.build")
    clang_format = ["-i"] if fix else ["--dry-run", "--Werror"]
    meson_format = "--inplace" if fix else "--check-only"
    results = [
        run("clang-format", *clang_format, *c_files),
        run("cython-lint", "--max-line-length", "100", *cython_files),
        run("meson", "format", meson_format, "--configuration", "meson.format", *meson_files),
    ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
