"""`memlyze export`, as a user calls it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from command_line import Runner
from known_trace import write_known_trace
from pprof_profile import Profile
from trace_encoder import TraceEncoder

# It reads what was written, as others do; there may be none for the newest CPython.
parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def trace(tmp_path: Path) -> str:
    return write_known_trace(tmp_path / "t.mlyze")


def test_pprof_file(trace: str, memlyze: Runner, tmp_path: Path) -> None:
    result = memlyze("export", "--format", "pprof", "-o", "p.pb.gz", "--what", "live", trace)
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "memlyze export: 4 stacks of what was live written to p.pb.gz\n"
    profile = Profile((tmp_path / "p.pb.gz").read_bytes())
    assert profile.default_sample_type == "inuse_space"
    assert profile.values_of("load", "main") == [1, 400, 1, 400]
    assert profile.comments == ["memlyze: t.mlyze"]


def test_collapsed_stacks_to_standard_output(trace: str, memlyze: Runner) -> None:
    result = memlyze("export", "--format", "collapsed", "--thread", "MainThread", trace)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert [int(line.rsplit(" ", 1)[1]) for line in lines] == [150, 400, 500]


def test_time_range_and_temporary(trace: str, memlyze: Runner) -> None:
    def total(*options: str) -> int:
        result = memlyze("export", "--format", "collapsed", *options, trace)
        assert result.returncode == 0, result.stderr
        return sum(int(line.rsplit(" ", 1)[1]) for line in result.stdout.splitlines())

    assert total("--time", "3ms..0.012") == 300 + 400 + 500
    assert total("--what", "temporary") == 300
    assert total("--what", "temporary", "--within", "7ms") == 200 + 300
    assert total("--unit", "allocations") == 6


def test_speedscope_to_standard_output(trace: str, memlyze: Runner) -> None:
    result = memlyze("export", "--format", "speedscope", trace)
    assert json.loads(result.stdout)["name"] == "memlyze: t.mlyze"


def test_all_views_into_a_folder(trace: str, memlyze: Runner, tmp_path: Path) -> None:
    result = memlyze("export", "--format", "parquet", "-o", "tables", trace)
    assert result.returncode == 0, result.stderr
    assert "files with" in result.stderr and "written to tables" in result.stderr
    table = parquet.read_table(str(tmp_path / "tables" / "allocations.parquet"))
    assert sum(table.column("bytes").to_pylist()) == 1550


def test_one_view_to_standard_output(trace: str, memlyze: Runner) -> None:
    result = memlyze("export", "--format", "csv", "--view", "threads", trace)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["os_thread_id"] for row in rows] == ["70", "71"]


def test_one_view_into_a_file(trace: str, memlyze: Runner, tmp_path: Path) -> None:
    options = ("--format", "json", "--view", "allocations", "--what", "live", "-o", "live.json")
    assert memlyze("export", *options, trace).returncode == 0
    assert len(json.loads((tmp_path / "live.json").read_text())) == 4
    again = memlyze("export", *options, trace)
    assert again.returncode == 2
    assert "live.json exists; replace it with --force" in again.stderr
    assert memlyze("export", *options, "--force", trace).returncode == 0


def test_partitions(trace: str, memlyze: Runner, tmp_path: Path) -> None:
    result = memlyze(
        *("export", "--format", "parquet", "--partition-by", "service,date,host"),
        *("--service", "shop", "--host", "web-1", "-o", "fleet", "--view", "gc", trace),
    )
    assert result.returncode == 0, result.stderr
    (file,) = (
        tmp_path / "fleet" / "gc" / "service=shop" / "date=2001-09-09" / "host=web-1"
    ).iterdir()
    assert parquet.read_table(str(file)).num_rows == 2


def test_profile_to_a_url(trace: str, memlyze: Runner, tmp_path: Path) -> None:
    options = ("export", "--format", "pprof", "-o", f"file://{tmp_path}/store/p.pb.gz", trace)
    assert memlyze(*options).returncode == 0
    assert Profile((tmp_path / "store" / "p.pb.gz").read_bytes()).samples
    assert "exists; replace it with --force" in memlyze(*options).stderr


@pytest.mark.parametrize("form", ["pprof", "speedscope", "collapsed", "csv"])
def test_trace_without_allocations(form: str, memlyze: Runner, tmp_path: Path) -> None:
    TraceEncoder({"process_id": 1}).write(tmp_path / "t.mlyze", complete=False)
    result = memlyze("export", "--format", form, "-o", "out", "t.mlyze")
    assert result.returncode == 0, result.stderr
    assert "the trace was cut off" in result.stderr
    assert (tmp_path / "out").exists()
    if form != "csv":
        assert "nothing allocated is in the trace; the profile is empty" in result.stderr


@pytest.mark.parametrize(
    "options, complaint",
    [
        (["--format", "parquet"], "several views need a folder"),
        (["--format", "parquet", "-o", "-"], "several views need a folder, not standard output"),
        (
            ["--format", "csv", "--view", "gc", "--partition-by", "date", "-o", "-"],
            "several views need a folder, not standard output",
        ),
        (["--format", "parquet", "-o", "t.mlyze"], "t.mlyze is a file"),
        (["--format", "csv", "--view", "gc", "-o", "t.mlyze"], "would overwrite the trace"),
        (["--format", "csv", "--view", "nosuch", "-o", "x"], "there is no view 'nosuch'"),
        (["--format", "pprof", "--view", "gc"], "--view is for tables"),
        (["--format", "parquet", "--service", "s", "-o", "x"], "add --partition-by"),
        (["--format", "pprof", "--unit", "bytes"], "--unit is for --format collapsed"),
        (["--format", "parquet", "--partition-by", "day", "-o", "x"], "there is no partition by"),
        (["--format", "parquet", "--partition-by", "service", "-o", "x"], "--service NAME"),
        (["--format", "collapsed", "--time", "soon..1s"], "'soon' is no moment; write it as"),
        (["--format", "collapsed", "--time", "2s..1s"], "ends before it begins"),
        (["--format", "collapsed", "--thread", "nobody"], "there is no thread 'nobody'"),
        (["--format", "pprof", "-o", "/nonexistent/folder/x"], "cannot be written"),
        ([], "--format takes, for profiles, pprof, speedscope, collapsed; for tables, parquet,"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    options: list[str], complaint: str, trace: str, memlyze: Runner, tmp_path: Path
) -> None:
    result = memlyze("export", *options, trace)
    assert result.returncode in (1, 2)
    assert complaint in result.stderr
    assert result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["t.mlyze"]


@pytest.mark.parametrize("words", [["--format", "collapsed"], ["--format", "csv", "--view", "gc"]])
def test_a_hyphen_is_standard_output(
    words: list[str], trace: str, memlyze: Runner, tmp_path: Path
) -> None:
    told = memlyze("export", *words, "-o", "-", trace)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == memlyze("export", *words, trace).stdout != ""
    assert not (tmp_path / "-").exists()
