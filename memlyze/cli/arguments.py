"""The argument parser of every command."""

from __future__ import annotations

import argparse
import typing

from memlyze.cli.errors import UsageError
from memlyze.cli.help_text import fitted


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

    def add_traces(self) -> None:
        """What most commands read."""
        self.add_argument("traces", nargs="+", metavar="trace.mlyze", help="trace file")

    def add_json(self) -> None:
        """The option to print what was found for programs."""
        self.add_argument("--json", action="store_true", help="print one JSON object")

    def add_count(
        self,
        option: str,
        *,
        default: int | None,
        help: str,  # noqa: A002
        least: int = 1,
        group: argparse._MutuallyExclusiveGroup | None = None,
    ) -> None:
        """An option that takes a number, of at least so much; in a group of which one is given."""
        (group or self).add_argument(
            option,
            type=int,
            action=_AtLeast,
            least=least,
            default=default,
            metavar="COUNT",
            help=help,
        )

    def format_help(self) -> str:
        """The help: examples, then how to call it, then the options."""
        formatter = self._get_formatter()
        formatter.add_text(self.description and fitted(self.description))
        formatter.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
        for group in self._action_groups:
            formatter.start_section(group.title)
            formatter.add_text(group.description)
            formatter.add_arguments(group._group_actions)
            formatter.end_section()
        formatter.add_text(self.epilog and fitted(self.epilog))
        return formatter.format_help()

    def error(self, message: str) -> typing.NoReturn:
        """Refuse the command line."""
        raise UsageError(f"{message}; see {self.prog} --help")


class _AtLeast(argparse.Action):
    """Refuses a number that is too small."""

    def __init__(self, *arguments: typing.Any, least: int, **options: typing.Any) -> None:
        super().__init__(*arguments, **options)
        self._least = least

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: typing.Any,
        option_string: str | None = None,
    ) -> None:
        if values < self._least:
            parser.error(f"{self.option_strings[0]} must be {self._least} or more, not {values}")
        setattr(namespace, self.dest, values)
