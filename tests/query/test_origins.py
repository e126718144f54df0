"""Whose code a file is, and with it which line of a stack is the allocation site."""

from __future__ import annotations

import numpy as np
import pytest

from memlyze.query.origins import (
    is_import_machinery,
    origin_of,
    origin_of_given_text,
    program_packages,
)
from memlyze.query.stack_sites import frame_origins, lead_through, stack_sites


@pytest.mark.parametrize(
    ("file", "origin"),
    [
        ("/srv/app/main.py", "program"),
        ("main.py", "program"),
        ("<string>", "program"),
        ("<stdin>", "program"),
        ("/home/me/lib/python/tool.py", "program"),
        ("/usr/lib/python3.11/json/decoder.py", "standard library"),
        ("/opt/python/3.8/lib64/python3.8/os.py", "standard library"),
        ("/usr/lib/python3.13t/os.py", "standard library"),
        ("C:\\Python311\\Lib\\os.py", "standard library"),
        ("/usr/lib/python3.11/site-packages/numpy/core.py", "library"),
        ("/usr/lib/python3/dist-packages/apt/cache.py", "library"),
        ("<class 'networkx.utils.decorators.argmap'> compilation 29", "library"),
        ("<attrs generated init app.Point>", "library"),
        ("http1_request_header", "library"),
        ("bin/tool", "program"),
        ("<ipython-input-3-f00>", "program"),
        ("<timed exec>", "program"),
        ("<magic-timeit>", "program"),
        ("<frozen importlib._bootstrap>", "runtime"),
        ("/venv/lib/python3.11/site-packages/memlyze/windows.py", "runtime"),
        ("/srv/clone/memlyze/integrations/django/middleware.py", "runtime"),
        ("/srv/memlyze/app/windows.py", "program"),
        ("<truncated>", "runtime"),
        ("", "runtime"),
    ],
)
def test_origin_goes_by_the_path(file: str, origin: str) -> None:
    assert origin_of(file) == origin


def test_native_code_is_the_runtimes() -> None:
    assert origin_of("/srv/app/fast.so", "native") == "runtime"


def test_a_stack_leads_through_what_it_or_any_of_its_callers_is() -> None:
    stacks = {
        "stack_id": np.array([1, 2, 3]),
        "parent_id": np.array([0, 1, 0]),
        "frame_id": np.array([7, 8, 8]),
    }
    frames = {
        "frame_id": np.array([7, 8]),
        "file": np.array(["<frozen importlib._bootstrap>", "/srv/app.py"], dtype=object),
    }
    assert lead_through(stacks, frames, is_import_machinery).tolist() == [True, True, False]
    lost = {name: column[:0] for name, column in frames.items()}
    assert lead_through(stacks, lost, is_import_machinery).tolist() == [False] * 3


def sites_of(files: list[str], parents: list[int], functions: list[str] | None = None) -> list[int]:
    """The program frame of each stack k + 1, whose innermost frame is k + 1 in `files[k]`."""
    ids = np.arange(1, len(files) + 1)
    frames = {
        "frame_id": ids,
        "file": np.array(files, dtype=object),
        "function": np.array(functions or ["f"] * len(files), dtype=object),
        "language": np.array(["python"] * len(files), dtype=object),
    }
    stacks = {"stack_id": ids, "parent_id": np.array(parents), "frame_id": ids}
    found = stack_sites(stacks, frames, frame_origins(frames))
    assert found["innermost_frame_id"].tolist() == ids.tolist()
    return [int(frame) for frame in found["program_frame_id"]]


def test_site_is_the_innermost_frame_of_the_program() -> None:
    library = "/x/site-packages/l.py"
    assert sites_of(["a.py", "b.py", library, library, "c.py"], [0, 1, 2, 3, 4]) == [1, 2, 2, 2, 5]


MIDDLEWARE = "/x/site-packages/memlyze/integrations/asgi.py"


def test_what_is_outside_of_a_middleware_is_no_site() -> None:
    """A server that a script starts is in every stack; what serves the request says more."""
    library, standard, endpoint = "/x/site-packages/l.py", "/usr/lib/python3.11/re.py", "shop.py"
    start = ["main.py", library, MIDDLEWARE]
    assert sites_of([*start, library, standard], [0, 1, 2, 3, 4])[3:] == [4, 4]
    assert sites_of([*start, library, endpoint, library], [0, 1, 2, 3, 4, 5])[3:] == [4, 5, 5]


