"""What can be set about an integration: the same names in all of them."""

from __future__ import annotations

import re
from typing import Any, Callable, Iterable, Mapping, Pattern

from memlyze.errors import OptionError
from memlyze.options import TraceOptions, from_keywords, signal_name

from ._control_options import control_options

DEFAULT_OUTPUT_FILE = "memlyze-{pid}.mlyze"
#: A service runs for long, and sees each route many times: fewer samples say enough.
DEFAULT_SAMPLE_INTERVAL_BYTES = 512 * 1024


class IntegrationOptions:
    """The options of an integration, validated.

    Attributes:
        trace: the options of the recording itself, as of `memlyze.start`; `output_file` is by
            default `memlyze-{pid}.mlyze`, and where that exists `memlyze-{pid}-2.mlyze` and so on;
            `sample_interval` is 512 KiB.
        enabled: whether to do anything at all.
        record_at_start: start recording with the application. False: when it is asked for.
        exclude: requests that get no window: paths or routes such as `/health`, `/static/*` (all
            beneath) or `/items/{id}`.
        toggle_signal: start recording when the process gets this signal, such as "SIGUSR2", and
            stop it at the next; "" is none. Only where the application is made in the main thread.
        control_path: where the application answers requests to start and stop, such as "/memlyze";
            "" is nowhere.
        control_token: what those requests have to know.
        route_name: called with the request's scope or environ when it is over; returns what to call
            its window, or None for the route as the integration finds it. None: not used.

    Raises:
        OptionError: an option is unknown, of the wrong type or out of range.
    """

    __slots__ = (
        "trace",
        "enabled",
        "record_at_start",
        "exclude",
        "route_name",
        "toggle_signal",
        "control_path",
        "control_token",
        "_excluded",
    )

    def __init__(
        self,
        *,
        output_file: str = DEFAULT_OUTPUT_FILE,
        enabled: bool = True,
        record_at_start: bool = True,
        exclude: Iterable[str] = (),
        route_name: Callable[[Any], str | None] | None = None,
        toggle_signal: str = "",
        control_path: str = "",
        control_token: str = "",
        **trace: Any,
    ) -> None:
        if "force" in trace:
            raise OptionError(
                "there is no option 'force' here: a trace that exists is kept, and the next one "
                "gets a number"
            )
        self.trace = _trace_options(output_file, trace)
        self.enabled = _flag("enabled", enabled)
        self.record_at_start = _flag("record_at_start", record_at_start)
        self.exclude = _texts("exclude", exclude)
        if route_name is not None and not callable(route_name):
            raise OptionError(f"route_name must be a function or None, not {route_name!r}")
        self.route_name = route_name
        self.toggle_signal = signal_name("toggle_signal", toggle_signal)
        if toggle_signal and toggle_signal == self.trace.checkpoint_signal:
            raise OptionError("toggle_signal and checkpoint_signal must be different signals")
        self.control_path, self.control_token = control_options(control_path, control_token)
        self._excluded = _pattern(self.exclude)

    def leaves_out(self, path: str) -> bool:
        """Whether a request for this path gets no window."""
        return self._excluded is not None and self._excluded.match(path) is not None

    def same_recording(self, other: IntegrationOptions) -> bool:
        """Whether both ask for the same recording, whatever else they ask for."""
        return all(
            getattr(self.trace, name) == getattr(other.trace, name)
            for name in TraceOptions.__slots__
        )


OPTION_NAMES = (
    "output_file",
    "enabled",
    "record_at_start",
    "exclude",
    "route_name",
    "toggle_signal",
    "control_path",
    "control_token",
)


def integration_options(options: Mapping[str, Any]) -> IntegrationOptions:
    """The options by name. Raises OptionError."""
    return IntegrationOptions(**options)


def _trace_options(output_file: str, options: dict[str, Any]) -> TraceOptions:
    known = {*TraceOptions.__slots__} - {"output_file", "force"}
    for name in options:
        if name not in known:
            listed = ", ".join([*OPTION_NAMES, *(n for n in TraceOptions.__slots__ if n in known)])
            raise OptionError(f"there is no option {name!r}; the options are {listed}")
    return from_keywords(output_file, {"sample_interval": DEFAULT_SAMPLE_INTERVAL_BYTES, **options})


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise OptionError(f"{name} must be True or False, not {value!r}")
    return value


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise OptionError(f"{name} must be a list of paths, such as ['/health'], not {value!r}")
    texts = tuple(value)
    for text in texts:
        if not isinstance(text, str) or not text.startswith(("/", "*")):
            raise OptionError(f"{name} must hold paths that begin with /, not {text!r}")
    return texts


_PARAMETER = re.compile(r"(\\\{.*?\\\}|<.*?>|\\<.*?\\>)|(\\\*)")


def _pattern(routes: tuple[str, ...]) -> Pattern[str] | None:
    """What matches the paths of these routes: `{id}` and `<int:id>` are a part, `*` is anything."""
    if not routes:
        return None
    parts = [
        _PARAMETER.sub(lambda found: "[^/]+" if found[1] else ".*", re.escape(route))
        for route in routes
    ]
    return re.compile("(?:" + "|".join(parts) + r")\Z", re.DOTALL)
