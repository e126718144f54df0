"""`memlyze leaks` over traces in every state."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from command_line import Runner
from lives_trace import Life, write_lives

GROWING = [Life("leak", at, None, 2000) for at in range(20, 2000, 2)]
STAYING = [Life("load", at, None, 20_000) for at in range(10, 100)]


def test_growing_site_is_shown_with_its_evidence(memlyze: Runner, tmp_path: Path) -> None:
    write_lives(tmp_path / "t.mlyze", GROWING + STAYING)
    result = memlyze("leaks", "t.mlyze")
    assert (result.returncode, result.stderr) == (0, "")
    assert "1 site grows without bound" in result.stdout
    assert "/srv/app/main.py:10 leak" in result.stdout
    assert "load" not in result.stdout
    assert "load" in memlyze("leaks", "--all", "t.mlyze").stdout


def test_leaks_as_json_has_all_verdicts(memlyze: Runner, tmp_path: Path) -> None:
    write_lives(tmp_path / "t.mlyze", GROWING + STAYING)
    found = json.loads(memlyze("leaks", "--json", "t.mlyze").stdout)
    assert [(site["function"], site["verdict"]) for site in found["sites"]] == [
        ("leak", "growing"),
        ("load", "one_time"),
    ]
    assert found["judged"]["growing"] == 1
    assert found["sites"][0]["live_bytes"] == {"value": 990 * 2000, "error": 0}


def test_suspect_is_shown_with_who_holds_it(memlyze: Runner, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import memlyze, time\n"
        "LOG = []\n"
        "def handle(number):\n"
        "    LOG.append([number] * 3000)\n"
        "memlyze.start('t.mlyze', sample_rate=1.0)\n"
        "began = time.monotonic()\n"
        "for number in range(600):\n"
        "    handle(number)\n"
        "    while time.monotonic() < began + number / 600:\n"
        "        pass\n"
        "memlyze.stop()\n"
    )
    subprocess.run([sys.executable, "app.py"], cwd=str(tmp_path), check=True, timeout=120)
    result = memlyze("leaks", "t.mlyze")
    assert "__main__.LOG → list[600], with which 1" in result.stdout
    assert "%  __main__.LOG → [" in result.stdout and "] → list[3 000]" in result.stdout
    found = json.loads(memlyze("leaks", "--json", "t.mlyze").stdout)
    (holders,) = [site["holders"] for site in found["sites"] if site["verdict"] == "growing"]
    assert holders["holder"]["type"] == "list"
    assert holders["shortest"]["root"] == "module"
    assert holders["retained_bytes"] >= 600 * 24_000


def test_nothing_to_judge_is_said(memlyze: Runner, tmp_path: Path) -> None:
    write_lives(tmp_path / "t.mlyze", [])
    result = memlyze("leaks", "t.mlyze")
    assert (result.returncode, result.stderr) == (0, "")
    assert "Nothing to judge" in result.stdout


def test_wrong_options_are_refused_in_one_line(memlyze: Runner, tmp_path: Path) -> None:
    write_lives(tmp_path / "t.mlyze", [])
    for words in (["--sites", "-1"], ["--site", "file"]):
        result = memlyze("leaks", *words, "t.mlyze")
        assert result.returncode == 2
        assert len(result.stderr.splitlines()) == 1
