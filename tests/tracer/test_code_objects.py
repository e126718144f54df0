"""Code that comes and goes: its names stay right, and what is kept of it stays small."""

from __future__ import annotations

from typing import Any

from recorded import short


def test_code_at_the_address_of_code_that_died_has_its_own_name(record: Any) -> None:
    done = record(
        """
        addresses = set()
        kept = []
        def evaluate(number):
            name, size = f"f{number}", 200_000 + number
            source = f"def {name}():\\n    kept.append(bytes({size}))\\n{name}()"
            code = compile(source, f"file{number % 7}.py", "exec")
            addresses.add(id(code.co_consts[0]))
            exec(code, {"kept": kept, "bytes": bytes})
        for number in range(2_000):
            evaluate(number)
        print(len(addresses) < 1_500)
        """
    )
    assert done.lines == ["True"]  # so addresses were used again
    trace = done.trace
    for number in range(2_000):
        stack = trace.stack_of(200_033 + number)
        assert short(stack[0].function) == f"f{number}"
        assert [frame.file for frame in stack[:2]] == [f"file{number % 7}.py"] * 2
        assert [short(frame.function) for frame in stack[1:]] == [
            "<module>",
            "evaluate",
            "<module>",
        ]


def test_lambdas_of_eval_are_told_apart_by_line(record: Any) -> None:
    trace = record(
        """
        kept = []
        for number in range(1_000):
            eval("\\n" * (number % 50) + f"(lambda: kept.append(bytes({20_000 + number})))()")
        """
    ).trace
    for number in range(1_000):
        assert trace.stack_of(20_033 + number)[0].line == number % 50 + 1


def test_code_replaced_in_a_function_is_seen(record: Any) -> None:
    trace = record(
        """
        kept = []
        def f(n): kept.append(bytes(n))
        f(20_001)
        def other(n): kept.append(bytes(n))
        f.__code__ = other.__code__
        del other
        f(20_002)
        """
    ).trace
    assert trace.functions_of(20_034)[0] == "f"
    assert trace.functions_of(20_035)[0] == "other"


def test_equal_code_made_again_and_again_is_written_once(record: Any) -> None:
    trace = record(
        """
        kept = []
        def again():
            exec("def generated():\\n    kept.append(bytes(20_001))\\ngenerated()")
        for number in range(5_000):
            again()
        """
    ).trace
    rows = trace.allocations(20_034)
    assert len(rows) == 5_000
    assert len({row.stack_id for row in rows}) == 1
    assert trace.metadata["codes_interned"] < 3_000
    assert trace.metadata["stacks_interned"] < 50_000


def test_recorder_stays_small_in_a_program_that_never_stops_making_code(record: Any) -> None:
    """Ten thousand different functions, sampled: what is known of them is bounded."""
    trace = record(
        """
        def churn(number):
            name = f"generated_{number}"
            space = {}
            exec(f"def {name}(): return bytes(300_000)", space)
            space[name]()
        for number in range(10_000):
            churn(number)
        """,
        sample_rate=0.0,
        sample_interval=65536,
    ).trace
    first = trace.memory[len(trace.memory) // 4]["tracer_bytes"]
    assert trace.memory[-1]["tracer_bytes"] < max(2 * first, 64 << 20)
    names = {short(trace.stack(row.stack_id)[0].function) for row in trace.allocations(300_033)}
    assert len(names) > 8_000


def test_tables_that_are_full_are_emptied_and_stacks_stay_right(record: Any) -> None:
    """More stacks than a sampled recording remembers (65 536)."""
    trace = record(
        """
        import itertools
        kept = []
        def leaf(n): kept.append(bytes(n)); kept.clear()
        for i in range(17):
            exec(f"def f{i}(rest, n):\\n    if rest: rest[0](rest[1:], n)\\n    else: leaf(n)")
        functions = [globals()[f"f{i}"] for i in range(17)]
        number = 0
        for choice in itertools.product(range(17), repeat=4):
            number += 1
            chosen = [functions[i] for i in choice]
            chosen[0](chosen[1:], 30_000 + sum(c * 17 ** p for p, c in enumerate(choice)) % 20_000)
        """,
        sample_rate=0.0,
        sample_interval=1,
    ).trace
    assert trace.metadata["stack_table_resets"] >= 1
    checked = 0
    for row in trace.own(*range(30_033, 50_033)):
        names = [short(frame.function) for frame in trace.stack(row.stack_id)]
        if names[0] != "leaf":
            continue
        digits = [int(name[1:]) for name in reversed(names[1:5])]
        assert names[5] == "<module>"
        assert sum(c * 17**p for p, c in enumerate(digits)) % 20_000 == row.size - 30_033
        checked += 1
    assert checked == 17**4
