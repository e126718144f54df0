"""The programs that are measured: pyperformance's scripts, and a few of our own."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import NamedTuple

OWN_PROGRAMS = Path(__file__).resolve().parent.parent / "programs"


class Program(NamedTuple):
    """A benchmark: the workload `workload` of a script that is written for pyperf."""

    name: str
    folder: str
    arguments: tuple[str, ...] = ()
    workload_name: str = ""
    is_own: bool = False

    @property
    def workload(self) -> str:
        return self.workload_name or self.name

    def script(self) -> Path:
        """Path of the script; of pyperformance's, in the installed package."""
        if self.is_own:
            return OWN_PROGRAMS / f"{self.folder}.py"
        spec = importlib.util.find_spec("pyperformance")
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError("pyperformance is not installed in this environment")
        benchmarks = Path(spec.origin).parent / "data-files" / "benchmarks"
        return benchmarks / f"bm_{self.folder}" / "run_benchmark.py"


def _group(folder: str, *names: str) -> list[Program]:
    """Several workloads of one script, each of which takes its name as argument."""
    return [Program(f"{folder}_{name}", folder, (name,)) for name in names]


#: pyperformance's benchmarks that need no network, no compiler and no heavy package. Left out
#: among them: those of which one loop takes seconds, and near copies of one that is in.
PYPERFORMANCE = [
    Program("argparse", "argparse", ("many_optionals",), "many_optionals"),
    Program("async_generators", "async_generators"),
    Program("async_tree", "async_tree", ("none",), "async_tree_none"),
    Program("chaos", "chaos"),
    Program("comprehensions", "comprehensions"),
    Program("coroutines", "coroutines"),
    Program("crypto_pyaes", "crypto_pyaes"),
    Program("decimal_pi", "decimal_pi"),
    Program("deepcopy", "deepcopy"),
    Program("deltablue", "deltablue"),
    Program("fannkuch", "fannkuch"),
    Program("float", "float"),
    Program("gc_collect", "gc_collect", (), "create_gc_cycles"),
    Program("gc_traversal", "gc_traversal"),
    Program("generators", "generators"),
    Program("go", "go"),
    Program("hexiom", "hexiom"),
    Program("json_dumps", "json_dumps"),
    Program("json_loads", "json_loads"),
    *_group("logging", "format", "simple"),
    Program("mdp", "mdp"),
    Program("meteor_contest", "meteor_contest"),
    Program("nbody", "nbody"),
    Program("nqueens", "nqueens"),
    Program("pathlib", "pathlib"),
    Program("pickle", "pickle", ("pickle",)),
    Program("pickle_dict", "pickle", ("pickle_dict",)),
    Program("pickle_list", "pickle", ("pickle_list",)),
    Program("pickle_pure_python", "pickle", ("--pure-python", "pickle")),
    Program("pidigits", "pidigits"),
    Program("pyflate", "pyflate"),
    Program("raytrace", "raytrace"),
    Program("regex_compile", "regex_compile"),
    Program("regex_dna", "regex_dna"),
    Program("regex_effbot", "regex_effbot"),
    Program("regex_v8", "regex_v8"),
    Program("richards", "richards"),
    *_group("scimark", "fft", "monte_carlo", "sor", "sparse_mat_mult"),
    Program("spectral_norm", "spectral_norm"),
    Program("sqlite_synth", "sqlite_synth"),
    Program("telco", "telco"),
    Program("tomli_loads", "tomli_loads"),
    Program("typing_runtime_protocols", "typing_runtime_protocols"),
    Program("unpack_sequence", "unpack_sequence"),
    Program("unpickle", "pickle", ("unpickle",)),
    Program("unpickle_list", "pickle", ("unpickle_list",)),
    Program("unpickle_pure_python", "pickle", ("--pure-python", "unpickle")),
    *_group("xml_etree", "generate", "parse", "process"),
]

#: Native memory as it is used in practice.
NUMERIC = [
    Program(name, "numeric", is_own=True)
    for name in (
        "numpy_temporaries",
        "numpy_small_arrays",
        "numpy_matrices",
        "numpy_distances",
        "pandas_groupby",
        "pandas_merge",
        "pandas_read_csv",
        "pandas_strings",
    )
]

#: Our own, each about one thing that pyperformance does not show.
OWN = [
    Program("allocation_loop", "allocation_loop", is_own=True),
    Program("allocation_loop_deep", "allocation_loop_deep", is_own=True),
    Program("allocation_threads", "allocation_threads", is_own=True),
    Program("malloc_loop", "malloc", is_own=True),
    Program("malloc_threads", "malloc", is_own=True),
]

#: Makes the traces that are queried; its overhead is not measured.
SERVICE = Program("service", "service", is_own=True)

MEASURED = [*PYPERFORMANCE, *NUMERIC, *OWN]
PROGRAMS = {program.name: program for program in [*MEASURED, SERVICE]}
#: What `--quick` measures: one of each kind.
QUICK = ("deltablue", "float", "go", "json_dumps", "coroutines", "allocation_loop")
