"""Writes the file that a command was told to write."""

from __future__ import annotations

import contextlib
import os
import typing

from memlyze.cli.errors import CommandError, UsageError

#: What stands for standard output where a file is named.
STANDARD_OUTPUT = "-"
#: What to say where it has no characters, as that of an unset variable of a shell.
NO_NAME = "the name of the output file is empty; name a file with -o, or leave -o out"


def named_file(output_file: str | None) -> str | None:
    """The file that `-o` names; None: standard output, which is also called `-`.

    Raises UsageError where it names nothing.
    """
    if output_file == "":
        raise UsageError(NO_NAME)
    return None if output_file == STANDARD_OUTPUT else output_file


def check_output(output_file: str, paths: typing.Sequence[str], *, force: bool) -> None:
    """Raise UsageError where a file must not be written: it is a trace that is read, or it exists
    and is not to be replaced.
    """
    if os.path.isdir(output_file):
        raise UsageError(f"{output_file} is a folder; name a file with -o")
    for path in paths:
        both_exist = os.path.exists(output_file) and os.path.exists(path)
        if both_exist and os.path.samefile(output_file, path):
            raise UsageError(f"-o would overwrite the trace {path}; choose another file")
    if (
        os.path.isfile(output_file) and not force
    ):  # what is no file, such as /dev/stdout, is written to
        raise UsageError(
            f"{output_file} exists; replace it with --force, or choose another with -o"
        )


@contextlib.contextmanager
def writing(path: str) -> typing.Iterator[typing.BinaryIO]:
    """The file to write a result to. It takes its name when all is written; devices and pipes are
    written to as they are.

    Raises CommandError when it cannot be written.
    """
    path = os.path.realpath(path)
    is_replaced = os.path.isfile(path) or not os.path.exists(path)
    partial = f"{path}.{os.getpid()}.partial" if is_replaced else path
    try:
        with open(partial, "wb") as file:
            yield file
        if is_replaced:
            os.replace(partial, path)
    except OSError as error:
        raise CommandError(
            f"{path} cannot be written: {error.strerror}; choose another -o"
        ) from None
    finally:
        if is_replaced:
            with contextlib.suppress(OSError):
                os.unlink(partial)
