#!/usr/bin/env python3
"""Build the web UI into memlyze/web/static, unless what lies there was built from the same sources.

Called by meson when the package is configured, and by the Makefile. The sources are compared by
content, so that an unpacked sdist, which carries the built pages, needs no Node.js.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "webui"
OUTPUT = ROOT / "memlyze" / "web" / "static"
#: Holds the digest of the sources that the output was built from.
STAMP = OUTPUT / "sources.sha256"

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


def main() -> None:
    digest = source_digest()
    if is_current(digest):
        return
    if shutil.which("npm") is None:
        sys.exit(
            "the web UI is not built, and npm is not there to build it. Install Node.js 20.19 or "
            "newer, or build without the web UI: pip install . -Csetup-args=-Dwebui=disabled"
        )
    # "npm ci" empties node_modules first: only when the lock file has changed since.
    lock = SOURCES / "package-lock.json"
    installed = SOURCES / "node_modules" / ".package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
        npm("ci", "--no-progress")
    npm("run", "--silent", "build")
    STAMP.write_text(digest + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
