"""What the resident memory was, as the summary says it."""

from __future__ import annotations

from memlyze.analyses.resident_memory import Part, ResidentMemory
from memlyze.wording.resident import describe_resident

MIB = 1 << 20


def memory(**parts_mib: float) -> ResidentMemory:
    sizes = {name: int(mib * MIB) for name, mib in parts_mib.items()}
    total = sum(sizes.values())
    listed = sorted(sizes.items(), key=lambda item: -item[1])
    parts = tuple(Part(name, size, size, size / total) for name, size in listed)
    return ResidentMemory(5_000_000, total, parts)


def test_small_parts_are_taken_together() -> None:
    seen = memory(python_objects=80, malloc_live=20, thread_stacks=0.5, no_access=0.25)
    assert describe_resident(seen, 90) == [
        "80.0 MiB Python objects, 20.0 MiB malloc, 768 KiB other"
    ]


def test_what_is_unexplained_is_told_even_where_much_else_is_more() -> None:
    seen = memory(
        python_objects=20,
        malloc_live=19,
        malloc_free=18,
        code=17,
        mapped_files=16,
        shared_memory=15,
        thread_stacks=14,
        unexplained=3,
    )
    (line,) = describe_resident(seen, 1000)
    assert line.endswith("15.0 MiB shared memory, 3.00 MiB unexplained, 14.0 MiB other")


def test_what_the_recorder_holds_is_no_part_of_it() -> None:
    seen = memory(tracer=90, python_objects=10)
    assert describe_resident(seen, 90) == ["10.0 MiB Python objects"]
    assert seen.program_bytes == 10 * MIB
    assert describe_resident(memory(tracer=90), 90) == ["0 B other"]


def test_lead_stands_before_the_first_part() -> None:
    seen = memory(python_objects=60)
    assert describe_resident(seen, 90, "then: ") == ["then: 60.0 MiB Python objects"]


def test_lines_are_no_longer_than_there_is_room_for() -> None:
    seen = memory(python_objects=20, malloc_live=19, malloc_free=18, code=17)
    lines = describe_resident(seen, 45)
    assert lines == [
        "20.0 MiB Python objects, 19.0 MiB malloc,",
        "18.0 MiB free in malloc, 17.0 MiB code",
    ]


def test_category_of_a_later_version_has_the_name_that_it_has_there() -> None:
    assert describe_resident(memory(**{"category 77": 9}), 90) == ["9.00 MiB category 77"]
