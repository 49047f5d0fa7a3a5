"""What changed between two snapshots of the agent's entries. Pure.

An attempt that is made again and again is one outage: its begin is told once, with each cause that it shows (once), and
its end with how long it took and how many attempts. So a server that is dead for a week costs two lines, not thousands.
"""

from collections.abc import Mapping
from typing import NamedTuple, Optional

import msgspec

from ..entry import Entry, Now
from ..model import Health, Phase, Problem
from .event import Event, State, What, blamed, short

_UP = (Phase.MOUNTED, Phase.UNMOUNTING)


class Trace(NamedTuple):
    """What is told of one mount point so far."""

    entry: Entry  # as it was last seen
    state: State
    since: float  # of the state, on the monotonic clock
    attempts: int  # that failed since it was last up
    codes: frozenset[str]  # causes that were told of this state


Traces = dict[str, Trace]  # by mount point


def changes(before: Mapping[str, Trace], after: Mapping[str, Entry], now: Now) -> tuple[list[Event], Traces]:
    """The events between what was told and what is, and what is told now. Entries are immutable and replaced, so one
    that is the same object has not changed."""
    events: list[Event] = []
    traces: Traces = {}
    for place, entry in after.items():
        trace = before.get(place)
        if trace is not None and trace.entry is entry:
            traces[place] = trace
            continue
        event = _first(entry, now) if trace is None else _event(trace, entry, now)
        traces[place] = _traced(trace, entry, now)
        events += [event] if event else []
    for place, trace in before.items():
        if place not in after:
            gone = _gone(trace, now)
            events += [gone] if gone else []
    return events, traces


def state_of(entry: Entry) -> State:
    """Without the steps of an attempt, which are no news."""
    if entry.phase in _UP:
        return State(Phase.MOUNTED, entry.health)
    return State(Phase.BLOCKED if entry.phase is Phase.BLOCKED else Phase.WAITING)


def _first(entry: Entry, now: Now) -> Optional[Event]:
    """Seen for the first time: a mount that a former agent left standing is no change, and one that waits for its first
    attempt has nothing to tell."""
    if entry.problem is None:
        return None
    return blamed(_told(entry, state_of(entry).word, now), entry.problem)


def _event(trace: Trace, entry: Entry, now: Now) -> Optional[Event]:
    said = _said(trace, entry)
    if said is None:
        return None
    event = _told(entry, said, now, trace)
    if said == "mounted":
        return msgspec.structs.replace(event, attempts=_attempts(trace, entry) + 1)
    old = entry.problem is trace.entry.problem  # a retry leaves it standing until there is another
    told = state_of(entry) == trace.state and not _new_cause(trace, entry)
    return event if old or told else blamed(event, entry.problem)


def _said(trace: Trace, entry: Entry) -> Optional[str]:
    """The most decisive first; None for what is no news."""
    was, seen, state = trace.state, trace.entry, state_of(entry)
    if seen.wanted is not entry.wanted:
        return "back in the configuration" if entry.wanted else "left the configuration"
    if was.phase is Phase.MOUNTED and state.phase is not Phase.MOUNTED:
        if seen.phase is Phase.UNMOUNTING:
            return ("detached by request" if seen.detach_asked else "detached") if entry.detached else "unmounted"
        return "unmounted by somebody" if entry.problem is None else state.word
    if was.phase is not Phase.MOUNTED and state.phase is Phase.MOUNTED:
        return "mounted" if seen.phase is Phase.MOUNTING else "found mounted"
    if seen.mount_id != entry.mount_id and seen.mount_id and entry.mount_id:
        return "another mount took its place"
    if _first_look(trace, state):
        return None
    if was != state:
        return f"{was.word} -> {state.word}"
    return state.word if _new_cause(trace, entry) else None


def _first_look(trace: Trace, state: State) -> bool:
    """What was just mounted was looked at and is well; one of which something was told has that to be taken back."""
    fresh = trace.state.phase is Phase.MOUNTED and trace.state.health in (None, Health.UNKNOWN) and not trace.codes
    return fresh and state.health is Health.HEALTHY


def _new_cause(trace: Trace, entry: Entry) -> bool:
    return entry.problem is not None and entry.problem.code not in trace.codes


def _traced(trace: Optional[Trace], entry: Entry, now: Now) -> Trace:
    state = state_of(entry)
    codes = frozenset((entry.problem.code,)) if entry.problem else frozenset()
    if trace is None:
        return Trace(entry, state, now.monotonic, entry.failures, codes)
    attempts = 0 if state.phase is Phase.MOUNTED else _attempts(trace, entry)
    if state == trace.state or _first_look(trace, state):
        return Trace(entry, state, trace.since, attempts, trace.codes | codes)
    return Trace(entry, state, now.monotonic, attempts, codes)


def _attempts(trace: Trace, entry: Entry) -> int:
    """Failures in a row are counted from 0 again when somebody says retry; the outage goes on."""
    more = entry.failures - trace.entry.failures
    return trace.attempts + (more if more >= 0 else entry.failures)


def _gone(trace: Trace, now: Now) -> Optional[Event]:
    """It is no longer in the entries: one that was leaving is told of when it was unmounted."""
    up = trace.state.phase is Phase.MOUNTED
    if not trace.entry.wanted and not up:
        return None
    said = "left the configuration" if trace.entry.wanted else "unmounted"
    return msgspec.structs.replace(_told(trace.entry, said, now, trace), state=None)


def _told(entry: Entry, said: str, now: Now, trace: Optional[Trace] = None) -> Event:
    return Event(
        at=round(now.wall, 3),
        what=What.MOUNT,
        said=said,
        name=short(entry.spec.name),
        mountpoint=short(entry.spec.mountpoint),
        state=state_of(entry),
        before=trace.state if trace else None,
        lasted_s=round(max(0.0, now.monotonic - trace.since), 1) if trace else None,
    )


class Seen(NamedTuple):
    """Of the configuration, what was told last."""

    digest: str = ""
    code: str = ""
    observed: str = ""


def of_configuration(
    before: Seen, digest: str, mounts: int, problem: Optional[Problem], now: Now
) -> tuple[Seen, Optional[Event]]:
    """Accepted, or refused and why; `digest` is empty while there is none."""
    seen = Seen(digest, problem.code, short(problem.observed)) if problem else Seen(digest)
    if seen == before or seen == Seen():
        return before, None
    event = Event(at=round(now.wall, 3), what=What.GENERATION, said="refused" if problem else "accepted")
    if problem:
        return seen, blamed(event, problem)
    return seen, msgspec.structs.replace(event, digest=digest, mounts=mounts)
