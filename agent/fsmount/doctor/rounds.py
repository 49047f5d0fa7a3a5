"""All chains side by side, within one limit: twenty dead servers take no longer than one."""

import time
from collections.abc import Iterable, Sequence
from typing import Callable

from ..jobs.answers import Answer, Overdue
from ..jobs.orders import Fetch, Key, Kind, Trust
from ..observe import mountinfo
from ..timeouts import EXAMINATION_S, EXAMINE_S
from .asking import Asking
from .chain import Chain
from .steps import Step


def examine(chains: Sequence[Chain], tell: Callable[[], None], limit: float = EXAMINATION_S) -> None:
    """Every chain to its end. `tell` is called whenever there are new results."""
    asking = Asking()
    asked: dict[Key, tuple[Chain, Step]] = {}
    end = time.monotonic() + limit

    def go_on(some: Iterable[Chain]) -> None:
        table = mountinfo.read()
        for chain in some:
            for step, (key, order) in chain.begin(table.at(chain.subject.mountpoint)):
                asked[key] = chain, step
                asking.ask(key, order)
        tell()

    try:
        go_on(chains)
        while not asking.idle and time.monotonic() < end:
            heard = asking.hear(end)
            for key, answer, seconds in heard:
                chain, step = asked[key]
                chain.answered(step, answer, seconds)
            go_on({asked[key][0].number: asked[key][0] for key, _, _ in heard}.values())
    finally:
        asking.stop()
    for chain in chains:
        chain.give_up(limit)
    tell()


def fetch(path: str, trust: Trust, region: str) -> Answer:
    """The configuration, by the same child as the agent's, but with less patience: somebody is waiting."""
    asking = Asking()
    try:
        asking.ask(Key(Kind.FETCH, path), Fetch(f"file:{path}", trust, region))
        heard = asking.hear(time.monotonic() + EXAMINE_S)
    finally:
        asking.stop()
    return heard[0].answer if heard else Overdue(EXAMINE_S)
