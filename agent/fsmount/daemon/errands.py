"""From actions to Jobs: what each Job is told, and which orders go in one Job together. Pure."""

from collections.abc import Iterable
from typing import NamedTuple, Optional

from ..entry import Entry
from ..jobs import orders
from ..jobs.orders import Key, Kind, Order
from ..model import Phase
from ..plan import Action, Verb

TOGETHER_MOST = 8


class Errand(NamedTuple):
    """One order, and the phase in which it puts the mount point that it is for."""

    place: str
    verb: Verb
    key: Key
    order: Order
    phase: Phase


def errand(entry: Entry, action: Action, mount_id: Optional[int], stage: str) -> Errand:
    verb = action.verb
    spec = entry.spec
    place = spec.mountpoint
    if verb is Verb.RESOLVE:
        phase = Phase.RESOLVING if entry.mount_id is None else entry.phase
        return Errand(place, verb, Key(Kind.RESOLVE, spec.host), orders.Resolve(spec.host), phase)
    if verb is Verb.MOVE:
        move = orders.Move(spec.host, entry.address or "", entry.moved_to, spec.port)
        return Errand(place, verb, Key(Kind.MOVE, place), move, entry.phase)
    if verb is Verb.MOUNT:
        order = orders.MountOrder(spec, entry.address or "", f"{stage}/{spec.name}")
        return Errand(place, verb, Key(Kind.MOUNT, place), order, Phase.MOUNTING)
    if verb in (Verb.UNMOUNT, Verb.GIVE_BACK):
        # A busy one may be written to below: that is only given back with the mount gone.
        unmount = orders.Unmount(place, mount_id or 0, action.how, not entry.wanted)
        return Errand(place, verb, Key(Kind.UNMOUNT, place), unmount, Phase.UNMOUNTING)
    probe = orders.Probe(place, mount_id or 0, spec.care.probe_writes and not entry.theirs)
    return Errand(place, verb, Key(Kind.PROBE, place, mount_id), probe, Phase.MOUNTED)


def together(errands: Iterable[Errand]) -> list[list[Errand]]:
    """The mounts of one server go in one Job (at most 8 of them): a process is dear, and the kernel's first answer from
    a server serves the next. Everything else goes alone. What is asked twice is asked once."""
    groups: dict[object, list[Errand]] = {}
    for one in {one.key: one for one in errands}.values():
        group: object = one.key
        if isinstance(one.order, orders.MountOrder):
            group = (one.order.address, one.order.spec.port)
        groups.setdefault(group, []).append(one)
    return [group[i : i + TOGETHER_MOST] for group in groups.values() for i in range(0, len(group), TOGETHER_MOST)]
