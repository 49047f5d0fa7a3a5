"""How often AWS is asked for something that can wait: at least a minute apart, ever more rarely while it fails, and what
is wrong is said once, not per attempt."""

import logging
from typing import Optional

from .. import backoff
from ..entry import Now
from ..model import Problem
from ..timeouts import TAGS_APART_S, TAGS_BACKOFF_MOST_S

log = logging.getLogger("fsmount")


class Pace:
    def __init__(self, what: str) -> None:
        """`what` is in the plural: it is said to wait."""
        self.problem: Optional[Problem] = None  # as it was first seen: another request's number in it is no news
        self.not_before = 0.0
        self.failures = 0
        self._what = what

    def began(self, now: Now) -> None:
        self.not_before = now.monotonic + TAGS_APART_S

    def went_well(self) -> None:
        if self.problem is not None:
            log.info("%s are written again", self._what)
        self.problem, self.failures = None, 0

    def failed(self, problem: Problem, now: Now) -> None:
        """Full jitter beyond the minute, so that a fleet that was refused together does not come back together."""
        self.failures += 1
        most = TAGS_BACKOFF_MOST_S - TAGS_APART_S
        wait = backoff.delay(self.failures, now.dice, first_s=TAGS_APART_S, most_s=most)
        self.not_before = now.monotonic + TAGS_APART_S + wait
        if self.problem is None or self.problem.code != problem.code:
            log.warning("%s wait: %s", self._what, problem.observed, extra={"PROBLEM": problem.code})
            self.problem = problem

    def give_up(self) -> None:
        """Nothing is wanted any more, so nothing is wrong."""
        self.problem, self.failures = None, 0
