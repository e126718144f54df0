"""A panel for django-debug-toolbar: what the request allocated, and where.

    DEBUG_TOOLBAR_PANELS = [..., "memlyze.integrations.django.panel.MemlyzePanel"]

The figures are read from the trace when the panel is opened, not while the request runs. A single
request has samples enough only where most allocations are recorded: set
`MEMLYZE = {"SAMPLE_RATE": 1.0}` for development.
"""

from __future__ import annotations

from typing import Any

from memlyze.tracer import active_tracer

from .._frameworks import framework
from .middleware import WINDOW_ATTRIBUTE

panels: Any = framework("debug_toolbar.panels", "django", "django-debug-toolbar")

_SITES = 20


class MemlyzePanel(panels.Panel):  # type: ignore[misc]
    """The panel. It works under ASGI, too."""

    title = "Memory"
    nav_title = "Memory"
    template = "memlyze/panel.html"
    is_async = True

    @property
    def nav_subtitle(self) -> str:
        """Beneath the title."""
        number = self.get_stats().get("window_id")
        return f"window {number}" if number else "not recorded"

    def generate_stats(self, request: Any, response: Any) -> None:
        """Called when the response is there: remembers where the figures will be found."""
        window = getattr(request, WINDOW_ATTRIBUTE, None)
        tracer = active_tracer()
        if window is None or tracer is None:
            self.record_stats({"window_id": 0, "path": ""})
        else:
            self.record_stats({"window_id": window.window_id, "path": tracer.output_file})

    @property
    def content(self) -> str:
        """What is shown when the panel is opened."""
        stats = self.get_stats()
        rendered: str = framework("django.template.loader", "django", "Django").render_to_string(
            self.template, figures_of(stats.get("path") or "", stats.get("window_id") or 0)
        )
        return rendered


def figures_of(path: str, window_id: int) -> dict[str, Any]:
    """What the panel's template shows; `why_not` where there is nothing to show."""
    if not window_id:
        return {
            "why_not": "This request was not recorded: memlyze's middleware is not in MIDDLEWARE, "
            "leaves the path out, or is not recording."
        }
    from memlyze.analyses.single_window import single_window
    from memlyze.errors import MemlyzeError
    from memlyze.query.session import open_trace
    from memlyze.wording.units import format_bytes, format_count, format_error

    try:
        with open_trace(path, family=False) as trace:
            found = single_window(trace, window_id, count=_SITES)
    except MemlyzeError as error:
        return {"why_not": str(error)}
    if found is None:
        return {"why_not": "The trace does not hold this request yet; open the panel again."}

    def text(figure: Any) -> str:
        error = format_error(*figure) if figure.value else ""
        return f"{format_bytes(figure.value)} {error}".strip()

    window = found.window
    return {
        "path": path,
        "window": window,
        "allocated": text(window.allocated_bytes),
        "peak": text(window.peak_bytes),
        "retained": text(window.retained_bytes),
        "allocations": format_count(window.allocations.value),
        "collector_ms": window.collector_ns / 1e6,
        "sites": [
            {
                "function": site.function,
                "place": f"{site.file}:{site.line}",
                "allocated": text(site.bytes),
                "live": text(site.live_bytes),
            }
            for site in found.sites
        ],
    }
