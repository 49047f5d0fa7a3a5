"""What each kind of Job is told (an Order) and what it answers. An Answer is done or failed, never an exception that
crosses the process."""

import enum
from typing import Annotated, NamedTuple, Optional, Union

import msgspec

from ..history.event import Event
from ..model import Config, Problem, Spec, Usage
from ..timeouts import EXAMINE_S, FETCH_S, KNOCK_S, MOUNT_S, MOVE_S, PROBE_S, RECORD_S, RESOLVE_S, UNMOUNT_S


class Kind(enum.Enum):
    FETCH = "fetch"
    RESOLVE = "resolve"
    MOUNT = "mount"
    UNMOUNT = "unmount"
    PROBE = "probe"
    KNOCK = "knock"
    MOVE = "move"
    RECORD = "record"
    EXAMINE = "examine"  # the doctor's; the daemon never starts one


DEADLINES_S = {
    Kind.FETCH: FETCH_S,
    Kind.RESOLVE: RESOLVE_S,
    Kind.MOUNT: MOUNT_S,
    Kind.UNMOUNT: UNMOUNT_S,
    Kind.PROBE: PROBE_S,
    Kind.KNOCK: KNOCK_S,
    Kind.MOVE: MOVE_S,
    Kind.RECORD: RECORD_S,
    Kind.EXAMINE: EXAMINE_S,
}


class Fetch(NamedTuple):
    path: str


class Resolve(NamedTuple):
    host: str


class MountOrder(NamedTuple):
    spec: Spec
    address: str
    stage: str


class How(enum.Enum):
    """How far an unmount may go."""

    IDLE = "idle"  # busy stays mounted
    DETACH = "detach"  # out of sight, whoever uses it
    FORCE = "force"  # callers that are stuck get an error first
    LAST = "last"  # the machine stops: by force again and again, since what is freed may write once more


class Unmount(NamedTuple):
    mountpoint: str
    mount_id: int  # 0: nothing of ours is mounted there, and only the mount point is to be given back
    how: How = How.IDLE
    give_back: bool = False  # it left the configuration: the mount point may be written to again


class Probe(NamedTuple):
    mountpoint: str
    mount_id: int
    write: bool = False


class Knock(NamedTuple):
    """At which ports to knock until one of them answers: address and port of each."""

    doors: tuple[tuple[str, int], ...]


class Move(NamedTuple):
    host: str
    old: str
    new: str
    port: int


class RecordOrder(NamedTuple):
    folder: str
    events: tuple[Event, ...]


class Examine(NamedTuple):
    """One step of the doctor's; a step reads those of the fields that are about it."""

    step: str
    type: str
    host: str
    address: str
    port: int
    mountpoint: str
    mount_id: int


Order = Union[Fetch, Resolve, MountOrder, Unmount, Probe, Knock, Move, RecordOrder, Examine]


class Fetched(msgspec.Struct, frozen=True, tag="fetched"):
    config: Config


class Resolved(msgspec.Struct, frozen=True, tag="resolved"):
    addresses: tuple[str, ...]


class Mounted(msgspec.Struct, frozen=True, tag="mounted"):
    mount_id: int
    hides: bool = False  # the mount point was not empty


class Unmounted(msgspec.Struct, frozen=True, tag="unmounted"):
    detached: bool = False  # somebody may still hold it


class Pulse(msgspec.Struct, frozen=True, tag="pulse"):
    """Said by a probe on the way: the server has answered once, so whatever comes next, it is not dead."""


class Probed(msgspec.Struct, frozen=True, tag="probed"):
    usage: Usage
    seconds: float
    read_only: bool = False
    trouble: Optional[Problem] = None  # with the trial write


class Knocked(msgspec.Struct, frozen=True, tag="knocked"):
    """`address` answers. `destroyed`: how many dead connections to it were destroyed; `why` none could be."""

    address: str = ""  # empty: none answered
    port: int = 0
    destroyed: int = 0
    why: str = ""


class Moved(msgspec.Struct, frozen=True, tag="moved"):
    address: str


class Recorded(msgspec.Struct, frozen=True, tag="recorded"):
    pass


class Examined(msgspec.Struct, frozen=True, tag="examined"):
    observed: str


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    problem: Problem


class Overdue(msgspec.Struct, frozen=True, tag="overdue"):
    """No answer by the deadline: said by the daemon, not by the child."""

    after_s: float
    pulse: bool = False  # there had been one


Answer = Union[Fetched, Resolved, Mounted, Unmounted, Pulse, Probed, Knocked, Moved, Recorded, Examined, Failed, Overdue]


class Said(msgspec.Struct, frozen=True):
    """A line from a Job: the answer to one of its orders, counted from 0."""

    order: Annotated[int, msgspec.Meta(ge=0)]
    answer: Answer


class Key(NamedTuple):
    """What a Job is about; at most one Job of a key lives at a time, the stuck ones included."""

    kind: Kind
    about: str
    mount_id: Optional[int] = None
