"""The history as the daemon keeps it: what changed waits in memory until a Job has written it to the volume.

The volume may be full, read-only or slow, so only the Job touches it, one at a time. The first change after a quiet while
is written within a second, then a batch every 5 s at most. What waits is bounded; what found no room is counted, and the
count is written. What was not on the disk when the agent ended is left in /run for the next agent of the same boot.
"""

import logging
from typing import Optional

from .. import backoff
from ..entry import Entry, Now
from ..history import handover
from ..history.changes import Seen, Traces, changes, of_configuration
from ..history.event import Event, What
from ..history.handover import Handover
from ..jobs.answers import Answer, Failed, Recorded
from ..jobs.orders import Key, Kind, RecordOrder
from ..model import Problem
from .agent import Agent
from .configuration import Jobs

log = logging.getLogger("fsmount")
PENDING_MOST = 2000
APART_S = 5.0
_SOON_S = 0.5  # after the first change: what changes together is written together
_FIRST_S = 3.0  # so long the first pass has the machine for itself
_AGAIN_MOST_S = 60.0
_STARTS_MOST, _STARTS_WITHIN_S = 5, 600.0  # an agent that dies at once must not fill the ring with its starts


class Diary:
    def __init__(self, folder: str, left_at: str, jobs: Jobs, now: Now) -> None:
        self.problem: Optional[Problem] = None  # it cannot be written
        self._folder, self._left_at, self._jobs = folder, left_at, jobs
        self._key = Key(Kind.RECORD, folder)
        self._last: dict[str, Entry] = {}
        self._traces: Traces = {}
        self._pending: list[Event] = []
        self._sent: list[Event] = []  # the Job has them
        self._lost, self._lost_sent, self._lost_at = 0, 0, 0.0
        self._not_before = now.monotonic + _FIRST_S
        self._held = True  # until the first pass is over
        self._failures = 0
        self._off = False
        self._closing = False
        self._begin(now)

    def _begin(self, now: Now) -> None:
        left = handover.read(self._left_at)
        self._seen = left.seen if left else Seen()
        self._inherited = left.pending if left else ()  # left in /run until they are on the volume
        self._pending += self._inherited
        starts = [at for at in left.starts if now.monotonic - at < _STARTS_WITHIN_S] if left else []
        self._untold = left.untold if left else 0
        self._told = len(starts) < _STARTS_MOST
        if self._told:
            how = "" if left is None else " again" if not left.running else " again after a crash or a kill"
            more = f", {self._untold} starts before it are not told" if self._untold else ""
            self._note(now, f"started{how}{more}")
        self._starts = (*starts, now.monotonic) if self._told else tuple(starts)
        self._untold = 0 if self._told else self._untold + 1
        self._leave(running=True)

    # -- each pass of the loop

    def turn(self, agent: Agent, now: Now) -> Optional[float]:
        """Returns the monotonic time at which something is to be written, if any."""
        waited = len(self._pending)
        self._notice(agent, now)
        if self._held and (agent.settled or now.monotonic >= self._not_before):
            self._held, self._not_before = False, now.monotonic
        if waited == 0 and self._pending:
            self._not_before = max(self._not_before, now.monotonic + _SOON_S)
        if not self._pending or self._jobs.lives(self._key):
            return None
        if self._not_before <= now.monotonic:
            self._write(now)
        return self._not_before if self._pending else None

    def _notice(self, agent: Agent, now: Now) -> None:
        generation, problem = agent.configuration.generation, agent.configuration.problem
        digest, mounts = (generation.config.digest, len(generation.config.mounts)) if generation else ("", 0)
        seen, event = of_configuration(self._seen, digest, mounts, problem, now)
        if event:
            self._keep([event])
            self._seen = seen
        # Entries are replaced and never changed, so what is the same compares by identity: 1,000 in microseconds.
        if agent.entries != self._last:
            events, self._traces = changes(self._traces, agent.entries, now)
            self._last = dict(agent.entries)
            self._keep(events)

    def _note(self, now: Now, said: str) -> None:
        self._keep([Event(at=round(now.wall, 3), what=What.AGENT, said=said)])

    def _keep(self, events: list[Event]) -> None:
        """The oldest go when there are too many."""
        self._pending += events
        excess = len(self._pending) - PENDING_MOST
        if excess > 0:
            self._lost_at = self._lost_at or self._pending[0].at
            self._lost += excess
            del self._pending[:excess]

    # -- the Job

    def _write(self, now: Now) -> None:
        many = f"{self._lost} change{'' if self._lost == 1 else 's'}"
        lost = Event(at=self._lost_at, what=What.LOSS, said=f"{many} could not be kept")
        batch = [lost, *self._pending] if self._lost else self._pending
        self._not_before = now.monotonic + APART_S
        problem = self._jobs.start({self._key: RecordOrder(self._folder, tuple(batch))}, now.monotonic)
        if problem:
            self._failed(Problem("history-not-written", problem.observed), now)
            return
        self._sent, self._pending, self._lost_sent = self._pending, [], self._lost

    def answered(self, answer: Answer, now: Now) -> None:
        if isinstance(answer, Recorded):
            self._lost -= self._lost_sent
            self._lost_at = 0.0 if not self._lost else self._lost_at
            if self._failures:
                log.info("the history is written again")
            self._failures, self._off, self.problem = 0, False, None
            if self._inherited or self._seen != self._seen_left:
                self._inherited = ()
                self._leave(running=True)
        else:
            waiting, self._pending = self._pending, self._sent
            self._keep(waiting)
            late = Problem("history-not-written", f"{self._folder}: writing it took too long")
            self._failed(answer.problem if isinstance(answer, Failed) else late, now)
        self._sent, self._lost_sent = [], 0

    def _failed(self, problem: Problem, now: Now) -> None:
        """Tried again, ever more slowly; said once. Where there is no place for a history, nothing is wrong."""
        self._failures += 1
        wait = min(backoff.delay(self._failures, now.dice), _AGAIN_MOST_S)
        self._not_before = now.monotonic + max(APART_S, wait)
        if problem.code == "history-off":
            if not self._off:
                log.info("no history is kept: %s", problem.observed, extra={"PROBLEM": problem.code})
            self._off, self.problem = True, None
            return
        if problem != self.problem:
            log.warning("the history waits: %s", problem.observed, extra={"PROBLEM": problem.code})
        self._off, self.problem = False, problem

    # -- the end

    def close(self, now: Now) -> bool:
        """The agent ends: the last batch is written at once. Asked until it says that there is nothing to wait for."""
        if not self._closing:
            self._closing, self._failures = True, 0
            if self._told:
                self._note(now, "stopped")
        if self._sent:
            return True
        if not self._pending or self._failures:
            return False
        if not self._jobs.lives(self._key):
            self._write(now)
        return bool(self._sent or self._pending) and not self._failures

    def hand_over(self) -> None:
        """What is not on the disk by now is for the next agent of this boot."""
        self._pending = [*self._sent, *self._pending]
        self._leave(running=False)

    def _leave(self, *, running: bool) -> None:
        pending = self._inherited if running else tuple(self._pending)
        self._seen_left = self._seen
        left = Handover(running=running, starts=self._starts, untold=self._untold, seen=self._seen, pending=pending)
        handover.write(self._left_at, left)
