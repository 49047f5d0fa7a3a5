"""Orders to children and their answers, so many at a time. Nothing here waits longer than it is told to, and a child that
will not die is left behind: it holds neither the terminal nor a pipe, and ends when its system call does."""

import select
import time
from collections import deque
from typing import NamedTuple

from ..jobs.answers import Answer, Failed
from ..jobs.orders import Key, Order
from ..jobs.running import Running

AT_ONCE = 32  # children; the stuck ones count


class Heard(NamedTuple):
    key: Key
    answer: Answer
    seconds: float


class Asking:
    def __init__(self) -> None:
        self._poll = select.poll()
        self._running = Running(self._poll, quiet=True)
        self._waiting: deque[tuple[Key, Order]] = deque()
        self._begun: dict[Key, float] = {}

    def ask(self, key: Key, order: Order) -> None:
        self._waiting.append((key, order))

    @property
    def idle(self) -> bool:
        """Whether every order has been answered; a child may still be there."""
        return not self._waiting and not self._begun

    def hear(self, until: float) -> list[Heard]:
        """What is answered next, or nothing at the time `until` (monotonic)."""
        heard = self._start()
        while not heard and time.monotonic() < until and not self.idle:
            next_deadline = self._running.next_deadline()
            end = until if next_deadline is None else min(until, next_deadline)
            said = []
            for descriptor, _ in self._poll.poll(max(0.0, end - time.monotonic()) * 1000 + 1):
                said += self._running.ready(descriptor)
            said += self._running.expire(time.monotonic())
            self._running.ended()
            heard = [self._heard(key, answer) for key, answer in said] + self._start()
        return heard

    def _start(self) -> list[Heard]:
        """As many as there is room for; the answer is at once the problem where one cannot be started."""
        refused = []
        while self._waiting and self._running.count() < AT_ONCE:
            key, order = self._waiting.popleft()
            self._begun[key] = time.monotonic()
            problem = self._running.start({key: order}, self._begun[key])
            if problem:
                refused.append(self._heard(key, Failed(problem)))
        return refused

    def _heard(self, key: Key, answer: Answer) -> Heard:
        return Heard(key, answer, time.monotonic() - self._begun.pop(key))

    def stop(self) -> None:
        """Kill what is left. Nobody waits for it."""
        self._running.kill_all()