def test_without_code_inside_of_a_middleware_what_is_outside_counts() -> None:
    library, standard = "/x/site-packages/l.py", "/usr/lib/python3.11/re.py"
    assert sites_of(["main.py", library, MIDDLEWARE, standard], [0, 1, 2, 3]) == [1, 1, 1, 1]
    assert sites_of([library, MIDDLEWARE, standard], [0, 1, 2]) == [1, 1, 1]


@pytest.mark.parametrize(
    ("file", "origin"),
    [
        ("/venv/lib/python3.11/site-packages/shop/api.py", "program"),
        ("/venv/lib/python3.11/site-packages/shop.py", "program"),
        ("C:\\Python311\\Lib\\site-packages\\shop\\api.py", "program"),
        ("/venv/lib/python3.11/site-packages/shopping/api.py", "library"),
        ("/venv/lib/python3.11/site-packages/other/shop/api.py", "library"),
        ("/usr/lib/python3/dist-packages/x/site-packages/shop/api.py", "program"),
        ("/usr/lib/python3.11/json/decoder.py", "standard library"),
    ],
)
def test_installed_packages_that_the_trace_names_are_the_program(file: str, origin: str) -> None:
    assert origin_of(file, program_packages={"shop"}) == origin


@pytest.mark.parametrize("told", [None, "shop", {"shop": 1}, [1, None], 7])
def test_trace_that_names_no_packages_or_strange_ones_has_none(told: object) -> None:
    assert list(program_packages({"program_packages": told})) == []


def test_without_a_frame_of_the_program_the_innermost_of_a_library_counts() -> None:
    library, standard = "/x/site-packages/l.py", "/usr/lib/python3.11/re.py"
    assert sites_of([library, library, library], [0, 1, 2]) == [1, 2, 3]
    assert sites_of([standard, library, standard, standard], [0, 1, 2, 3]) == [1, 2, 2, 2]


@pytest.mark.parametrize(
    "launcher",
    [
        "/srv/venv/bin/pytest",
        "/home/me/.local/bin/pip3.11",
        "C:\\venv\\Scripts\\django-admin.exe\\__main__.py",
    ],
)
def test_launcher_of_an_installed_command_is_no_site(launcher: str) -> None:
    library = "/srv/venv/lib/python3.11/site-packages/l.py"
    files, functions = [launcher, library, "/srv/test_it.py"], ["<module>", "run", "test"]
    assert sites_of(files, [0, 1, 2], functions) == [1, 2, 3]


def test_script_in_bin_that_has_functions_is_the_program() -> None:
    files = ["/home/me/bin/tool", "/home/me/bin/tool", "/x/site-packages/l.py"]
    assert sites_of(files, [0, 1, 2], ["<module>", "main", "f"]) == [1, 2, 2]
    assert sites_of(["/srv/bin/tool.py", files[2]], [0, 1], ["<module>", "f"]) == [1, 1]


def test_deep_stacks_find_their_site() -> None:
    depth = 3000
    files = ["a.py"] + ["/x/site-packages/l.py"] * depth
    assert sites_of(files, list(range(depth + 1))) == [1] * (depth + 1)


def test_trace_without_stacks_has_no_sites() -> None:
    assert sites_of([], []) == []


@pytest.mark.parametrize(
    ("command_line", "origin"),
    [
        (["python", "-c", "print(1)"], "program"),
        (["python", "-X", "dev", "-c", "import app; app.run()"], "program"),
        (
            ["python", "-c", "from multiprocessing.spawn import spawn_main; spawn_main(5)"],
            "runtime",
        ),
        (["python", "-c", "from multiprocessing.resource_tracker import main;main(5)"], "runtime"),
        (["python", "-u", "-c", "import sys;exec(eval(sys.stdin.readline()))"], "runtime"),
        (["python", "-c", "import sys; exec(sys.argv[1])"], "program"),
        (["python", "app.py"], "library"),
        ([], "program"),
        (None, "program"),
        ("python -c 1", "program"),
        (["python", "-c"], "program"),
        ([1, "-c", 2], "program"),
    ],
)
def test_whose_given_text_is_goes_by_the_command_line(command_line: object, origin: str) -> None:
    assert origin_of_given_text(command_line) == origin


def test_given_text_is_told_apart_by_process() -> None:
    frames = {
        "file": np.array(["<string>", "<string>", "app.py"], dtype=object),
        "function": np.array(["<module>", "f", "g"], dtype=object),
        "language": np.array(["python"] * 3, dtype=object),
        "frame_id": np.arange(3),
        "process_id": np.array([1, 2, 2]),
    }
    origins = frame_origins(frames, {1: "program", 2: "runtime"})
    assert origins.tolist() == ["program", "runtime", "program"]
    del frames["process_id"]
    assert frame_origins(frames, {1: "library"}).tolist() == ["library", "library", "program"]
