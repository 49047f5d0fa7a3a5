"""Keeping the last good generation on the volume: written when it is another, or another was refused; never otherwise."""

import logging
from typing import TYPE_CHECKING, NamedTuple, Optional

from .. import backoff, settle
from ..entry import Now
from ..jobs.answers import Answer, Kept
from ..jobs.orders import Keep, Key, Kind
from ..model import Problem
from .setup import Setup

if TYPE_CHECKING:
    from .configuration import Generation, Jobs

log = logging.getLogger("fsmount")


class Content(NamedTuple):
    """What makes the file on the volume another one."""

    digest: str = ""
    refused: tuple[str, ...] = ()
    healthy: tuple[str, ...] = ()


class Keeping:
    def __init__(self, setup: Setup) -> None:
        self.problem: Optional[Problem] = None
        self.healthy: tuple[str, ...] = ()  # the mounts that were well when the trial ended
        self._setup = setup
        self._on_volume = Content()
        self._sent = self._on_volume
        self._failures, self._not_before = 0, 0.0

    def found(self, digest: str, refused: tuple[str, ...], healthy: tuple[str, ...]) -> None:
        """What is on the volume already."""
        self._on_volume, self.healthy = Content(digest, refused, healthy), healthy

    def turn(self, good: "Optional[Generation]", refused: tuple[str, ...], jobs: "Jobs", now: Now) -> Optional[float]:
        """Start writing if there is something new. When to come again."""
        wanted = Content(good.config.digest if good else "", refused, self.healthy)
        key = Key(Kind.KEEP, self._setup.kept)
        if wanted == self._on_volume:
            self.problem, self._failures = None, 0
        if not self._setup.kept or good is None or wanted == self._on_volume or jobs.lives(key):
            return None
        if self._not_before > now.monotonic:
            return self._not_before
        setup, instance = self._setup, self._setup.instance
        order = Keep(
            setup.kept, setup.trust.generations, wanted.digest, setup.origin, instance.arn if instance else "", good.token,
            good.accepted_at, self.healthy, refused,
        )  # fmt: skip
        self._sent = wanted
        problem = jobs.start({key: order}, now.monotonic)
        if problem:
            self._failed(problem, now)
        return None

    def answered(self, answer: Answer, now: Now) -> None:
        if isinstance(answer, Kept):
            self._on_volume, self._failures, self.problem = self._sent, 0, None
        else:
            late = Problem("generation-not-kept", f"{self._setup.kept}: writing it took too long")
            self._failed(settle.problem_of(answer, late), now)

    def _failed(self, problem: Problem, now: Now) -> None:
        self._failures += 1
        self._not_before = now.monotonic + max(30.0, backoff.delay(self._failures, now.dice))
        if self.problem is None or self.problem.code != problem.code:
            log.warning("the last good configuration is not kept: %s", problem.observed, extra={"PROBLEM": problem.code})
        self.problem = problem
