"""How the answer of a Job changes the entry that it is about. Pure."""

import msgspec

from . import capacity, health
from . import entry as entries
from .entry import Entry, Now
from .jobs.answers import Answer, Failed, Installed, Mounted, Moved, Overdue, Probed, Unmounted
from .jobs.deadlines import deadline_s
from .jobs.orders import DEADLINES_S, Key, Kind
from .model import Health, Phase, Problem

_HEALTH_OF = {
    "stale": Health.STALE,
    "disconnected": Health.DISCONNECTED,
    "access-withdrawn": Health.DENIED,
    "write-refused": Health.READ_ONLY,
    "not-answering": Health.HUNG,  # Lustre says so by itself once it has given up
    "lustre-target-down": Health.SLOW,  # what lies elsewhere can be read: nothing is to be taken away
}


def after(key: Key, entry: Entry, answer: Answer, now: Now) -> Entry:
    if key.kind is Kind.MOUNT:
        return _after_mount(entry, answer, now)
    if key.kind is Kind.UNMOUNT:
        return _after_unmount(entry, answer, now)
    if key.kind is Kind.MOVE:
        return _after_move(entry, answer, now)
    if key.kind is Kind.INSTALL:
        return _after_install(entry, answer, now)
    return _after_probe(key, entry, answer, now)


def _after_move(entry: Entry, answer: Answer, now: Now) -> Entry:
    if isinstance(answer, Moved):
        return entries.moved(entry, answer.address, now)
    if isinstance(answer, Failed) and answer.problem.code != "address-changed":
        return entries.looked_up(entry, now)  # nothing answers there, or the old address does: it was not so
    late = Problem("address-changed", f"{entry.spec.host} is at {entry.moved_to} now; leading the mount there took too long")
    return entries.not_moved(entry, problem_of(answer, late), now)


def _after_mount(entry: Entry, answer: Answer, now: Now) -> Entry:
    if isinstance(answer, Mounted):
        return entries.mounted(entry, answer.mount_id, now, hides=answer.hides)
    late = Problem("mount-timeout", f"{entry.spec.source}: no end after {deadline_s(Kind.MOUNT, entry.spec.helper):.0f} s")
    return entries.failed(entry, problem_of(answer, late), now)


def _after_install(entry: Entry, answer: Answer, now: Now) -> Entry:
    """Installed, it is mounted at once. Else, and where that attempt fails as well, the next one is some time later."""
    if isinstance(answer, Installed):
        return msgspec.structs.replace(entry, problem=None, not_before=0.0)
    late = Problem("client-not-installed", f"no end after {DEADLINES_S[Kind.INSTALL]:.0f} s")
    return entries.failed(entry, problem_of(answer, late), now)


def _after_unmount(entry: Entry, answer: Answer, now: Now) -> Entry:
    if entry.mount_id is None:  # its mount point was to be given back; not again, whatever came of it
        return entries.given_back(entry)
    if isinstance(answer, Unmounted):
        if answer.detached and entry.wanted and entry.health is Health.HUNG:
            return entries.detached(entry, now)
        gone = entries.lost(entry, now)
        return gone if entry.wanted else entries.given_back(gone)
    late = Problem("unmount-failed", f"{entry.spec.mountpoint}: no end after {deadline_s(Kind.UNMOUNT, entry.spec.helper):.0f} s")
    return entries.still_mounted(entry, problem_of(answer, late), now)


def _after_probe(key: Key, entry: Entry, answer: Answer, now: Now) -> Entry:
    if entry.phase is not Phase.MOUNTED or entry.mount_id != key.mount_id:
        return entry  # about a mount that is gone
    if isinstance(answer, Probed):
        return _after_an_answer(entry, answer, now)
    if isinstance(answer, Overdue) and answer.pulse:
        late = Problem("slow", f"{entry.spec.mountpoint}: a look at it took more than {DEADLINES_S[Kind.PROBE]:.0f} s")
        return entries.looked(entry, Health.SLOW, late, now)
    late = Problem("not-answering", f"{entry.spec.mountpoint}: no answer within {DEADLINES_S[Kind.PROBE]:.0f} s")
    problem = problem_of(answer, late)
    seen = Health.HUNG if problem is late else _HEALTH_OF.get(problem.code, Health.UNKNOWN)
    return entries.looked(entry, seen, problem, now)


def _after_an_answer(entry: Entry, answer: Probed, now: Now) -> Entry:
    place, trouble = entry.spec.mountpoint, answer.trouble
    seen, problem = Health.HEALTHY, None
    if answer.read_only and not entry.spec.read_only:
        problem = Problem("write-refused", f"{place}: it is mounted read-only, though `access: rw` is wanted")
        seen = Health.READ_ONLY
    elif trouble is not None and trouble.code in _HEALTH_OF:
        seen, problem = _HEALTH_OF[trouble.code], trouble
    elif answer.seconds > health.SLOW_S:
        problem = Problem("slow", f"{place}: a look at it took {answer.seconds:.1f} s")
        seen = Health.SLOW
    warnings = capacity.warnings(entry.spec, answer.usage)
    if trouble is not None and trouble.code not in _HEALTH_OF:
        warnings = (trouble, *warnings)
    return entries.measured(entries.looked(entry, seen, problem, now), answer.usage, answer.seconds, warnings, now)


def problem_of(answer: Answer, late: Problem) -> Problem:
    """The problem of an answer that is not the one hoped for; `late` if it is that none came in time."""
    if isinstance(answer, Failed):
        return answer.problem
    assert isinstance(answer, Overdue), answer
    return late
