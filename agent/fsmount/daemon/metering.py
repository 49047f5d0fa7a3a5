"""When numbers go out, once a minute at most: as lines in the journal, or in a Job to CloudWatch, as the configuration
says. Off by default, and then nothing is counted."""

import logging
from typing import Optional

from .. import settle
from ..entry import Entry, Now
from ..instance import Instance
from ..jobs.answers import Answer, Published
from ..jobs.orders import Key, Kind, Publish
from ..metrics import embedded, metrics_of
from ..model import Metrics, Problem
from ..timeouts import METRICS_EVERY_S, PUBLISH_S
from .agent import Agent
from .configuration import Jobs
from .pace import Pace

log = logging.getLogger("fsmount")


class Metering:
    def __init__(self, jobs: Jobs, instance: Optional[Instance]) -> None:
        self.key = Key(Kind.PUBLISH, "metrics")
        self._jobs, self._instance = jobs, instance
        self._pace = Pace("the metrics")
        self._due: Optional[float] = None
        self._entries: dict[str, Entry] = {}
        self._up: dict[str, int] = {}  # the mount that was last seen at each mount point
        self._repairs, self._repairs_sent = 0, 0

    @property
    def problem(self) -> Optional[Problem]:
        return self._pace.problem

    def turn(self, agent: Agent, now: Now) -> Optional[float]:
        """Returns the monotonic time at which numbers are due, if ever."""
        generation = agent.configuration.generation
        how = generation.config.metrics if generation else Metrics.OFF
        if self._instance is None or how is Metrics.OFF or not agent.settled:
            self._forget()
            return None
        self._count(agent.entries)
        if self._due is None:
            self._due = now.monotonic + METRICS_EVERY_S * now.dice
        due = self._due if how is Metrics.JOURNAL else max(self._due, self._pace.not_before)
        if due > now.monotonic:
            return due
        if how is Metrics.ON and self._jobs.lives(self.key):
            return None
        self._due = now.monotonic + METRICS_EVERY_S
        if how is Metrics.JOURNAL:
            self._say(self._instance, now)
        else:
            self._send(self._instance, now)
        return self._due

    def _forget(self) -> None:
        if self._due is not None or self._pace.problem is not None:
            self._due, self._entries, self._up = None, {}, {}
            self._repairs, self._repairs_sent = 0, 0
            self._pace.give_up()

    def _count(self, entries: dict[str, Entry]) -> None:
        """A mount that was up once and is up anew was repaired, by whomever."""
        if entries == self._entries:
            return
        self._entries = dict(entries)
        self._up = {place: mount_id for place, mount_id in self._up.items() if place in entries}
        for place, entry in entries.items():
            if entry.mount_id is not None:
                self._repairs += self._up.get(place, entry.mount_id) != entry.mount_id
                self._up[place] = entry.mount_id

    def _say(self, instance: Instance, now: Now) -> None:
        for line in embedded(instance.name, metrics_of(self._entries.values(), self._repairs), now.wall):
            log.info("%s", line)
        self._repairs, self._repairs_sent = 0, 0

    def _send(self, instance: Instance, now: Now) -> None:
        self._repairs_sent = self._repairs
        numbers = metrics_of(self._entries.values(), self._repairs)
        self._pace.began(now)
        order = Publish(instance.arn, instance.region, metrics=numbers, instance=instance.name)
        problem = self._jobs.start({self.key: order}, now.monotonic)
        if problem:
            self._pace.failed(problem, now)

    def answered(self, answer: Answer, now: Now) -> None:
        """What was not accepted is counted in the next ones."""
        if isinstance(answer, Published):
            self._repairs, self._repairs_sent = self._repairs - self._repairs_sent, 0
            self._pace.went_well()
            return
        late = Problem("aws-unreachable", f"the metrics: no end after {PUBLISH_S:.0f} s")
        self._pace.failed(settle.problem_of(answer, late), now)
