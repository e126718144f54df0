"""The argument parser of every command."""

from __future__ import annotations

import argparse
import typing

from memlyze.cli.errors import UsageError


class CommandParser(argparse.ArgumentParser):
    """An ArgumentParser whose help starts with the description (EXAMPLES) and whose errors are one
    line.
    """

    def __init__(
        self, command: str, description: str, *, usage: str | None = None, epilog: str | None = None
    ) -> None:
        super().__init__(
            prog=f"memlyze {command}",
            usage=usage,
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self._optionals.title = "options"  # "optional arguments" before CPython 3.10

    def format_help(self) -> str:
        """The help: examples, then how to call it, then the options."""
        formatter = self._get_formatter()
        formatter.add_text(self.description)
        formatter.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
        for group in self._action_groups:
            formatter.start_section(group.title)
            formatter.add_text(group.description)
            formatter.add_arguments(group._group_actions)
            formatter.end_section()
        formatter.add_text(self.epilog)
        return formatter.format_help()

    def error(self, message: str) -> typing.NoReturn:
        """Refuse the command line."""
        raise UsageError(f"{message}; see {self.prog} --help")
