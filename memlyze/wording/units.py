"""Figures as people read them. Units are decided here and nowhere else."""

from __future__ import annotations

_BYTE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_COUNT_UNITS = ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k"))


def format_bytes(size_bytes: float) -> str:
    """`512 B`, `1.5 KiB`, `230 MiB`: three significant digits."""
    value = float(size_bytes)
    for unit in _BYTE_UNITS:
        if abs(value) < 999.5 or unit == _BYTE_UNITS[-1]:
            return f"{value:.0f} B" if unit == "B" else f"{_three_digits(value)} {unit}"
        value /= 1024
    raise AssertionError("unreachable")


def format_count(count: float) -> str:
    """`950`, `12.3 k`, `4.56 M`."""
    for scale, suffix in _COUNT_UNITS:
        if abs(count) >= scale * 0.9995:
            return _three_digits(count / scale) + suffix
    return f"{count:.0f}"


def plural(count: int, one: str, many: str) -> str:
    """`1 sample`, `2 samples`."""
    return f"{count} {one if count == 1 else many}"


def format_duration(duration_ns: float) -> str:
    """`0 s`, `850 µs`, `12.3 ms`, `4.56 s`, `2 min 05 s`, `1 h 02 min`."""
    if not duration_ns:
        return "0 s"
    if duration_ns < 999_500:
        return f"{_three_digits(duration_ns / 1e3)} µs"
    if duration_ns < 999_500_000:
        return f"{_three_digits(duration_ns / 1e6)} ms"
    seconds = duration_ns / 1e9
    if seconds < 59.95:
        return f"{_three_digits(seconds)} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def format_error(value: float, error: float) -> str:
    """The 95 % interval as a share of the value: `±4 %`, `±<0.1 %`; nothing when the value is
    exact.
    """
    if error == 0:
        return ""
    if value <= 0:
        return "±?"
    share = 100 * error / value
    if share < 0.05:
        return "±<0.1 %"
    return f"±{share:.1f} %" if share < 1 else f"±{share:.0f} %"


def _three_digits(value: float) -> str:
    if abs(value) >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"
