"""Evidence that costs nothing: a server that takes requests and gives no answers is looked at at once."""

from collections.abc import Mapping
from typing import Callable

from ..observe.mountinfo import escaped
from ..observe.mountstats import Counters
from ..timeouts import TRAFFIC_AGAIN_S, TRAFFIC_S


class Traffic:
    """Holds what was counted last, and when to count again."""

    def __init__(self, read: Callable[[], Mapping[bytes, Counters]]) -> None:
        self._read = read
        self._last: Mapping[bytes, Counters] = {}
        self._usual: dict[str, tuple[float, int]] = {}  # when it last answered a look, and what was without an answer then
        self.due = 0.0

    def suspects(self, answered: Mapping[str, float], now: float) -> list[str]:
        """Those of the mount points (with the time of their last good look) that had more requests without an answer than
        at that look already the last time, and have had no answer since.

        The difference never returns to 0: requests that were sent twice, or given up, stay without an answer.
        """
        before, self._last = self._last, self._read()
        found, doubtful = [], False
        for place, looked in answered.items():
            counted, last = self._last.get(escaped(place)), before.get(escaped(place))
            if counted is None:
                continue
            usual = self._usual_of(place, looked, _open(counted), _open(last) if last else _open(counted))
            if _open(counted) <= usual:
                continue
            doubtful = True
            if last is not None and _open(last) > usual and last.received == counted.received:
                found.append(place)
        self._usual = {place: kept for place, kept in self._usual.items() if place in answered}
        self.due = now + (TRAFFIC_AGAIN_S if doubtful else TRAFFIC_S)
        return found

    def _usual_of(self, place: str, looked: float, before: int, after: int) -> int:
        """The least of what was open before and after the look: the server may have died right behind it."""
        if place not in self._usual or self._usual[place][0] < looked:
            self._usual[place] = (looked, min(before, after))
        return self._usual[place][1]


def _open(counted: Counters) -> int:
    return counted.sent - counted.received
