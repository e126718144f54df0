"""Run the Python tests on every CPython that memlyze supports and that this machine has.

Looks on PATH, among pyenv's versions, and at the interpreters given as arguments (which win over
those found). Each gets a virtual environment of its own in .venvs/. Ends with a table; exits 1 when
a suite failed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = [(3, minor) for minor in range(8, 16)]


def version_of(python: str) -> tuple[int, int] | None:
    """The version of a CPython, or None for what is not one or does not start."""
    code = "import sys; print(sys.implementation.name, *sys.version_info[:2])"
    try:
        words = subprocess.run(
            [python, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60
        ).stdout.split()
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (int(words[1]), int(words[2])) if words[:1] == [b"cpython"] else None


def find_pythons(given: list[str]) -> dict[tuple[int, int], str]:
    """One interpreter for each version, what is named more explicitly winning."""
    candidates = [shutil.which(f"python{major}.{minor}") for major, minor in SUPPORTED]
    candidates.append(shutil.which("python3"))
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates.extend(str(path) for path in sorted(pyenv.glob("versions/*/bin/python")))
    found = {}
    for python in [*candidates, *given]:
        version = version_of(python) if python else None
        if python and version in SUPPORTED:
            found[version] = python
        elif python in given:
            sys.exit(f"PYTHONS: {python} is not a CPython 3.8 to 3.14 that starts")
    return found


def test_with(python: str, name: str) -> tuple[bool, str]:
    """Whether the suite passed with an interpreter, and the test runner's closing line."""
    venv = f".venvs/{name}"
    environment = {**os.environ, "PYTHON": python, "VENV": venv}
    if subprocess.run(["scripts/setup.sh", "test"], cwd=ROOT, env=environment).returncode != 0:
        return False, "could not be set up"
    closing_line = ""
    with subprocess.Popen(
        ["scripts/test_python.sh"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as pytest:
        assert pytest.stdout is not None
        for line in pytest.stdout:
            print(line, end="", flush=True)
            closing_line = line.strip("= \n") or closing_line
    return pytest.returncode == 0, closing_line


def main() -> int:
    pythons = find_pythons(sys.argv[1:])
    rows = []
    for version in SUPPORTED:
        name = "{}.{}".format(*version)
        if version not in pythons:
            rows.append((name, "-", "not found"))
            continue
        print(f"\n==> CPython {name}: {pythons[version]}", flush=True)
        started = time.monotonic()
        passed, closing_line = test_with(pythons[version], name)
        verdict = "passed" if passed else "FAILED"
        seconds = time.monotonic() - started
        rows.append((name, verdict, f"{closing_line} ({seconds:.0f} s with set-up)"))
    print("\nCPython  result  tests")
    for name, verdict, detail in rows:
        print(f"{name:<8} {verdict:<7} {detail}")
    return 0 if pythons and all(verdict != "FAILED" for _, verdict, _ in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
