"""The Jobs in flight, seen from the daemon: started, answered, overdue, abandoned. Nothing here waits.

A Job that has no answer at its deadline is killed and its verdict given at once; the process may live on for as long as
the kernel likes (it then counts as stuck), and no second Job of its key is started until it is gone. A Job of several
orders has a key for each; a key is free again when its order is answered, however long the others take.
"""

import os
import select
import signal
from collections.abc import Mapping
from typing import Optional

import msgspec

from ..model import Problem
from . import child
from .answers import Answer, Failed, Overdue, Pulse, Said
from .deadlines import deadline_of
from .orders import Key, Kind, Order

# One for each mount point at most, and one more than a notebook is likely to have. Fewer would let mounts that are dead
# in a way which no signal ends (FUSE, Lustre) keep the living from being looked at.
STUCK_MOST = 32
_ANSWER_MOST = 4 * 1024 * 1024
_decoder = msgspec.json.Decoder(Said)

Answered = tuple[Key, Answer]


class _Job:
    def __init__(self, keys: list[Key], pid: int, pidfd: int, pipe: int, started: float, limit_s: float) -> None:
        self.keys, self.pid, self.pidfd, self.pipe, self.started = keys, pid, pidfd, pipe, started
        self.kind = keys[0].kind
        self.deadline: Optional[float] = started + limit_s
        self.heard = bytearray()
        self.open = set(keys)  # no verdict was given for these
        self.pulse = False


class Running:
    """All Jobs that are alive. `poll` is the caller's: the Jobs' descriptors are registered with it. With `quiet` the Jobs
    hold neither its standard output nor its standard error."""

    def __init__(self, poll: "select.poll", quiet: bool = False) -> None:
        self._poll, self._quiet = poll, quiet
        self._processes: set[_Job] = set()
        self._jobs: dict[Key, _Job] = {}
        self._by_descriptor: dict[int, _Job] = {}
        self._gone: dict[Key, None] = {}  # a set that keeps its order
        self._unwatched: set[int] = set()  # killed at once: there was no descriptor to hear of their end with

    def start(self, orders: Mapping[Key, Order], now: float) -> Optional[Problem]:
        """Fork one Job for these orders, all of one kind; the problem if that cannot be done now."""
        keys = list(orders)
        kind = keys[0].kind
        assert not self._jobs.keys() & orders.keys(), keys
        # What is stuck is what the history is about, and of its own kind there is never more than one.
        if self.stuck() >= STUCK_MOST and kind is not Kind.RECORD:
            return Problem("too-many-stuck", f"{self.stuck()} helper processes are stuck")
        try:
            child.prepare(kind)
            reading, writing = os.pipe2(os.O_CLOEXEC)
        except (ImportError, OSError) as error:
            return Problem("no-process", f"{kind.value}: {error}")
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(reading)
            os.close(writing)
            return Problem("no-process", f"fork: {error.strerror}")
        if pid == 0:
            child.run(kind, list(orders.values()), writing, parent, self._quiet)
        os.close(writing)
        os.set_blocking(reading, False)
        try:
            pidfd = os.pidfd_open(pid)
        except OSError as error:
            _kill(pid)
            self._unwatched.add(pid)
            os.close(reading)
            return Problem("no-process", f"no descriptor: {error.strerror}")
        limit_s = max(deadline_of(kind, order) for order in orders.values())
        job = _Job(keys, pid, pidfd, reading, now, limit_s)
        self._processes.add(job)
        self._jobs.update(dict.fromkeys(keys, job))
        for descriptor in (job.pidfd, job.pipe):
            self._by_descriptor[descriptor] = job
            self._poll.register(descriptor, select.POLLIN)
        return None

    def lives(self, key: Key) -> bool:
        return key in self._jobs

    def stuck(self, kind: Optional[Kind] = None) -> int:
        """How many were killed and are still there, of that kind or of all."""
        return sum(job.deadline is None and kind in (None, job.kind) for job in self._processes)

    def ended(self) -> list[Key]:
        """The keys that have become free since this was last asked."""
        self._unwatched = {pid for pid in self._unwatched if os.waitpid(pid, os.WNOHANG) == (0, 0)}
        gone, self._gone = self._gone, {}
        return list(gone)

    def count(self, kind: Optional[Kind] = None) -> int:
        """How many live, of that kind or of all."""
        return len(self._processes) if kind is None else sum(job.kind is kind for job in self._processes)

    def next_deadline(self) -> Optional[float]:
        return min((job.deadline for job in self._processes if job.deadline is not None), default=None)

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
            self._close_pipe(job)
            return []
        whole, newline, job.heard = job.heard.rpartition(b"\n")
        return [said for line in whole.splitlines() for said in self._verdict(job, bytes(line))] if newline else []

    def _verdict(self, job: _Job, line: bytes) -> list[Answered]:
        try:
            said = _decoder.decode(line)
            key = job.keys[said.order]
        except (msgspec.MsgspecError, ValueError, RecursionError, IndexError) as error:
            return self._without_an_answer(job, f"an answer that makes no sense: {error}")
        if isinstance(said.answer, Pulse):
            job.pulse = True
            return []
        if len(job.keys) > 1:
            self._free(key, job)
        if key not in job.open:
            return []  # too late: the deadline has spoken already
        job.open.remove(key)
        return [(key, said.answer)]

    def _without_an_answer(self, job: _Job, why: str) -> list[Answered]:
        silent, job.open = job.open, set()
        return [(key, Failed(Problem("job-failed", f"{job.kind.value}: {why}"))) for key in job.keys if key in silent]

    def _free(self, key: Key, job: _Job) -> None:
        if self._jobs.get(key) is job:
            del self._jobs[key]
        self._gone[key] = None

    def _ended(self, job: _Job) -> list[Answered]:
        answers: list[Answered] = []
        while job.pipe >= 0 and job.open:
            before = len(job.heard)
            answers += self._hear(job)
            if len(job.heard) == before:
                break
        _, status = os.waitpid(job.pid, os.WNOHANG)
        self._close(job.pidfd)
        self._close_pipe(job)
        self._processes.remove(job)
        for key in job.keys:
            self._free(key, job)
        how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"status {os.WEXITSTATUS(status)}"
        return answers + self._without_an_answer(job, f"the helper process ended with {how}")

    def expire(self, now: float) -> list[Answered]:
        """Kill what is overdue and give its verdict."""
        answers: list[Answered] = []
        for job in self._processes:
            if job.deadline is None or job.deadline > now:
                continue
            job.deadline = None
            _kill(job.pid)
            silent, job.open = job.open, set()
            answers += [(key, Overdue(now - job.started, job.pulse)) for key in job.keys if key in silent]
        return answers

    def cancel(self, key: Key) -> None:
        """Its answer is of no interest any more. The Job ends without one, and its key is then free."""
        job = self._jobs.get(key)
        if job is not None:
            job.open.clear()
            _kill(job.pid)

    def kill_all(self) -> None:
        """The agent ends: nothing may finish behind its back. Nobody waits for them."""
        for job in self._processes:
            _kill(job.pid)

    def _close_pipe(self, job: _Job) -> None:
        """Once: the number may be the next Job's a moment later."""
        descriptor, job.pipe = job.pipe, -1
        self._close(descriptor)

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
