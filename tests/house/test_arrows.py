"""What depends on what: docs/architecture.md says which way the arrows go."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_IMPORT = re.compile(r"^\s*(?:from|import) memlyze\.(cli|web|report)\b", re.MULTILINE)
#: Nothing may import one of these but itself, and those that are named.
MAY_IMPORT = {"cli": {"__main__.py"}, "web": {"cli"}, "report": {"cli"}}


def test_nothing_imports_upwards() -> None:
    wrong = []
    for path in sorted((ROOT / "memlyze").rglob("*.py")):
        place = path.relative_to(ROOT / "memlyze").parts[0]
        for imported in _IMPORT.findall(path.read_text("utf-8")):
            if place != imported and place not in MAY_IMPORT[imported]:
                wrong.append(f"{path.relative_to(ROOT)} imports memlyze.{imported}")
    assert wrong == []
