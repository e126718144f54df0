"""Source files: digests of all, and the text where asked for; never at the program's cost."""

from __future__ import annotations

import os
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

import memlyze
from memlyze.errors import OptionError

KEEP = "import helper\nkept = helper.make()\n"
HELPER = "def make():\n    return [bytearray(100) for _ in range(50)]\n"


def sources(path: Path) -> dict[str, dict[str, Any]]:
    """The rows of the view, by the last part of the file's name."""
    with memlyze.open(path) as trace:
        relation = trace.sql("FROM sources")
        rows = [dict(zip(relation.columns, row)) for row in relation.fetchall()]
    return {os.path.basename(row["file"]): row for row in rows}


def test_digest_of_each_file_in_stacks_is_recorded_without_text(
    programs: Any, record: Any, tmp_path: Path
) -> None:
    helper = programs.write(HELPER, "helper.py")
    record(KEEP)
    found = sources(programs.trace_path)
    content = helper.read_bytes()
    row = found["helper.py"]
    assert (row["size"], row["crc32"]) == (len(content), zlib.crc32(content))
    assert row["modified_unix_ns"] == helper.stat().st_mtime_ns
    assert (row["text"], row["left_out"]) == (None, None)
    assert "program.py" in found


def test_text_is_in_the_trace_where_it_is_asked_for(
    programs: Any, record: Any, any_table: dict[str, Any]
) -> None:
    programs.write("# -*- coding: latin-1 -*-\n# \xe9\n" + HELPER, "helper.py")
    path = programs.directory / "helper.py"
    path.write_bytes(path.read_text(encoding="utf-8").encode("latin-1"))
    done = programs.run(KEEP, options={"include_source": True}, **any_table)
    assert done.status == 0, done.stderr
    found = sources(programs.trace_path)
    assert found["helper.py"]["text"].splitlines()[1] == "# \xe9"
    assert found["program.py"]["text"] == KEEP
    assert not [row for row in found.values() if "/json/" in row["file"]]


def test_what_cannot_be_read_is_said_and_harms_nobody(programs: Any, record: Any) -> None:
    programs.write(HELPER, "helper.py")
    record(
        """
        import os
        text = "def make():\\n  return [bytearray(100) for _ in range(50)]\\n"
        def run(file):
            space = {}
            exec(compile(text, file, "exec"), space)
            return space["make"]()
        os.mkfifo("pipe.py")
        open("binary.py", "wb").write(b"a\\0b")
        open("large.py", "wb").write(b"#" * (4 << 20) + b"\\n")
        open("here.html", "w").write("{{ text }}")
        os.mkdir("folder.py")
        names = ["gone.py", "pipe.py", "binary.py", "large.py", "folder.py", "/dev/null",
                 "here.html", "<template>", "binary.py/inner.py", "long.py" * 1000]
        kept = [run(name) for name in names]
        """,
        include_source=True,
    )
    found = sources(programs.trace_path)
    assert {name: row["left_out"] for name, row in found.items() if row["left_out"]} == {
        "gone.py": "there was no such file",
        "pipe.py": "it is no regular file",
        "folder.py": "it is no regular file",
        "null": "it is no regular file",
        "binary.py": "it is no text",
        "large.py": "it is larger than 4 MiB",
        "inner.py": "it was inside another file, such as an archive",
        "long.py" * 1000: "its name is too long",
    }
    assert found["here.html"]["text"] == "{{ text }}"
    with memlyze.open(programs.trace_path) as trace:
        assert trace.metadata["sources_left_out"] == 8
        assert trace.metadata["sources_read"] == len(found) - 8


def test_file_name_that_is_no_utf_8_is_found(programs: Any, record: Any) -> None:
    record(
        """
        import os
        name = os.fsdecode(b"caf\\xe9.py")
        text = "def make():\\n  return [bytearray(100) for _ in range(50)]\\n"
        open(name, "w").write(text)
        space = {}
        exec(compile(text, os.path.abspath(name), "exec"), space)
        kept = space["make"]()
        """,
        include_source=True,
    )
    (row,) = [row for name, row in sources(programs.trace_path).items() if name.startswith("caf")]
    assert row["text"].startswith("def make")


def test_program_that_is_killed_leaves_its_source(programs: Any) -> None:
    program = """
        import time
        kept = [bytearray(100) for _ in range(50)]
        print("made", flush=True)
        time.sleep(600)
        """
    with programs.started(program, options={"include_source": True}) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "made\n"
        ends = time.monotonic() + 60
        while "program.py" not in sources(programs.trace_path):
            assert time.monotonic() < ends, "the helper thread writes several times a second"
        process.kill()
    assert "kept = [" in sources(programs.trace_path)["program.py"]["text"]


def test_each_process_has_the_source_of_its_own_stacks(programs: Any) -> None:
    programs.write(HELPER, "helper.py")
    done = programs.run(
        """
        import os, sys
        if os.fork() == 0:
            import helper
            kept = helper.make()
            os._exit(0)
        os.wait()
        kept = [bytearray(100) for _ in range(50)]
        """,
        options={"include_source": True},
    )
    assert done.status == 0, done.stderr
    with memlyze.open(programs.trace_path) as trace:
        assert len(trace.paths) == 2
        rows = trace.sql("SELECT process_id, text FROM sources WHERE file LIKE '%helper.py'")
        ((process_id, text),) = rows.fetchall()
        assert (process_id != trace.process_ids[0], text) == (True, HELPER)


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_include_source_is_yes_or_no(value: Any) -> None:
    with pytest.raises(OptionError, match="include_source must be True or False"):
        memlyze.Tracer(include_source=value)
