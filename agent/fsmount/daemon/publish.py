"""Report: from the agent's state to the status file. Written when something changed, and as a heartbeat."""

import logging
import os
import time
from typing import Optional

import msgspec

from .. import __version__, atomic
from ..entry import Entry, Now
from ..model import Health, OnHang, Phase, Problem, Word, worst
from ..problems import CATALOGUE
from ..report import VERSION, AgentReport, GenerationReport, MountReport, ProblemReport, Report
from ..timeouts import HEARTBEAT_S
from .agent import Agent
from .sampling import Sampling
from .setup import Setup

log = logging.getLogger("fsmount")
_APART_S = 0.2  # a burst of changes is written once
_FIGURES_S = 3.0  # where only figures are new: how full, how fast, when last looked at
_FULL_S = 2.0  # between tries where there is no room


def problem_report(problem: Problem, at: float) -> ProblemReport:
    known = CATALOGUE[problem.code]
    return ProblemReport(
        code=problem.code, title=known.title, observed=problem.observed, remedy=known.remedy, at=at, temporary=problem.temporary
    )


def mount_report(entry: Entry, now: Now) -> MountReport:
    waits = entry.phase is Phase.WAITING and entry.problem is not None
    return MountReport(
        name=entry.spec.name,
        word=entry.word.value,
        phase=entry.phase.value,
        health=entry.verdict.value if entry.verdict else None,
        type=entry.spec.type,
        source=entry.spec.source,
        mountpoint=entry.spec.mountpoint,
        access="ro" if entry.spec.read_only else "rw",
        options=entry.spec.options,
        since_at=round(entry.since_at, 3),
        address=entry.address,
        mounted_by=("somebody else" if entry.theirs else "fsmount") if entry.phase is Phase.MOUNTED else None,
        usage=entry.usage,
        latency_s=round(entry.latency_s, 4) if entry.latency_s is not None else None,
        probed_at=round(entry.probed_at, 3) if entry.probed_at else None,
        failures=entry.failures,
        next_attempt_at=round(now.wall + entry.not_before - now.monotonic, 3) if waits else None,
        problem=problem_report(entry.problem, round(entry.problem_at, 3)) if entry.problem else None,
        warnings=tuple(problem_report(warning, round(entry.since_at, 3)) for warning in _warnings(entry, now)),
        leaving=not entry.wanted,
    )


def _warnings(entry: Entry, now: Now) -> tuple[Problem, ...]:
    found, care = entry.warnings, entry.spec.care
    if entry.located and entry.located.remark:
        found += (entry.located.remark,)
    if entry.hides:
        found += (Problem("mountpoint-not-empty", f"{entry.spec.mountpoint} was not empty when it was mounted over"),)
    if entry.detached and entry.problem and entry.problem.code != "detached":
        found += (Problem("detached", f"{entry.spec.mountpoint} was detached because its server did not answer"),)
    if entry.health is Health.HUNG and not entry.theirs and care.on_hang is OnHang.WAIT:
        way = f"`sudo fsmount detach {entry.spec.name}` takes it out of sight"
        found += (Problem("detachable", f"{entry.spec.mountpoint} freezes whoever lists its directory; {way}"),)
    elif entry.health is Health.HUNG and not entry.theirs and not entry.failures:
        at = time.strftime("%H:%M:%S", time.localtime(now.wall + entry.health_since - now.monotonic + care.on_hang_after_s))
        how = "unmounted by force" if care.on_hang is OnHang.FORCE else "detached"
        found += (Problem("detaching", f"{entry.spec.mountpoint}: {how} at {at} if its server has not answered by then"),)
    return found


def word(agent: Agent, own: Optional[Problem]) -> Word:
    if not agent.settled:
        return Word.PENDING
    mounts = worst(tuple(entry.word for entry in agent.entries.values()))
    return worst((mounts, Word.DEGRADED)) if agent.configuration.problem or own else mounts


