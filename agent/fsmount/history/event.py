"""What is remembered of one change. Times ending in `_at`, and `at`, are seconds since 1970; `lasted_s` is measured on
the monotonic clock, since the other may be set back meanwhile."""

import enum
from typing import Optional

import msgspec

from ..model import Health, Phase, Problem

_TEXT_MOST = 240  # of a name, a path or an observation: what keeps a line short


class What(enum.Enum):
    """What an event is about."""

    MOUNT = "mount"
    GENERATION = "generation"
    AGENT = "agent"
    LOSS = "loss"  # changes that could not be kept


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a mount stood: its health while it is mounted, else what the agent was about."""

    phase: Phase
    health: Optional[Health] = None

    @property
    def word(self) -> str:
        return self.health.value if self.phase is Phase.MOUNTED and self.health else self.phase.value


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change. A field that says nothing of its kind of event has its default."""

    at: float
    what: What
    said: str  # in words
    name: str = ""
    mountpoint: str = ""
    state: Optional[State] = None
    before: Optional[State] = None
    lasted_s: Optional[float] = None  # how long it was in the state before
    attempts: int = 0  # that it took to get it mounted
    code: str = ""  # of the problem, see problems.py
    observed: str = ""
    digest: str = ""
    mounts: Optional[int] = None  # how many the generation has


def short(text: str) -> str:
    """Bounded, and without halves of characters, which no JSON can hold."""
    return text[:_TEXT_MOST].encode("utf-8", "backslashreplace").decode()


def blamed(event: Event, problem: Optional[Problem]) -> Event:
    """The event with its cause."""
    if problem is None:
        return event
    return msgspec.structs.replace(event, code=problem.code, observed=short(problem.observed))
