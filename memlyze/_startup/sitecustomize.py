# ruff: noqa: I002, UP032
# mypy: ignore-errors
"""Starts recording inside the program that `memlyze record` runs, and inside each Python that a
recorded one starts.

Whoever starts it puts this folder first in PYTHONPATH, so that `site` imports this file at
start-up. It takes every trace of itself away (path, environment, module), lets the program's own
`sitecustomize` run, and starts the recorder. The program must find the interpreter as it would be
without memlyze: hence no imports beyond `os` and `sys`, which `site` has loaded already, and
options in a plain text form, which `memlyze/handover.py` writes.

Any Python may be made to read this file, also one that memlyze does not support: the syntax is that
of the oldest. Whatever goes wrong is told to `memlyze record` through the status file, never to the
program.
"""

import os
import sys


def _restore_environment():
    """Remove what was added; return the options."""
    options = {}
    record = os.environ.pop("MEMLYZE_RECORD", "")
    encoded, is_added, added = record.partition("\x1foriginal_pythonpath=r:")
    for item in encoded.split("\x1f"):
        name, _, value = item.partition("=")
        kind, _, text = value.partition(":")
        if kind == "i":
            options[name] = int(text)
        elif kind == "f":
            options[name] = float(text)
        elif kind == "b":
            options[name] = text == "1"
        elif kind == "s":
            options[name] = text.replace("%1f", "\x1f").replace("%25", "%")
    original = options.pop("original_pythonpath", None)
    if is_added:
        original = added
    if original is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = original
    preloaded = options.pop("original_ld_preload", None)
    if preloaded is False:
        os.environ.pop("LD_PRELOAD", None)
    elif preloaded is not None:
        os.environ["LD_PRELOAD"] = preloaded
    here = os.path.dirname(__file__)
    sys.path[:] = [path for path in sys.path if path != here]
    sys.path_importer_cache.pop(here, None)
    return options


def _report(status_file, *fields):
    """Tell `memlyze record`, whose file is gone when it no longer waits.

    A path may hold any character but NUL, line feeds and tabs too.
    """
    if not status_file:
        return
    try:
        descriptor = os.open(status_file, os.O_WRONLY | os.O_APPEND)
    except OSError:
        return
    try:
        row = "\0".join(fields) + "\0\n"
        os.write(descriptor, row.encode("utf-8", "surrogateescape"))
    finally:
        os.close(descriptor)


def _claim_first(status_file, output_file):
    """The file that this family begins with, and whether it is that of this Python: several can be
    the first under one `memlyze record`, as in a shell script. What is appended to a file is in one
    order for all.
    """
    own = "begun\0{}\0{}".format(os.getpid(), output_file)
    _report(status_file, own)
    try:
        with open(status_file, encoding="utf-8", errors="surrogateescape", newline="") as file:
            begun = [row for row in file.read().split("\0\n") if row.startswith("begun\0")]
    except OSError:
        begun = []
    if not begun or begun[0] == own:
        return output_file, True
    return begun[0].split("\0")[2], False


def _start_tracer(options):
    """Start the recorder; return it."""
    from memlyze import family
    from memlyze.tracer import start_member

    status_file = options.pop("status_file", "")
    output_file = options.pop("output_file", "").replace("{pid}", str(os.getpid()))
    is_first = False
    if "first_file" not in options:
        options["first_file"], is_first = _claim_first(status_file, output_file)
    member = family.from_handover(options)
    member.handed_on["status_file"] = status_file
    return start_member(member, is_first, options)


def _start(options):
    """Start the recorder with the options that were handed over, and report how it went."""
    status_file = options.get("status_file")
    if not options:
        return
    package_parent = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    is_borrowed = package_parent not in sys.path
    if is_borrowed:
        sys.path.append(package_parent)
    modules_before = set(sys.modules)
    try:
        tracer = _start_tracer(options)
    except BaseException as error:
        version = ".".join(str(part) for part in sys.version_info[:3])
        cause = str(error)
        if type(error).__module__ != "memlyze.errors":  # whose messages are made for people
            cause = "{}: {}".format(type(error).__name__, cause)
        cause = cause.replace("\n", " ").replace("\0", " ")
        _report(status_file, "failed", version, cause)
        for name in set(sys.modules) - modules_before:
            if name.split(".")[0] == "memlyze":  # what a Python cannot use it need not see
                del sys.modules[name]
    else:
        _report(status_file, "started", str(os.getpid()), tracer.output_file)
    finally:
        if is_borrowed:
            sys.path.remove(package_parent)
            sys.path_importer_cache.pop(package_parent, None)


def _run():
    options = _restore_environment()
    sys.modules.pop("sitecustomize", None)
    try:
        # `site` finds the program's own module under this name afterwards; or, when there is none,
        # an ImportError of that name, which to it means just that.
        import sitecustomize  # noqa: F401
    finally:
        _start(options)


_run()
