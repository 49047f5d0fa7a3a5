"""What each kind of Job answers. An Answer is done or failed, never an exception that crosses the process."""

from typing import Annotated, Optional, Union

import msgspec

from ..model import Config, Problem, Usage


class Fetched(msgspec.Struct, frozen=True, tag="fetched"):
    config: Config
    token: str = ""
    poll_after_s: float = 0.0  # 0: the origin asks for no interval of its own


class Unchanged(msgspec.Struct, frozen=True, tag="unchanged"):
    """The origin says what it said before (`known`), whether that was accepted then or refused."""

    token: str = ""
    poll_after_s: float = 0.0


class Recalled(msgspec.Struct, frozen=True, tag="recalled"):
    config: Optional[Config]  # None: nothing was in force, and only `refused` is remembered
    token: str
    accepted_at: float
    good: tuple[str, ...]
    refused: tuple[str, ...]
    why: Optional[Problem] = None  # it is not accepted any more


class Kept(msgspec.Struct, frozen=True, tag="kept"):
    pass


class Resolved(msgspec.Struct, frozen=True, tag="resolved"):
    """The best address first. `host` and `fsname` as AWS knows them, where it was asked; `age_s`: how old the news is,
    0 unless it is the last good one from the volume; `by`: dns, api, kept or helper (the one address is then empty, and
    mount.s3files finds it). `remark`: worth saying about an address all the same."""

    addresses: tuple[str, ...]
    host: str = ""
    fsname: str = ""
    version: str = ""  # of a Lustre file system: 2.10, 2.12, 2.15
    by: str = "dns"
    age_s: float = 0.0
    remark: Optional[Problem] = None


class Mounted(msgspec.Struct, frozen=True, tag="mounted"):
    mount_id: int
    hides: bool = False  # the mount point was not empty
    source: str = ""  # as mountinfo shows it; empty: the spec's own
    fstype: str = ""


class Published(msgspec.Struct, frozen=True, tag="published"):
    count: int = 0  # how many of the tags found room


class Installed(msgspec.Struct, frozen=True, tag="installed"):
    pass


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


class Refused(Failed, frozen=True, tag="refused"):
    """What the origin says now is not accepted. With its digest as `known` next time, it is not read again until it says
    something else."""

    digest: str = ""
    token: str = ""
    poll_after_s: float = 0.0


class Overdue(msgspec.Struct, frozen=True, tag="overdue"):
    """No answer by the deadline: said by the daemon, not by the child."""

    after_s: float
    pulse: bool = False  # there had been one


Answer = Union[
    Fetched, Unchanged, Recalled, Kept, Resolved, Mounted, Unmounted, Pulse, Probed, Knocked, Moved, Recorded, Published,
    Installed, Examined, Failed, Refused, Overdue,
]  # fmt: skip


class Said(msgspec.Struct, frozen=True):
    """A line from a Job: the answer to one of its orders, counted from 0."""

    order: Annotated[int, msgspec.Meta(ge=0)]
    answer: Answer
