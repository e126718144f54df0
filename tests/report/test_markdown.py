"""Markdown for a pull request: figures in tables, names that cannot break out of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Callable

import pytest
from hostile_trace import HOSTILE
from known_trace import write_known_trace
from lives_trace import Life, write_lives
from suspect import held_by
from trace_encoder import TraceEncoder

from memlyze.report.markdown import code, escape, render_markdown

Contents = Callable[..., Any]


def test_facts_and_sites(tmp_path: Path, content_of: Contents) -> None:
    text = render_markdown(content_of(write_known_trace(tmp_path / "t.mlyze")))
    assert text.startswith("## Memory: t\\.mlyze\n")
    assert "| not freed | 1.03 KiB |" in text
    assert "| `load`<br>`/srv/app/main.py:20` | 900 B | 400 B | 400 B |" in text
    assert "**Leaks:** none of" in text
    assert "Every allocation was recorded." in text


def test_hostile_names_stay_within_their_cells(hostile_trace: str, content_of: Contents) -> None:
    content = content_of(hostile_trace, title=HOSTILE[0], notes=(HOSTILE[1],))
    text = render_markdown(content)
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)  # without what is code
    assert not re.search(r"(?<!\\)<(?!/?(br|details|summary)>)", outside)
    assert "@someone" not in outside and "[link](" not in outside
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} <= {3, 5}
    assert text.isprintable() or set(filter(lambda c: not c.isprintable(), text)) == {"\n"}


def test_suspect_is_told_with_who_holds_it(tmp_path: Path, content_of: Contents) -> None:
    content = content_of(write_known_trace(tmp_path / "t.mlyze"))
    text = render_markdown(held_by(content, "app.cache.SESSIONS → ['`|u17']"))
    assert "- `load` `/srv/app/main.py:20`: 1.00 MiB live, 1.00 KiB per second" in text
    assert "  - `` 90 %  app.cache.SESSIONS → ['`\\|u17'] ``" in text


def test_what_warms_up_still_is_named(tmp_path: Path, content_of: Contents) -> None:
    content = held_by(content_of(write_known_trace(tmp_path / "t.mlyze")), "app.cache.SESSIONS")
    (site,) = content.leaks.sites
    warming = tuple(site._replace(verdict="warming_up", line=line) for line in range(30, 35))
    leaks = content.leaks._replace(sites=(site, *warming))
    leaks = leaks._replace(judged={**leaks.judged, "warming_up": 5})
    text = render_markdown(content._replace(leaks=leaks))
    named = "; ".join(f"`load` `/srv/app/main.py:{line}`: 1.00 MiB live" for line in (30, 31, 32))
    assert f"\nStill warming up: {named}; and 2 more.\n" in text
    assert "Still warming up" not in render_markdown(content)


def test_parts_of_a_leak_are_listed_below_its_first_site(
    tmp_path: Path, content_of: Contents
) -> None:
    content = content_of(write_known_trace(tmp_path / "t.mlyze"))
    text = render_markdown(held_by(content, "app.cache.SESSIONS", parts=2))
    assert text.count("\n- `load`") == 1
    for line in (21, 22):
        assert f"  - held with it: `load` `/srv/app/main.py:{line}`: 1.00 MiB live, growing" in text
    assert "more that grow" not in text
    assert "\n- and 4 more that grow" in render_markdown(held_by(content, "app.SESSIONS", more=4))


def test_what_has_changed_comes_first(tmp_path: Path, content_of: Contents) -> None:
    path = write_known_trace(tmp_path / "t.mlyze")
    TraceEncoder({"process_id": 7, "sample_rate": 1.0}).write(tmp_path / "base.mlyze")
    text = render_markdown(content_of(path, base=str(tmp_path / "base.mlyze")))
    assert text.index("**Compared with base\\.mlyze**") < text.index("**Top sites**")
    assert "| not freed | 0 B | 1.03 KiB | +1.03 KiB | (new) |" in text
    assert "differ beyond chance in what was live at the peak." in text
    assert re.search(r"^\| `load .*` \| 0 B \| 400 B \| \+400 B \| \(new\) \|$", text, re.MULTILINE)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("plain", "`plain`"),
        ("a`b", "`` a`b ``"),
        ("a``b", "``` a``b ```"),
        ("a|b", "`a\\|b`"),
        ("a\nb", "`a\\nb`"),
        ("", "` `"),
    ],
)
def test_code_holds_any_text(text: str, expected: str) -> None:
    assert code(text) == expected


def test_text_in_a_sentence_has_no_meaning() -> None:
    assert escape("[x](y) <b> @me") == "\\[x\\]\\(y\\) \\<b\\> \\@me"


def test_trace_with_nothing_in_it(tmp_path: Path, content_of: Contents) -> None:
    TraceEncoder({"process_id": 1}).write(tmp_path / "t.mlyze", complete=False)
    text = render_markdown(content_of(str(tmp_path / "t.mlyze")))
    assert "No allocation was written before the trace was cut off" in text


def test_growth_that_was_freed_at_the_end_is_told(tmp_path: Path, content_of: Contents) -> None:
    lives = [Life("frames", at, 1990, 2000) for at in range(20, 1980, 2)]
    text = render_markdown(content_of(write_lives(tmp_path / "t.mlyze", lives)))
    assert "**Leaks: no site grows without bound to the end. 1 site grew until" in text
    assert re.search(r"- `frames` `/srv/app/main.py:10`: 1.87 MiB at peak, freed at ", text)
    assert "  - `not known: of process " in text
