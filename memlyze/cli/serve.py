"""`memlyze serve`: the traces in a browser."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import threading
import typing
import webbrowser

from memlyze.cli.arguments import CommandParser
from memlyze.cli.errors import CommandError, UsageError
from memlyze.cli.opening import NO_NAME

DESCRIPTION = """\
EXAMPLES
  memlyze serve app.1234.mlyze                 opens it in the browser
  memlyze serve before.mlyze after.mlyze       two, to be compared
  memlyze serve traces/                        all traces in a folder, also those still to come
  memlyze record -o app.mlyze app.py &
  memlyze serve app.mlyze                      while it is being recorded
  memlyze serve --no-browser --port 8000 app.mlyze
                                               on another machine: ssh -L 8000:localhost:8000 …

Shows traces as a page: memory over time, flame graphs, heat maps, the source code, leaks, windows,
SQL. Only this machine can reach it, and only who has the URL that it prints. Runs until Ctrl-C.
"""
_GREATEST_PORT = 65535


def make_parser() -> CommandParser:
    """The parser of the command."""
    parser = CommandParser("serve", DESCRIPTION)
    parser.add_argument(
        "traces", nargs="+", metavar="trace.mlyze", help="trace file, or folder of them"
    )
    parser.add_argument(
        "--port",
        type=int,
        default=0,
        metavar="PORT",
        help="port to listen on (default: a free one)",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on (default: 127.0.0.1, which this machine alone can reach)",
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="print the URL, and do not open it"
    )
    return parser


def run(arguments: typing.Sequence[str]) -> int:
    """Run the command; return its exit status."""
    options = make_parser().parse_args(arguments)
    if not 0 <= options.port <= _GREATEST_PORT:
        raise UsageError(f"--port is from 0 to {_GREATEST_PORT}, not {options.port}")
    for path in options.traces:
        if not path:
            raise UsageError(NO_NAME)
        if not os.path.exists(path):
            raise UsageError(f"there is no file {path}; give a .mlyze trace, or a folder of them")
    _check_traces([path for path in options.traces if not os.path.isdir(path)])
    from memlyze.web.server import Site

    site = Site(options.traces, host=options.host, port=options.port)
    if not _is_private(options.host):
        print(
            f"memlyze serve: whoever can reach {options.host} and sees this URL can read the "
            "traces; nothing is encrypted",
            file=sys.stderr,
        )

    def tell() -> None:
        print(f"memlyze: {site.url}\nCtrl-C ends it.", flush=True)
        if not options.no_browser and _has_desktop():
            threading.Thread(target=webbrowser.open, args=[site.url], daemon=True).start()

    with contextlib.suppress(KeyboardInterrupt):  # the way to end it
        site.run(tell)
    return 0


def _check_traces(paths: typing.Sequence[str]) -> None:
    """Refuse what cannot be read now, rather than in the page. Raises MemlyzeError."""
    from memlyze.trace.reader import TraceFile
    from memlyze.web import pages

    if not pages.are_built():
        raise CommandError(
            "this memlyze was built without its web pages; install it from a wheel, "
            "or build it with Node.js"
        )
    for path in paths:
        TraceFile(path).close()


def _is_private(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _has_desktop() -> bool:
    """Whether a browser would open a window, and not take over the terminal."""
    is_told = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return is_told or platform.system() != "Linux"
