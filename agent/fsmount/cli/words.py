"""Figures as people read them."""

from typing import Optional


def size(count: Optional[int]) -> str:
    """Bytes as `df -h` shows them: powers of 1024, rounded up, at most four characters."""
    if count is None:
        return "-"
    if count < 1024:
        return str(count)
    amount = float(count)
    for unit in "KMGTPE":
        amount /= 1024
        tenths = -(-int(amount * 1024 * 10) // 1024) / 10
        if tenths < 10:
            return f"{tenths:.1f}{unit}"
        whole = -(-count // 1024 ** ("KMGTPE".index(unit) + 1))
        if whole < 1024:
            return f"{whole}{unit}"
    return f"{amount:.0f}E"


def span(seconds: float) -> str:
    """A stretch of time in its largest unit: 12 s, 3 min, 5 h, 2 d."""
    seconds = max(0.0, seconds)
    for limit, unit, length in ((120, "s", 1), (7200, "min", 60), (172800, "h", 3600)):
        if seconds < limit:
            return f"{int(seconds / length)} {unit}"
    return f"{int(seconds / 86400)} d"


def safe(text: str) -> str:
    """Text from outside, with whatever a terminal would obey made visible."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
