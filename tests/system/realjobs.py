"""The real Jobs behind the same face that the fake host shows to contract tests."""

from __future__ import annotations

import select
import time
from collections.abc import Mapping

from fsmount.jobs.answers import Answer
from fsmount.jobs.orders import Key, Order
from fsmount.jobs.running import Running
from fsmount.model import Problem


class RealJobs:
    def __init__(self) -> None:
        self.poll = select.poll()
        self.running = Running(self.poll)

    def start(self, key: Key, order: Order) -> Problem | None:
        return self.start_together({key: order})

    def start_together(self, orders: Mapping[Key, Order]) -> Problem | None:
        return self.running.start(orders, time.monotonic())

    def lives(self, key: Key) -> bool:
        return self.running.lives(key)

    def wait(self, seconds: float, answers: int = 1) -> list[tuple[Key, Answer]]:
        """What was said until there are so many answers and no Job is left, or the time is over."""
        said: list[tuple[Key, Answer]] = []
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (len(said) >= answers and self.running.count() == 0):
            for descriptor, _ in self.poll.poll(20):
                said += self.running.ready(descriptor)
            said += self.running.expire(time.monotonic())
        return said
