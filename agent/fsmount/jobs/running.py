"""The Jobs in flight, seen from the daemon: started, answered, overdue, abandoned. Nothing here waits.

A Job that has no answer at its deadline is killed and its verdict given at once; the process may live on for as long as
the kernel likes (it then counts as stuck), and no second Job of its key is started until it is gone.
"""

import os
import select
import signal
from typing import Optional

import msgspec

from ..model import Problem
from . import child
from .orders import DEADLINES_S, Answer, Failed, Key, Kind, Order, Overdue

STUCK_MOST = 8
_ANSWER_MOST = 4 * 1024 * 1024
_decoder = msgspec.json.Decoder(Answer)

Answered = tuple[Key, Answer]


class _Job:
    def __init__(self, key: Key, pid: int, pidfd: int, pipe: int, started: float) -> None:
        self.key, self.pid, self.pidfd, self.pipe, self.started = key, pid, pidfd, pipe, started
        self.deadline: Optional[float] = started + DEADLINES_S[key.kind]
        self.heard = bytearray()
        self.verdict = False  # an answer was given for it


class Running:
    """All Jobs that are alive. `poll` is the daemon's: the Jobs' descriptors are registered with it."""

    def __init__(self, poll: "select.poll") -> None:
        self._poll = poll
        self._jobs: dict[Key, _Job] = {}
        self._by_descriptor: dict[int, _Job] = {}
        self._gone: list[Key] = []

    def start(self, key: Key, order: Order, now: float) -> Optional[Problem]:
        """Fork the Job; the problem if that cannot be done now."""
        assert key not in self._jobs, key
        if self.stuck() >= STUCK_MOST:
            return Problem("too-many-stuck", f"{self.stuck()} helper processes are stuck")
        try:
            reading, writing = os.pipe2(os.O_CLOEXEC)
        except OSError as error:
            return Problem("no-process", f"no pipe: {error.strerror}")
        child.prepare(key.kind)
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(reading)
            os.close(writing)
            return Problem("no-process", f"fork: {error.strerror}")
        if pid == 0:
            child.run(key.kind, order, writing, parent)
        os.close(writing)
        os.set_blocking(reading, False)
        try:
            pidfd = os.pidfd_open(pid)
        except OSError as error:
            _kill(pid)
            os.close(reading)
            return Problem("no-process", f"no descriptor: {error.strerror}")
        job = _Job(key, pid, pidfd, reading, now)
        self._jobs[key] = job
        for descriptor in (job.pidfd, job.pipe):
            self._by_descriptor[descriptor] = job
            self._poll.register(descriptor, select.POLLIN)
        return None

    def lives(self, key: Key) -> bool:
        return key in self._jobs

    def stuck(self) -> int:
        """How many were killed and are still there."""
        return sum(job.deadline is None for job in self._jobs.values())

    def ended(self) -> list[Key]:
        """The Jobs whose process has ended since this was last asked."""
        gone, self._gone = self._gone, []
        return gone

    def count(self, kind: Optional[Kind] = None) -> int:
        """How many live, of that kind or of all."""
        return len(self._jobs) if kind is None else sum(key.kind is kind for key in self._jobs)

    def next_deadline(self) -> Optional[float]:
        return min((job.deadline for job in self._jobs.values() if job.deadline is not None), default=None)

    def ready(self, descriptor: int) -> list[Answered]:
        """poll said that one of our descriptors is readable."""
        job = self._by_descriptor.get(descriptor)
        if job is None:
            return []
        if descriptor == job.pidfd:
            return self._ended(job)
        return self._hear(job)

    def _hear(self, job: _Job) -> list[Answered]:
        try:
            heard = os.read(job.pipe, 65536)
        except BlockingIOError:
            return []
        job.heard += heard
        if not heard or len(job.heard) > _ANSWER_MOST:
            self._close(job.pipe)
            return []
        return self._verdict(job, bytes(job.heard)) if job.heard.endswith(b"\n") else []

    def _verdict(self, job: _Job, line: bytes) -> list[Answered]:
        if job.verdict:
            return []  # too late: the deadline has spoken already
        job.verdict = True
        try:
            return [(job.key, _decoder.decode(line))]
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            return [(job.key, Failed(Problem("job-failed", f"{job.key.kind.value}: an answer that makes no sense: {error}")))]

    def _ended(self, job: _Job) -> list[Answered]:
        answers: list[Answered] = []
        while job.pipe in self._by_descriptor and not job.verdict:
            before = len(job.heard)
            answers += self._hear(job)
            if len(job.heard) == before:
                break
        _, status = os.waitpid(job.pid, os.WNOHANG)
        for descriptor in (job.pidfd, job.pipe):
            self._close(descriptor)
        del self._jobs[job.key]
        self._gone.append(job.key)
        if not job.verdict:
            how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"status {os.WEXITSTATUS(status)}"
            answers.append((job.key, Failed(Problem("job-failed", f"the {job.key.kind.value} helper ended with {how}"))))
        return answers

    def expire(self, now: float) -> list[Answered]:
        """Kill what is overdue and give its verdict."""
        answers: list[Answered] = []
        for job in self._jobs.values():
            if job.deadline is None or job.deadline > now:
                continue
            job.deadline = None
            _kill(job.pid)
            if not job.verdict:
                job.verdict = True
                answers.append((job.key, Overdue(now - job.started)))
        return answers

    def kill_all(self) -> None:
        """The agent ends: nothing may finish behind its back. Nobody waits for them."""
        for job in self._jobs.values():
            _kill(job.pid)

    def _close(self, descriptor: int) -> None:
        if self._by_descriptor.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)
            os.close(descriptor)


def _kill(pid: int) -> None:
    """The whole session, so that a program which the child runs goes, too; the child alone while it has none yet."""
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
