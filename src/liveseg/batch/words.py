"""How numbers of a batch are written for people, and names that others chose."""

from __future__ import annotations

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_LONGEST = 300


def span(seconds: float) -> str:
    """A time, as `12 ms`, `3.4 s`, `5 min 20 s`, `2 h 5 min` or `3 d 4 h`."""
    if seconds < 0.9995:
        return f"{seconds * 1e3:.1f} ms" if seconds < 0.00995 else f"{seconds * 1e3:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole, minutes, hours = (round(seconds / unit) for unit in (1, 60, 3600))
    if whole < 3600:
        return _two(*divmod(whole, 60), "min", "s")
    return _two(*divmod(minutes, 60), "h", "min") if minutes < 1440 else _two(*divmod(hours, 24), "d", "h")


def clock(seconds: float) -> str:
    """A time in little room, as `12 ms`, `3.4 s`, `5:20` or `2:05:20`."""
    if seconds < 59.95:
        return span(seconds)
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _two(large: int, small: int, unit: str, part: str) -> str:
    return f"{large:,} {unit} {small} {part}" if small else f"{large:,} {unit}"


def size(number: float) -> str:
    """Bytes, as `512 B`, `3.4 MB` or `1.2 TB`, in powers of 1000."""
    unit = 0
    while unit + 1 < len(_UNITS) and number >= 999.5:
        number, unit = number / 1000, unit + 1
    return f"{number:.0f} {_UNITS[unit]}" if unit == 0 or number >= 99.95 else f"{number:.1f} {_UNITS[unit]}"


def rate(number: float) -> str:
    """Things a second, with three digits that mean something."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def share(part: float, whole: float) -> str:
    """A share in per cent; what is there is never 0."""
    if not whole or not part:
        return "0 %"
    value = 100 * part / whole
    return "<0.1 %" if value < 0.05 else f"{value:.1f} %"


def shown(text: str, longest: int = _LONGEST) -> str:
    """A name or message from outside, so that it can do nothing to a terminal or a page but be read.

    Control characters, marks that turn the direction of writing and bytes that are no text are written by their code.
    """
    plain = "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text)
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"
