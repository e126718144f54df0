"""A window for each request of a Flask application.

    from memlyze.integrations.flask import Memlyze

    Memlyze(app)                            # or: memlyze = Memlyze(); memlyze.init_app(app)

The options are keywords, or `MEMLYZE_…` keys of the application's configuration:
`MEMLYZE_SAMPLE_RATE = 0.01`. Windows are named after the URL rule.
"""

from __future__ import annotations

from typing import Any

from memlyze.errors import OptionError
from memlyze.options import TraceOptions

from ._application import note_module
from ._frameworks import framework
from ._options import OPTION_NAMES
from .wsgi import ROUTE_KEY, MemlyzeMiddleware

flask: Any = framework("flask", "flask", "Flask")

_PREFIX = "MEMLYZE_"
_EXTENSION = "memlyze"


class Memlyze:
    """The extension.

    Args:
        app: a Flask application, or None and `init_app` later.
        **options: as of `memlyze.integrations.wsgi.MemlyzeMiddleware`; those of the application's
            configuration go before them.

    Raises:
        OptionError: an option is wrong, or the application has the extension already.
        TraceWriteError: the trace cannot be written.
    """

    def __init__(self, app: Any = None, **options: Any) -> None:
        self._options = options
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Any) -> None:
        """Record the requests of this application. Raises as the constructor does."""
        if _EXTENSION in app.extensions:
            raise OptionError(f"{app} has the extension memlyze already; put it in once")
        options = {**self._options, **_configured(app.config)}
        note_module(app.import_name)
        app.wsgi_app = MemlyzeMiddleware(app.wsgi_app, **options)
        app.extensions[_EXTENSION] = self
        app.before_request_funcs.setdefault(None, []).insert(0, _tell_rule)


def _configured(config: Any) -> dict[str, Any]:
    """The options in a configuration; a key that is none of them is an OptionError."""
    known = {*OPTION_NAMES, *TraceOptions.__slots__} - {"force"}
    options = {}
    for key in config:
        if key.startswith(_PREFIX):
            name = key[len(_PREFIX) :].lower()
            if name not in known:
                listed = ", ".join(_PREFIX + option.upper() for option in sorted(known))
                raise OptionError(f"there is no configuration key {key}; the keys are {listed}")
            options[name] = config[key]
    return options


def _tell_rule() -> None:
    """Runs before each request."""
    rule = flask.request.url_rule
    if rule is not None:
        flask.request.environ[ROUTE_KEY] = rule.rule