def sentence(agent: Agent) -> str:
    """For `systemctl status`: the state in words."""
    if not agent.settled:
        return "mounting"
    if agent.configuration.problem and not agent.entries:
        return f"no mounts: {agent.configuration.problem.observed}"
    all_of = agent.entries.values()
    good = sum(entry.word is Word.OK for entry in all_of)
    bad = [f"{e.spec.name} {e.problem.code if e.problem else e.phase.value}" for e in all_of if e.word is not Word.OK]
    more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
    return f"{good} of {len(agent.entries)} mounts ok" + (f"; {', '.join(bad[:3])}{more}" if bad else "")


class Publisher:
    """Holds what was written last, so that nothing is written that says nothing new."""

    def __init__(self, path: str, sampling: Sampling, setup: Setup, started_at: float) -> None:
        self._path, self._started_at = path, started_at
        self._instance = setup.instance.name if setup.instance else None
        self._sampling, self._samples_at = sampling, 0.0
        self._pid_started = process_started(os.getpid())
        self._last: tuple[object, ...] = ()
        self._last_at = -HEARTBEAT_S
        self.problem: Optional[Problem] = None
        self.warnings: tuple[Problem, ...] = ()  # worth telling, and no reason to call the mounts degraded

    def due(self, agent: Agent, now: Now) -> float:
        """The monotonic time at which it should be written next; in the past if now."""
        content = self._content(agent, now)
        if content == self._last:
            return self._last_at + HEARTBEAT_S
        if self.problem:
            return self._last_at + _FULL_S
        return self._last_at + (_FIGURES_S if _news(content) == _news(self._last) else _APART_S)

    def write(self, agent: Agent, now: Now, stall_ms: int, stuck: int) -> None:
        content = self._content(agent, now)
        self._sampling.gather(agent.entries, settled=agent.settled)
        if now.monotonic >= self._samples_at:
            self._samples_at = now.monotonic + HEARTBEAT_S
            self._sampling.write()
        report = Report(
            version=VERSION,
            word=word(agent, agent.book.problem).value,
            settled=agent.looked,
            written_at=round(now.wall, 3),
            written_boottime=round(time.clock_gettime(time.CLOCK_BOOTTIME), 3),
            instance=self._instance,
            agent=AgentReport(
                version=__version__,
                pid=os.getpid(),
                pid_started=self._pid_started,
                started_at=round(self._started_at, 3),
                longest_stall_ms=stall_ms,
                stuck_jobs=stuck,
            ),
            generation=_generation(agent),
            problem=_own_problem(agent, now),
            warnings=tuple(problem_report(warning, round(now.wall, 3)) for warning in self.warnings),
            mounts=tuple(mount_report(entry, now) for entry in agent.entries.values()),
        )
        self._last_at = now.monotonic
        try:
            atomic.replace(self._path, msgspec.json.encode(report) + b"\n")
            self._last, self.problem = content, None
        except (OSError, ValueError) as error:
            problem = Problem("status-not-written", f"{self._path}: {error}")
            if problem != self.problem:
                log.error("%s", problem.observed, extra={"PROBLEM": problem.code})
            self.problem = problem

    def _content(self, agent: Agent, now: Now) -> tuple[object, ...]:
        """All that makes news; frozen values, so comparing is cheap."""
        return (
            agent.looked,
            agent.settled,
            agent.configuration.problem,
            agent.book.problem,
            self.warnings,
            agent.configuration.generation,
            agent.configuration.trial,
            *agent.entries.values(),
        )


def _news(content: tuple[object, ...]) -> list[object]:
    """What of it somebody may wait for."""
    return [(e.spec, e.word, e.phase, e.verdict, e.problem, e.warnings) if isinstance(e, Entry) else e for e in content]


def _generation(agent: Agent) -> Optional[GenerationReport]:
    if agent.configuration.generation is None:
        return None
    generation = agent.configuration.generation
    digest, at = generation.config.digest, generation.accepted_at
    state = "on trial" if agent.configuration.trial else "good"
    return GenerationReport(digest=digest, origin=agent.configuration.setup.origin, accepted_at=round(at, 3), state=state)


def _own_problem(agent: Agent, now: Now) -> Optional[ProblemReport]:
    problem = agent.configuration.problem or agent.book.problem
    return problem_report(problem, round(now.wall, 3)) if problem else None


def process_started(pid: int) -> int:
    """When the process began, in clock ticks since boot: /proc/PID/stat, field 22 (the name may hold blanks)."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[19])
