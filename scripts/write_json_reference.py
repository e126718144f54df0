#!/usr/bin/env python3
"""Write what the classes say of the commands' JSON into docs/json.md, or check it.

    python3 scripts/write_json_reference.py           bring the page up to date
    python3 scripts/write_json_reference.py --check   print what is out of date, and exit 1

`--json` prints what an analysis returns: named tuples as objects, with the names of their fields.
Their docstrings are the schema. A form is added by a line in `FORMS`, and by a place for it on the
page, `<!-- json: COMMAND -->` and `<!-- end -->`. Everything else there is written by hand.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Iterator, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "json.md"
#: The class whose fields each command prints.
FORMS = {
    "summary": ("memlyze.analyses.summary", "Summary"),
    "hotspots": ("memlyze.analyses.hotspots", "Hotspots"),
    "timeline": ("memlyze.analyses.timeline", "Timeline"),
    "peak": ("memlyze.analyses.peak", "Moment"),
    "flamegraph": ("memlyze.analyses.flamegraph", "FlameGraph"),
    "diff": ("memlyze.cli.diff", "Answer"),
    "info": ("memlyze.analyses.inventory", "Inventory"),
}
#: What fields mean that need no docstring where they stand.
COMMON = {
    "function": "Name of a function.",
    "file": "Path of a source file.",
    "line": "Line number, from 1; 0: unknown.",
    "module": "Dotted name of a module; null: unknown.",
    "samples": "Recorded rows that the figures rest on.",
    "allocations": "How many allocations (an estimate while sampling).",
    "start_ns": "When it begins, in nanoseconds since the start of the trace.",
    "time_ns": "When it was, in nanoseconds since the start of the trace.",
    "process_id": "Number of a process, as in the view `processes`.",
    "bytes": "Bytes.",
    "path": "Path of the trace file.",
    "damage": "What could not be read, a sentence each.",
    "is_complete": "Whether recording ended in order.",
    "duration_ns": "How long it took, in nanoseconds.",
    "before": "In the first recording.",
    "after": "In the second recording.",
    "change": "The second less the first.",
    "value": "The figure itself.",
    "error": "Half the width of its 95 % interval; 0: exact.",
}
PART = re.compile(r"<!-- json: (\w+) -->\n.*?<!-- end -->", re.DOTALL)
_WORDS = {
    "int": "integer",
    "float": "number",
    "str": "string",
    "bool": "boolean",
    "None": "null",
    "typing.Any": "any",
}


class Field(NamedTuple):
    name: str
    annotation: str
    meaning: str


class Class(NamedTuple):
    module: str
    name: str
    docstring: str
    fields: list[Field]


def load(module: str, name: str) -> Class:
    """A class by what its source says; also where the module has it from another one."""
    path = ROOT / (module.replace(".", "/") + ".py")
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            docstring = " ".join((ast.get_docstring(node) or "").split())
            return Class(module, name, docstring, list(_fields(node, source)))
        if isinstance(node, ast.ImportFrom) and any(alias.name == name for alias in node.names):
            return load(node.module or "", name)
    raise SystemExit(f"{path} has no class {name}")


def _fields(node: ast.ClassDef, source: str) -> Iterator[Field]:
    for statement, following in zip(node.body, [*node.body[1:], None]):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        name = statement.target.id
        meaning = COMMON.get(name, "")
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            meaning = " ".join(str(following.value.value).split()).replace("None:", "null:")
        if not meaning:
            raise SystemExit(f"{node.name}.{name} has no docstring, which docs/json.md needs")
        yield Field(name, ast.get_source_segment(source, statement.annotation) or "", meaning)


def spell_type(annotation: str, classes: dict[str, Class]) -> str:
    """`tuple[Hotspot, ...]` → `array of Hotspot`."""
    parts = [part.strip() for part in re.split(r"\|(?![^\[]*\])", annotation)]
    if len(parts) > 1:
        return " or ".join(spell_type(part, classes) for part in parts)
    array = re.fullmatch(r"(?:tuple|list|typing\.Sequence)\[(.*?)(?:, \.\.\.)?\]", annotation)
    if array:
        return f"array of {spell_type(array.group(1), classes)}"
    table = re.fullmatch(r"(?:dict|typing\.Mapping)\[str, (.*)\]", annotation)
    if table:
        return f"object of {spell_type(table.group(1), classes)}"
    if annotation in classes:
        of_commands = {form: f"memlyze-{command}" for command, (_, form) in FORMS.items()}
        return f"[{annotation}](#{of_commands.get(annotation, annotation.lower())})"
    return _WORDS.get(annotation, annotation)


def used_classes(form: Class) -> dict[str, Class]:
    """The classes that a form is made of, by name: itself and all within it."""
    found = {form.name: form}
    waiting = [form]
    while waiting:
        current = waiting.pop(0)
        for field in current.fields:
            for name in re.findall(r"\b[A-Z]\w+", field.annotation):
                if name not in found and name not in ("None", "Any", "Sequence", "Mapping"):
                    found[name] = load(current.module, name)
                    waiting.append(found[name])
    return found


def table(shown: Class, classes: dict[str, Class]) -> list[str]:
    lines = ["| field | type | meaning |", "|---|---|---|"]
    for field in shown.fields:
        kind = spell_type(field.annotation, classes)
        lines.append(f"| `{field.name}` | {kind} | {field.meaning} |")
    return lines


def render() -> str:
    """The page with all of its parts as the sources have it."""
    page = PAGE.read_text(encoding="utf-8")
    all_classes: dict[str, Class] = {}
    forms = {}
    for command, (module, name) in FORMS.items():
        forms[command] = form = load(module, name)
        for other, used in used_classes(form).items():
            known = all_classes.setdefault(other, used)
            if known.module != used.module:
                raise SystemExit(f"two classes of the JSON forms are named {other}")
    parts = {}
    for command, form in forms.items():
        parts[command] = [form.docstring, "", *table(form, all_classes)]
    tops = {form.name for form in forms.values()}
    nested: list[str] = []
    for name, used in sorted(all_classes.items()):
        if name not in tops:
            nested += [f"### {name}", "", used.docstring, "", *table(used, all_classes), ""]
    parts["parts"] = nested[:-1]

    def replace(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in parts:
            raise SystemExit(f"docs/json.md has a part {name!r}, of which FORMS knows nothing")
        body = "\n".join(parts.pop(name))
        return f"<!-- json: {name} -->\n{body}\n<!-- end -->"

    written = PART.sub(replace, page)
    if parts:
        raise SystemExit(f"docs/json.md lacks <!-- json: {next(iter(parts))} --> … <!-- end -->")
    return written


def main() -> int:
    written = render()
    if "--check" in sys.argv[1:]:
        if written != PAGE.read_text(encoding="utf-8"):
            print("docs/json.md is out of date: run scripts/write_json_reference.py (make format)")
            return 1
        return 0
    PAGE.write_text(written, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
