"""Tab completion at the prompt of `memlyze query`."""

from __future__ import annotations

import re

from memlyze.query.definitions import macros, views

COMMANDS = (".help", ".quit", ".schema")
_KEYWORDS = [
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "COUNT",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "ELSE",
    "END",
    "FILTER",
    "FROM",
    "GROUP",
    "HAVING",
    "IN",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "MAX",
    "MIN",
    "NOT",
    "NULL",
    "ON",
    "OR",
    "ORDER",
    "OVER",
    "ROUND",
    "SELECT",
    "SUM",
    "THEN",
    "USING",
    "WHEN",
    "WHERE",
    "WITH",
]


class Completer:
    """Completes the names of views, macros and their columns, and SQL's common words."""

    def __init__(self) -> None:
        definitions = views() + macros()
        self._relations = {
            definition.name + ("(" if definition.kind == "macro" else "")
            for definition in definitions
        }
        self._columns = {
            definition.name: {column.name for column in definition.columns}
            for definition in definitions
        }
        self._found: list[str] = []

    def candidates(self, word: str, line: str) -> list[str]:
        """What `word`, the last of `line`, may become.

        Columns are those of the views and macros that the line names, or of all when it names none.
        """
        if line.lstrip().startswith("."):
            names = set(COMMANDS) if line.strip() == word else set(self._columns)
        else:
            named = set(re.findall(r"\w+", line.lower())) & self._columns.keys()
            columns = [self._columns[name] for name in named or self._columns]
            names = self._relations.union(*columns)
        lowered = word.lower()
        matches = sorted(name for name in names if name.startswith(lowered))
        if word and not line.lstrip().startswith("."):
            matches += [
                keyword if word.isupper() else keyword.lower()
                for keyword in _KEYWORDS
                if keyword.lower().startswith(lowered)
            ]
        return matches

    def complete(self, word: str, state: int) -> str | None:
        """As readline wants it: the `state`-th candidate for the word before the cursor."""
        import readline

        if state == 0:
            line = readline.get_line_buffer()[: readline.get_endidx()]
            self._found = self.candidates(word, line)
        return self._found[state] if state < len(self._found) else None


def install() -> None:
    """Let Tab complete at the prompt; needs the module `readline`."""
    import readline

    readline.set_completer(Completer().complete)
    readline.set_completer_delims(" \t\n\"'`,;()=<>+-*/%|&!")
    # Where Python is built with libedit, its own language is spoken.
    is_libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")
