"""Numbers, times and sizes in words."""

import datetime


def count(value):
    """All digits, in groups; a dash for what is not known."""
    return "–" if value is None else f"{round(value):,}"


def short(value, digits=3):
    """So many digits and a unit: 999, 1.23k, 45.6M."""
    if value is None:
        return "–"
    for unit, factor in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        # Else 999,999 would be 1000k.
        if value >= factor * (1 - 0.5 * 10 ** -digits):
            return _digits(value / factor, digits) + unit
    return _digits(value, digits)


def _digits(value, digits):
    if value == round(value):
        return f"{value:.0f}"
    return f"{value:.{max(0, digits - len(f'{value:.0f}'))}f}"


def size(octets):
    if octets is None:
        return "–"
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if octets >= factor:
            return f"{octets / factor:.1f} {unit}"
    return f"{octets:.0f} B"


def plural(value, noun):
    return f"{count(value)} {noun}{'' if value == 1 else 's'}"


def duration(seconds):
    """The two greatest units: 3 d 4 h, 2 h 5 min, 40 s."""
    if seconds is None:
        return "–"
    rest = int(seconds + 0.5)
    parts = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if rest >= length or parts or unit == "s":
            parts.append((rest // length, unit))
            rest %= length
    return " ".join(f"{number} {unit}" for number, unit in parts[:2] if number or len(parts) == 1)


def date(seconds):
    """In UTC; a dash for a value that is not a date."""
    try:
        moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    except (TypeError, ValueError, OverflowError, OSError):
        return "–"
    return moment.strftime("%Y-%m-%d %H:%M UTC")
