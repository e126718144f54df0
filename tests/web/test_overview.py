"""What a trace covers, and what can be asked of it."""

from __future__ import annotations

from pathlib import Path

from known_trace import MS, known_trace
from served import CONTRACT, Served, serving


def test_traces_are_listed_in_the_order_in_which_they_were_given(served: Served) -> None:
    found = served.get("traces")["traces"]
    assert [trace["id"] for trace in found] == ["exact.mlyze", "sampled.mlyze"]
    assert {trace["state"] for trace in found} == {"complete"}
    assert found[0]["command_line"] == "python main.py two words"


def test_info_tells_what_is_covered(served: Served) -> None:
    info = served.get("info")
    assert info["duration_ns"] == 20 * MS
    assert info["bytes"] == {"value": 1550.0, "error": 0.0}
    assert info["peak_rss"]["bytes"] == 9000
    assert [thread["name"] for thread in info["threads"]] == ["MainThread", None]
    assert info["has"]["windows"] and info["has"]["resident"]


def test_info_of_a_sampled_trace_has_error_bars(served: Served) -> None:
    info = served.get("info", trace="sampled.mlyze")
    assert not info["is_exact"]
    assert info["bytes"]["error"] > 0


def test_lanes_have_each_window_in_a_row_where_it_overlaps_no_other(served: Served) -> None:
    windows = served.get("lanes")["windows"]
    assert windows["name"] == ["outer", "inner", "inner"]
    assert windows["row"] == [0, 1, 0]
    assert windows["end_ns"] == [5 * MS, 4 * MS, None]


def test_lanes_merge_collector_runs_where_there_are_more_than_marks(served: Served) -> None:
    runs = served.get("lanes", marks=1)["gc"]
    assert (runs["count"], runs["duration_ns"], runs["generation"]) == ([2], [4000], [2])
    assert served.get("lanes", from_ns=10 * MS)["gc"]["time_ns"] == [16 * MS]


def test_schema_has_the_types_of_views(served: Served) -> None:
    schema = served.get("schema")
    (allocations,) = [view for view in schema["views"] if view["name"] == "allocations"]
    types = {column["name"]: column["type"] for column in allocations["columns"]}
    assert (types["size"], types["allocator"]) == ("BIGINT", "VARCHAR")


def test_answer_is_not_sent_again_to_who_has_it(served: Served) -> None:
    first = served.client.get("/api/info")
    again = served.client.get("/api/info", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = served.client.get("/api/info", params={"trace": "sampled.mlyze"})
    assert other.headers["etag"] != first.headers["etag"]


def test_long_answers_and_pages_are_packed_for_who_can_unpack_them(served: Served) -> None:
    for path in ("/api/schema", "/"):
        plain = served.client.get(path, headers={"Accept-Encoding": "identity"})
        packed = served.client.get(path, headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in plain.headers
        assert packed.content == plain.content  # unpacked by the client
    assert served.client.get("/api/schema").headers["content-encoding"] == "gzip"


def test_unknown_trace_is_named(served: Served) -> None:
    assert served.refusal("info", trace="no.mlyze") == (
        404,
        "no trace 'no.mlyze' is served here; choose one of the list",
    )


def test_unknown_parameter_is_refused_with_those_that_there_are(served: Served) -> None:
    status, words = served.refusal("lanes", fromNs=3)
    assert status == 400
    assert "'fromNs'" in words and "from_ns" in words


def test_number_out_of_range_is_refused(served: Served) -> None:
    assert served.refusal("lanes", from_ns=-1)[0] == 400
    assert served.refusal("lanes", from_ns=1 << 63)[0] == 400
    assert served.refusal("lanes", marks="many") == (400, "marks is a whole number, not 'many'")


def test_path_that_is_not_in_the_contract_is_not_found(served: Served) -> None:
    status, _ = served.refusal("secrets")
    assert status == 404


def test_damage_is_told_of_what_no_view_has_read(tmp_path: Path) -> None:
    (tmp_path / "bad.mlyze").write_bytes(known_trace().damaged("object_references"))
    with serving(tmp_path / "bad.mlyze") as served:
        info = served.get("info")
    (damage,) = info["damage"]
    assert "1 object_references block is unreadable" in damage
    assert any(damage in note for note in info["notes"])


def test_contract_is_served(served: Served) -> None:
    assert served.get("openapi.json") == CONTRACT


def test_contract_names_each_parameter_with_its_meaning() -> None:
    for path, operations in CONTRACT["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                has_words = "$ref" in parameter or parameter.get("description")
                assert has_words or parameter["in"] == "path", f"{path}: {parameter}"
