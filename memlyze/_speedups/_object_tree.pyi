from typing import Any

def make_object_tree(
    first_reference: Any,
    referred: Any,
    type_objects: Any,
    sizes: Any,
    is_held_unseen: Any,
    roots: Any,
    levels: Any,
) -> dict[str, Any]: ...
def make_shortest_ways(
    first_reference: Any,
    referred: Any,
    type_objects: Any,
    is_held_unseen: Any,
    is_left_out: Any,
    roots: Any,
    levels: Any,
) -> dict[str, Any]: ...
def outermost(dominator: Any, is_chosen: Any) -> None: ...
