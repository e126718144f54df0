#!/usr/bin/env python3
"""Build the web UI into memlyze/web/static, unless what lies there was built from the same sources.

    scripts/build_webui.py            build it
    scripts/build_webui.py --tools    install only what it is built and tested with

Called by meson when the package is configured, by the Makefile and by setup.sh. The sources are
compared by content, so that an unpacked sdist, which carries the built pages, needs no Node.js. Of
several at once in one tree, one works and the others wait.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator

if sys.platform != "win32":
    import fcntl

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "webui"
OUTPUT = ROOT / "memlyze" / "web" / "static"
#: Holds the digest of the sources that the output was built from.
STAMP = OUTPUT / "sources.sha256"
PACKAGE_LOCK = SOURCES / "package-lock.json"
#: Holds the digest of the package-lock.json that was installed in full: "npm ci" begins by emptying
#: the folder, so that one that breaks off leaves none.
INSTALLED = SOURCES / "node_modules" / ".installed.sha256"
TURN = ROOT / "build" / ".webui.lock"

SOURCE_PATTERNS = ("*.json", "*.ts", "*.html", ".npmrc", "src/**/*", "public/*")


def source_digest() -> str:
    digest = hashlib.sha256()
    paths = {path for pattern in SOURCE_PATTERNS for path in SOURCES.glob(pattern)}
    for path in sorted(path for path in paths if path.is_file()):
        name = path.relative_to(SOURCES).as_posix()
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def is_current(digest: str) -> bool:
    built = (OUTPUT / "index.html").is_file() and STAMP.is_file()
    return built and STAMP.read_text(encoding="ascii").strip() == digest


def npm(*arguments: str) -> None:
    """Run npm in the web UI's folder; its output goes to stderr, where a build log shows it."""
    command = ["npm", *arguments]
    result = subprocess.run(command, cwd=SOURCES, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    if result.returncode != 0:
        sys.exit(f"the web UI could not be built: '{' '.join(command)}' failed in {SOURCES}")


def install_tools() -> None:
    digest = hashlib.sha256(PACKAGE_LOCK.read_bytes()).hexdigest()
    if INSTALLED.is_file() and INSTALLED.read_text(encoding="ascii").strip() == digest:
        return
    npm("ci", "--no-progress")
    INSTALLED.write_text(digest + "\n", encoding="ascii")


@contextlib.contextmanager
def our_turn() -> Iterator[None]:
    """Wait until no other works in this tree: two would empty each other's node_modules. Not on
    Windows, which has no such locks.
    """
    if sys.platform == "win32":
        yield
        return
    TURN.parent.mkdir(exist_ok=True)
    with open(TURN, "wb") as turn:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another build of the web UI in this tree", file=sys.stderr)
            fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def main() -> None:
    only_tools = sys.argv[1:] == ["--tools"]
    if not only_tools and is_current(source_digest()):
        return
    if shutil.which("npm") is None:
        sys.exit(
            "the web UI is not built, and npm is not there to build it. Install Node.js 20.19 or "
            "newer, or build without the web UI: pip install . -Csetup-args=-Dwebui=disabled"
        )
    with our_turn():
        digest = source_digest()
        if not only_tools and is_current(digest):
            return  # the other has built it
        install_tools()
        if not only_tools:
            npm("run", "--silent", "build")
            STAMP.write_text(digest + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
