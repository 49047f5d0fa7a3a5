"""From actions to Jobs: what each Job is told, and which orders go in one Job together. Pure."""

import zlib
from collections.abc import Iterable
from typing import NamedTuple, Optional

from ..entry import Entry
from ..jobs import orders
from ..jobs.orders import Key, Kind, Order
from ..model import Health, Phase, Spec
from ..plan import Action, Verb
from .setup import Setup

TOGETHER_MOST = 8
CLIENT = Key(Kind.INSTALL, "lustre-client")  # one for all who miss it


def keys(entry: Entry) -> tuple[Key, ...]:
    """Of every Job that may live for its mount point."""
    place = entry.spec.mountpoint
    own = Key(Kind.MOUNT, place), Key(Kind.UNMOUNT, place), Key(Kind.PROBE, place, entry.mount_id), Key(Kind.MOVE, place)
    return (*own, Key(Kind.RESOLVE, entry.spec.host), *([CLIENT] if entry.lacks_client else []))


def urgency(entry: Entry) -> tuple[int, bool, bool]:
    """When there is not room for all, those that failed most come last: dead servers must not starve the living. Lustre
    comes before NFS, which could take its port."""
    return entry.failures, entry.health is Health.HUNG, entry.spec.type != "lustre"


class Errand(NamedTuple):
    """One order, and the phase in which it puts the mount point that it is for."""

    place: str
    verb: Verb
    key: Key
    order: Order
    phase: Phase


def errand(entry: Entry, action: Action, mount_id: Optional[int], stage: str, setup: Setup) -> Errand:
    verb = action.verb
    spec = entry.spec
    place = spec.mountpoint
    if verb is Verb.RESOLVE:
        phase = Phase.RESOLVING if entry.mount_id is None else entry.phase
        return Errand(place, verb, Key(Kind.RESOLVE, spec.host), _resolve(spec, setup), phase)
    if verb is Verb.MOVE:
        move = orders.Move(spec.host, entry.address or "", entry.moved_to, spec.port)
        return Errand(place, verb, Key(Kind.MOVE, place), move, entry.phase)
    if verb is Verb.MOUNT:
        # What another source's attempt, which no signal ends, mounts late must not land on this one's stage.
        staged = f"{stage}/{spec.name}-{zlib.crc32(spec.source.encode()):08x}"
        order = orders.MountOrder(spec, entry.address or "", staged, entry.located, setup.region)
        return Errand(place, verb, Key(Kind.MOUNT, place), order, Phase.MOUNTING)
    if verb is Verb.INSTALL:
        return Errand(place, verb, CLIENT, orders.Install(CLIENT.about), entry.phase)
    if verb in (Verb.UNMOUNT, Verb.GIVE_BACK):
        # A busy one may be written to below: that is only given back with the mount gone.
        unmount = orders.Unmount(place, mount_id or 0, action.how, not entry.wanted, spec.helper)
        return Errand(place, verb, Key(Kind.UNMOUNT, place), unmount, Phase.UNMOUNTING)
    ours = not entry.theirs
    probe = orders.Probe(place, mount_id or 0, spec.care.probe_writes and ours, spec.helper, ours and spec.type != "lustre")
    return Errand(place, verb, Key(Kind.PROBE, place, mount_id), probe, Phase.MOUNTED)


def _resolve(spec: Spec, setup: Setup) -> orders.Resolve:
    name = setup.instance.name if setup.instance else ""
    return orders.Resolve(spec.host, spec.type, spec.id, spec.tls, setup.region, name, setup.book, spec.port)


def together(errands: Iterable[Errand]) -> list[list[Errand]]:
    """The mounts of one server go in one Job (at most 8 of them): a process is dear, and the kernel's first answer from
    a server serves the next. Everything else goes alone. What is asked twice is asked once."""
    groups: dict[object, list[Errand]] = {}
    for one in {one.key: one for one in errands}.values():
        group: object = one.key
        if isinstance(one.order, orders.MountOrder):
            # A helper may take its time, and leaves a process behind: each has a Job, and a deadline, of its own.
            group = one.key if one.order.spec.helper else (one.order.address, one.order.spec.port)
        groups.setdefault(group, []).append(one)
    return [group[i : i + TOGETHER_MOST] for group in groups.values() for i in range(0, len(group), TOGETHER_MOST)]
