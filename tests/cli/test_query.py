"""`memlyze query` as a user types it."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import Runner, clean_environment
from known_trace import write_known_trace
from pseudo_terminal import PseudoTerminal

SITES = "SELECT function, bytes FROM hotspots() ORDER BY bytes DESC"


@pytest.fixture
def trace(tmp_path: Path) -> str:
    write_known_trace(tmp_path / "t.mlyze")
    return "t.mlyze"


def test_table_is_plain_text_with_every_row_when_nobody_looks(trace: str, memlyze: Runner) -> None:
    result = memlyze("query", SITES, trace)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (
        "function   bytes\n─────────  ─────\nload         900\n<unknown>    500\nmain         150\n"
    )
    assert len(memlyze("query", "FROM range(500)", trace).stdout.splitlines()) == 502


def test_csv(trace: str, memlyze: Runner) -> None:
    output = memlyze("query", "--format", "csv", "SELECT 'a,\"b' AS x, 1 AS y", trace).stdout
    assert list(csv.reader(output.splitlines())) == [["x", "y"], ['a,"b', "1"]]


def test_json_is_one_array_and_jsonl_an_object_a_line(trace: str, memlyze: Runner) -> None:
    expected = [
        {"function": "load", "bytes": 900},
        {"function": "<unknown>", "bytes": 500},
        {"function": "main", "bytes": 150},
    ]
    assert json.loads(memlyze("query", "--format", "json", SITES, trace).stdout) == expected
    lines = memlyze("query", "--format", "jsonl", SITES, trace).stdout.splitlines()
    assert [json.loads(line) for line in lines] == expected


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "table"])
def test_terminal_is_given_no_control_characters(
    form: str, trace: str, memlyze: Runner, tmp_path: Path
) -> None:
    """Names that the traced program chose could change it; a file has them as they are."""
    query = "SELECT chr(27) || '[31m' || chr(155) || 'é…' || chr(8238) || chr(127) AS x, 'end' AS y"
    with PseudoTerminal("query", "--format", form, query, trace, cwd=tmp_path) as terminal:
        shown = terminal.expect("end")
        assert terminal.wait() == 0
    assert "é…" in shown
    assert not [c for c in shown if c not in "\r\n\t" and not c.isprintable()]
    if form != "table":
        name = f"result.{form}"
        assert memlyze("query", "-o", name, query, trace).returncode == 0
        assert chr(155) in (tmp_path / name).read_text(encoding="utf-8")
    if form == "jsonl":
        found = json.loads(shown[shown.index("{") :] + '"}')
        assert found["x"] == "\x1b[31m\x9bé…\u202e\x7f"


def test_name_of_a_column_brings_no_control_characters_either(trace: str, memlyze: Runner) -> None:
    """A pivot makes columns of what the trace contains."""
    pivot = "PIVOT (SELECT chr(27) || '[2Jx' AS name, 1 AS n) ON name USING sum(n)"
    result = memlyze("query", pivot, trace)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[0].strip() == r"\x1b[2Jx"


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "table"])
def test_result_without_rows(form: str, trace: str, memlyze: Runner) -> None:
    result = memlyze("query", "--format", form, "SELECT 1 AS a WHERE false", trace)
    assert (result.returncode, result.stderr) == (0, "")
    if form == "json":
        assert json.loads(result.stdout) == []


def test_parquet_file_can_be_read_back(trace: str, memlyze: Runner, tmp_path: Path) -> None:
    import duckdb

    result = memlyze("query", SITES, trace, "-o", "out.parquet")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    rows = duckdb.sql(f"FROM '{tmp_path / 'out.parquet'}'").fetchall()
    assert rows == [("load", 900), ("<unknown>", 500), ("main", 150)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.parquet", "t.mlyze"]


def test_parquet_can_be_piped(trace: str, memlyze: Runner, tmp_path: Path) -> None:
    with open(tmp_path / "piped", "wb") as file:
        subprocess.run(
            [sys.executable, "-m", "memlyze", "query", "--format", "parquet", SITES, trace],
            cwd=tmp_path,
            env=clean_environment(),
            stdout=file,
            check=True,
        )
    content = (tmp_path / "piped").read_bytes()
    assert content[:4] == content[-4:] == b"PAR1"


def test_arrow_file_or_how_to_get_it(trace: str, memlyze: Runner, tmp_path: Path) -> None:
    result = memlyze("query", SITES, trace, "--format", "arrow", "-o", "out.arrow")
    try:
        import pyarrow
    except ImportError:
        assert result.returncode == 1
        assert "pip install pyarrow" in result.stderr
    else:
        with pyarrow.ipc.open_file(str(tmp_path / "out.arrow")) as reader:
            assert reader.read_all().column("bytes").to_pylist() == [900, 500, 150]


@pytest.mark.parametrize("form", ["csv", "table"])
def test_output_goes_after_what_a_file_holds_already(form: str, trace: str, tmp_path: Path) -> None:
    with open(tmp_path / "log", "ab") as file:
        file.write(b"before\n")
        file.flush()
        subprocess.run(
            [sys.executable, "-m", "memlyze", "query", "--format", form, "SELECT 7 AS n", trace],
            cwd=tmp_path,
            env=clean_environment(),
            stdout=file,
            check=True,
        )
    text = (tmp_path / "log").read_text(encoding="utf-8")
    assert text.startswith("before\nn\n")
    assert text.endswith("7\n")


def test_query_from_a_file(trace: str, memlyze: Runner, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("-- sites\n" + SITES + ";\n")
    assert (
        memlyze("query", "--file", "q.sql", trace).stdout == memlyze("query", SITES, trace).stdout
    )


def test_several_traces(trace: str, memlyze: Runner, tmp_path: Path) -> None:
    write_known_trace(tmp_path / "u.mlyze", process_id=8)
    result = memlyze(
        "query",
        "--format",
        "csv",
        "SELECT count(DISTINCT process_id) AS n FROM gc",
        trace,
        "u.mlyze",
    )
    assert result.stdout == "n\n2\n"


def test_schema_needs_no_trace_and_names_every_column(memlyze: Runner) -> None:
    from memlyze.query.definitions import macros, views

    output = memlyze("query", "--schema").stdout
    for definition in views() + macros():
        assert definition.signature in output
        for column in definition.columns:
            assert f"    {column.name} " in output


def test_wrong_column_is_answered_with_duckdbs_message_and_those_that_exist(
    trace: str, memlyze: Runner
) -> None:
    result = memlyze("query", "SELECT sizes FROM allocations", trace)
    assert (result.returncode, result.stdout) == (1, "")
    assert "sizes" in result.stderr
    assert "allocations has: allocation_id, time_ns, freed_ns, size" in result.stderr
    assert "Traceback" not in result.stderr


def test_wrong_table_is_answered_with_the_views_and_macros(trace: str, memlyze: Runner) -> None:
    result = memlyze("query", "SELECT * FROM alocations", trace)
    assert result.returncode == 1
    assert "views:  allocations, " in result.stderr
    assert "live_at(t)" in result.stderr


def test_query_cannot_touch_files_unless_it_is_allowed_to(
    trace: str, memlyze: Runner, tmp_path: Path
) -> None:
    (tmp_path / "data.csv").write_text("a\n5\n")
    refused = memlyze("query", "FROM 'data.csv'", trace)
    assert refused.returncode == 1
    assert "5" not in refused.stdout
    allowed = memlyze("query", "--allow-files", "--format", "csv", "FROM 'data.csv'", trace)
    assert allowed.stdout == "a\n5\n"
    copied = memlyze("query", "--allow-files", "COPY gc TO 'gc.csv'", trace)
    assert (copied.returncode, copied.stderr) == (0, "")
    assert (tmp_path / "gc.csv").read_text().startswith("time_ns,")


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ([], "which trace?"),
        (["SELECT 1"], "which trace?"),
        (["SELECT 1", "missing.mlyze"], "there is no file missing.mlyze"),
        (["t.mlyze", "select 1"], "before the traces: memlyze query 'select 1' t.mlyze"),
        (["t.mlyze", "u.mlyze", "FROM gc"], "the query comes before the traces"),
        (["t.mlyze", "selected"], "there is no file selected"),
        (["missing.mlyze"], "there is no file missing.mlyze"),
        (["--format", "xml", "SELECT 1", "t.mlyze"], "memlyze query --help"),
        (["--file", "missing.sql", "t.mlyze"], "missing.sql cannot be read"),
        (["SELECT 1", "t.mlyze", "-o", "t.mlyze"], "would overwrite the trace"),
        (["SELECT 1", "t.mlyze", "-o", "."], "is a folder"),
        (["SELECT 1", "t.mlyze", "-o", "there.csv"], "there.csv exists; replace it with --force"),
        (["SELECT 1", "."], "is a folder"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    arguments: list[str], advice: str, trace: str, memlyze: Runner, tmp_path: Path
) -> None:
    (tmp_path / "there.csv").write_text("precious")
    result = memlyze("query", *arguments)
    assert (tmp_path / "there.csv").read_text() == "precious"
    assert (result.returncode, result.stdout) == (2, "")
    assert advice in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("from_a_pipe", [False, True])
def test_query_that_is_no_text_is_refused(from_a_pipe: bool, trace: str, memlyze: Runner) -> None:
    query = os.fsdecode(b"SELECT 1,\n \xff")
    environment = {**clean_environment(), "PYTHONIOENCODING": "utf-8:surrogateescape"}
    if from_a_pipe:
        result = memlyze("query", trace, env=environment, input=query, errors="surrogateescape")
    else:
        result = memlyze("query", query, trace, env=environment)
    assert (result.returncode, result.stdout) == (1, "")
    assert "has no character at line 2, column 2, but '\\udcff'" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_file_that_is_no_trace_is_one_line(memlyze: Runner, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a trace")
    result = memlyze("query", "SELECT 1", "notes.txt")
    assert result.returncode == 1
    assert "notes.txt" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("form", ["table", "csv", "jsonl"])
def test_reader_that_stops_early_ends_the_query_quietly(
    form: str, trace: str, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "memlyze", "query", "--format", form),
            *("SELECT i AS n FROM range(200000) AS r (i)", trace),
        ],
        cwd=tmp_path,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        complaint = process.stderr.read()
        process.wait(timeout=60)
    assert complaint == b""
    assert process.returncode == -signal.SIGPIPE
    assert not list(Path(os.environ.get("TMPDIR", "/tmp")).glob(f"memlyze-{process.pid}*"))


def test_statements_from_a_pipe_are_answered_one_by_one(trace: str, memlyze: Runner) -> None:
    result = memlyze("query", trace, "--format", "csv", input="SELECT 1 AS a;\nSELECT\n2 AS b;\n")
    assert result.stdout == "a\n1\nb\n2\n"
    statements = "SELECT 1 AS a;\nSELECT x;\nSELECT 2 AS b;\n"
    failed = memlyze("query", trace, "--format", "csv", input=statements)
    assert (failed.returncode, failed.stdout) == (1, "a\n1\n")


def test_cut_off_trace_is_queried_and_said_to_be_cut_off(
    trace: str, memlyze: Runner, tmp_path: Path
) -> None:
    content = (tmp_path / trace).read_bytes()
    (tmp_path / "cut.mlyze").write_bytes(content[: len(content) * 3 // 4])
    result = memlyze("query", "--format", "csv", "SELECT count(*) AS n FROM threads", "cut.mlyze")
    assert (result.returncode, result.stdout) == (0, "n\n2\n")
    assert "cut off" in result.stderr


@pytest.mark.parametrize("form", ["table", "csv"])
def test_interrupt_ends_a_long_query_quietly(form: str, trace: str, tmp_path: Path) -> None:
    # The second row never comes: the query runs until it is stopped.
    query = "SELECT i FROM range(1000000000000) AS r (i) WHERE hash(i) % 9000000000000 = 3"
    folder = tmp_path / "temporary"
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "memlyze", "query", "--format", form, query, trace],
        cwd=tmp_path,
        env={**clean_environment(), "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        while not os.listdir(folder):  # made when the trace is opened for queries
            assert process.poll() is None
            time.sleep(0.02)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=60)
    assert complaint == b""
    assert process.returncode == -signal.SIGINT
    assert os.listdir(folder) == []


@pytest.mark.parametrize("form", ["csv", "table"])
def test_output_file_is_replaced_when_forced(
    form: str, trace: str, memlyze: Runner, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("old")
    (tmp_path / "link").symlink_to("out")
    arguments = ("query", "SELECT 7 AS n", trace, "--format", form, "-o", "link")
    failed = memlyze(*arguments, "--force", "--file", "missing.sql")
    assert failed.returncode == 2 and (tmp_path / "out").read_text() == "old"
    assert memlyze(*arguments, "--force").returncode == 0
    assert (tmp_path / "out").read_text(encoding="utf-8").split()[0] == "n"
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("form", ["csv", "table"])
def test_output_may_be_a_pipe(form: str, trace: str, memlyze: Runner, tmp_path: Path) -> None:
    """As `-o >(gzip > out.gz)` gives; the like of /dev/null must not become a file either."""
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(
        ["cat", "pipe"], cwd=tmp_path, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as reader:
        done = memlyze("query", "SELECT 7 AS n", trace, "--format", form, "-o", "pipe")
        output, _ = reader.communicate(timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert output.split()[0] == "n" and (tmp_path / "pipe").is_fifo()


def test_trace_that_is_given_twice_is_read_once(
    trace: str, memlyze: Runner, tmp_path: Path
) -> None:
    (tmp_path / "same.mlyze").symlink_to(trace)
    query = "SELECT count(*) AS n FROM allocations"
    done = memlyze("query", "--format", "csv", query, trace, f"./{trace}", "same.mlyze")
    assert done.stdout == "n\n6\n"
    assert done.stderr == f"memlyze: ./{trace} was given more than once and is read once\n"


def test_name_of_the_output_with_an_unknown_suffix_is_refused(
    trace: str, memlyze: Runner, tmp_path: Path
) -> None:
    refused = memlyze("query", "-o", "result.xlsx", "SELECT 1", trace)
    assert refused.returncode == 2
    assert "there is no format .xlsx" in refused.stderr and ".parquet" in refused.stderr
    assert not (tmp_path / "result.xlsx").exists()
    for words in (("-o", "result.txt"), ("-o", "result"), ("--format", "csv", "-o", "r.xlsx")):
        assert memlyze("query", *words, "SELECT 1", trace).returncode == 0


def test_large_figures_of_a_table_are_spelled_out(trace: str, memlyze: Runner) -> None:
    query = "SELECT 203425342.77::DOUBLE AS a, 0.123456789::DOUBLE AS b, 1e300::DOUBLE AS c"
    row = memlyze("query", query, trace).stdout.splitlines()[2]
    assert row.split() == ["203425343", "0.123457", "1e+300"]


def test_a_hyphen_is_standard_output(trace: str, memlyze: Runner, tmp_path: Path) -> None:
    for words in ([], ["--format", "csv"]):
        told = memlyze("query", *words, "-o", "-", SITES, trace)
        assert (told.returncode, told.stderr) == (0, "")
        assert told.stdout == memlyze("query", *words, SITES, trace).stdout != ""
    assert not (tmp_path / "-").exists()
