from typing import Any, Mapping

CHUNK_ROWS: int

def chunk_times(columns: Mapping[str, Any]) -> dict[str, Any]: ...
def sum_events(
    columns: Mapping[str, Any],
    times: Mapping[str, Any],
    *,
    from_ns: int,
    to_ns: int,
    moment_ns: int,
    temporary_ns: int,
    told_apart: int,
    wanted: int,
    made_between: Any = ...,
    temporary_allocations: int = ...,
    by_stack: bool = ...,
    groups: Any = ...,
    process_ids: Any = ...,
    thread_ids: Any = ...,
    window_ids: Any = ...,
    ended_ids: Any = ...,
) -> dict[str, Any]: ...
def sort_lives(
    columns: Mapping[str, Any],
    *,
    start_ns: int,
    cells_per_ns: float,
    cells: int,
    cells_per_cohort: int,
    stacks: int,
    number_of_window: Any = ...,
    request_start_ns: Any = ...,
    request_end_ns: Any = ...,
) -> dict[str, Any]: ...
