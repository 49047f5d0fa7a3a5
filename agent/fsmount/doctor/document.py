"""What `fsmount doctor --json` prints. Versioned; times in seconds. Pure."""

from collections.abc import Sequence
from typing import Optional

import msgspec

from ..problems import CATALOGUE
from .advice import advice
from .chain import Chain
from .steps import STEPS, Result, Subject

VERSION = 1


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    title: str
    cause: str  # the usual one
    cure: str


class StepReport(msgspec.Struct, frozen=True, kw_only=True):
    step: str
    outcome: str  # ok, failed, skipped, unknown
    observed: str
    seconds: float
    problem: Optional[Trouble]


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    type: str
    source: str
    mountpoint: str
    ok: bool
    broken: Optional[str]  # the first broken step
    steps: tuple[StepReport, ...]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    ok: bool
    configuration: StepReport
    mounts: tuple[Examined, ...]


def document(configuration: Result, chains: Sequence[Chain], well: bool) -> Document:
    mounts = tuple(map(_examined, chains))
    return Document(version=VERSION, ok=well, configuration=_step(configuration, None), mounts=mounts)


def _examined(chain: Chain) -> Examined:
    subject, broken = chain.subject, chain.broken
    return Examined(
        name=subject.name,
        type=subject.type,
        source=subject.source,
        mountpoint=subject.mountpoint,
        ok=broken is None,
        broken=broken.step.value if broken else None,
        steps=tuple(_step(chain.results[step], subject) for step in STEPS),
    )


def _step(result: Result, subject: Optional[Subject]) -> StepReport:
    return StepReport(
        step=result.step.value,
        outcome=result.outcome.value,
        observed=result.observed,
        seconds=round(result.seconds, 3),
        problem=trouble(result, subject),
    )


def trouble(result: Result, subject: Optional[Subject]) -> Optional[Trouble]:
    """The named problem of a step with its usual cause and cure, where it has one."""
    if result.code is None or result.code not in CATALOGUE:  # a newer agent's code
        return None
    said = advice(result.code, subject.type if subject else "", subject.host if subject else "")
    return Trouble(code=result.code, title=CATALOGUE[result.code].title, cause=said.cause, cure=said.cure)
