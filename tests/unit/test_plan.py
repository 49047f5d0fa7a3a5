"""Judge and plan as tables: every situation once, with what is to be done."""

from __future__ import annotations

import msgspec
import pytest
from fsmount import backoff
from fsmount.entry import Entry
from fsmount.jobs.orders import Kind
from fsmount.judge import Standing, judge
from fsmount.ledger import Record
from fsmount.model import Health, Phase, Problem, Word, word_of, worst
from fsmount.observe.mountinfo import Mount
from fsmount.plan import Verb, plan

from .fakehost import spec

NOW = 100.0
TAKEN = Problem("mountpoint-taken", "tmpfs", False)
DENIED = Problem("access-denied", "no", False)


def an_entry(**fields: object) -> Entry:
    return Entry(**{"spec": spec("a"), "since_at": 0.0, **fields})  # type: ignore[arg-type]


UP = {"phase": Phase.MOUNTED, "mount_id": 7, "health": Health.HEALTHY, "next_probe": NOW + 5}

CASES = {
    "a wanted mount without an address": ({}, Standing.ABSENT, {}, Verb.RESOLVE),
    "its name is being resolved": ({}, Standing.ABSENT, {Kind.RESOLVE}, Verb.NOTHING),
    "a wanted mount with an address": ({"address": "10.0.0.1"}, Standing.ABSENT, {}, Verb.MOUNT),
    "an attempt is under way": ({"address": "10.0.0.1"}, Standing.ABSENT, {Kind.MOUNT}, Verb.NOTHING),
    "an attempt is under way and it is there already": ({"address": "10.0.0.1"}, Standing.OURS, {Kind.MOUNT}, Verb.NOTHING),
    "the last attempt failed just now": ({"address": "x", "not_before": NOW + 1}, Standing.ABSENT, {}, Verb.NOTHING),
    "the wait is over": ({"address": "x", "not_before": NOW - 1}, Standing.ABSENT, {}, Verb.MOUNT),
    "blocked": ({"address": "x", "phase": Phase.BLOCKED, "problem": DENIED}, Standing.ABSENT, {}, Verb.NOTHING),
    "somebody else's mount": ({}, Standing.OTHER, {}, Verb.BLOCK),
    "somebody else's mount, known": ({"phase": Phase.BLOCKED, "problem": TAKEN}, Standing.OTHER, {}, Verb.NOTHING),
    "somebody else's mount is gone": (
        {"address": "x", "phase": Phase.BLOCKED, "problem": TAKEN, "not_before": NOW + 9},
        Standing.ABSENT,
        {},
        Verb.MOUNT,
    ),
    "ours, not known yet": ({}, Standing.OURS, {}, Verb.ADOPT),
    "the right one by somebody else": ({}, Standing.THEIRS, {}, Verb.ADOPT),
    "up under another id": ({**UP, "mount_id": 6}, Standing.OURS, {}, Verb.ADOPT),
    "up": (UP, Standing.OURS, {}, Verb.NOTHING),
    "up, and a probe is due": ({**UP, "next_probe": NOW}, Standing.OURS, {}, Verb.PROBE),
    "up, and a probe is under way": ({**UP, "next_probe": NOW}, Standing.OURS, {Kind.PROBE}, Verb.NOTHING),
    "left, and ours is there": ({**UP, "wanted": False}, Standing.OURS, {}, Verb.UNMOUNT),
    "left, and an older one of ours is there": ({**UP, "wanted": False}, Standing.OUTDATED, {}, Verb.UNMOUNT),
    "left, but it was busy": ({**UP, "wanted": False, "not_before": NOW + 1}, Standing.OURS, {}, Verb.NOTHING),
    "left, and nothing is there": ({"wanted": False}, Standing.ABSENT, {}, Verb.GIVE_BACK),
    "left, and its mount point was given back": ({"wanted": False, "given_back": True}, Standing.ABSENT, {}, Verb.FORGET),
    "left, and somebody else's is there": ({"wanted": False}, Standing.OTHER, {}, Verb.FORGET),
    "left, and the right one by somebody else": ({**UP, "wanted": False}, Standing.THEIRS, {}, Verb.FORGET),
    "left, and being unmounted": ({**UP, "wanted": False}, Standing.OURS, {Kind.UNMOUNT}, Verb.NOTHING),
    "its settings changed": (UP, Standing.OUTDATED, {}, Verb.UNMOUNT),
    "its settings changed, but it was busy": ({**UP, "not_before": NOW + 1}, Standing.OUTDATED, {}, Verb.NOTHING),
}


