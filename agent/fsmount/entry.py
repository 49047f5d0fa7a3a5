"""All that the agent knows of one mount point, and how an answer changes it. Pure: entries are values that are replaced.

Times ending in `_at` are seconds since 1970 and for people; the others are the monotonic clock's and for decisions.
"""

from typing import Optional

import msgspec

from . import backoff
from .model import Health, Phase, Problem, Spec, Usage, Word, word_of
from .timeouts import PROBE_INTERVAL_S

_HEALTH_OF = {"stale": Health.STALE, "disconnected": Health.DISCONNECTED, "not-answering": Health.HUNG}
_NOT_OF_HEALTH = ("busy", "unmount-failed")  # a mount that answers may still be one that cannot be unmounted


class Now(msgspec.Struct, frozen=True):
    """One moment on both clocks, and a throw of the dice in [0, 1) for whatever needs one."""

    monotonic: float
    wall: float
    dice: float


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    spec: Spec
    since_at: float
    wanted: bool = True  # False: it left the configuration and is to be unmounted when idle
    phase: Phase = Phase.WAITING
    health: Optional[Health] = None
    tried: bool = False  # was up or failed once since the agent started
    failures: int = 0
    not_before: float = 0.0  # no attempt before this
    address: Optional[str] = None
    mount_id: Optional[int] = None
    theirs: bool = False  # mounted by somebody else
    hides: bool = False
    usage: Optional[Usage] = None
    probed_at: Optional[float] = None
    next_probe: float = 0.0
    problem: Optional[Problem] = None
    problem_at: float = 0.0

    @property
    def word(self) -> Word:
        word = word_of(self.phase, self.health, self.tried)
        if self.phase is Phase.MOUNTED and self.health is Health.UNKNOWN and self.problem is None:
            return Word.PENDING
        return Word.DEGRADED if word is Word.OK and self.problem is not None else word


_UP = frozenset({Phase.MOUNTED, Phase.UNMOUNTING})


def turned(entry: Entry, phase: Phase, now: Now) -> Entry:
    """In another phase. `since` tells for how long it is up, or is not: the phases of one more attempt do not move it."""
    same = (entry.phase in _UP) is (phase in _UP)
    return msgspec.structs.replace(entry, phase=phase, since_at=entry.since_at if same else now.wall)


def mounted(entry: Entry, mount_id: int, now: Now, *, theirs: bool = False, hides: bool = False) -> Entry:
    """Up: everything that was wrong is over, and its first probe is due."""
    return msgspec.structs.replace(
        turned(entry, Phase.MOUNTED, now),
        health=Health.UNKNOWN if entry.mount_id != mount_id else entry.health,
        tried=True,
        failures=0,
        not_before=0.0,
        mount_id=mount_id,
        theirs=theirs,
        hides=hides,
        next_probe=now.monotonic,
        problem=None,
    )


def lost(entry: Entry, now: Now) -> Entry:
    """It was mounted and is not any more: unmounted by somebody. Mounted again at once."""
    return msgspec.structs.replace(
        turned(entry, Phase.WAITING, now), mount_id=None, health=None, usage=None, probed_at=None, hides=False, problem=None
    )


def failed(entry: Entry, problem: Problem, now: Now) -> Entry:
    """An attempt failed: a temporary problem is tried again, a permanent one blocks."""
    failures = entry.failures + 1
    wait = backoff.delay(failures, now.dice)
    return msgspec.structs.replace(
        turned(entry, Phase.WAITING if problem.temporary else Phase.BLOCKED, now),
        health=None,
        tried=True,
        failures=failures,
        not_before=now.monotonic + wait,
        address=None,
        mount_id=None,
        usage=None,
        problem=problem,
        problem_at=now.wall,
    )


def still_mounted(entry: Entry, problem: Problem, now: Now) -> Entry:
    """An unmount failed: it stays up and is tried again later."""
    failures = entry.failures + 1
    return msgspec.structs.replace(
        turned(entry, Phase.MOUNTED, now),
        failures=failures,
        not_before=now.monotonic + backoff.delay(failures, now.dice),
        problem=problem,
        problem_at=now.wall,
    )


def healthy(entry: Entry, usage: Usage, now: Now) -> Entry:
    since = now.wall if entry.health not in (Health.HEALTHY, Health.UNKNOWN) else entry.since_at
    return msgspec.structs.replace(
        entry,
        health=Health.HEALTHY,
        since_at=since,
        usage=usage,
        probed_at=now.wall,
        next_probe=now.monotonic + _spread(now),
        problem=entry.problem if entry.problem and entry.problem.code in _NOT_OF_HEALTH else None,
    )


def unwell(entry: Entry, problem: Problem, now: Now) -> Entry:
    """A probe failed or got no answer."""
    health = _HEALTH_OF.get(problem.code, Health.UNKNOWN)
    changed = health is not entry.health
    return msgspec.structs.replace(
        entry,
        health=health,
        since_at=now.wall if changed else entry.since_at,
        next_probe=now.monotonic + _spread(now) / 2,
        problem=problem,
        problem_at=now.wall if changed else entry.problem_at,
    )


def again(entry: Entry) -> Entry:
    """Somebody said retry, or the configuration changed: forget the waiting."""
    taken = entry.problem is not None and entry.problem.code == "mountpoint-taken"  # retry does not unmount it
    phase = Phase.WAITING if entry.phase is Phase.BLOCKED and not taken else entry.phase
    return msgspec.structs.replace(entry, phase=phase, failures=0, not_before=0.0, next_probe=0.0, address=None)


def _spread(now: Now) -> float:
    """About the probe interval, so that probes that began together drift apart."""
    return PROBE_INTERVAL_S * (0.8 + 0.2 * now.dice)
