"""Where the stages meet: observe, judge, plan, act. All effects come in through the constructor.

The agent is only ever called from the loop, does no I/O on a managed path, and waits for nothing.
"""

import logging
from typing import Optional, Protocol

import msgspec

from .. import entry as entries
from .. import settle
from ..entry import Entry, Now
from ..jobs.orders import Answer, Failed, Key, Kind, Mounted, Resolved, Unmounted
from ..judge import Standing, judge
from ..ledger import Record
from ..model import Config, Health, Phase, Problem, Spec, Word
from ..observe.mountinfo import Table
from ..plan import Action, Verb, plan
from ..timeouts import FIRST_PROBE_PATIENCE_S
from .addresses import Addresses
from .agenda import Agenda
from .configuration import Configuration, Jobs, Reply
from .errands import Errand, errand, together

log = logging.getLogger("fsmount")
JOBS_MOST = 48
JOB_VERBS = (Verb.RESOLVE, Verb.MOUNT, Verb.UNMOUNT, Verb.PROBE)
LOOK_AGAIN_S = 0.2  # at what waits for room


class Effects(Protocol):
    """What the agent needs of the world."""

    def now(self) -> Now: ...
    def mounts(self) -> Table: ...
    def write_ledger(self, records: list[Record]) -> Optional[Problem]: ...


