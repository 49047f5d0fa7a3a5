"""Points in time as people say them: `2h`, `yesterday`, `2026-11-23`. Pure."""

import re
from datetime import datetime, timedelta

_UNITS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_AGO = re.compile(r"(\d{1,6}) ?(s|min|m|h|d|w)( ago)?", re.ASCII)
FORMS = "2h, 30min, 3d, today, yesterday, 2026-11-23 or '2026-11-23 18:30'"


def since(text: str, now: float) -> float:
    """Seconds since 1970. A date without a zone is local. Raises ValueError."""
    word = text.strip().lower()
    ago = _AGO.fullmatch(word)
    if ago:
        return now - int(ago[1]) * _UNITS[ago[2]]
    if word in ("today", "yesterday"):
        midnight = datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)
        return (midnight - timedelta(days=word == "yesterday")).timestamp()
    zulu = text.strip().upper()
    moment = datetime.fromisoformat(zulu[:-1] + "+00:00" if zulu.endswith("Z") else zulu)
    try:
        return moment.timestamp()
    except OverflowError as error:
        raise ValueError(str(error)) from None
