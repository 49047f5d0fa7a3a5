"""What each kind of Job is told (an Order) and what it answers. An Answer is done or failed, never an exception that
crosses the process."""

import enum
from typing import Annotated, NamedTuple, Optional, Union

import msgspec

from ..history.event import Event
from ..model import Config, Problem, Spec, Usage
from ..timeouts import FETCH_S, MOUNT_S, PROBE_S, RECORD_S, RESOLVE_S, UNMOUNT_S


class Kind(enum.Enum):
    FETCH = "fetch"
    RESOLVE = "resolve"
    MOUNT = "mount"
    UNMOUNT = "unmount"
    PROBE = "probe"
    RECORD = "record"


DEADLINES_S = {
    Kind.FETCH: FETCH_S,
    Kind.RESOLVE: RESOLVE_S,
    Kind.MOUNT: MOUNT_S,
    Kind.UNMOUNT: UNMOUNT_S,
    Kind.PROBE: PROBE_S,
    Kind.RECORD: RECORD_S,
}


class Fetch(NamedTuple):
    path: str


class Resolve(NamedTuple):
    host: str


class MountOrder(NamedTuple):
    spec: Spec
    address: str
    stage: str


class Unmount(NamedTuple):
    mountpoint: str
    mount_id: int


class Probe(NamedTuple):
    mountpoint: str
    mount_id: int


class RecordOrder(NamedTuple):
    folder: str
    events: tuple[Event, ...]


Order = Union[Fetch, Resolve, MountOrder, Unmount, Probe, RecordOrder]


class Fetched(msgspec.Struct, frozen=True, tag="fetched"):
    config: Config


class Resolved(msgspec.Struct, frozen=True, tag="resolved"):
    addresses: tuple[str, ...]


class Mounted(msgspec.Struct, frozen=True, tag="mounted"):
    mount_id: int
    hides: bool = False  # the mount point was not empty


class Unmounted(msgspec.Struct, frozen=True, tag="unmounted"):
    pass


class Probed(msgspec.Struct, frozen=True, tag="probed"):
    usage: Usage
    seconds: float


class Recorded(msgspec.Struct, frozen=True, tag="recorded"):
    pass


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    problem: Problem


class Overdue(msgspec.Struct, frozen=True, tag="overdue"):
    """No answer by the deadline: said by the daemon, not by the child."""

    after_s: float


Answer = Union[Fetched, Resolved, Mounted, Unmounted, Probed, Recorded, Failed, Overdue]


class Said(msgspec.Struct, frozen=True):
    """A line from a Job: the answer to one of its orders, counted from 0."""

    order: Annotated[int, msgspec.Meta(ge=0)]
    answer: Answer


class Key(NamedTuple):
    """What a Job is about; at most one Job of a key lives at a time, the stuck ones included."""

    kind: Kind
    about: str
    mount_id: Optional[int] = None
