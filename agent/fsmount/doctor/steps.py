"""The nouns of an examination. Pure."""

import enum
from typing import NamedTuple, Optional

import msgspec

from ..model import Problem


class Step(enum.Enum):
    """The links of the chain, in its order."""

    CONFIGURATION = "configuration"
    NAME = "name"
    ROUTE = "route"
    PORT = "port"
    CLIENT = "client"
    EXPORT = "export"
    MOUNT = "mount"
    READABLE = "readable"
    WRITABLE = "writable"


class Outcome(enum.Enum):
    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"  # what it builds on is broken, or it does not apply
    UNKNOWN = "unknown"  # it could not be examined


class Result(msgspec.Struct, frozen=True):
    """What came of one step; `code` is a problem's wherever something is wrong that has a name."""

    step: Step
    outcome: Outcome
    observed: str
    code: Optional[str] = None
    seconds: float = 0.0


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """One mount to examine, with what the agent says about it."""

    name: str
    type: str
    host: str
    id: str = ""  # the file system's, where AWS can be asked about it
    source: str  # as mountinfo shows it
    port: int
    mountpoint: str
    read_only: bool
    doing: str = ""  # the agent's words: healthy, hung, waiting ...; empty where none runs
    mounted: bool = False  # a living agent says that what is mounted there is right
    address: Optional[str] = None  # the one that the agent mounts, or tries to
    problem: Optional[Problem] = None


class Here(NamedTuple):
    """The notebook instance as AWS knows it, and where it keeps addresses; each may be empty."""

    instance: str = ""
    region: str = ""
    book: str = ""


# The first half of the chain is about the way to the server, the second about what is mounted here. Neither waits for
# the other: a file system can be mounted and hang while its server's port is dead, and both are worth knowing.
STEPS = tuple(step for step in Step if step is not Step.CONFIGURATION)
NEEDS: dict[Step, Optional[Step]] = {
    Step.NAME: None,
    Step.ROUTE: Step.NAME,
    Step.PORT: Step.ROUTE,
    Step.CLIENT: None,
    Step.EXPORT: Step.PORT,
    Step.MOUNT: None,
    Step.READABLE: Step.MOUNT,
    Step.WRITABLE: Step.READABLE,
}


def broken(results: dict[Step, Result]) -> Optional[Result]:
    """The first broken link. What could not be examined counts only where nothing is known to be broken."""
    for outcome in (Outcome.FAILED, Outcome.UNKNOWN):
        for step in Step:
            if step in results and results[step].outcome is outcome:
                return results[step]
    return None
