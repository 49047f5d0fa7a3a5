"""All that the agent knows of one mount point, and how an answer changes it. Pure: entries are values that are replaced.

Times ending in `_at` are seconds since 1970 and for people; the others are the monotonic clock's and for decisions.
"""

from typing import Optional

import msgspec

from . import backoff
from .health import weigh
from .jobs.answers import Resolved
from .model import Health, Phase, Problem, Spec, Usage, Word, word_of
from .timeouts import LOOK_UP_AGAIN_S, LOOK_UP_S, MOVED_REST_S

_SHORT_S, _LOSSES_AT_ONCE = 60.0, 10
_NOT_OF_HEALTH = ("busy", "unmount-failed")  # a mount that answers may still be one that cannot be unmounted


class Now(msgspec.Struct, frozen=True):
    """One moment on both clocks, and a throw of the dice in [0, 1) for whatever needs one."""

    monotonic: float
    wall: float
    dice: float


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    spec: Spec
    since_at: float
    since: float = 0.0  # the same moment
    wanted: bool = True  # False: it left the configuration and is to be unmounted when idle
    phase: Phase = Phase.WAITING
    health: Optional[Health] = None
    health_since: float = 0.0
    doubts: int = 0  # how many looks in a row spoke against its health
    judged: float = 0.0  # when its health was last judged by a look
    up_since: float = 0.0
    losses: int = 0  # how often it was lost again within a minute
    busy_at: float = 0.0  # when it was found in use, the first time since it was last well
    tried: bool = False  # was up or failed once since the agent started
    failures: int = 0
    not_before: float = 0.0  # no attempt before this
    address: Optional[str] = None
    located: Optional[Resolved] = None  # all that was found out about where its server is
    mount_id: Optional[int] = None
    theirs: bool = False  # mounted by somebody else
    hides: bool = False
    worked: bool = False  # was up since the agent started, so what fails it now may well pass
    given_back: bool = False  # it left, and its mount point was made writable again
    detach_asked: bool = False  # by somebody who accepts what it risks
    look_up: float = 0.0  # while it hangs: when its server's name is looked up again
    unmovable: bool = False  # the kernel could not lead it there
    maybe_at: str = ""  # where the last look-up found it; believed when the next one says the same
    moved_to: str = ""  # where its server is now, other than where the mount leads
    detached: bool = False  # its server was dead, and it was taken out of sight until that answers
    usage: Optional[Usage] = None
    latency_s: Optional[float] = None
    warnings: tuple[Problem, ...] = ()
    probed_at: Optional[float] = None
    answered: float = 0.0  # its latest look, the monotonic clock's probed_at
    next_probe: float = 0.0
    problem: Optional[Problem] = None
    problem_at: float = 0.0

    @property
    def word(self) -> Word:
        word = word_of(self.phase, self.health, self.tried)
        if self.phase is Phase.MOUNTED and self.health is Health.UNKNOWN and self.problem is None:
            return Word.PENDING
        return Word.DEGRADED if word is Word.OK and self.problem is not None else word

    @property
    def lacks_client(self) -> bool:
        """What mounts it is not installed, and is to be."""
        return self.spec.install_client and self.problem is not None and self.problem.code == "lustre-missing"

    @property
    def verdict(self) -> Optional[Health]:
        """Its health, in one word for those that are not mounted, too."""
        if self.health is not None:
            return self.health
        if self.problem is not None and self.problem.code == "mountpoint-taken":
            return Health.WRONG_SOURCE
        return Health.MISSING if self.tried else None


_UP = frozenset({Phase.MOUNTED, Phase.UNMOUNTING})


def turned(entry: Entry, phase: Phase, now: Now) -> Entry:
    """In another phase. `since` tells for how long it is up, or is not: the phases of one more attempt do not move it."""
    same = (entry.phase in _UP) is (phase in _UP)
    if same:
        return msgspec.structs.replace(entry, phase=phase)
    return msgspec.structs.replace(entry, phase=phase, since_at=now.wall, since=now.monotonic)


