"""What to do next about one mount point. A pure function: the most decisive reason first, each with its sentence."""

import enum
from typing import NamedTuple, Optional

from .entry import Entry
from .jobs.orders import How, Kind
from .judge import Standing
from .model import Health, OnHang, Phase
from .timeouts import PROBE_S

_BUSY_PATIENCE_S = 10.0


class Verb(enum.Enum):
    NOTHING = "nothing"
    FORGET = "forget"
    ADOPT = "adopt"
    BLOCK = "block"
    RESOLVE = "resolve"
    MOUNT = "mount"
    UNMOUNT = "unmount"
    GIVE_BACK = "give back"
    INSTALL = "install"
    MOVE = "move"
    PROBE = "probe"


class Action(NamedTuple):
    verb: Verb
    why: str
    look_again: Optional[float] = None  # the monotonic time at which the answer may be another
    how: How = How.IDLE  # of an unmount


def plan(entry: Entry, standing: Standing, mount_id: Optional[int], busy: frozenset[Kind], now: float) -> Action:
    """`standing` and `mount_id` are what mountinfo shows at the mount point now; `busy` the Jobs that live for it."""
    if busy & {Kind.MOUNT, Kind.UNMOUNT}:
        return Action(Verb.NOTHING, "an attempt is under way")

    if not entry.wanted and standing is Standing.ABSENT and not entry.given_back:
        return Action(Verb.GIVE_BACK, "it left the configuration: its mount point may be written to again")

    if not entry.wanted and standing not in (Standing.OURS, Standing.OUTDATED):
        return Action(Verb.FORGET, "it left the configuration, and nothing of ours is mounted there")

    if not entry.wanted or standing is Standing.OUTDATED:
        if entry.not_before > now:
            return Action(Verb.NOTHING, "it could not be unmounted; the next try comes later", entry.not_before)
        if entry.detach_asked and entry.health is Health.HUNG:
            return Action(Verb.UNMOUNT, "it hangs, and somebody asked to detach it", how=How.DETACH)
        why = "its settings changed" if entry.wanted else "it left the configuration"
        return Action(Verb.UNMOUNT, why)

    if standing is Standing.OTHER:
        if entry.problem is not None and entry.problem.code == "mountpoint-taken":
            return Action(Verb.NOTHING, "something else is mounted there")
        return Action(Verb.BLOCK, "something else is mounted there")

    if standing in (Standing.OURS, Standing.THEIRS):
        if entry.phase is not Phase.MOUNTED or entry.mount_id != mount_id:
            return Action(Verb.ADOPT, standing.value)
        return _mounted(entry, standing, busy, now)

    if entry.lacks_client and Kind.INSTALL in busy:
        return Action(Verb.NOTHING, "what mounts it is being installed")

    if entry.lacks_client and (entry.failures <= 1 or entry.not_before <= now):
        return Action(Verb.INSTALL, "what mounts it is not installed, and is to be")

    if entry.phase is Phase.BLOCKED and not _was_taken(entry):
        return Action(Verb.NOTHING, "a permanent problem: until the configuration changes or someone says retry")

    if entry.not_before > now and not _was_taken(entry):
        return Action(Verb.NOTHING, "the last attempt failed; the next one comes later", entry.not_before)

    if entry.address is None:
        if Kind.RESOLVE in busy:
            return Action(Verb.NOTHING, "its server's name is being resolved")
        return Action(Verb.RESOLVE, "its server's address is not known")

    return Action(Verb.MOUNT, "it is wanted, and nothing is mounted there")


def _mounted(entry: Entry, standing: Standing, busy: frozenset[Kind], now: float) -> Action:
    """It is there, and is what is wanted: looked at, and repaired where that is called for. Somebody else's is not."""
    repair = _repair(entry, busy, now) if standing is Standing.OURS else None
    if repair is not None and repair.verb is not Verb.NOTHING:
        return repair

    if Kind.PROBE in busy:
        return Action(Verb.NOTHING, "mounted; a probe is under way", repair.look_again if repair else None)

    if entry.next_probe <= now:
        return Action(Verb.PROBE, "mounted; the next look is due")

    again = [entry.next_probe, *([repair.look_again] if repair and repair.look_again else [])]
    return Action(Verb.NOTHING, "mounted", min(again))


def _repair(entry: Entry, busy: frozenset[Kind], now: float) -> Optional[Action]:
    if entry.health in (Health.STALE, Health.DISCONNECTED):
        return _anew(entry, busy, now)

    return _hung(entry, busy, now) if entry.health is Health.HUNG else None


def _anew(entry: Entry, busy: frozenset[Kind], now: float) -> Optional[Action]:
    """Stale or disconnected. In use, it is detached only when a later look says the same: a server that has just started
    may not know its exports yet, and whoever uses the mount would go on."""
    if entry.not_before > now:
        return Action(Verb.NOTHING, "it could not be unmounted; the next try comes later", entry.not_before)

    if not entry.busy_at:
        return Action(Verb.UNMOUNT, "it is mounted anew")

    if Kind.PROBE in busy or entry.judged <= entry.busy_at:
        return None  # the later look

    if entry.busy_at + _BUSY_PATIENCE_S > now:
        return Action(Verb.NOTHING, "it is in use, and whoever uses it is given some time", entry.busy_at + _BUSY_PATIENCE_S)

    return Action(Verb.UNMOUNT, "it is mounted anew; whoever uses it got only errors since", how=How.DETACH)


def _hung(entry: Entry, busy: frozenset[Kind], now: float) -> Optional[Action]:
    if Kind.MOVE in busy:
        return Action(Verb.NOTHING, "it is being led to its server's new address")

    if entry.detach_asked and entry.not_before <= now:
        return Action(Verb.UNMOUNT, "it hangs, and somebody asked to detach it", how=How.DETACH)

    if entry.moved_to and entry.not_before <= now:
        verb = Verb.UNMOUNT if entry.unmovable else Verb.MOVE
        return Action(verb, f"its server is at {entry.moved_to} now; it is led there, or mounted anew when idle")

    # What a helper mounted is led to its server by the helper's own doing.
    if entry.look_up <= now and Kind.RESOLVE not in busy and entry.address != entry.spec.host and not entry.spec.helper:
        return Action(Verb.RESOLVE, "it hangs: its server may have another address now")

    named = _named(entry, now)
    if entry.spec.care.on_hang is OnHang.WAIT:
        return Action(Verb.NOTHING, "it hangs, and its server may return", named)

    patience = entry.health_since + entry.spec.care.on_hang_after_s
    wait = max(patience, entry.not_before)
    if wait > now:
        return Action(Verb.NOTHING, "it hangs, and is given some time", min(wait, named) if named else wait)

    # Its server may be back since: nothing hard without a look that began when the time was over.
    if Kind.PROBE in busy:
        return None
    if entry.judged < patience + PROBE_S:
        return Action(Verb.PROBE, "it has been hanging for too long; the last look before it is taken away")
    how = How.FORCE if entry.spec.care.on_hang is OnHang.FORCE else How.DETACH
    return Action(Verb.UNMOUNT, "it has been hanging for too long", how=how)


def _named(entry: Entry, now: float) -> Optional[float]:
    """When its server's name is looked up again; an address has none, and what is due is under way."""
    return entry.look_up if entry.address != entry.spec.host and entry.look_up > now else None


def _was_taken(entry: Entry) -> bool:
    """Blocked by a foreign mount: over as soon as that is gone."""
    return entry.problem is not None and entry.problem.code == "mountpoint-taken"
