"""What each kind of Job is told: its Order, and the Key under which it lives. What it answers is in answers.py."""

import enum
from typing import NamedTuple, Optional, Union

from ..history.event import Event
from ..instance import Instance
from ..model import Metric, Spec, Tag
from ..settings import Policy
from ..timeouts import (
    EXAMINE_S,
    FETCH_S,
    INSTALL_S,
    KEEP_S,
    KNOCK_S,
    LOCATE_S,
    MOUNT_S,
    MOVE_S,
    PROBE_S,
    PUBLISH_S,
    RECALL_S,
    RECORD_S,
    UNMOUNT_S,
)
from .answers import Resolved


class Kind(enum.Enum):
    FETCH = "fetch"
    RESOLVE = "resolve"
    MOUNT = "mount"
    UNMOUNT = "unmount"
    PROBE = "probe"
    KNOCK = "knock"
    MOVE = "move"
    RECORD = "record"
    RECALL = "recall"
    KEEP = "keep"
    PUBLISH = "publish"
    INSTALL = "install"
    EXAMINE = "examine"  # the doctor's; the daemon never starts one


DEADLINES_S = {
    Kind.FETCH: FETCH_S,
    Kind.RESOLVE: LOCATE_S,
    Kind.MOUNT: MOUNT_S,
    Kind.UNMOUNT: UNMOUNT_S,
    Kind.PROBE: PROBE_S,
    Kind.KNOCK: KNOCK_S,
    Kind.MOVE: MOVE_S,
    Kind.RECORD: RECORD_S,
    Kind.RECALL: RECALL_S,
    Kind.KEEP: KEEP_S,
    Kind.PUBLISH: PUBLISH_S,
    Kind.INSTALL: INSTALL_S,
    Kind.EXAMINE: EXAMINE_S,
}


class Trust(NamedTuple):
    """What a configuration is held against, and where the bytes of one that is accepted are put (a directory in /run)."""

    generations: str = ""  # empty: they are not put anywhere
    instance: Optional[Instance] = None
    public_key: str = ""
    policy: Policy = Policy()


class Fetch(NamedTuple):
    """Ask the origin. `token` is what came with its last answer (opaque), `known` the digest of what it said then, accepted
    or refused."""

    origin: str  # file:/path, s3://bucket/key, ssm:///name, appconfig://application/environment/profile
    trust: Trust = Trust()
    region: str = ""
    known: str = ""
    token: str = ""


class Recall(NamedTuple):
    """The last good generation, from the file on the volume."""

    path: str
    trust: Trust
    origin: str
    region: str = ""


class Keep(NamedTuple):
    """Put the generation `digest`, whose bytes lie in `generations`, on the volume as the last good one."""

    path: str
    generations: str
    digest: str  # empty: nothing is in force; only what was refused is written down
    origin: str
    instance: str  # its ARN: a volume that comes from another instance is not believed
    token: str
    accepted_at: float
    good: tuple[str, ...]  # names of the mounts that were healthy under it
    refused: tuple[str, ...]  # digests of generations that broke mounts


class Resolve(NamedTuple):
    """Where is the server? `book` is the address book on the volume ("" for none), `instance` this one's name, `port` the
    server's (0: the type's own). `examining`: the doctor asks, who waits less long and keeps nothing."""

    host: str
    type: str = "nfs"
    id: str = ""
    tls: bool = False
    region: str = ""
    instance: str = ""
    book: str = ""
    port: int = 0
    examining: bool = False


class Publish(NamedTuple):
    """Tags to write (key, value), the most important first. `gone`: keys to remove. `first`: what is there is looked at:
    tags of ours that are not among them are removed, and no more is written than there is room for. `metrics` are about
    the notebook instance of the name `instance`."""

    arn: str
    region: str
    tags: tuple[Tag, ...] = ()
    gone: tuple[str, ...] = ()
    first: bool = False
    metrics: tuple[Metric, ...] = ()
    instance: str = ""


class Install(NamedTuple):
    package: str


class MountOrder(NamedTuple):
    """`located`: what was found out about where it is, beyond the address."""

    spec: Spec
    address: str
    stage: str
    located: Optional[Resolved] = None
    region: str = ""


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
    helper: str = ""


class Probe(NamedTuple):
    mountpoint: str
    mount_id: int
    write: bool = False
    helper: str = ""
    ahead: bool = False  # see to it that the kernel reads far ahead


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


Order = Union[
    Fetch, Recall, Keep, Resolve, MountOrder, Unmount, Probe, Knock, Move, RecordOrder, Publish, Install, Examine
]  # fmt: skip


class Key(NamedTuple):
    """What a Job is about; at most one Job of a key lives at a time, the stuck ones included."""

    kind: Kind
    about: str
    mount_id: Optional[int] = None
