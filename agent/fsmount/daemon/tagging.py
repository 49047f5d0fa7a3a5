"""When the status goes into the instance's tags: on a change, at least a minute apart, and every 6 h; else no call at all.

What changes and changes back in between costs nothing. A Job writes; that it cannot is a warning and disturbs no mount.
The 6 h are counted from a moment of each instance's own, so a fleet that started together does not write together.
"""

import logging
from typing import Optional

from .. import settle
from ..entry import Entry, Now
from ..instance import Instance
from ..jobs.answers import Answer, Published
from ..jobs.orders import Key, Kind, Publish
from ..model import Problem, Tag
from ..tags import dated, tags_of
from ..timeouts import PUBLISH_S, TAGS_BEAT_S
from .agent import Agent
from .configuration import Jobs
from .pace import Pace
from .publish import word

log = logging.getLogger("fsmount")
LOOKED_S = 30.0  # so long the first write waits for the first look at each mount
SOON_S, SPREAD_S = 2.0, 8.0  # what changes together is written together; what hits a fleet, not by all of it at once
REMOVALS_MOST = 5  # tags that are off are tried to be removed so often
_LOOK_APART_S = 1.0  # a thousand mounts are not counted at every answer of one of them

Tags = tuple[Tag, ...]


class Tagging:
    def __init__(self, jobs: Jobs, instance: Optional[Instance]) -> None:
        self.key = Key(Kind.PUBLISH, "tags")
        self._jobs, self._instance = jobs, instance
        self._pace = Pace("the tags")
        self._full: Optional[Problem] = None
        self._entries: dict[str, Entry] = {}
        self._about: Optional[tuple[bool, str, Optional[Problem]]] = None
        self._look_at = 0.0
        self._wanted: Tags = ()  # without the time; () is what there is to say when tags are off
        self._done: Optional[Tags] = None  # the last that was written; None: what is there is not known
        self._sent: Tags = ()
        self._settled_at: Optional[float] = None
        self._due_at: Optional[float] = None  # a change is to be written
        self._beat_at: Optional[float] = None

    @property
    def problem(self) -> Optional[Problem]:
        """Why they are not written, as a warning for the status."""
        return (self._pace.problem or self._full) if self._wanted else None

    # -- each pass of the loop

    def turn(self, agent: Agent, now: Now) -> Optional[float]:
        """Returns the monotonic time at which something is to be done, if any."""
        if self._instance is None or not agent.settled:
            return None
        if self._settled_at is None:
            self._settled_at = now.monotonic
        if self._about is None and not agent.looked and now.monotonic < self._settled_at + LOOKED_S:
            return self._settled_at + LOOKED_S
        old = self._look(agent, now)
        due = self._due(now)
        if due is not None and due <= now.monotonic:
            self._send(self._instance, now)
            due = self._due(now)  # not soon, but it may be that no Job could be started
        moments = [moment for moment in (due, self._look_at if old else None) if moment is not None]
        return min(moments, default=None)

    def _look(self, agent: Agent, now: Now) -> bool:
        """Whether what is known of the mounts is old, since they were counted less than a second ago."""
        generation = agent.configuration.generation
        problem = agent.configuration.problem or agent.book.problem
        on, digest = (generation.config.tags, generation.config.digest) if generation else (True, "")
        about = (on, digest, problem)
        # Entries are replaced and never changed, so what is the same compares by identity.
        if about == self._about and agent.entries == self._entries:
            return False
        if now.monotonic < self._look_at:
            return True
        self._look_at = now.monotonic + _LOOK_APART_S
        self._about, self._entries = about, dict(agent.entries)
        self._wanted = tags_of(word(agent, agent.book.problem), agent.entries.values(), digest, problem) if on else ()
        return False

    def _due(self, now: Now) -> Optional[float]:
        if self._jobs.lives(self.key):
            return None  # its end wakes the loop
        if self._wanted == self._done:
            self._due_at = None
        elif self._due_at is None:
            self._due_at = now.monotonic + SOON_S + SPREAD_S * now.dice
        moments = [moment for moment in (self._due_at, self._beat_at if self._wanted else None) if moment is not None]
        return max(min(moments), self._pace.not_before) if moments else None

    # -- the Job

    def _send(self, instance: Instance, now: Now) -> None:
        """What is there is listed only where it is not known whether all of it will fit."""
        if self._beat_at is None:
            self._beat_at = now.monotonic + TAGS_BEAT_S * now.dice
        while self._beat_at <= now.monotonic:
            self._beat_at += TAGS_BEAT_S
        wanted, written = {key for key, _ in self._wanted}, {key for key, _ in self._done or ()}
        first = self._done is None or self._full is not None or not wanted <= written
        tags, gone = dated(self._wanted, now.wall), tuple(sorted(written - wanted))
        self._sent, self._due_at = self._wanted, None
        self._pace.began(now)
        order = Publish(instance.arn, instance.region, tags, gone, first)
        problem = self._jobs.start({self.key: order}, now.monotonic)
        if problem:
            self._failed(problem, now)

    def answered(self, answer: Answer, now: Now) -> None:
        if not isinstance(answer, Published):
            late = Problem("aws-unreachable", f"the tags: no end after {PUBLISH_S:.0f} s")
            self._failed(settle.problem_of(answer, late), now)
            return
        self._done = self._sent
        self._pace.went_well()
        self._found_room(answer.count, len(self._sent))

    def _found_room(self, count: int, of: int) -> None:
        """Tags without room are tried again with the next heartbeat or when there is something else to say."""
        if count >= of:
            self._full = None
            return
        if self._full is None:
            full = Problem("tags-full", f"the notebook instance has 50 tags: {count} of fsmount's {of} found room")
            log.warning("not all tags are written: %s", full.observed, extra={"PROBLEM": full.code})
            self._full = full

    def _failed(self, problem: Problem, now: Now) -> None:
        """What is there is not known any more. Where tags are off, a role that may not write them has not written any."""
        self._done = None
        if not self._sent and (problem.code == "aws-denied" or self._pace.failures + 1 >= REMOVALS_MOST):
            log.info("the tags are off; what is left of them was not removed: %s", problem.observed)
            self._done = ()
            self._pace.give_up()
            return
        self._pace.failed(problem, now)
