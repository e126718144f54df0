"""Libraries that nobody here wrote: each block once, to the byte, with its Python stack.

What they have from the C library is counted by a witness of the tests' own, which is preloaded:
behind memlyze's shim, or alone, where the libraries' symbol tables are patched.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from native_programs import SHIM, build
from recorded import Trace

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone")

#: Blocks of these sizes stand at the beginning and at the end of what is compared.
FIRST, LAST = 7_777_701, 7_777_702

#: All that is loaded or started once is, and pymalloc's list of arenas is long enough, before
#: anything is compared. That is a thread's doing, in which the recorder has no frame objects made,
#: which it would leave out.
PROGRAM = """
import ctypes, gc, os, sys, threading
counter = ctypes.CDLL(os.environ["COUNTER"])
start, stop = counter.start_counting, counter.stop_counting
{source}
kept = []
def compare():
    work()
    kept.append([bytes(450) for _ in range(200_000)])
    kept.clear()
    gc.collect()
    gc.disable()
    counter.open_counter(sys.argv[1].encode(), ctypes.CDLL(None).malloc, ctypes.CDLL(None).free)
    start({first})
    kept.append(work())
    stop({last})
thread = threading.Thread(target=compare)
thread.start()
thread.join()
"""

SOURCES = {
    "numpy": """
import numpy
def work():
    a = numpy.arange(10_007, dtype=float)
    b = [numpy.sqrt(a[:n] * 2.0) for n in range(900, 2_000, 7)]
    c = numpy.linalg.solve(numpy.eye(40) + 1e-3, numpy.ones(40))
    return b[::3], numpy.concatenate(b), c, numpy.sort(a)[::2].copy()
""",
    "pandas": """
import pandas
def work():
    t = pandas.DataFrame({"k": [n % 17 for n in range(3_000)], "v": range(3_000)})
    t["s"] = [f"name {n}" for n in range(3_000)]
    g = t.groupby("k")["v"].agg(["mean", "max"])
    m = t.merge(g, left_on="k", right_index=True)
    return g, m.sort_values("v"), t["s"].str.upper(), m.to_csv()
""",
    "pyarrow": """
import os
os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"
import pyarrow
pyarrow.set_cpu_count(1)
import pyarrow.compute
def work():
    column = pyarrow.array(range(50_000))
    text = pyarrow.array([f"text {n}" for n in range(3_000)])
    table = pyarrow.table({"n": column, "m": pyarrow.compute.multiply(column, 3)})
    return table, pyarrow.compute.utf8_upper(text), pyarrow.allocate_buffer(1_000_003)
""",
    "lxml": """
from lxml import etree
text = "<r>" + "".join(f"<item id='{n}'><a>t{n}</a></item>" for n in range(2_000)) + "</r>"
def work():
    tree = etree.fromstring(text)
    found = tree.xpath("//item[@id>1000]/a")
    for element in found[::2]:
        element.getparent().remove(element)
    copy = etree.fromstring(etree.tostring(tree))
    del tree, found
    return copy
""",
    "Pillow": """
from PIL import Image, ImageFilter
import io
def work():
    image = Image.effect_noise((301, 203), 50).convert("RGB")
    small = image.resize((150, 100)).filter(ImageFilter.GaussianBlur(2))
    kept = io.BytesIO()
    small.save(kept, "PNG")
    kept.seek(0)
    return image.rotate(30), Image.open(kept).convert("L")
""",
}


@pytest.fixture(scope="session")
def counter(tmp_path_factory: Any) -> Path:
    return build(HERE / "allocation_counter.c", tmp_path_factory.mktemp("counter") / "counter.so")


def compared(trace: Trace) -> tuple[Counter[int], Counter[int], list[int]]:
    """What is recorded between the two marks: sizes, sizes of what was given back, and the numbers
    of what has no stack that leads through `work`.
    """
    (first,), (last,) = trace.allocations(FIRST), trace.allocations(LAST)
    had: Counter[int] = Counter()
    freed: Counter[int] = Counter()
    elsewhere = []
    for row in trace.allocations():
        if not first.allocation_id < row.allocation_id < last.allocation_id:
            continue
        if row.allocator not in ("mem", "object", "raw", "malloc"):
            continue
        size = row.size if row.allocator == "malloc" else max(1, row.size)  # CPython asks for 1
        had[size] += 1
        if 0 <= row.freed_ns <= last.time_ns:
            freed[size] += 1
        frames = trace.stack(row.stack_id) if row.stack_id else []
        if not any(frame.function.endswith("work") for frame in frames):
            elsewhere.append(row.allocation_id)
    return had, freed, elsewhere


def above(limit: int, sizes: Counter[int]) -> dict[int, int]:
    return {size: count for size, count in sizes.items() if size > limit}


@pytest.mark.parametrize(
    ("way", "allocator"),
    [("preloaded", "malloc"), ("preloaded", "pymalloc"), ("patched", "malloc")],
)
@pytest.mark.parametrize("library", sorted(SOURCES))
def test_each_block_is_recorded_once_to_the_byte_with_its_stack(
    library: str, way: str, allocator: str, record: Any, counter: Path, tmp_path: Path
) -> None:
    """Where Python's own small objects come from malloc too, the witness sees all that there is;
    otherwise all that is larger.
    """
    pytest.importorskip("PIL" if library == "Pillow" else library)
    log = tmp_path / "witness.txt"
    program = PROGRAM.format(source=SOURCES[library], first=FIRST, last=LAST)
    preloaded = f"{SHIM}:{counter}" if way == "preloaded" else str(counter)
    environment = {"LD_PRELOAD": preloaded, "COUNTER": str(counter), "PYTHONMALLOC": allocator}
    trace = record(program, str(log), env=environment).trace
    had, freed, elsewhere = compared(trace)
    seen: Counter[int] = Counter()
    given_back: Counter[int] = Counter()
    for line in log.read_text(encoding="ascii").splitlines():
        sign, size = line.split()
        (seen if sign == "+" else given_back)[int(size)] += 1
    limit = 512 if allocator == "pymalloc" else 0
    assert above(limit, had) == above(limit, seen)
    assert not above(limit, given_back - freed)
    assert sum((freed - given_back).values()) <= 5 or limit  # after the second mark
    assert len(above(limit, had)) > 5
    assert len(elsewhere) <= 5  # the call of `work` itself, and of what stops the witness
    trace.check_sound()