def mounted(entry: Entry, mount_id: int, now: Now, *, theirs: bool = False, hides: bool = False) -> Entry:
    """Up: everything that was wrong is over, and its first probe is due."""
    return msgspec.structs.replace(
        turned(entry, Phase.MOUNTED, now),
        health=Health.UNKNOWN if entry.mount_id != mount_id else entry.health,
        health_since=now.monotonic if entry.mount_id != mount_id else entry.health_since,
        doubts=0,
        look_up=now.monotonic + LOOK_UP_S,
        moved_to="",
        unmovable=False,
        worked=True,
        detach_asked=False,
        detached=False,
        tried=True,
        failures=0,
        not_before=0.0,
        up_since=now.monotonic if entry.mount_id != mount_id else entry.up_since,
        busy_at=0.0,
        mount_id=mount_id,
        theirs=theirs,
        hides=hides,
        next_probe=now.monotonic,
        problem=None,
    )


def lost(entry: Entry, now: Now) -> Entry:
    """It was mounted and is not any more: unmounted by somebody. Mounted again at once, but not for ever: who or whatever
    takes it away again and again is given ever longer pauses."""
    losses = entry.losses + 1 if now.monotonic < entry.up_since + _SHORT_S else 0
    pause = backoff.delay(losses - _LOSSES_AT_ONCE, now.dice) if losses > _LOSSES_AT_ONCE else 0.0
    return msgspec.structs.replace(
        turned(entry, Phase.WAITING, now),
        losses=losses,
        failures=0,
        not_before=now.monotonic + pause if pause else 0.0,
        busy_at=0.0,
        mount_id=None,
        health=None,
        doubts=0,
        detach_asked=False,
        usage=None,
        latency_s=None,
        warnings=(),
        probed_at=None,
        hides=False,
        problem=None,
    )


def detached(entry: Entry, now: Now) -> Entry:
    """Taken out of sight because its server was dead; mounted again when that answers."""
    why = Problem("detached", f"{entry.spec.mountpoint}: {entry.spec.host} did not answer, so it was detached")
    again = now.monotonic + backoff.delay(1, now.dice)
    gone = msgspec.structs.replace(lost(entry, now), detached=True, failures=1, not_before=again)
    return msgspec.structs.replace(gone, problem=why, problem_at=now.wall)


def failed(entry: Entry, problem: Problem, now: Now) -> Entry:
    """An attempt failed: a temporary problem is tried again, a permanent one blocks.

    What worked before is tried again whatever the problem: an export that was withdrawn may be given back.
    """
    failures = entry.failures + 1
    wait = backoff.delay(failures, now.dice)
    taken = problem.code == "mountpoint-taken" and not problem.temporary
    waits = problem.temporary or (entry.worked and not taken)
    return msgspec.structs.replace(
        turned(entry, Phase.WAITING if waits else Phase.BLOCKED, now),
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
        next_probe=now.monotonic,  # before anything harder is tried, it is looked at again
        busy_at=(entry.busy_at or now.monotonic) if problem.code == "busy" else entry.busy_at,
        problem=problem,
        problem_at=now.wall,
    )


