"""Which mounts stand in each other's way: no two at one place, none inside another. Pure.

Mounts for different instances may share a place: they only meet where both are wanted. Two that are wanted on the same
instances by what is written (no `when:`, or the same one) meet on some instance, though it may not be this one.
"""

from collections.abc import Iterator
from typing import NamedTuple


class Place(NamedTuple):
    path: str
    line: int
    name: str
    here: bool  # the mount is wanted on this instance
    when: tuple[str, ...]  # patterns for the names of the instances where it is wanted; empty: everywhere


class Places:
    def __init__(self) -> None:
        self._at: dict[str, list[Place]] = {}
        self._below: dict[str, list[Place]] = {}  # by every directory above a mount point

    def add(self, place: Place) -> Iterator[str]:
        """A sentence for each of those so far that is in its way, at most one of each kind."""
        parts = place.path.split("/")
        parents = ["/".join(parts[:end]) for end in range(2, len(parts))]
        around = [other for parent in parents for other in self._at.get(parent, ())]
        for nested in (around, self._below.get(place.path, [])):
            for other in [other for other in nested if _meet(place, other)][:1]:
                yield f"mounts cannot be nested: {other.path} is the mount point of '{other.name}' (line {other.line})"
        for other in [other for other in self._at.get(place.path, []) if _meet(place, other)][:1]:
            yield f"{place.path} is the mount point of '{other.name}' already (line {other.line})"
        self._at.setdefault(place.path, []).append(place)
        for parent in parents:
            self._below.setdefault(parent, []).append(place)


def _meet(one: Place, other: Place) -> bool:
    return (one.here and other.here) or not one.when or not other.when or one.when == other.when
