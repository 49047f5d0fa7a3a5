"""Where the stages meet: observe, judge, plan, act. All effects come in through the constructor.

The agent is only ever called from the loop, does no I/O on a managed path, and waits for nothing.
"""

import logging
from typing import Optional

import msgspec

from .. import entry as entries
from .. import settle
from ..entry import Entry, Now
from ..jobs.answers import Answer, Failed, Knocked, Mounted, Resolved, Unmounted
from ..jobs.orders import Key, Kind
from ..judge import Known, Standing, is_ours, judge
from ..ledger import Record
from ..model import Config, Health, Phase, Problem, Word
from ..plan import Action, Verb, plan
from . import requests, saying, wanting
from .addresses import Addresses, looked_up
from .agenda import Agenda
from .book import Book
from .configuration import Configuration, Jobs, Reply
from .effects import Effects
from .errands import CLIENT, Errand, errand, keys, together, urgency
from .knocking import Knocking
from .room import must_wait
from .traffic import Traffic

log = logging.getLogger("fsmount")
STARTING_S = 0.03  # so long a turn may start Jobs: a fork takes its time, and the loop is to hear of other things in between
SUSPECTED_APART_S = 8.0  # between two looks that the traffic asked for
JOB_VERBS = (Verb.RESOLVE, Verb.MOUNT, Verb.UNMOUNT, Verb.GIVE_BACK, Verb.MOVE, Verb.PROBE, Verb.INSTALL)
LOOK_AGAIN_S = 0.2  # at what was just mounted, and waits for its neighbours
ROOM_AGAIN_S = 2.0  # at what waits for room; a Job that ends makes some, and is heard of


