"""`manage.py memlyze …`: memlyze's command line, which knows the site's traces.

manage.py memlyze windows                   of all traces that the site has written
manage.py memlyze summary memlyze-1234.mlyze
manage.py memlyze record runserver          manage.py runserver, recorded from its start
"""

from __future__ import annotations

import glob
import sys
from typing import Any

from memlyze.cli.main import COMMANDS, main

from ...._frameworks import framework
from ..._settings import output_pattern

base: Any = framework("django.core.management.base", "django", "Django")

_READING = [command for command in COMMANDS if command not in ("record", "serve")]


class Command(base.BaseCommand):  # type: ignore[misc]
    """Runs `memlyze` with the words that follow."""

    help = "Runs memlyze on the traces of this site: memlyze windows, summary, leaks, query, …"
    requires_system_checks: list[Any] = []  # noqa: RUF012  # Django's own declaration

    def run_from_argv(self, argv: list[str]) -> None:
        """Called by Django with `manage.py memlyze …`."""
        sys.exit(main(self.words(argv[0], argv[2:])))

    def handle(self, *args: Any, words: Any = (), **_: Any) -> None:
        """Called by `call_command("memlyze", "windows", …)`."""
        status = main(self.words(sys.argv[0], [str(word) for word in (*args, *words)]))
        if status:
            raise base.CommandError("memlyze has failed; see above", returncode=status)

    def add_arguments(self, parser: Any) -> None:
        """For `call_command`: the words are memlyze's."""
        parser.add_argument("words", nargs="*")

    @staticmethod
    def words(manage: str, words: list[str]) -> list[str]:
        """The words for `memlyze`: with the site's traces where none is named."""
        if words[:1] == ["record"]:
            return ["record", *_before_the_command(words[1:]), manage, *_command(words[1:])]
        if words and words[0] in _READING and not _names_a_trace(words):
            return [*words, *sorted(glob.glob(output_pattern()))]
        return words


def _before_the_command(words: list[str]) -> list[str]:
    """The options of memlyze that stand before the command that is to be recorded."""
    count = len(words) - len(_command(words))
    return words[:count]


def _command(words: list[str]) -> list[str]:
    known = framework("django.core.management", "django", "Django").get_commands()
    for place, word in enumerate(words):
        if word in known:
            return words[place:]
    return []


def _names_a_trace(words: list[str]) -> bool:
    return "-h" in words or "--help" in words or any(word.endswith(".mlyze") for word in words)
