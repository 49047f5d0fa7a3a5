"""The Report: the snapshot that people and programs read (`fsmount status --json`). Versioned; times in seconds since
1970 (`..._at`), sizes in bytes."""

from typing import Optional

import msgspec

from .model import Usage

VERSION = 1


class ProblemReport(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    title: str
    observed: str
    remedy: str
    at: float
    temporary: bool


class MountReport(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    word: str  # ok, pending, degraded, failed
    phase: str
    health: Optional[str]  # the verdict; null until the first attempt is over
    type: str
    source: str
    mountpoint: str
    access: str
    options: tuple[str, ...]
    since_at: float  # when phase or health last changed
    address: Optional[str]
    mounted_by: Optional[str]  # fsmount, or somebody else
    usage: Optional[Usage]
    latency_s: Optional[float] = None  # how long the latest look took that was answered
    probed_at: Optional[float]
    failures: int  # attempts that failed in a row
    next_attempt_at: Optional[float]
    problem: Optional[ProblemReport]
    warnings: tuple[ProblemReport, ...]
    leaving: bool  # no longer in the configuration


class AgentReport(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    pid: int
    pid_started: int  # field 22 of /proc/PID/stat: tells this process from a later one with its pid
    started_at: float
    longest_stall_ms: int  # the longest the loop ever took between two looks at its sources
    stuck_jobs: int


class GenerationReport(msgspec.Struct, frozen=True, kw_only=True):
    digest: str
    origin: str
    accepted_at: float
    state: str = "good"  # or "on trial": it is held against the mounts that were well before it, for two minutes


class Report(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    word: str
    settled: bool  # the first pass is over, and what came up was looked at
    written_at: float
    written_boottime: float  # CLOCK_BOOTTIME: the age of the news, whatever happens to the clock
    instance: Optional[str]
    agent: AgentReport
    generation: Optional[GenerationReport]
    problem: Optional[ProblemReport]  # with the configuration or the agent itself
    mounts: tuple[MountReport, ...]
    warnings: tuple[ProblemReport, ...] = ()  # about the agent itself; no mount is affected
