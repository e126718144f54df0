"""docs/json.md: what it says of fields is what the classes say, and what commands print."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import run_python
from known_trace import write_known_trace

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "write_json_reference.py"
PAGE = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
PARTS = dict(re.findall(r"<!-- json: (\w+) -->\n(.*?)<!-- end -->", PAGE, re.DOTALL))


def fields(text: str) -> list[str]:
    return re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)


def test_page_is_what_the_classes_say() -> None:
    result = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, timeout=60
    )
    assert (result.stdout, result.returncode) == ("", 0)


@pytest.mark.parametrize("command", sorted(set(PARTS) - {"parts"}))
def test_command_prints_the_fields_of_the_page(command: str, tmp_path: Path) -> None:
    path = write_known_trace(tmp_path / "t.mlyze")
    paths = [path, path] if command == "diff" else [path]
    done = run_python("-m", "memlyze", command, "--json", *paths, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(json.loads(done.stdout)) == fields(PARTS[command])