@pytest.mark.parametrize(("fields", "standing", "busy", "verb"), CASES.values(), ids=CASES.keys())
def test_what_is_done_next(fields: dict[str, object], standing: Standing, busy: set[Kind], verb: Verb) -> None:
    action = plan(an_entry(**fields), standing, 7, frozenset(busy), NOW)
    assert action.verb is verb
    assert action.why


def test_every_wait_says_when_to_look_again() -> None:
    for fields, standing in (({"not_before": NOW + 3}, Standing.ABSENT), (UP, Standing.OURS)):
        action = plan(an_entry(**{"address": "x", **fields}), standing, 7, frozenset(), NOW)
        assert action.look_again is not None
        assert action.look_again > NOW


def a_row(**fields: object) -> Mount:
    row = Mount(7, 1, "0:40", "/", "/mnt/a", ("rw",), "nfs4", "a.test:/data")
    return msgspec.structs.replace(row, **fields)


MINE = Record(spec("a"), 7)
JUDGED: dict[str, tuple[Mount | None, Record | None, Standing]] = {
    "nothing there": (None, None, Standing.ABSENT),
    "nothing there, though the ledger says so": (None, MINE, Standing.ABSENT),
    "ours by its id": (a_row(), MINE, Standing.OURS),
    "ours with another setting": (a_row(), Record(spec("a", read_only=True), 7), Standing.OUTDATED),
    "ours under another name": (a_row(), Record(msgspec.structs.replace(spec("a"), name="b"), 7), Standing.OURS),
    "another id: somebody mounted the same": (a_row(mount_id=8), MINE, Standing.THEIRS),
    "our id, given to what somebody mounted after it": (a_row(fstype="tmpfs", source="theirs"), MINE, Standing.OTHER),
    "our id, given to another server's": (a_row(source="b.test:/data"), MINE, Standing.OTHER),
    "no ledger: somebody mounted the same": (a_row(), None, Standing.THEIRS),
    "an intent and its source": (a_row(), Record(spec("a")), Standing.OURS),
    "an intent and something else": (a_row(source="b.test:/"), Record(spec("a")), Standing.OTHER),
    "another source": (a_row(source="b.test:/data"), None, Standing.OTHER),
    "a part of the right one": (a_row(root="/sub"), None, Standing.OTHER),
    "another type with that source": (a_row(fstype="fuse.x"), None, Standing.OTHER),
    "a tmpfs": (a_row(fstype="tmpfs", source="tmpfs"), None, Standing.OTHER),
}


@pytest.mark.parametrize(("row", "record", "standing"), JUDGED.values(), ids=JUDGED.keys())
def test_what_stands_at_the_mount_point(row: Mount | None, record: Record | None, standing: Standing) -> None:
    assert judge(spec("a"), row, record) is standing


def test_the_delay_doubles_with_full_jitter_up_to_five_minutes() -> None:
    assert [backoff.delay(n, 1.0) for n in (1, 2, 3, 4)] == [2.0, 4.0, 8.0, 16.0]
    assert backoff.delay(1000, 1.0) == 300.0
    assert backoff.delay(1, 0.0) == pytest.approx(0.2)
    assert backoff.delay(5, 0.0) < backoff.delay(5, 0.5) < backoff.delay(5, 0.999)


@pytest.mark.parametrize(
    ("phase", "health", "tried", "word"),
    [
        (Phase.MOUNTED, Health.HEALTHY, True, Word.OK),
        (Phase.MOUNTED, Health.HUNG, True, Word.FAILED),
        (Phase.MOUNTED, Health.STALE, True, Word.FAILED),
        (Phase.MOUNTED, Health.SLOW, True, Word.DEGRADED),
        (Phase.WAITING, None, False, Word.PENDING),
        (Phase.MOUNTING, None, False, Word.PENDING),
        (Phase.WAITING, None, True, Word.FAILED),
        (Phase.BLOCKED, None, False, Word.FAILED),
    ],
)
def test_one_mount_s_word(phase: Phase, health: Health | None, tried: bool, word: Word) -> None:
    assert word_of(phase, health, tried) is word


def test_the_instance_s_word_is_the_worst_of_its_mounts() -> None:
    assert worst((Word.OK, Word.DEGRADED, Word.OK)) is Word.DEGRADED
    assert worst((Word.FAILED, Word.PENDING)) is Word.FAILED
    assert worst(()) is Word.OK
