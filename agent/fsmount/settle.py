"""How the answer of a Job changes the entry that it is about. Pure."""

from . import entry as entries
from .entry import Entry, Now
from .jobs.orders import DEADLINES_S, Answer, Failed, Key, Kind, Mounted, Overdue, Probed, Unmounted
from .model import Phase, Problem


def after(key: Key, entry: Entry, answer: Answer, now: Now) -> Entry:
    if key.kind is Kind.MOUNT:
        return _after_mount(entry, answer, now)
    if key.kind is Kind.UNMOUNT:
        return _after_unmount(entry, answer, now)
    return _after_probe(key, entry, answer, now)


def _after_mount(entry: Entry, answer: Answer, now: Now) -> Entry:
    if isinstance(answer, Mounted):
        return entries.mounted(entry, answer.mount_id, now, hides=answer.hides)
    late = Problem("mount-timeout", f"{entry.spec.source}: no end after {DEADLINES_S[Kind.MOUNT]:.0f} s")
    return entries.failed(entry, problem_of(answer, late), now)


def _after_unmount(entry: Entry, answer: Answer, now: Now) -> Entry:
    if isinstance(answer, Unmounted):
        return entries.again(entries.lost(entry, now))
    late = Problem("unmount-failed", f"{entry.spec.mountpoint}: no end after {DEADLINES_S[Kind.UNMOUNT]:.0f} s")
    return entries.still_mounted(entry, problem_of(answer, late), now)


def _after_probe(key: Key, entry: Entry, answer: Answer, now: Now) -> Entry:
    if entry.phase is not Phase.MOUNTED or entry.mount_id != key.mount_id:
        return entry  # about a mount that is gone
    if isinstance(answer, Probed):
        return entries.healthy(entry, answer.usage, now)
    late = Problem("not-answering", f"{entry.spec.mountpoint}: no answer within {DEADLINES_S[Kind.PROBE]:.0f} s")
    return entries.unwell(entry, problem_of(answer, late), now)


def problem_of(answer: Answer, late: Problem) -> Problem:
    """The problem of an answer that is not the one hoped for; `late` if it is that none came in time."""
    if isinstance(answer, Failed):
        return answer.problem
    assert isinstance(answer, Overdue), answer
    return late