class Agent:
    def __init__(
        self, configuration: Configuration, stage: str, jobs: Jobs, effects: Effects, records: dict[str, Record]
    ) -> None:
        self.configuration, self.stage = configuration, stage
        self.entries: dict[str, Entry] = {}  # by mount point
        self.settled = False  # the first pass is over: each mount was up, or has failed once
        self.looked = False  # and each one that came up was probed
        self._jobs, self._effects = jobs, effects
        self.book = Book(records, effects.write_ledger)
        self._addresses = Addresses()
        self._traffic = Traffic(effects.traffic)
        self._knocking = Knocking(jobs)
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
        chosen, problem = requests.chosen(self.entries.values(), name)
        self.mounts_changed()
        for entry in chosen:
            self._keep(entries.again(entry))
            self._addresses.forget(entry.spec.host)
        return [entry.spec.name for entry in chosen if entry.phase is not Phase.MOUNTED or entry.problem], problem

    def detach(self, name: str) -> tuple[list[str], Optional[Problem]]:
        """Take a mount that hangs out of sight; whoever asks accepts what it risks."""
        chosen, problem = requests.chosen(self.entries.values(), name)
        problem = problem or requests.not_to_detach(chosen[0])
        if problem:
            return [], problem
        self._keep(msgspec.structs.replace(chosen[0], detach_asked=True))
        return [name], None

    def mounts_changed(self) -> None:
        """Read again at the next turn: many changes in one wake are read once."""
        self._table_is_old = True

    def answered(self, key: Key, answer: Answer) -> None:
        now = self._effects.now()
        if key.kind in (Kind.FETCH, Kind.RECALL, Kind.KEEP):
            self._answered_configuration(key.kind, answer, now)
        elif key.kind is Kind.RESOLVE:
            self._answered_resolve(key.about, answer, now)
        elif isinstance(answer, Knocked):
            self._answered_knock(answer, now)
        elif key == CLIENT:
            for entry in [entry for entry in self.entries.values() if entry.lacks_client]:
                self._change(settle.after(key, entry, answer, now))
        elif key.about in self.entries:
            if isinstance(answer, Mounted):
                self.book.tried(self.entries[key.about].spec, answer)
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
            if key.about in (place, entry.spec.host) or (key == CLIENT and entry.lacks_client):
                self._agenda.add(place)

    def turn(self) -> Optional[float]:
        """Plan and act for every mount point about which something is new, or whose time has come.

        Returns the monotonic time at which the next turn is due, if any.
        """
        now = self._effects.now()
        if self._table_is_old:
            self._read_the_table()
        configured = self.configuration.turn(self._jobs, now)
        self._return_if_broken(now)
        self._adopt_the_ledger(now)
        if self._traffic.due <= now.monotonic:
            self._look_at_the_traffic(now)
        chosen = self._agenda.take(self.entries, now.monotonic)
        chosen.sort(key=lambda place: urgency(self.entries[place]))
        planned = [(place, *self._planned(place, now)) for place in chosen]
        intents = [place for place, action, _ in planned if action.verb is Verb.MOUNT]
        for place in intents:
            self.book.intend(self.entries[place].spec)
        self.book.write()
        errands = []
        for place, action, mount_id in planned:
            self._agenda.look_again(place, action.look_again)
            if action.verb in JOB_VERBS:
                errands.append(errand(self.entries[place], action, mount_id, self.stage, self.configuration.setup))
            else:
                self._act(place, action, mount_id, now)
        starting = self._effects.now().monotonic  # to plan for a thousand, and to write that down, may have taken longer
        for number, group in enumerate(together(errands)):
            if number == 0 or self._effects.now().monotonic < starting + STARTING_S:
                self._start(group, now)
            else:
                self._agenda.wait_for_turn(one.place for one in group)
        self.book.write()
        self._settle()
        knock_at = self._knocking.turn(self.entries, self._table, now.monotonic)
        due = [self._agenda.next(now.monotonic), configured, self._traffic.due, knock_at]
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
            self._gone_or_moved(self.book.records.pop(place, None), now)
        entry = self.entries[place] = self._addresses.given(entry, now)
        self._agenda.seen(place)
        return plan(entry, standing, mount_id, self._busy(entry), now.monotonic), mount_id

    def _gone_or_moved(self, record: Optional[Record], now: Now) -> None:
        """A directory above a mount may be renamed, and the mount goes with it: there it is ours to unmount when idle."""
        row = self._table.by_id(record.mount_id) if record and record.mount_id else None
        if record is None or row is None or row.mountpoint in self.entries or not is_ours(record, row):
            return
        moved = msgspec.structs.replace(record.spec, mountpoint=row.mountpoint)
        log.warning("%s: moved to %s with its directory", moved.name, row.mountpoint, extra={"MOUNT": moved.name})
        self.book.confirm(moved, row)
        left = Entry(spec=moved, since_at=now.wall, since=now.monotonic, wanted=False, phase=Phase.MOUNTED, mount_id=row.mount_id)
        self._keep(msgspec.structs.replace(left, tried=True))

    def standing(self, entry: Entry) -> tuple[Standing, Optional[int]]:
        row = self._table.at(entry.spec.mountpoint)
        known = Known(self._effects.file_system(row) if row else "", entry.address or "")
        return judge(entry.spec, row, self.book.records.get(entry.spec.mountpoint), known), row.mount_id if row else None

    def _busy(self, entry: Entry) -> frozenset[Kind]:
        return frozenset(key.kind for key in keys(entry) if self._jobs.lives(key))

    # -- act

    def _act(self, place: str, action: Action, mount_id: Optional[int], now: Now) -> None:
        entry = self.entries[place]
        if action.verb is Verb.NOTHING:
            return
        if action.verb is Verb.FORGET:
            log.info("%s: gone from the configuration", entry.spec.name, extra={"MOUNT": entry.spec.name})
            del self.entries[place]
            self._agenda.forget(place)
            self._knocking.forget(place)
            self.book.records.pop(place, None)
        elif action.verb is Verb.ADOPT:
            self._adopt(entry, mount_id or 0, now)
        elif action.verb is Verb.BLOCK:
            row = self._table.at(place)
            what = f"{row.source} ({row.fstype})" if row else "something"
            self._change(entries.failed(entry, Problem("mountpoint-taken", f"{place} holds {what}", False), now))

    def _adopt(self, entry: Entry, mount_id: int, now: Now) -> None:
        standing, _ = self.standing(entry)
        theirs = standing is Standing.THEIRS
        row = self._table.at(entry.spec.mountpoint)
        if not theirs and row is not None:
            self.book.confirm(entry.spec, row)
        self._change(entries.mounted(entry, mount_id, now, theirs=theirs))

    def _start(self, group: list[Errand], now: Now) -> None:
        """The Job for these errands, if there is room for it and none of them is under way."""
        group = [one for one in group if not self._jobs.lives(one.key)]
        if not group:
            return
        if must_wait(group[0], self.entries[group[0].place], self._jobs, now, settled=self.settled):
            for one in group:
                fresh = self.entries[one.place].health is Health.UNKNOWN
                self._agenda.wait_for_room(one.place, now.monotonic + (LOOK_AGAIN_S if fresh else ROOM_AGAIN_S))
            return
        problem = self._jobs.start({one.key: one.order for one in group}, now.monotonic)
        for one in group:
            self._started(one, self.entries[one.place], problem, now)

    def _started(self, one: Errand, entry: Entry, problem: Optional[Problem], now: Now) -> None:
        if problem is None:
            self._keep(entries.turned(entry, one.phase, now))
        elif one.verb is Verb.PROBE:
            self._change(entries.looked(entry, Health.UNKNOWN, problem, now))
        elif one.verb is Verb.MOVE or (entry.phase is Phase.MOUNTED and one.verb is Verb.RESOLVE):
            self._keep(entries.looked_up(entry, now))
        elif one.verb in (Verb.UNMOUNT, Verb.GIVE_BACK):
            self._change(entries.still_mounted(entry, problem, now))
        else:
            self._change(entries.failed(entry, problem, now))

    # -- what the Jobs said

    def _answered_resolve(self, host: str, answer: Answer, now: Now) -> None:
        if isinstance(answer, Resolved) and answer.addresses:
            self._addresses.learn(host, answer, now)
            if answer.by in ("dns", "api"):  # what was kept is no evidence that it moved
                self._look_where_they_lead(host, answer.addresses, now)
            return
        self._look_where_they_lead(host, (), now)
        problem = settle.problem_of(answer, Problem("name-server-down", f"{host}: no answer from the name server"))
        for entry in list(self.entries.values()):
            waits = entry.phase in (Phase.WAITING, Phase.RESOLVING) and entry.not_before <= now.monotonic
            if entry.spec.host == host and waits:
                self._change(entries.failed(entry, problem, now))

    # -- servers that are dead, or seem to be

    def _look_at_the_traffic(self, now: Now) -> None:
        up = {p: e.answered for p, e in self.entries.items() if e.phase is Phase.MOUNTED and e.health is not Health.HUNG}
        suspected = self._traffic.suspects(up, now.monotonic)
        for place in (p for p in suspected if self.entries[p].answered + SUSPECTED_APART_S < now.monotonic):
            self._keep(entries.probed_soon(self.entries[place], now))

    def _answered_knock(self, answer: Knocked, now: Now) -> None:
        for place in self._knocking.answered(answer):
            entry = entries.probed_soon(self.entries[place], now)
            self._keep(entries.again(entry) if entry.detached else entry)

    def _look_where_they_lead(self, host: str, addresses: tuple[str, ...], now: Now) -> None:
        for place, entry in self.entries.items():
            if entry.spec.host == host and entry.phase is Phase.MOUNTED and entry.health is Health.HUNG:
                self._keep(looked_up(entry, self._table.at(place), addresses, now))

    # -- the configuration

    def _answered_configuration(self, kind: Kind, answer: Answer, now: Now) -> None:
        if kind is Kind.KEEP:
            self.configuration.kept(answer, now)
            return
        if kind is Kind.FETCH:
            config = self.configuration.take(answer, self.entries.values(), now)
        else:
            config = self.configuration.recalled(answer, now)
        if config is not None:
            self._carry_out(config, now)

    def _return_if_broken(self, now: Now) -> None:
        config = self.configuration.tried(self.entries.values(), self._in_place, now)
        if config is not None:
            self._carry_out(config, now)

    def _in_place(self, entry: Entry) -> bool:
        return self.standing(entry)[0] in (Standing.OURS, Standing.THEIRS)

    def _adopt_the_ledger(self, now: Now) -> None:
        """A restart into a configuration that is refused: what the ledger holds is what is wanted."""
        if self.configuration.answered and self.configuration.generation is None and not self.settled:
            for place, record in self.book.records.items():
                self.entries.setdefault(place, Entry(spec=record.spec, since_at=now.wall, since=now.monotonic))

    def _carry_out(self, config: Config, now: Now) -> None:
        for spec in config.mounts:
            self.book.rename(spec)
        for entry in wanting.under(config, self.entries, self.book.records, now):
            self._keep(entry)

    # -- what it remembers

    def _keep(self, entry: Entry) -> Entry:
        place = entry.spec.mountpoint
        self.entries[place] = entry
        self._agenda.add(place)
        self._knocking.note(entry)
        return entry

    def _change(self, entry: Entry) -> Entry:
        """Keep it, and say what is new about it."""
        saying.change(self.entries[entry.spec.mountpoint], entry)
        return self._keep(entry)

    def _settle(self) -> None:
        """The first pass ends once; what fails later is news, not a beginning. What a new generation adds is looked at
        anew."""
        wanted = [entry for entry in self.entries.values() if entry.wanted]
        self.settled = self.settled or (self.configuration.answered and all(entry.tried for entry in wanted))
        self.looked = self.settled and not any(entry.word is Word.PENDING for entry in wanted)