def looked(entry: Entry, seen: Health, problem: Optional[Problem], now: Now) -> Entry:
    """After a probe: what it alone says, weighed with what was known. The problem is shown once the verdict is bad."""
    health, doubts = weigh(entry.health, entry.doubts, seen)
    changed = health is not entry.health
    news = changed and not (entry.health is Health.UNKNOWN and health is Health.HEALTHY and entry.problem is None)
    kept = problem if health is seen else entry.problem
    if health is Health.HEALTHY:
        kept = entry.problem if entry.problem and entry.problem.code in _NOT_OF_HEALTH else None
    elif health is Health.HUNG and entry.unmovable and entry.moved_to:
        kept = entry.problem  # that its server is elsewhere says more than that it hangs
    unsure = doubts > 0 or health not in (Health.HEALTHY, Health.HUNG)  # of a server that hangs, its door tells sooner
    return msgspec.structs.replace(
        entry,
        health=health,
        failures=0 if health is Health.HEALTHY and entry.wanted else entry.failures,
        moved_to="" if health is Health.HEALTHY else entry.moved_to,
        maybe_at="" if health is Health.HEALTHY else entry.maybe_at,
        unmovable=health is not Health.HEALTHY and entry.unmovable,
        health_since=now.monotonic if changed else entry.health_since,
        doubts=doubts,
        judged=now.monotonic,
        busy_at=0.0 if health is Health.HEALTHY else entry.busy_at,
        detach_asked=entry.detach_asked and health is Health.HUNG,
        since_at=now.wall if news else entry.since_at,
        since=now.monotonic if news else entry.since,
        next_probe=now.monotonic + _spread(entry, now) / (2 if unsure else 1),
        problem=kept,
        problem_at=now.wall if kept and kept != entry.problem else entry.problem_at,
    )


def measured(entry: Entry, usage: Usage, latency_s: float, warnings: tuple[Problem, ...], now: Now) -> Entry:
    return msgspec.structs.replace(
        entry, usage=usage, latency_s=latency_s, warnings=warnings, probed_at=now.wall, answered=now.monotonic
    )


def again(entry: Entry) -> Entry:
    """Somebody said retry, or the configuration changed: forget the waiting."""
    taken = entry.problem is not None and entry.problem.code == "mountpoint-taken"  # retry does not unmount it
    phase = Phase.WAITING if entry.phase is Phase.BLOCKED and not taken else entry.phase
    return msgspec.structs.replace(entry, phase=phase, failures=0, not_before=0.0, next_probe=0.0, address=None, located=None)


def looked_up(entry: Entry, now: Now, elsewhere: str = "") -> Entry:
    """The name of its server was looked up while it hangs; `elsewhere` is where that is now, if not where it was."""
    sure = elsewhere != "" and elsewhere == entry.maybe_at
    wait = LOOK_UP_AGAIN_S if elsewhere and not sure else LOOK_UP_S
    return msgspec.structs.replace(
        entry,
        look_up=now.monotonic + wait,
        maybe_at=elsewhere,
        moved_to=elsewhere if sure else "",
        unmovable=entry.unmovable and elsewhere == entry.moved_to,
    )


def moved(entry: Entry, address: str, now: Now) -> Entry:
    """The mount leads to another address, and is looked at as soon as may be."""
    led = msgspec.structs.replace(entry, address=address, maybe_at="", moved_to="", unmovable=False, not_before=0.0)
    return probed_soon(msgspec.structs.replace(led, look_up=now.monotonic + MOVED_REST_S), now)


def not_moved(entry: Entry, problem: Problem, now: Now) -> Entry:
    """Its server is elsewhere, and the kernel cannot lead the mount there: unmounted when it is idle, if it ever is."""
    failures = entry.failures + 1
    wait = backoff.delay(failures, now.dice)
    changed = msgspec.structs.replace(entry, failures=failures, not_before=now.monotonic + wait, problem=problem)
    return msgspec.structs.replace(changed, problem_at=now.wall, unmovable=True)


def given_back(entry: Entry) -> Entry:
    """It left, and its mount point may be written to again."""
    return msgspec.structs.replace(entry, given_back=True)


def probed_soon(entry: Entry, now: Now) -> Entry:
    """Something is new about its server: looked at as soon as may be."""
    return msgspec.structs.replace(entry, next_probe=min(entry.next_probe, now.monotonic))


def _spread(entry: Entry, now: Now) -> float:
    """A little less than the probe interval, so that probes that began together drift apart, and room to wait is left."""
    return entry.spec.care.probe_every_s * (0.75 + 0.2 * now.dice)
