"""Which orders go in one Job together."""

from __future__ import annotations

from fsmount.daemon.errands import Errand, errand, together
from fsmount.daemon.setup import Setup
from fsmount.entry import Entry
from fsmount.plan import Action, Verb

from .fakehost import spec


def mounts(*addresses: str, verb: Verb = Verb.MOUNT) -> list[Errand]:
    made = (Entry(spec=spec(f"m{i}"), since_at=0.0, address=address) for i, address in enumerate(addresses))
    return [errand(entry, Action(verb, ""), i + 1, "/stage", Setup("file:/mounts.yaml")) for i, entry in enumerate(made)]


def sizes(errands: list[Errand]) -> list[int]:
    return [len(group) for group in together(errands)]


def test_mounts_of_one_server_go_together() -> None:
    assert sizes(mounts("10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.1")) == [3, 1]


def test_never_more_than_eight() -> None:
    assert sizes(mounts(*["10.0.0.1"] * 20)) == [8, 8, 4]


def test_probes_and_unmounts_go_alone() -> None:
    assert sizes(mounts("10.0.0.1", "10.0.0.1", verb=Verb.PROBE)) == [1, 1]
    assert sizes(mounts("10.0.0.1", "10.0.0.1", verb=Verb.UNMOUNT)) == [1, 1]


def test_another_port_is_another_server() -> None:
    other = Entry(spec=spec("x", options=("port=2050",)), since_at=0.0, address="10.0.0.1")
    assert sizes([*mounts("10.0.0.1"), errand(other, Action(Verb.MOUNT, ""), None, "/stage", Setup("file:/mounts.yaml"))]) == [
        1,
        1,
    ]


def test_one_name_is_looked_up_once_for_all_that_ask() -> None:
    entries = [Entry(spec=spec(f"m{i}", host="same.test"), since_at=0.0) for i in range(3)]
    assert sizes([errand(entry, Action(Verb.RESOLVE, ""), None, "/stage", Setup("file:/mounts.yaml")) for entry in entries]) == [
        1
    ]
