"""What to do next about one mount point. A pure function: the most decisive reason first, each with its sentence."""

import enum
from typing import NamedTuple, Optional

from .entry import Entry
from .jobs.orders import Kind
from .judge import Standing
from .model import Phase


class Verb(enum.Enum):
    NOTHING = "nothing"
    FORGET = "forget"
    ADOPT = "adopt"
    BLOCK = "block"
    RESOLVE = "resolve"
    MOUNT = "mount"
    UNMOUNT = "unmount"
    PROBE = "probe"


class Action(NamedTuple):
    verb: Verb
    why: str
    look_again: Optional[float] = None  # the monotonic time at which the answer may be another


def plan(entry: Entry, standing: Standing, mount_id: Optional[int], busy: frozenset[Kind], now: float) -> Action:
    """`standing` and `mount_id` are what mountinfo shows at the mount point now; `busy` the Jobs that live for it."""
    if busy & {Kind.MOUNT, Kind.UNMOUNT}:
        return Action(Verb.NOTHING, "an attempt is under way")

    if not entry.wanted and standing not in (Standing.OURS, Standing.OUTDATED):
        return Action(Verb.FORGET, "it left the configuration, and nothing of ours is mounted there")

    if not entry.wanted or standing is Standing.OUTDATED:
        if entry.not_before > now:
            return Action(Verb.NOTHING, "it could not be unmounted; the next try comes later", entry.not_before)
        why = "its settings changed" if entry.wanted else "it left the configuration"
        return Action(Verb.UNMOUNT, why)

    if standing is Standing.OTHER:
        if entry.problem is not None and entry.problem.code == "mountpoint-taken":
            return Action(Verb.NOTHING, "something else is mounted there")
        return Action(Verb.BLOCK, "something else is mounted there")

    if standing in (Standing.OURS, Standing.THEIRS):
        if entry.phase is not Phase.MOUNTED or entry.mount_id != mount_id:
            return Action(Verb.ADOPT, standing.value)
        if Kind.PROBE in busy:
            return Action(Verb.NOTHING, "mounted; a probe is under way")
        if entry.next_probe <= now:
            return Action(Verb.PROBE, "mounted; the next look is due")
        return Action(Verb.NOTHING, "mounted", entry.next_probe)

    if entry.phase is Phase.BLOCKED and not _was_taken(entry):
        return Action(Verb.NOTHING, "a permanent problem: until the configuration changes or someone says retry")

    if entry.not_before > now and not _was_taken(entry):
        return Action(Verb.NOTHING, "the last attempt failed; the next one comes later", entry.not_before)

    if entry.address is None:
        if Kind.RESOLVE in busy:
            return Action(Verb.NOTHING, "its server's name is being resolved")
        return Action(Verb.RESOLVE, "its server's address is not known")

    return Action(Verb.MOUNT, "it is wanted, and nothing is mounted there")


def _was_taken(entry: Entry) -> bool:
    """Blocked by a foreign mount: over as soon as that is gone."""
    return entry.problem is not None and entry.problem.code == "mountpoint-taken"
