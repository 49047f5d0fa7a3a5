"""Which mount points to look at, and when: those about which something is new, and those whose time has come.

So a turn costs what has changed and not what there is.
"""

from collections.abc import Iterable
from typing import Optional

_NEVER = float("inf")
_NOT_SOONER_S = 0.05


class Agenda:
    def __init__(self) -> None:
        self._new: set[str] = set()
        self._without_room: set[str] = set()  # wait for a Job to end
        self._due: dict[str, float] = {}
        self._now = 0.0

    def add(self, place: str) -> None:
        self._new.add(place)

    def seen(self, place: str) -> None:
        self._new.discard(place)

    def look_again(self, place: str, at: Optional[float]) -> None:
        """At that monotonic time, or not before something is new."""
        # A time in the past would have the loop spin; the plan gives none, and this is the net under it.
        self._due[place] = _NEVER if at is None else max(at, self._now + _NOT_SOONER_S)

    def wait_for_room(self, place: str, at: float) -> None:
        self._without_room.add(place)
        self._due[place] = at

    def wait_for_turn(self, places: Iterable[str]) -> None:
        """Until the next turn, which comes at once."""
        self._new.update(places)

    def room(self) -> None:
        """A Job has ended."""
        self._new |= self._without_room
        self._without_room.clear()

    def forget(self, place: str) -> None:
        self._due.pop(place, None)
        self._new.discard(place)
        self._without_room.discard(place)

    def take(self, places: Iterable[str], now: float) -> list[str]:
        self._now = now
        chosen = [place for place in places if place in self._new or self._due.get(place, 0.0) <= now]
        self._new.clear()
        return chosen

    def next(self, now: float) -> Optional[float]:
        """When there is something to look at: at once if something is new."""
        return now if self._new else min(self._due.values(), default=None)
