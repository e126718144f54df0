"""The timeline as a drawing that needs no script: it can be printed.

Places along the time axis are percentages, so that text keeps its size at every width; curves are
in a drawing of their own within it, which is stretched.
"""

from __future__ import annotations

import typing

from memlyze.analyses.timeline import Timeline
from memlyze.report.figures import nice_step
from memlyze.report.markup import Element, h
from memlyze.wording.units import format_bytes, format_duration

_PLOT_HEIGHT = 220
_LANE_TOP, _LANE_HEIGHT = 244, 44
_AXIS_Y = _LANE_TOP + _LANE_HEIGHT
_HEIGHT = _AXIS_Y + 20
_HEADROOM = 1.12
_WIDTH = 1000
_S, _MS, _US = 1e9, 1e6, 1e3


def timeline_chart(timeline: Timeline) -> Element:
    """Resident memory and what is live, with the peaks, and beneath it what is allocated."""
    slices = timeline.slices
    start_ns, end_ns = slices[0].start_ns, slices[-1].end_ns
    span_ns = max(end_ns - start_ns, 1)
    live = [part.peak_live_bytes for part in slices]
    rss = [part.rss for part in slices]
    top = _HEADROOM * max([*live, *(value for value in rss if value is not None), 1])
    allocated = [part.allocated_bytes.value for part in slices]
    drawing = h(
        "svg",
        {
            "class": "timeline",
            "width": "100%",
            "height": _HEIGHT,
            "role": "img",
            "aria-label": "Memory over time; the table below has the figures",
        },
        *_bytes_axis(top),
        h(
            "svg",
            _stretched(0, _PLOT_HEIGHT),
            h("path", {"class": "live", "d": _area(live, top, _PLOT_HEIGHT)}),
            *(h("path", {"class": "rss", "d": path}) for path in _curves(rss, top, _PLOT_HEIGHT)),
        ),
        h("text", {"x": 4, "y": _LANE_TOP - 6, "class": "lane"}, "allocated"),
        h(
            "svg",
            _stretched(_LANE_TOP, _LANE_HEIGHT),
            h(
                "path",
                {"class": "allocated", "d": _area(allocated, max([*allocated, 1]), _LANE_HEIGHT)},
            ),
        ),
        *_time_axis(span_ns, start_ns),
    )
    for number, peak in enumerate(timeline.peaks, 1):
        x = f"{100 * (peak.time_ns - start_ns) / span_ns:.2f}%"
        y = _PLOT_HEIGHT * (1 - peak.live_bytes.value / top)
        drawing.append(h("line", {"class": "peak", "x1": x, "x2": x, "y1": y, "y2": _PLOT_HEIGHT}))
        drawing.append(h("circle", {"class": "peak", "cx": x, "cy": y - 2, "r": 9}))
        mark = {"class": "peak", "x": x, "y": y + 2, "text-anchor": "middle"}
        drawing.append(h("text", mark, str(number)))
    return drawing


def sparkline(values: typing.Sequence[float]) -> Element:
    """A small curve from the left to the right."""
    size = {"viewBox": "0 0 100 24", "preserveAspectRatio": "none", "class": "sparkline"}
    path = _area(values, max([*values, 1]), 24, width=100)
    return h("svg", {**size, "aria-hidden": "true"}, h("path", {"class": "live", "d": path}))


def bar(share: float, kind: str) -> Element:
    """A bar as long as a share, from 0 to 1, of the greatest."""
    width = f"{100 * min(max(share, 0.0), 1.0):.1f}%"
    return h(
        "svg",
        {"class": "bar", "width": "100%", "height": 4, "aria-hidden": "true"},
        h("rect", {"class": "track", "width": "100%", "height": 4, "rx": 2}),
        h("rect", {"class": kind, "width": width, "height": 4, "rx": 2}),
    )


def parts_bar(shares: typing.Sequence[float]) -> Element:
    """A bar of parts that follow each other."""
    drawing = h("svg", {"class": "parts", "width": "100%", "height": 16, "aria-hidden": "true"})
    start = 0.0
    for number, share in enumerate(shares):
        rectangle = {"x": f"{100 * start:.2f}%", "width": f"{100 * share:.2f}%", "height": 16}
        drawing.append(h("rect", {**rectangle, "class": f"part part{number}"}))
        start += share
    return drawing


def _stretched(y: int, height: int) -> dict[str, object]:
    return {
        "y": y,
        "width": "100%",
        "height": height,
        "viewBox": f"0 0 {_WIDTH} {height}",
        "preserveAspectRatio": "none",
    }


def _bytes_axis(top: float) -> typing.Iterator[Element]:
    unit = 1.0
    while top >= 1024 * unit * 1.5:
        unit *= 1024
    step = unit * nice_step(top / unit, 5, (1, 2, 5), 10)
    value = step
    while value < top:
        y = round(_PLOT_HEIGHT * (1 - value / top), 1)
        yield h("line", {"class": "grid", "x1": "0", "x2": "100%", "y1": y, "y2": y})
        yield h("text", {"x": 4, "y": y - 4, "class": "grid"}, format_bytes(value))
        value += step
    yield h(
        "line", {"class": "axis", "x1": "0", "x2": "100%", "y1": _PLOT_HEIGHT, "y2": _PLOT_HEIGHT}
    )


def _time_axis(span_ns: int, start_ns: int) -> typing.Iterator[Element]:
    yield h("line", {"class": "axis", "x1": "0", "x2": "100%", "y1": _AXIS_Y, "y2": _AXIS_Y})
    if span_ns >= 120 * _S:
        step = _S * nice_step(span_ns / _S, 8, (60, 120, 300, 600, 900, 1800), 60)
    else:
        unit = next((unit for unit in (_S, _MS, _US) if span_ns >= 2 * unit), 1.0)
        step = unit * nice_step(span_ns / unit, 8, (0.1, 0.2, 0.5), 10)
    value, number = 0.0, 0
    while value < span_ns * 0.97:
        anchor = "middle" if number else "start"
        text = format_duration(start_ns + value) if number else "0"
        # Where it is narrow, every second one is left out.
        kind = "time" if number % 2 == 0 else "time odd"
        x = f"{100 * value / span_ns:.2f}%"
        yield h("line", {"class": "axis", "x1": x, "x2": x, "y1": _AXIS_Y, "y2": _AXIS_Y + 4})
        yield h("text", {"class": kind, "x": x, "y": _HEIGHT - 2, "text-anchor": anchor}, text)
        value, number = value + step, number + 1


def _area(values: typing.Sequence[float], top: float, height: int, *, width: int = _WIDTH) -> str:
    """A stepped outline, closed at the bottom."""
    points = _steps(list(values), 0, len(values), top, height, width)
    return f"M0,{height}L" + "L".join(points) + f"L{width},{height}Z"


def _curves(values: typing.Sequence[int | None], top: float, height: int) -> typing.Iterator[str]:
    """A stepped line for each run of values that are known."""
    start = None
    for place, value in enumerate([*values, None]):
        if value is not None and start is None:
            start = place
        elif value is None and start is not None:
            run = [known or 0 for known in values[start:place]]
            yield "M" + "L".join(_steps(run, start, len(values), top, height, _WIDTH))
            start = None


def _steps(
    values: typing.Sequence[float], first: int, count: int, top: float, height: int, width: int
) -> list[str]:
    points = []
    for place, value in enumerate(values, first):
        y = height * (1 - value / top)
        points += [f"{width * k / count:.1f},{y:.1f}" for k in (place, place + 1)]
    return points