class Agent:
    def __init__(
        self, configuration: Configuration, stage: str, jobs: Jobs, effects: Effects, records: dict[str, Record]
    ) -> None:
        self.configuration, self.stage = configuration, stage
        self.entries: dict[str, Entry] = {}  # by mount point
        self.ledger_problem: Optional[Problem] = None
        self.settled = False  # the first pass is over: each mount was up, or has failed once
        self.looked = False  # and each one that came up was probed
        self._jobs, self._effects = jobs, effects
        self._records = dict(records)
        self._written: list[Record] = list(records.values())
        self._addresses = Addresses()
        self._table = effects.mounts()
        self._table_is_old = False
        self._agenda = Agenda()

    # -- what wakes it

    def reload(self, reply: Optional[Reply] = None) -> None:
        """Read the configuration again; the reply comes when it was accepted or refused."""
        self.configuration.ask(reply)
        self.mounts_changed()

    def retry(self, name: Optional[str]) -> tuple[list[str], Optional[Problem]]:
        """Try at once what waits or is blocked: the mount of that name, or all. The names of those."""
        chosen = [e for e in self.entries.values() if name in (None, e.spec.name)]
        if name is not None and not chosen:
            return [], Problem("unknown-mount", f"no mount is called {name!r}", temporary=False)
        self.mounts_changed()
        for entry in chosen:
            self._keep(entries.again(entry))
            self._addresses.forget(entry.spec.host)
        return [entry.spec.name for entry in chosen if entry.phase is not Phase.MOUNTED or entry.problem], None

    def mounts_changed(self) -> None:
        """Read again at the next turn: many changes in one wake are read once."""
        self._table_is_old = True

    def answered(self, key: Key, answer: Answer) -> None:
        now = self._effects.now()
        if key.kind is Kind.FETCH:
            config = self.configuration.take(answer, now)
            if config is not None:
                self._carry_out(config, now)
        elif key.kind is Kind.RESOLVE:
            self._answered_resolve(key.about, answer, now)
        elif key.about in self.entries:
            if isinstance(answer, Mounted):
                tried = self._records.get(key.about, Record(self.entries[key.about].spec))
                self._records[key.about] = Record(tried.spec, answer.mount_id)
            self._change(settle.after(key, self.entries[key.about], answer, now))
        if isinstance(answer, (Mounted, Unmounted, Failed)):
            # A failed probe, too: a rename above a mount point changes the table, and raises no event.
            self.mounts_changed()

    def ended(self, key: Key) -> None:
        """A Job's process is gone: what waited for that can be planned."""
        self._agenda.room()
        if key.kind in (Kind.MOUNT, Kind.UNMOUNT):
            self.mounts_changed()  # killed at its deadline, it may have done its work before it ended
        for place, entry in self.entries.items():
            if key.about in (place, entry.spec.host):
                self._agenda.add(place)

    def turn(self) -> Optional[float]:
        """Plan and act for every mount point about which something is new, or whose time has come.

        Returns the monotonic time at which the next turn is due, if any.
        """
        now = self._effects.now()
        if self._table_is_old:
            self._read_the_table()
        self.configuration.fetch(self._jobs, now)
        self._adopt_the_ledger(now)
        chosen = self._agenda.take(self.entries, now.monotonic)
        # When there is not room for all, those that failed most come last: dead servers must not starve the living.
        chosen.sort(key=lambda place: self.entries[place].failures)
        planned = [(place, *self._planned(place, now)) for place in chosen]
        intents = [place for place, action, _ in planned if action.verb is Verb.MOUNT]
        for place in intents:
            self._records[place] = Record(self.entries[place].spec)
        self._write_ledger()
        errands = []
        for place, action, mount_id in planned:
            self._agenda.look_again(place, action.look_again)
            if action.verb in JOB_VERBS:
                errands.append(errand(self.entries[place], action.verb, mount_id, self.stage))
            else:
                self._act(place, action, mount_id, now)
        for group in together(errands):
            self._start(group, now)
        self._write_ledger()
        self._settle()
        due = [self._agenda.next(now.monotonic), self.configuration.again_at]
        return min((moment for moment in due if moment is not None), default=None)

    def _read_the_table(self) -> None:
        before, self._table, self._table_is_old = self._table, self._effects.mounts(), False
        for place in self.entries:
            if self._table.differs(before, place):
                self._agenda.add(place)

    # -- judge and plan

    def _planned(self, place: str, now: Now) -> tuple[Action, Optional[int]]:
        entry = self.entries[place]
        standing, mount_id = self.standing(entry)
        if standing is Standing.ABSENT and entry.phase is Phase.MOUNTED:
            entry = self._change(entries.lost(entry, now))
        if standing is Standing.ABSENT and not self._jobs.lives(Key(Kind.MOUNT, place)):
            self._gone_or_moved(self._records.pop(place, None), now)
        entry = self.entries[place] = self._addresses.given(entry, now)
        self._agenda.seen(place)
        return plan(entry, standing, mount_id, self._busy(entry), now.monotonic), mount_id

    def _gone_or_moved(self, record: Optional[Record], now: Now) -> None:
        """A directory above a mount may be renamed, and the mount goes with it: there it is ours to unmount when idle."""
        row = self._table.by_id(record.mount_id) if record and record.mount_id else None
        if record is None or row is None or row.mountpoint in self.entries:
            return
        moved = msgspec.structs.replace(record.spec, mountpoint=row.mountpoint)
        log.warning("%s: moved to %s with its directory", moved.name, row.mountpoint, extra={"MOUNT": moved.name})
        self._records[row.mountpoint] = Record(moved, row.mount_id)
        self._keep(Entry(spec=moved, since_at=now.wall, wanted=False, phase=Phase.MOUNTED, mount_id=row.mount_id, tried=True))

    def standing(self, entry: Entry) -> tuple[Standing, Optional[int]]:
        row = self._table.at(entry.spec.mountpoint)
        return judge(entry.spec, row, self._records.get(entry.spec.mountpoint)), row.mount_id if row else None

    def _busy(self, entry: Entry) -> frozenset[Kind]:
        place = entry.spec.mountpoint
        keys = (
            Key(Kind.MOUNT, place),
            Key(Kind.UNMOUNT, place),
            Key(Kind.PROBE, place, entry.mount_id),
            Key(Kind.RESOLVE, entry.spec.host),
        )
        return frozenset(key.kind for key in keys if self._jobs.lives(key))

    # -- act

    def _act(self, place: str, action: Action, mount_id: Optional[int], now: Now) -> None:
        entry = self.entries[place]
        if action.verb is Verb.NOTHING:
            return
        if action.verb is Verb.FORGET:
            log.info("%s: gone from the configuration", entry.spec.name, extra={"MOUNT": entry.spec.name})
            del self.entries[place]
            self._agenda.forget(place)
            self._records.pop(place, None)
        elif action.verb is Verb.ADOPT:
            self._adopt(entry, mount_id or 0, now)
        elif action.verb is Verb.BLOCK:
            row = self._table.at(place)
            what = f"{row.source} ({row.fstype})" if row else "something"
            self._change(entries.failed(entry, Problem("mountpoint-taken", f"{place} holds {what}", False), now))

    def _adopt(self, entry: Entry, mount_id: int, now: Now) -> None:
        standing, _ = self.standing(entry)
        theirs = standing is Standing.THEIRS
        if not theirs:
            self._records[entry.spec.mountpoint] = Record(entry.spec, mount_id)
        self._change(entries.mounted(entry, mount_id, now, theirs=theirs))

    def _start(self, group: list[Errand], now: Now) -> None:
        """The Job for these errands, if there is room for it and none of them is under way."""
        group = [one for one in group if not self._jobs.lives(one.key)]
        if not group:
            return
        if self._must_wait(group[0], now):
            for one in group:
                self._agenda.wait_for_room(one.place, now.monotonic + LOOK_AGAIN_S)
            return
        problem = self._jobs.start({one.key: one.order for one in group}, now.monotonic)
        for one in group:
            self._started(one, self.entries[one.place], problem, now)

    def _started(self, one: Errand, entry: Entry, problem: Optional[Problem], now: Now) -> None:
        if problem is None:
            self._keep(entries.turned(entry, one.phase, now))
        elif one.verb is Verb.PROBE:
            self._change(entries.unwell(entry, problem, now))
        elif one.verb is Verb.UNMOUNT:
            self._change(entries.still_mounted(entry, problem, now))
        else:
            self._change(entries.failed(entry, problem, now))

    def _must_wait(self, one: Errand, now: Now) -> bool:
        """For room, or, with the first look at what was just mounted (and looked at then), for those still mounting."""
        if self._jobs.count() >= JOBS_MOST:
            return True
        entry = self.entries[one.place]
        fresh = one.verb is Verb.PROBE and entry.health is Health.UNKNOWN and entry.problem is None
        mounting = self._jobs.count(Kind.MOUNT) > 0 or not self.settled
        return fresh and mounting and now.monotonic < entry.next_probe + FIRST_PROBE_PATIENCE_S

    # -- what the Jobs said

    def _answered_resolve(self, host: str, answer: Answer, now: Now) -> None:
        if isinstance(answer, Resolved) and answer.addresses:
            self._addresses.learn(host, answer.addresses, now)
            return
        problem = settle.problem_of(answer, Problem("name-server-down", f"{host}: no answer from the name server"))
        for entry in list(self.entries.values()):
            waits = entry.phase in (Phase.WAITING, Phase.RESOLVING) and entry.not_before <= now.monotonic
            if entry.spec.host == host and waits:
                self._change(entries.failed(entry, problem, now))

    # -- the configuration

    def _adopt_the_ledger(self, now: Now) -> None:
        """A restart into a configuration that is refused: what the ledger holds is what is wanted."""
        if self.configuration.answered and self.configuration.generation is None and not self.settled:
            for place, record in self._records.items():
                self.entries.setdefault(place, Entry(spec=record.spec, since_at=now.wall))

    def _carry_out(self, config: Config, now: Now) -> None:
        wanted = {spec.mountpoint: spec for spec in config.mounts}
        for place, record in self._records.items():
            self.entries.setdefault(place, Entry(spec=record.spec, since_at=now.wall))
        for place, entry in list(self.entries.items()):
            if place not in wanted:
                self._keep(msgspec.structs.replace(entry, wanted=False, not_before=0.0))
        for spec in wanted.values():
            self._want(spec, now)

    def _want(self, spec: Spec, now: Now) -> None:
        entry = self.entries.get(spec.mountpoint)
        if entry is None:
            self._keep(Entry(spec=spec, since_at=now.wall))
        elif entry.spec.same_mount(spec):
            record = self._records.get(spec.mountpoint)
            if record and record.spec.same_mount(spec):
                self._records[spec.mountpoint] = Record(spec, record.mount_id)
            problem = None if entry.phase is Phase.MOUNTED else entry.problem  # a probe says it again if it is still there
            self._keep(entries.again(msgspec.structs.replace(entry, spec=spec, wanted=True, problem=problem)))
        else:
            self._keep(entries.again(msgspec.structs.replace(entry, spec=spec, wanted=True, tried=False, problem=None)))

    # -- what it remembers

    def _keep(self, entry: Entry) -> Entry:
        self.entries[entry.spec.mountpoint] = entry
        self._agenda.add(entry.spec.mountpoint)
        return entry

    def _change(self, entry: Entry) -> Entry:
        """Keep it, and say what is new about it: once per change, not per attempt."""
        before = self.entries[entry.spec.mountpoint]
        fields = {"MOUNT": entry.spec.name}
        if entry.phase is Phase.MOUNTED and before.mount_id != entry.mount_id:
            how = "found mounted" if before.phase is not Phase.MOUNTING else "mounted"
            log.info("%s: %s on %s", entry.spec.name, how, entry.spec.mountpoint, extra=fields)
        elif before.mount_id is not None and entry.mount_id is None and before.phase is Phase.MOUNTED:
            log.warning("%s: unmounted by somebody", entry.spec.name, extra=fields)
        if entry.problem and (before.problem is None or before.problem.code != entry.problem.code):
            said = (entry.spec.name, entry.problem.observed, entry.problem.code)
            log.warning("%s: %s [%s]", *said, extra={**fields, "PROBLEM": entry.problem.code})
        elif before.problem and not entry.problem and before.phase is Phase.MOUNTED:
            log.info("%s: well again (it was: %s)", entry.spec.name, before.problem.code, extra=fields)
        return self._keep(entry)

    def _write_ledger(self) -> None:
        records = list(self._records.values())
        if records == self._written:
            return
        problem = self._effects.write_ledger(records)
        if problem and not self.ledger_problem:
            log.error("%s", problem.observed, extra={"PROBLEM": problem.code})
        self.ledger_problem = problem
        if not problem:
            self._written = records

    def _settle(self) -> None:
        """The first pass ends once; what fails later is news, not a beginning. What a new generation adds is looked at
        anew."""
        wanted = [entry for entry in self.entries.values() if entry.wanted]
        self.settled = self.settled or (self.configuration.answered and all(entry.tried for entry in wanted))
        self.looked = self.settled and not any(entry.word is Word.PENDING for entry in wanted)
