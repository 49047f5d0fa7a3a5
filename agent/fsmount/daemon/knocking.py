"""Mounts whose server is dead, and the Job that knocks at those servers: one for all of them, so that the mounts are back
as soon as the server is."""

import logging
from collections.abc import Mapping
from typing import Optional

from ..entry import Entry
from ..jobs.answers import Knocked
from ..jobs.orders import Key, Kind, Knock
from ..model import Health
from ..observe.mountinfo import Table
from .configuration import Jobs

log = logging.getLogger("fsmount")
KEY = Key(Kind.KNOCK, "")
_APART_S = 1.0  # between two Jobs, whatever the first one said: a fork is not free

Door = tuple[str, int]  # address and port


class Knocking:
    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._dead: dict[str, Optional[Door]] = {}  # by mount point; None: its server's address is not known
        self._table: Optional[Table] = None  # what the doors were read from
        self._new: set[str] = set()  # mount points whose door is to be read again
        self._at: frozenset[Door] = frozenset()
        self._not_before = 0.0
        self._said = ""

    def note(self, entry: Entry) -> None:
        place = entry.spec.mountpoint
        if entry.health is Health.HUNG or entry.detached:
            self._dead.setdefault(place, None)
            self._new.add(place)
        else:
            self._dead.pop(place, None)

    def forget(self, place: str) -> None:
        self._dead.pop(place, None)

    def turn(self, entries: Mapping[str, Entry], table: Table, now: float) -> Optional[float]:
        """Knock at the doors of those that are dead now. When to come again, if that is before the Job ends."""
        for place in self._dead if table is not self._table else self._new & self._dead.keys():
            self._dead[place] = _door(entries[place], table) or self._dead[place]
        self._table = table
        self._new.clear()
        doors = frozenset(door for door in self._dead.values() if door is not None)
        if self._jobs.lives(KEY):
            if not doors or not doors <= self._at:
                self._jobs.cancel(KEY)
                self._at = doors
            return None
        if not doors or self._not_before > now:
            return self._not_before if doors else None
        self._at, self._not_before = doors, now + _APART_S
        problem = self._jobs.start({KEY: Knock(tuple(sorted(doors)))}, now)
        return self._not_before if problem else None

    def answered(self, answer: Knocked) -> list[str]:
        """The mount points whose server is back."""
        if answer.why and answer.why != self._said:
            self._said = answer.why
            log.warning("%s; what hangs goes on when the kernel tries again, up to minutes later", answer.why)
        if answer.destroyed:
            log.info("%s answers again: %d dead connections to it were destroyed", answer.address, answer.destroyed)
        return [place for place, door in self._dead.items() if door == (answer.address, answer.port)]


def _door(entry: Entry, table: Table) -> Optional[Door]:
    """As the kernel has it; of one that was detached, what was known before holds."""
    row = table.at(entry.spec.mountpoint)
    if row is None and entry.detached:
        return None
    # Behind a proxy, the kernel's server is this machine.
    address = (row.server if row and not entry.spec.helper else "") or entry.address
    return (address, entry.spec.port) if address else None
