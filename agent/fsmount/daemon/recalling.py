"""Reading what the volume keeps, at a start: once, and again where that only failed for the moment."""

import logging
from typing import TYPE_CHECKING, Optional

from .. import backoff, settle
from ..entry import Now
from ..jobs.answers import Answer, Recalled
from ..jobs.orders import Key, Kind, Recall
from ..model import Problem
from .setup import Setup

if TYPE_CHECKING:
    from .configuration import Jobs

log = logging.getLogger("fsmount")
_HELD_UP_MOST = 6  # failures, with their pauses some three minutes


class Recalling:
    def __init__(self, setup: Setup, at: Optional[float]) -> None:
        self.over = not setup.kept  # nothing more is to be expected of it, or not for a long time
        self.under_way = False
        self.key = Key(Kind.RECALL, setup.kept)
        self._setup = setup
        self._at = at if setup.kept else None
        self._failures, self._said = 0, ""

    def due(self, jobs: "Jobs") -> Optional[float]:
        """While its Job lives, that one's end wakes the loop."""
        return None if jobs.lives(self.key) else self._at

    def turn(self, jobs: "Jobs", now: Now) -> None:
        if self._at is None or self._at > now.monotonic or jobs.lives(self.key):
            return
        self._at = None
        setup = self._setup
        problem = jobs.start({self.key: Recall(setup.kept, setup.trust, setup.origin, setup.region)}, now.monotonic)
        self.under_way = problem is None
        if problem is not None:
            self._again(now)

    def needed(self, now: Now) -> bool:
        """The origin has nothing to say: whether what is kept is still to be heard of."""
        if not self.over and not self.under_way and not self._failures:
            self._at = now.monotonic
            return True
        return self.under_way

    def answered(self, answer: Answer, now: Now) -> Optional[Recalled]:
        self.under_way = False
        if isinstance(answer, Recalled):
            self.over = True
            return answer
        problem = settle.problem_of(answer, Problem("kept-unreadable", f"{self._setup.kept}: reading it took too long"))
        if problem.code not in ("kept-nothing", self._said):
            log.warning("the kept configuration is not used: %s", problem.observed, extra={"PROBLEM": problem.code})
        self._said = problem.code
        # A volume that is slow for once must not cost what it holds: neither the good generation nor what was refused. But
        # one that cannot be read at all must not hold up every trial.
        passing = problem.temporary or problem.code == "internal-error"
        if passing:
            self._again(now)
        self.over = not passing or self._failures > _HELD_UP_MOST
        return None

    def _again(self, now: Now) -> None:
        self._failures += 1
        self._at = now.monotonic + backoff.delay(self._failures, now.dice)
