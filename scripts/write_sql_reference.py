#!/usr/bin/env python3
"""Write what the `.sql` files say of views, macros and columns into docs/sql.md, and the queries of
that page into memlyze/query/examples.json, or check them.

    python3 scripts/write_sql_reference.py           bring the page up to date
    python3 scripts/write_sql_reference.py --check   print what is out of date, and exit 1

Each view and macro has a part between `<!-- reference: NAME -->` and `<!-- end -->`; all else on
the page, its queries above all, is written by hand.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "sql.md"
EXAMPLES = ROOT / "memlyze" / "query" / "examples.json"
# What a query answers is the question at the beginning of the paragraph above it.
EXAMPLE = re.compile(r"([^\n]+(?:\n[^\n]+)*)\n\n```sql\n(.*?)```", re.DOTALL)
PART = re.compile(r"<!-- reference: (\w+) -->\n.*?<!-- end -->", re.DOTALL)


def load_definitions() -> Any:
    """memlyze/query/definitions.py of this tree, which needs nothing of the package built."""
    path = ROOT / "memlyze" / "query" / "definitions.py"
    specification = importlib.util.spec_from_file_location("definitions", path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["definitions"] = module
    specification.loader.exec_module(module)
    return module


def render(definition: Any) -> str:
    """The part of one view or macro."""
    lines = [f"<!-- reference: {definition.name} -->", definition.comment, ""]
    if definition.parameters:
        lines += ["| parameter | meaning |", "|---|---|"]
        lines += [f"| `{p.name}` | {escape(p.comment)} |" for p in definition.parameters]
        lines.append("")
    lines += ["| column | meaning |", "|---|---|"]
    lines += [f"| `{c.name}` | {escape(c.comment)} |" for c in definition.columns]
    return "\n".join([*lines, "<!-- end -->"])


def escape(text: str) -> str:
    return text.replace("|", "\\|")


def question(paragraph: str) -> str:
    """What a query answers, for a list that knows no Markdown."""
    asked, mark, _ = " ".join(paragraph.split()).partition("?")
    if not mark or re.search(r"[`\[*]", asked):
        raise SystemExit(
            "docs/sql.md: a query has no question above it, or one with Markdown in it: begin the "
            f"paragraph with what the query answers, in plain words: {asked}"
        )
    return asked + mark


def render_examples(page: str) -> str:
    """The queries of the page with what they answer, for whoever has the package alone."""
    found = [{"title": question(title), "sql": sql.strip()} for title, sql in EXAMPLE.findall(page)]
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing")
    arguments = parser.parse_args()
    definitions = load_definitions()
    by_name = {d.name: d for d in definitions.views() + definitions.macros()}
    text = PAGE.read_text(encoding="utf-8")
    missing = set(by_name) - set(PART.findall(text))
    for name in sorted(missing):
        print(f"docs/sql.md has no part for {name}: add '<!-- reference: {name} -->'")
    written = PART.sub(lambda match: render(by_name[match[1]]) if match[1] in by_name else "", text)
    examples = render_examples(written)
    if arguments.check:
        is_current = written == text and EXAMPLES.read_text(encoding="utf-8") == examples
        if not is_current:
            print("docs/sql.md is out of date: run python3 scripts/write_sql_reference.py")
        return 1 if missing or not is_current else 0
    PAGE.write_text(written, encoding="utf-8")
    EXAMPLES.write_text(examples, encoding="utf-8")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
