#!/usr/bin/env python3
"""Write webui/src/data/forms.ts from memlyze/web/openapi.json: what the page reads, as types.

    scripts/write_web_forms.py [--check]

The contract is written once, in the OpenAPI file; the page's types follow from it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = ROOT / "memlyze" / "web" / "openapi.json"
OUTPUT = ROOT / "webui" / "src" / "data" / "forms.ts"

HEADER = """\
/** What the page reads, generated from memlyze/web/openapi.json by scripts/write_web_forms.py. */

/** A long column of numbers; perhaps as it lies in memory. */
export type Column = ArrayLike<number>;

"""
PRIMITIVES = {
    "integer": "number",
    "number": "number",
    "string": "string",
    "boolean": "boolean",
    "null": "null",
}


def comment(schema: dict[str, Any], indent: str) -> str:
    text = schema.get("description", "").replace("*/", "*\\/")
    return f"{indent}/** {text} */\n" if text else ""


def alternatives(types: list[str]) -> str:
    return " | ".join(dict.fromkeys(types))


def type_of(schema: dict[str, Any], indent: str = "") -> str:
    """The TypeScript type of a schema."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1])
    if "anyOf" in schema:
        return alternatives([type_of(part, indent) for part in schema["anyOf"]])
    if "enum" in schema:
        types = [json.dumps(value) for value in schema["enum"]]
        is_nullable = "null" in schema.get("type", ())
        return alternatives(types + ["null"] * is_nullable)
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return alternatives([type_of_kind(kind, schema, indent) for kind in kinds]) or "unknown"


def type_of_kind(kind: str, schema: dict[str, Any], indent: str) -> str:
    if kind in PRIMITIVES:
        return PRIMITIVES[kind]
    if kind == "array" and schema.get("x-column"):
        return "Column"
    if kind == "array":
        item = type_of(schema.get("items", {}), indent)
        is_simple = re.fullmatch(r"\w+", item) is not None
        return f"{item}[]" if is_simple else f"({item})[]"
    properties = schema.get("properties")
    if not properties:
        values = schema.get("additionalProperties", True)
        return f"Record<string, {'unknown' if values is True else type_of(values, indent)}>"
    return members(properties, set(schema.get("required", ())), indent)


def members(properties: dict[str, Any], required: set[str], indent: str) -> str:
    inner = indent + "  "
    lines = "".join(
        comment(schema, inner)
        + f"{inner}{name}{'' if name in required else '?'}: {type_of(schema, inner)};\n"
        for name, schema in properties.items()
    )
    return f"{{\n{lines}{indent}}}"


def parameters_of(operation: dict[str, Any], contract: dict[str, Any]) -> dict[str, Any]:
    """Query and path parameters of a route, by name."""
    found = {}
    for parameter in operation.get("parameters", ()):
        if "$ref" in parameter:
            name = parameter["$ref"].rsplit("/", 1)[1]
            parameter = contract["components"]["parameters"][name]
        found[parameter["name"]] = parameter
    return found


def routes(contract: dict[str, Any]) -> str:
    """Each route that is read with GET and answers JSON: its parameters and its answer."""
    text = "/** The routes below /api that are read: what each takes, and what it answers. */\n"
    text += "export interface Routes {\n"
    for path, operations in contract["paths"].items():
        operation = operations.get("get")
        content = operation and operation["responses"]["200"].get("content", {})
        if not content or "application/json" not in content:
            continue
        taken = parameters_of(operation, contract)
        properties = {
            name: {**parameter["schema"], "description": parameter.get("description", "")}
            for name, parameter in taken.items()
        }
        required = {name for name, parameter in taken.items() if parameter.get("required")}
        takes = members(properties, required, "    ") if properties else "Record<string, never>"
        answer = type_of(content["application/json"]["schema"], "    ")
        text += f"  /** {operation.get('summary', '')}. */\n"
        name = json.dumps(path[len("/api/") :])
        text += f"  {name}: {{\n    takes: {takes};\n    answers: {answer};\n  }};\n"
    return text + "}\n"


def generate(contract: dict[str, Any]) -> str:
    forms = (
        comment(schema, "")
        + (
            f"export interface {name} {type_of(schema)}\n"
            if schema.get("properties")
            else f"export type {name} = {type_of(schema)};\n"
        )
        for name, schema in contract["components"]["schemas"].items()
    )
    return HEADER + "\n".join(forms) + "\n" + routes(contract)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether it is current")
    check = parser.parse_args().check
    text = generate(json.loads(CONTRACT.read_text(encoding="utf-8")))
    if check and (not OUTPUT.is_file() or OUTPUT.read_text(encoding="utf-8") != text):
        sys.exit(f"{OUTPUT.relative_to(ROOT)} is out of date: run scripts/write_web_forms.py")
    if not check:
        OUTPUT.parent.mkdir(parents=True, exist_ok=True)
        OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
