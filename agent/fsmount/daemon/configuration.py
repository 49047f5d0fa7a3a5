"""The configuration as the daemon holds it: which one is in force, why the last one was refused, who asked for it."""

import logging
from collections.abc import Mapping
from typing import Callable, Optional, Protocol

import msgspec

from .. import backoff, settle
from ..entry import Now
from ..jobs.orders import Answer, Fetch, Fetched, Key, Kind, Order
from ..model import Config, Problem

log = logging.getLogger("fsmount")
Reply = Callable[[Optional[Problem], str], None]  # a problem, or a sentence, for whoever asked


class Jobs(Protocol):
    """The part of Running that the stages use."""

    def start(self, orders: Mapping[Key, Order], now: float) -> Optional[Problem]: ...
    def lives(self, key: Key) -> bool: ...
    def cancel(self, key: Key) -> None: ...
    def stuck(self, kind: Optional[Kind] = None) -> int: ...
    def count(self, kind: Optional[Kind] = None) -> int: ...


class Generation(msgspec.Struct, frozen=True):
    config: Config
    accepted_at: float


class Configuration:
    def __init__(self, path: str, *, reading: bool = False) -> None:
        """`reading`: its first fetch has begun already."""
        self.path = path
        self.generation: Optional[Generation] = None
        self.problem: Optional[Problem] = None
        self.answered = False  # the first fetch is over, whatever came of it
        self.again_at: Optional[float] = None  # after a temporary problem
        self._failures = 0
        self._waiting: list[Reply] = [] if reading else [_nobody]  # asked for a fetch that has not begun
        self._asked: list[Reply] = []  # waiting for the answer of the one that runs

    def ask(self, reply: Optional[Reply]) -> None:
        self._waiting.append(reply or _nobody)

    def fetch(self, jobs: Jobs, now: Now) -> None:
        """Only once the fetch before is gone: what was asked after it had begun, it may not have seen."""
        key = Key(Kind.FETCH, self.path)
        if self.again_at is not None and self.again_at <= now.monotonic:
            self.ask(None)
            self.again_at = None
        if not self._waiting or jobs.lives(key):
            return
        self._asked, self._waiting = self._waiting, []
        problem = jobs.start({key: Fetch(self.path)}, now.monotonic)
        if problem:
            self._refuse(problem, now)

    def take(self, answer: Answer, now: Now) -> Optional[Config]:
        """The new configuration if there is one; whoever asked is told either way."""
        if not isinstance(answer, Fetched):
            self._refuse(settle.problem_of(answer, Problem("config-unreadable", f"{self.path}: reading it took too long")), now)
            return None
        config = answer.config
        new = self.generation is None or self.generation.config.digest != config.digest
        if new:
            self.generation = Generation(config, now.wall)
        self.problem, self.answered, self.again_at, self._failures = None, True, None, 0
        count = len(config.mounts)
        sentence = f"{count} mount{'' if count == 1 else 's'}, generation {config.digest[:12]}" + ("" if new else ", unchanged")
        log.info("configuration accepted: %s", sentence)
        self._tell(None, sentence)
        return config if new else None

    def _refuse(self, problem: Problem, now: Now) -> None:
        if problem != self.problem:
            log.error("configuration refused: %s", problem.observed, extra={"PROBLEM": problem.code})
        self.problem, self.answered = problem, True
        if problem.temporary:
            self._failures += 1
            self.again_at = now.monotonic + backoff.delay(self._failures, now.dice)
        self._tell(problem, "")

    def _tell(self, problem: Optional[Problem], sentence: str) -> None:
        asked, self._asked = self._asked, []
        for reply in asked:
            reply(problem, sentence)


def _nobody(problem: Optional[Problem], sentence: str) -> None:
    """The reply to a reload that no client asked for."""
