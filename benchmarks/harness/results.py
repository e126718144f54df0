"""The JSON file with everything that was measured; parts measured at different times are merged
into one.

    {"environment": {…}, "sections": {"overhead": {"build": "…", "runs": [{…}, …]}, …}}

Each section notes the build of memlyze that it measured. A section of another build is started
anew, so that no table mixes two programs.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any, Iterable, Iterator


class Results:
    """What was measured so far; each addition is written to the file at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content: dict[str, Any] = {"environment": {}, "sections": {}}
        if path.exists():
            self.content = json.loads(path.read_text(encoding="utf-8"))

    def begin(self, section: str, build: str, *, fresh: bool) -> str | None:
        """Make ready for runs of a section; older runs of the same build are kept unless `fresh`.

        Returns:
            A sentence when runs were discarded, else None.
        """
        known = self.content["sections"].get(section)
        keeps = known is not None and known["build"] == build and not fresh
        if not keeps:
            self.content["sections"][section] = {"build": build, "runs": []}
        self.content["environment"] = environment()
        self.save()
        if known is None or keeps or not known["runs"]:
            return None
        return f"{section}: discarded {len(known['runs'])} runs of an earlier build or request"

    def add(self, section: str, run: dict[str, Any]) -> None:
        """Append a run to a section."""
        self.add_all(section, [run])

    def add_all(self, section: str, runs: Iterable[dict[str, Any]]) -> None:
        """Append runs to a section."""
        self.content["sections"][section]["runs"] += runs
        self.save()

    def runs(self, section: str, **wanted: Any) -> Iterator[dict[str, Any]]:
        """The runs of a section whose fields have the wanted values."""
        for run in self.content["sections"].get(section, {}).get("runs", []):
            if all(run.get(name) == value for name, value in wanted.items()):
                yield run

    def save(self) -> None:
        """Replace the file as a whole, so that an interrupted runner leaves a sound one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".tmp")
        beside.write_text(json.dumps(self.content, indent=1) + "\n", encoding="utf-8")
        beside.replace(self.path)


def build_of_memlyze() -> str:
    """A digest of the installed package: its compiled modules, Python and SQL files."""
    import memlyze

    digest = hashlib.sha256()
    package = Path(memlyze.__file__).parent
    for path in sorted(package.rglob("*")):
        if path.suffix in (".so", ".py", ".sql") and path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def environment() -> dict[str, Any]:
    """On what was measured: machine and versions, nothing that names the machine."""
    versions = {}
    for package in ("memlyze", "memray", "pyperformance", "duckdb", "numpy", "pandas"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = ""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "kernel": platform.system() + " " + ".".join(platform.release().split(".")[:2]),
        "libc": " ".join(platform.libc_ver()),
        "python": platform.python_version(),
        "versions": versions,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()
