"""The SQL console: reads the trace and nothing else, and can always be stopped."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from known_trace import write_known_trace
from served import CONTRACT, Served, check, check_schema, serving

from memlyze.query.definitions import examples
from memlyze.web import console
from memlyze.web.console_limits import LIMITS
from memlyze.web.failures import TooSlowError

NUMBERS = itertools.count()
#: Runs for minutes.
ENDLESS = (
    "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range % 7 = b.range % 11"
)
#: One scalar, which DuckDB does not interrupt.
STUBBORN = "SELECT length(repeat('ab', 800000000)) + length(repeat('ab', 700000000)) AS n"


def new_id() -> str:
    return f"q{next(NUMBERS)}"


def post(served: Served, query: str, query_id: str | None = None, **more: Any) -> httpx.Response:
    body = {"query": query, "query_id": query_id or new_id(), **more}
    return served.client.post("/api/sql", json=body)


def run(served: Served, query: str, **more: Any) -> Any:
    """The result of a query that is right."""
    response = post(served, query, **more)
    assert response.status_code == 200, response.text
    check("/api/sql", response.json(), "post")
    return response.json()


def test_result_has_columns_with_types_and_the_first_page(served: Served) -> None:
    found = run(
        served, "SELECT size, allocator, weight FROM allocations ORDER BY size", page_rows=2
    )
    assert [column["type"] for column in found["columns"]] == ["BIGINT", "VARCHAR", "DOUBLE"]
    assert (found["row_count"], found["is_truncated"]) == (6, False)
    assert found["page"]["columns"] == [[50, 100], ["object", "object"], [1.0, 1.0]]


def test_query_is_of_the_trace_that_is_named(served: Served) -> None:
    query = "SELECT max(weight) FROM allocations"
    assert run(served, query)["page"]["columns"] == [[1.0]]
    assert run(served, query, trace="sampled.mlyze")["page"]["columns"][0][0] > 1


def test_further_pages_are_given(served: Served) -> None:
    query_id = run(served, "SELECT range AS i FROM range(100000)", query_id=new_id())["query_id"]
    response = served.client.get(f"/api/sql/{query_id}", params={"offset": 70_000, "limit": 3})
    check("/api/sql/{query_id}", response.json())
    assert response.json()["columns"] == [[70_000, 70_001, 70_002]]
    beyond = served.client.get(f"/api/sql/{query_id}", params={"offset": 100_000}).json()
    assert beyond["row_count"] == 0


def test_rows_beyond_a_million_are_said_to_be_left_out(served: Served) -> None:
    found = run(served, "SELECT range FROM range(1000001)")
    assert (found["row_count"], found["is_truncated"]) == (1_000_000, True)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("NULL", None),
        ("9007199254740993", "9007199254740993"),
        ("sum(3) FROM range(2)", 6),
        ("sum(9007199254740993::BIGINT)", "9007199254740993"),
        ("-(1::HUGEINT << 100)", "-1267650600228229401496703205376"),
        ("sum(NULL::BIGINT)", None),
        ("'NaN'::DOUBLE", None),
        ("'inf'::DOUBLE", "inf"),
        ("[1, 2]", "[1, 2]"),
        ("DATE '2026-01-02'", "2026-01-02"),
        ("1.5::DECIMAL(5, 2)", "1.50"),
        ("true", True),
        ("'<b>\u202e\u0001'", "<b>\u202e\u0001"),
        ("'a\\x00'::BLOB", "6100"),
    ],
)
def test_value_comes_as_something_that_javascript_holds(
    served: Served, expression: str, value: object
) -> None:
    assert run(served, f"SELECT {expression}")["page"]["columns"] == [[value]]


def test_columns_of_one_name_are_both_there(served: Served) -> None:
    found = run(served, "SELECT 1 AS a, 2 AS a")
    assert found["page"]["columns"] == [[1], [2]]


def test_result_without_rows_has_its_columns(served: Served) -> None:
    found = run(served, "SELECT size, [size] AS listed FROM allocations WHERE size < 0")
    assert ([c["name"] for c in found["columns"]], found["row_count"]) == (["size", "listed"], 0)


@pytest.mark.parametrize("example", examples(), ids=range(len(examples())))
def test_example_runs(served: Served, example: Any) -> None:
    assert example.title
    run(served, example.sql)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT sise FROM allocations", "size"),
        ("SELECT 1; SELECT 2", "one SQL statement"),
        ("DROP VIEW allocations", "reads only"),
        ("SELECT * FROM '/etc/passwd'", "/etc/passwd"),
        ("SELECT * FROM read_csv('/etc/passwd')", "disabled by configuration"),
        ("SELECT * FROM read_text('https://example.com/x')", "disabled by configuration"),
        ("COPY (SELECT 1) TO '/tmp/memlyze-written'", "reads only"),
        ("SET memory_limit = '1TB'", "reads only"),
        ("INSTALL httpfs", "reads only"),
        ("", "one SQL statement"),
    ],
)
def test_query_that_is_wrong_or_does_more_than_read_is_refused(
    served: Served, query: str, words: str
) -> None:
    response = post(served, query)
    assert response.status_code == 400
    check_schema({"$ref": "#/components/schemas/Error"}, response.json())
    assert response.json()["kind"] == "query"
    assert words in response.json()["error"]


def test_query_that_is_no_text_is_refused(served: Served) -> None:
    body = b'{"query": "SELECT \\ud800", "query_id": "no_text"}'
    headers = {"content-type": "application/json"}
    response = served.client.post("/api/sql", content=body, headers=headers)
    assert response.status_code == 400
    assert "surrogate" in response.json()["error"]


@pytest.mark.parametrize("query", [ENDLESS, STUBBORN])
def test_running_query_is_cancelled_and_the_next_one_runs(served: Served, query: str) -> None:
    query_id = new_id()
    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(post(served, query, query_id)))
    thread.start()
    while thread.is_alive():  # it may not have begun
        assert served.client.delete(f"/api/sql/{query_id}").status_code == 204
        thread.join(0.2)
    assert answers[0].status_code in (413, 499), answers[0].text
    assert run(served, "SELECT 1")["page"]["columns"] == [[1]]


def test_process_that_does_not_stop_in_time_is_ended_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(console, "_CODE", "import sys; sys.stdin.read()")  # it never answers
    monkeypatch.setattr(console, "_GRACE_S", 0.5)
    monkeypatch.setattr(console, "LIMITS", LIMITS._replace(seconds=0))
    unseen: list[Any] = []

    async def ask() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: unseen.append(told))
        asked = console.Console()
        with pytest.raises(TooSlowError):
            await asked.run(SimpleNamespace(path="t.mlyze", revision=1), "SELECT 1", "q", 10)  # type: ignore[arg-type]
        gc.collect()
        asked.close()

    asyncio.run(ask())
    assert not unseen


def test_query_that_takes_all_memory_ends_alone(served: Served) -> None:
    response = post(served, "SELECT list(repeat('x', 1000) || range) FROM range(10000000)")
    assert response.status_code == 413
    assert "memory" in response.json()["error"] or "MiB" in response.json()["error"]
    assert run(served, "SELECT 1")["page"]["columns"] == [[1]]


def test_query_whose_page_has_gone_is_stopped(served: Served) -> None:
    cookies, asked = served.client.cookies, {"query": ENDLESS, "query_id": new_id()}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(served.url + "/api/sql", json=asked, cookies=cookies, timeout=0.5)
    assert run(served, "SELECT 1")["page"]["columns"] == [[1]]  # waits for its turn


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet"])
def test_download_has_all_rows(served: Served, form: str) -> None:
    query_id = run(served, "SELECT range AS i FROM range(1000003)", query_id=new_id())["query_id"]
    response = served.client.get(f"/api/sql/{query_id}/download", params={"format": form})
    assert response.status_code == 200
    assert f'filename="query.{form}"' in response.headers["content-disposition"]
    if form == "csv":
        assert response.text.splitlines()[-1] == "1000002"
    elif form == "json":
        assert len(json.loads(response.text)) == 1_000_003
    elif form == "jsonl":
        assert json.loads(response.text.splitlines()[-1]) == {"i": 1_000_002}
    else:
        assert response.content[:4] == response.content[-4:] == b"PAR1"


def test_id_of_a_query_that_is_forgotten_can_be_used_again(served: Served) -> None:
    query_id = new_id()
    for number in range(3):
        found = run(served, f"SELECT {number}", query_id=query_id)
        assert found["page"]["columns"] == [[number]]
        assert "before" in post(served, "SELECT 9", query_id).json()["error"]
        assert served.client.delete(f"/api/sql/{query_id}").status_code == 204
        assert served.client.get(f"/api/sql/{query_id}").status_code == 404


def test_unknown_query_is_not_found(served: Served) -> None:
    assert served.client.get("/api/sql/never").status_code == 404
    assert served.client.get("/api/sql/never/download").status_code == 404
    assert served.client.delete("/api/sql/never").status_code == 204


@pytest.mark.parametrize(
    "body",
    [{}, {"query": "SELECT 1", "query_id": "../x"}, {"query": 1, "query_id": "a"}, []],
)
def test_request_of_another_shape_is_refused(served: Served, body: Any) -> None:
    assert served.client.post("/api/sql", json=body).status_code == 400


def test_form_of_another_page_is_refused(served: Served) -> None:
    response = served.client.post("/api/sql", content=b"{}", headers={"content-type": "text/plain"})
    assert response.status_code == 400


def test_query_longer_than_a_mebibyte_is_refused(served: Served) -> None:
    assert post(served, "SELECT '" + "x" * (1 << 20) + "'").status_code == 413


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    with serving(write_known_trace(tmp_path / "t.mlyze")) as served:
        query_id = run(served, "SELECT 1", query_id=new_id())["query_id"]
        served.client.get(f"/api/sql/{query_id}/download")
        assert os.listdir(temporary)
    assert os.listdir(temporary) == []


def test_limits_are_told() -> None:
    assert "limits" in CONTRACT["components"]["schemas"]["Schema"]["properties"]
