-- What is exported of the allocations; one row, for `_selected_allocations`. A list that is NULL is all of them.
CREATE OR REPLACE TEMP TABLE _selection AS
SELECT
    -- `allocated`, `live`, `peak` or `temporary`.
    $what::VARCHAR AS what,
    -- Allocations made at or after this time …
    $from_ns::BIGINT AS from_ns,
    -- … and before this time.
    $to_ns::BIGINT AS to_ns,
    -- Of `live` and `peak`: live at this moment.
    $live_at_ns::BIGINT AS live_at_ns,
    -- Of `temporary`: freed within this time.
    $within_ns::BIGINT AS within_ns,
    -- Made in these processes.
    $process_ids::BIGINT[] AS process_ids,
    -- Made by these threads.
    $thread_ids::BIGINT[] AS thread_ids,
    -- Made in these windows.
    $window_ids::BIGINT[] AS window_ids,
    -- Made by these call stacks.
    $stack_ids::BIGINT[] AS stack_ids;
