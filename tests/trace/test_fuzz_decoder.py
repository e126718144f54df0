"""The C decoder under a coverage-guided fuzzer with address and undefined-behaviour sanitizers."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from synthetic_trace import synthetic_trace
from trace_encoder import Allocation, Free, Run, TraceEncoder

from memlyze.trace import format as fmt

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "memlyze" / "_speedups" / "core"
TARGET = ROOT / "tests" / "native" / "fuzz_decoder.c"
ITERATIONS = int(os.environ.get("MEMLYZE_FUZZ_ITERATIONS", "30000"))
FLAGS = ["-std=c11", "-g", "-O1", "-D_GNU_SOURCE", f"-I{CORE}"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def compiler() -> str:
    found = shutil.which(os.environ.get("CC", "gcc"))
    if found is None:
        pytest.skip("no C compiler")
    return found


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzzer")
    program = folder / "fuzz_decoder"
    sources = [str(CORE / "checksum.c"), *sorted(map(str, CORE.glob("decoder_*.c")))]
    # The loop counts coverage and must not be counted itself.
    decoder = [compiler(), *FLAGS, *SANITIZERS, "-fsanitize-coverage=trace-pc", "-c", *sources]
    target = [compiler(), *FLAGS, *SANITIZERS, "-DFUZZ_STANDALONE", "-c", str(TARGET)]
    try:
        subprocess.run(decoder, cwd=folder, check=True, capture_output=True, text=True)
        subprocess.run(target, cwd=folder, check=True, capture_output=True, text=True)
        objects = sorted(map(str, folder.glob("*.o")))
        link = [compiler(), *SANITIZERS, *objects, "-lzstd", "-lm", "-o", str(program)]
        subprocess.run(link, cwd=folder, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        if "asan" in error.stderr or "ubsan" in error.stderr or "sanitize" in error.stderr:
            pytest.skip(f"the compiler has no sanitizers: {error.stderr.strip()[-200:]}")
        raise AssertionError(error.stderr) from error
    return program


def fuzz_input(data: bytes) -> bytes:
    """The blocks of a trace in the form that the fuzz target takes."""
    at = fmt.FILE_HEADER.size + fmt.FILE_HEADER.unpack_from(data)[3]
    blocks = []
    while at < len(data):
        fields = fmt.BLOCK_HEADER.unpack_from(data, at)
        block_type, codec, columns, rows, size = (*fields[1:4], *fields[5:7])
        payload = data[at + fmt.BLOCK_HEADER.size :][:size]
        blocks.append(struct.pack("<BBBHH", block_type, codec, columns, rows, size) + payload)
        at += fmt.BLOCK_HEADER.size + size
    return b"".join(blocks)


def traces() -> list[TraceEncoder]:
    """Small traces that use everything the format has."""
    plain = TraceEncoder({}, codec=fmt.CODEC_STORED)
    tables = {0: b"", 1: bytes([6, 1, 8, 255, 0, 2]), 2: bytes([2, 1, 4, 128, 6, 254])}
    tables[3] = bytes([0x80, 0, 0xD9, 1, 0, 0xE8, 0x41, 2, 0xF1, 3, 2, 0, 0, 0xF8])
    codes = [
        {"code_id": 2 + kind, "function": f"f{kind}", "file": "a.py", "first_line": 3}
        for kind in tables
    ]
    for kind, table in tables.items():
        codes[kind].update(line_table_kind=kind, line_table=table)
    plain.add("codes", codes)
    stacks = [
        {"stack_id": k, "parent_id": k // 2, "code_id": 1 + k % 6, "instruction": 2 * k}
        for k in range(1, 12)
    ]
    plain.add("stacks", stacks)
    for number in range(3):
        first = 65_530 + 10 * number
        allocations = [Allocation(10 << k, k, k % 3) for k in range(10)]
        other = Run(2, 8, 131_072 + number, [Free(first), Allocation(1 << 33)], sampling_id=2)
        plain.add_runs([Run(1, 7, first, [*allocations, Free(first + 3)], 1, 1 + number), other])
    plain.add("windows", [{"window_id": 1, "kind": "call", "name": "x", "attributes": "{}"}])
    return [plain, synthetic_trace(25, stacks=6, windows=2, codec=fmt.CODEC_STORED)]


def test_no_input_breaks_the_decoder(fuzzer: Path, tmp_path: Path) -> None:
    files = []
    for number, trace in enumerate(traces()):
        path = tmp_path / f"seed-{number}"
        path.write_bytes(fuzz_input(trace.to_bytes(complete=False)))
        files.append(str(path))
    command = [str(fuzzer), str(ITERATIONS), "1", *files]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr[-4000:]
    # Inputs that reach something new are found, or the loop would not be guided at all.
    kept = int(result.stdout.split(" kept ")[0].split()[-1])
    assert kept > 20, result.stdout
    print(result.stdout)
