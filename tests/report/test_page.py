"""The page holds what the trace shows, loads nothing, and lets no name become more than text."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import re
from pathlib import Path
from typing import Any, Callable

import pytest
from hostile_trace import HOSTILE
from known_trace import write_known_trace
from lives_trace import Life, write_lives
from suspect import held_by
from trace_encoder import Allocation, Run, TraceEncoder

from memlyze.report.page import render_page

Contents = Callable[..., Any]
MS = 10**6
MIB = 1 << 20


class Page(html.parser.HTMLParser):
    """The elements and texts of a page, as a browser would find them."""

    VOID = ("meta", "input", "br", "col", "link", "img")

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = text
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {}
        self.shown = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        tag = self._open[-1] if self._open else ""
        self.inside.setdefault(tag, []).append(data)
        if tag not in ("script", "style"):
            self.shown += data

    @property
    def data(self) -> Any:
        return json.loads(self.inside["script"][0])


def page_of(content: Any) -> Page:
    return Page(render_page(content))


def write_half(path: Path) -> str:
    """A trace with nothing but the first allocation of the known one."""
    trace = TraceEncoder({"process_id": 7, "sample_rate": 1.0, "end_ns": 20 * 10**6})
    code = {"code_id": 2, "function": "main", "file": "/srv/app/main.py", "first_line": 10}
    trace.add("codes", [code])
    trace.add("stacks", [{"stack_id": 1, "parent_id": 0, "code_id": 2}])
    trace.add_runs([Run(1, 10**6, 65536, [Allocation(100, 1)])])
    trace.write(path)
    return str(path)


@pytest.fixture
def page(tmp_path: Path, content_of: Contents) -> Page:
    return page_of(content_of(write_known_trace(tmp_path / "t.mlyze")))


def test_page_shows_figures_sites_and_peaks(page: Page) -> None:
    for text in (
        "peak live memory",
        "1.03 KiB",
        "1.51 KiB",
        "main.py:20",
        "python main.py",
        "load",
    ):
        assert text in page.shown
    ids = [attributes.get("id") for _, attributes in page.elements]
    assert {"timeline", "leaks", "sites", "flame", "resident", "window", "thread"} <= set(ids)


def test_resident_memory_is_the_programs_with_the_recorders_beside_it(
    tmp_path: Path, content_of: Contents
) -> None:
    trace = TraceEncoder({"process_id": 1})
    snapshots = [(1 * MS, 30 * MIB, 2 * MIB), (2 * MS, 20 * MIB, 90 * MIB)]
    for time_ns, objects, own in snapshots:
        rows = [{"category": 1, "resident_bytes": objects}, {"category": 11, "resident_bytes": own}]
        trace.add("resident", [dict(row, time_ns=time_ns, mappings=1) for row in rows])
    trace.add(
        "memory", [{"time_ns": t, "rss": a + own, "tracer_bytes": own} for t, a, own in snapshots]
    )
    trace.write(tmp_path / "t.mlyze")
    shown = page_of(content_of(str(tmp_path / "t.mlyze"))).shown
    assert "30.0 MiB at 1.00 ms, the snapshot that saw most of it." in shown
    assert "memlyze itself held 2.00 MiB beside it." in shown
    assert "110 MiB" not in shown


def test_every_picture_has_a_table(page: Page) -> None:
    assert page.shown.count("as a table") == 1 + len(page.data["graphs"])


def test_flame_graphs_add_up(page: Page) -> None:
    labels = [graph["label"] for graph in page.data["graphs"]]
    assert labels == ["Allocated", "Live at the peak", "Not freed"]
    allocated = page.data["graphs"][0]
    assert allocated["bytes"][0] == 1550
    assert sum(allocated["self"]) == 1550
    assert all(parent < node for node, parent in enumerate(allocated["parent"]))
    named = {page.data["frames"][frame][0] for frame in allocated["frame"][1:]}
    assert named == {"main", "load", "decode", "(no Python code)"}


def test_flame_graph_tells_modules_apart(tmp_path: Path, content_of: Contents) -> None:
    trace = TraceEncoder({"process_id": 7, "sample_rate": 1.0, "end_ns": 20 * MS})
    file = "/v/lib/python3.11/site-packages/django/http/response.py"
    code = {"code_id": 2, "function": "<module>", "file": file, "first_line": 10}
    trace.add("codes", [code])
    trace.add("stacks", [{"stack_id": 1, "parent_id": 0, "code_id": 2}])
    trace.add_runs([Run(1, MS, 65536, [Allocation(100, 1)])])
    trace.write(tmp_path / "t.mlyze")
    page = page_of(content_of(str(tmp_path / "t.mlyze")))
    assert [frame[0] for frame in page.data["frames"]] == ["<module> django/http/response.py"]


def test_page_loads_nothing_and_says_so_in_its_policy(page: Page) -> None:
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form", "a")
        assert not {"src", "href", "action", "style"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"url\(|@import|https?:|fetch\(|XMLHttp|innerHTML|eval\(", page.text)
    (policy,) = [
        attributes["content"]
        for _, attributes in page.elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None and policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy and "*" not in policy
    for kind, text in (("script", page.inside["script"][-1]), ("style", page.inside["style"][0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_hostile_names_are_text(hostile_trace: str, content_of: Contents) -> None:
    notes = (f"a note about {HOSTILE[0]}",)
    page = page_of(content_of(hostile_trace, title=HOSTILE[0], notes=notes))
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == 2
    assert tags.count("style") == 1
    assert not {"img", "b"} & set(tags)
    assert HOSTILE[0] in page.shown and HOSTILE[1] in page.shown
    assert "שלום עולם" in page.shown
    for whole in (page.shown, json.dumps(page.data, ensure_ascii=False)):
        assert not re.search(
            "[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", whole
        )
    assert "\\x1b[31mred" in page.shown
    assert "\\u202etxt.exe" in page.shown


def test_very_long_name_is_cut_in_its_middle(hostile_trace: str, content_of: Contents) -> None:
    page = page_of(content_of(hostile_trace))
    assert "xxx…xxx" in page.shown
    assert "x" * 200 not in page.shown
    assert len(page.text) < 150_000


def test_names_keep_their_direction_to_themselves(hostile_trace: str, content_of: Contents) -> None:
    page = page_of(content_of(hostile_trace))
    assert "שלום עולם" in "".join(page.inside["bdi"])


def test_trace_with_nothing_in_it(tmp_path: Path, content_of: Contents) -> None:
    TraceEncoder({"process_id": 1}).write(tmp_path / "t.mlyze", complete=False)
    page = page_of(content_of(str(tmp_path / "t.mlyze"), notes=("the trace was cut off",)))
    assert "the trace was cut off" in page.shown
    assert "No allocation was written before the trace was cut off" in page.shown
    assert "Nor is there a reading of memory." in page.shown
    assert page.data["graphs"] == []


def test_sampled_figures_carry_their_error_or_say_that_there_is_none(
    tmp_path: Path, content_of: Contents
) -> None:
    page = page_of(content_of(write_known_trace(tmp_path / "t.mlyze", sampled=True)))
    assert "few samples" in page.shown
    assert "the figures are estimates from 6 samples" in page.shown
    assert set(page.data["graphs"][0]["error"][1:]) == {-1}


def test_suspect_is_shown_with_who_holds_it(tmp_path: Path, content_of: Contents) -> None:
    content = content_of(write_known_trace(tmp_path / "t.mlyze"))
    page = page_of(held_by(content, "app.cache.SESSIONS → ['<b>u17']"))
    assert "1 site grows without bound, by 1.00 KiB per second." in page.shown
    assert "90 %  app.cache.SESSIONS → ['<b>u17']" in page.shown
    assert "recorded of it: 10 objects of app.Session" in page.shown


def test_parts_of_a_leak_are_below_its_first_site(tmp_path: Path, content_of: Contents) -> None:
    content = content_of(write_known_trace(tmp_path / "t.mlyze"))
    page = page_of(held_by(content, "app.cache.SESSIONS", parts=2))
    assert "3 sites grow without bound, by 1.00 KiB per second: 1 leak, by what" in page.shown
    first, others = page.shown.split("Held with it: 2 more sites")
    assert "main.py:20" in first
    assert "main.py:21" not in first
    assert "main.py:21" in others
    assert "main.py:22" in others
    assert "more that grow" not in page.shown
    assert "and 4 more that grow" in page_of(held_by(content, "app.SESSIONS", more=4)).shown


def test_growth_that_was_freed_at_the_end_is_told(tmp_path: Path, content_of: Contents) -> None:
    lives = [Life("frames", at, 1990, 2000) for at in range(20, 1980, 2)]
    page = page_of(content_of(write_lives(tmp_path / "t.mlyze", lives)))
    assert "No site grows without bound to the end. 1 site grew until the program" in page.shown
    assert "1.87 MiB, until it was freed at " in page.shown
    assert "not known: of process " in page.shown


def test_page_says_what_has_changed(tmp_path: Path, content_of: Contents) -> None:
    base = write_known_trace(tmp_path / "base.mlyze")
    page = page_of(content_of(write_half(tmp_path / "t.mlyze"), base=base))
    assert "Compared with base.mlyze" in page.shown
    assert "differ beyond chance" in page.shown
    assert "(gone)" in page.shown


def test_same_trace_gives_the_same_page(tmp_path: Path, content_of: Contents) -> None:
    path = write_known_trace(tmp_path / "t.mlyze")
    assert render_page(content_of(path)) == render_page(content_of(path))
