"""The one poll. It wakes for mountinfo, a Job, a signal, a request or a timer; nothing in it blocks.

A signal only writes its number into a pipe; everything that it causes happens in the loop.
"""

import gc
import os
import select
import signal
import time
from collections.abc import Mapping
from typing import Optional

from .. import ledger, places
from ..entry import Now
from ..jobs import child
from ..jobs.answers import Answer
from ..jobs.orders import Key, Kind
from ..ledger import Record
from ..model import Problem
from ..observe import efs_state, mountinfo, mountstats
from ..observe.mountstats import Counters
from ..timeouts import LAST_WORDS_S
from .agent import Agent
from .configuration import HEAD_START_S, RECALL_LATER_S, Configuration
from .control import Control
from .diary import Diary
from .metering import Metering
from .publish import Publisher, sentence
from .sampling import Sampling
from .service import Notifier
from .start import Start
from .tagging import Tagging

_BEAT_S = 10.0  # how often systemd's watchdog hears of us, and so the longest sleep


class World:
    """The real effects: clocks, dice, mountinfo, the ledger's file."""

    def __init__(self, run: str) -> None:
        self._ledger = places.ledger_file(run)

    def now(self) -> Now:
        return Now(time.monotonic(), time.time(), int.from_bytes(os.urandom(4), "big") / 2**32)

    def mounts(self) -> mountinfo.Table:
        return mountinfo.read()

    def file_system(self, row: mountinfo.Mount) -> str:
        return efs_state.file_system(row)

    def traffic(self) -> Mapping[bytes, Counters]:
        try:
            return mountstats.read()
        except OSError:
            return {}  # a kernel without NFS

    def write_ledger(self, records: list[Record]) -> Optional[Problem]:
        try:
            ledger.write(self._ledger, records)
        except (OSError, ValueError) as error:
            return Problem("ledger-not-written", f"{self._ledger}: {error}")
        return None


class Loop:
    def __init__(self, start: Start, run: str, history: str) -> None:
        self._poll, self._jobs = start.poll, start.jobs
        self._world = World(run)
        records = ledger.read(places.ledger_file(run))
        self._agent = Agent(_configuration(start, bool(records)), places.stage(run), self._jobs, self._world, records)
        self._control = Control(places.control_socket(run), self._poll, self._agent)
        self._publisher = Publisher(places.status_file(run), Sampling(places.samples_file(run)), start.setup, time.time())
        self._diary = Diary(history, places.handover_file(run), self._jobs, self._world.now())
        self._tagging = Tagging(self._jobs, start.setup.instance)
        self._metering = Metering(self._jobs, start.setup.instance)
        self._notifier = Notifier()
        self._signals = _signals_into_a_pipe()
        self._mountinfo = os.open(mountinfo.PATH, os.O_RDONLY | os.O_CLOEXEC)
        self._poll.register(self._signals, select.POLLIN)
        self._poll.register(self._mountinfo, select.POLLPRI)
        self._stall_ms = 0
        self._sentence = "mounting"
        self._beat_at = 0.0
        self._ready = False
        self._stopping = False

    def run(self) -> None:
        """Until SIGTERM. Every mount stays as it is."""
        wake = self._pass()
        # While the configuration is still being read: what the next Jobs need.
        for kind in (Kind.RESOLVE, Kind.MOUNT, Kind.PROBE, Kind.UNMOUNT):
            child.prepare(kind)
        gc.freeze()
        while not self._stopping:
            events = self._poll.poll(max(0, int((wake - time.monotonic()) * 1000) + 1))
            began = time.monotonic()
            for descriptor, _ in events:
                self._serve(descriptor, began)
            wake = self._pass()
            self._stall_ms = max(self._stall_ms, int((time.monotonic() - began) * 1000))
        self._notifier.tell("STOPPING=1")
        self._last_words(time.monotonic() + LAST_WORDS_S)
        self._jobs.kill_all()

    def _last_words(self, end: float) -> None:
        """What happened last is written as well: after a stop of the notebook, nothing but the volume remembers it."""
        while self._diary.close(self._world.now()) and time.monotonic() < end:
            for descriptor, _ in self._poll.poll(max(0, int((end - time.monotonic()) * 1000)) + 1):
                self._serve(descriptor, time.monotonic())
        self._diary.hand_over()

    def _serve(self, descriptor: int, now: float) -> None:
        if descriptor == self._mountinfo:
            self._agent.mounts_changed()
        elif descriptor == self._signals:
            self._on_signals(os.read(self._signals, 256))
        elif not self._control.ready(descriptor, now):
            for key, answer in self._jobs.ready(descriptor):
                self._answered(key, answer)

    def _answered(self, key: Key, answer: Answer) -> None:
        if key.kind is Kind.RECORD:
            self._diary.answered(answer, self._world.now())
        elif key == self._tagging.key:
            self._tagging.answered(answer, self._world.now())
        elif key == self._metering.key:
            self._metering.answered(answer, self._world.now())
        else:
            self._agent.answered(key, answer)

    def _on_signals(self, numbers: bytes) -> None:
        if signal.SIGHUP in numbers:
            self._agent.reload()
        if signal.SIGTERM in numbers or signal.SIGINT in numbers:
            self._stopping = True

    def _pass(self) -> float:
        """Deadlines, one turn of the agent, the news. Returns when to wake at the latest."""
        now = self._world.now()
        self._control.expire(now.monotonic)
        for key, answer in self._jobs.expire(now.monotonic):
            self._answered(key, answer)
        for ended in self._jobs.ended():
            self._agent.ended(ended)
        due = [self._agent.turn(), self._diary.turn(self._agent, self._world.now())]
        due += [self._jobs.next_deadline(), self._control.next_deadline()]
        now = self._world.now()
        due += [self._tagging.turn(self._agent, now), self._metering.turn(self._agent, now)]
        warnings = (self._diary, self._tagging, self._metering)
        found = (self._agent.configuration.warning, *(part.problem for part in warnings))
        self._publisher.warnings = tuple(dict.fromkeys(problem for problem in found if problem))
        if self._publisher.due(self._agent, now) <= now.monotonic:
            self._publisher.write(self._agent, now, self._stall_ms, self._jobs.stuck())
            self._sentence = sentence(self._agent)
        due.append(self._publisher.due(self._agent, now))
        due.append(self._tell_systemd(now.monotonic))
        return min(moment for moment in due if moment is not None)

    def _tell_systemd(self, now: float) -> float:
        if self._agent.settled and not self._ready:
            self._ready, self._sentence = True, sentence(self._agent)
            self._notifier.tell("READY=1")
        self._notifier.status(self._sentence)
        if now >= self._beat_at:
            self._beat_at = now + _BEAT_S
            # Until it is ready, systemd is asked for more time: a thousand dead servers take a while to fail once.
            self._notifier.tell("WATCHDOG=1", *([] if self._ready else ["EXTEND_TIMEOUT_USEC=60000000"]))
        return self._beat_at


def _configuration(start: Start, restarted: bool) -> Configuration:
    """Where the origin is far away, mounts come up from what the volume holds, as fast as with AWS or without."""
    now, local = time.monotonic(), start.setup.local
    hold_until = now + HEAD_START_S if restarted or local else now
    return Configuration(
        start.setup, reading=start.reading, recall_at=now + (RECALL_LATER_S if local else 0), hold_until=hold_until
    )


def _signals_into_a_pipe() -> int:
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return reading
