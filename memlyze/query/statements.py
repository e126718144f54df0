"""Splits text into SQL statements, for the prompt and for the rule that a query is one
statement.
"""

from __future__ import annotations

import re

# Strings, quoted identifiers, dollar quotes and comments, in which a semicolon is not an end.
_TOKEN = re.compile(
    r"""
      '(?:[^']|'')*(?:'|$)
    | "(?:[^"]|"")*(?:"|$)
    | (?P<tag>\$\w*\$).*?(?:(?P=tag)|$)
    | --[^\n]*
    | /\*.*?(?:\*/|$)
    | ;
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"\s+|--[^\n]*|/\*.*?(?:\*/|$)", re.DOTALL)


def split_statements(text: str) -> tuple[list[str], str]:
    """The statements of `text` that end in a semicolon, and what follows the last one.

    Statements are given without the semicolon; those that hold only blanks and comments are left
    out.
    """
    statements = []
    start = 0
    for match in _TOKEN.finditer(text):
        if match.group() == ";":
            statements.append(text[start : match.start()])
            start = match.end()
    return [statement.strip() for statement in statements if not is_blank(statement)], text[start:]


def is_blank(text: str) -> bool:
    """Whether `text` holds nothing but blanks and comments."""
    return not _COMMENT.sub("", text)


def only_statement(text: str) -> str | None:
    """The one statement of `text`, or None when there is none or more than one."""
    statements, rest = split_statements(text)
    if not is_blank(rest):
        statements.append(rest.strip())
    return statements[0] if len(statements) == 1 else None
