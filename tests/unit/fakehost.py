"""A host that lives in memory: file servers, a mount table, Jobs that answer when time passes, and knobs to break it.

It stands in for the kernel and the network behind the same two interfaces that the daemon uses (Jobs and Effects), and
runs through the contract tests of the real Jobs as well (tests/system/test_jobs_contract.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Callable

from fsmount.daemon.agent import Agent
from fsmount.daemon.configuration import Configuration
from fsmount.daemon.setup import Setup
from fsmount.entry import Entry, Now
from fsmount.history.event import Event
from fsmount.jobs.answers import (
    Answer,
    Failed,
    Fetched,
    Installed,
    Kept,
    Knocked,
    Mounted,
    Moved,
    Overdue,
    Probed,
    Published,
    Recalled,
    Recorded,
    Refused,
    Resolved,
    Unchanged,
    Unmounted,
)
from fsmount.jobs.deadlines import deadline_of
from fsmount.jobs.orders import (
    DEADLINES_S,
    Fetch,
    How,
    Install,
    Keep,
    Key,
    Kind,
    Knock,
    MountOrder,
    Move,
    Order,
    Publish,
    Recall,
    RecordOrder,
    Resolve,
    Unmount,
)
from fsmount.ledger import Record
from fsmount.model import Config, Problem, Spec, Usage
from fsmount.observe.mountinfo import Mount, Table
from fsmount.observe.mountstats import Counters

WORK_S = 0.1  # how long a Job that meets no trouble takes


class FakeHost:
    """Knobs: `hang(host)`, `refuse(host)`, `deny(host)`, `revive(host)`, `unmount(place)`, `mount_foreign(place)`."""

    def __init__(self) -> None:
        self.each_look_at_the_clock_s = 0.0  # so slow is this machine between two of them
        self.monotonic, self.wall = 1000.0, 1_700_000_000.0
        self.dice = 0.5
        self.config: Config | None = None
        self.origin_hangs = False
        self.kept: Recalled | None = None  # what is on the volume
        self.slow_recalls = 0  # so many times it cannot be read
        self.keeps = 0  # how often it was written
        self._given: dict[str, Config] = {}  # by digest, what the origin gave
        self.fetches: list[Fetch] = []
        self.config_problem = Problem("config-missing", "no such file", False)
        self.rows: dict[str, list[tuple[int, str, str]]] = {}  # place -> stack of id, source, fstype
        self.ledger: list[Record] = []
        self.ledger_full = False
        self.history: list[Event] = []
        self.volume_problem: Problem | None = None  # why the history cannot be written
        self.volume_is_slow = False
        self.published: list[tuple[float, Publish]] = []  # every attempt, and when it began
        self.aws_problem: Problem | None = None
        self.aws_hangs = False
        self.room_for_tags = 50
        self.busy: set[str] = set()
        self.covered: set[str] = set()  # mount points to which no way leads
        self.behind: dict[str, str] = {}  # place -> the id of the file system that a proxy serves there
        self.install_problem: Problem | None = None
        self.no_modules = False  # and installing it changes nothing
        self.no_lustre = False  # the client is not installed
        self.counters: dict[bytes, Counters] = {}
        self.no_fork = False
        self.started: list[Key] = []
        self._trouble: dict[str, str] = {}
        self._addresses: dict[str, str] = {}
        self._left: dict[str, str] = {}  # host -> the address that it had, for those that moved
        self.cannot_lead = False
        self.resolves_to: dict[str, str] = {}
        self.knocks_heard = True
        self._jobs: dict[Key, tuple[float, Order]] = {}
        self._spoken: set[Key] = set()
        self._next_id = 100

    # -- knobs

    def hang(self, host: str) -> None:
        self._trouble[host] = "hang"

    def refuse(self, host: str) -> None:
        self._trouble[host] = "refuse"

    def deny(self, host: str) -> None:
        self._trouble[host] = "deny"

    def forget_name(self, host: str) -> None:
        self._trouble[host] = "no name"

    def stale(self, host: str) -> None:
        """What is mounted from it is not known to it any more."""
        self._trouble[host] = "stale"

    def slow(self, host: str) -> None:
        self._trouble[host] = "slow"

    def move(self, host: str, address: str) -> None:
        """Its name stands for another address, where it answers; what leads to the old one hangs."""
        self._left[host] = self.address_of(host)
        self._addresses[host] = address
        self._trouble[host] = "moved"

    def revive(self, host: str) -> None:
        self._trouble.pop(host, None)

    def unmount(self, place: str) -> None:
        self.rows[place].pop()

    def mount_foreign(self, place: str, source: str = "tmpfs", fstype: str = "tmpfs") -> int:
        return self._push(place, source, fstype)

    def mount_in_its_stead(self, old: str, new: str, source: str = "tmpfs", fstype: str = "tmpfs") -> None:
        """Unmount what is at `old` and mount something at `new`, which gets the id that has become free."""
        mount_id, _, _ = self.rows[old].pop()
        self.rows.setdefault(new, []).append((mount_id, source, fstype))

    def rename(self, old: str, new: str) -> None:
        """A directory above the mount point gets another name, and the mount goes with it."""
        self.rows[new] = self.rows.pop(old)

    # -- Effects

    def now(self) -> Now:
        self.monotonic += self.each_look_at_the_clock_s
        return Now(self.monotonic, self.wall, self.dice)

    def mounts(self) -> Table:
        lines = []
        for place, stack in self.rows.items():
            parent = 1
            for mount_id, source, fstype in stack:
                named = source.partition(":")[0]
                server = self._left.get(named) or self.address_of(named)
                lines.append(
                    f"{mount_id} {parent} 0:{mount_id} / {place} rw,nosuid shared:1 - {fstype} {source} rw,addr={server}"
                )
                parent = mount_id
        return Table("\n".join(lines).encode())

    def file_system(self, row: Mount) -> str:
        return self.behind.get(row.mountpoint, "")

    def traffic(self) -> Mapping[bytes, Counters]:
        return dict(self.counters)

    def write_ledger(self, records: list[Record]) -> Problem | None:
        if self.ledger_full:
            return Problem("ledger-not-written", "no room")
        self.ledger = records
        return None

    # -- Jobs

    def start(self, orders: Mapping[Key, Order], now: float) -> Problem | None:
        assert not self._jobs.keys() & orders.keys(), f"a second Job of {list(orders)}"
        if self.no_fork:
            return Problem("no-process", "fork: Resource temporarily unavailable")
        self._jobs.update((key, (now, order)) for key, order in orders.items())
        self.started += orders
        return None

    def lives(self, key: Key) -> bool:
        return key in self._jobs

    def cancel(self, key: Key) -> None:
        self._jobs.pop(key, None)

    def kill_all(self) -> None:
        self._jobs.clear()

    def stuck(self, kind: Kind | None = None) -> int:
        return 0

    def count(self, kind: Kind | None = None) -> int:
        return sum(kind in (None, key.kind) for key in self._jobs)

    def tick(self, seconds: float) -> list[tuple[Key, Answer]]:
        """Let time pass; what the Jobs said meanwhile."""
        self.monotonic += seconds
        self.wall += seconds
        said: list[tuple[Key, Answer]] = []
        for key, (since, order) in list(self._jobs.items()):
            answer = self._answer(key, order, self.monotonic - since)
            if answer is not None:
                del self._jobs[key]
                said.append((key, answer))
        return said

    def _answer(self, key: Key, order: Order, ran: float) -> Answer | None:
        if ran < WORK_S:
            return None
        trouble = self._trouble.get(self._host(key, order))
        at_once = isinstance(order, Unmount) and order.how is not How.IDLE
        if isinstance(order, Move):
            return self._moved(order)
        if key.kind is Kind.FETCH and self.origin_hangs:
            return Overdue(ran) if ran >= DEADLINES_S[key.kind] else None
        hangs = trouble == "hang" or (trouble == "moved" and key.kind is Kind.PROBE)
        if hangs and key.kind is not Kind.FETCH and not at_once:
            return Overdue(ran) if ran >= deadline_of(key.kind, order) else None
        if key.kind is Kind.PROBE and key.about in self.covered:
            return Failed(Problem("mountpoint-unreachable", f"{key.about}: the way there leads to something else"))
        if isinstance(order, RecordOrder):
            return self._recorded(order, ran)
        if isinstance(order, Publish):
            return self._published(order, ran)
        return self._done(key, order, trouble)

    def _recorded(self, order: RecordOrder, ran: float) -> Answer | None:
        if self.volume_is_slow:
            return Overdue(ran) if ran >= DEADLINES_S[Kind.RECORD] else None
        if self.volume_problem:
            return Failed(self.volume_problem)
        self.history += order.events
        return Recorded()

    def _published(self, order: Publish, ran: float) -> Answer | None:
        if self.aws_hangs:
            return Overdue(ran) if ran >= DEADLINES_S[Kind.PUBLISH] else None
        self.published.append((self.monotonic - ran, order))
        return Failed(self.aws_problem) if self.aws_problem else Published(min(len(order.tags), self.room_for_tags))

    def _host(self, key: Key, order: Order) -> str:
        if isinstance(order, MountOrder):
            return order.spec.host
        if isinstance(order, Resolve):
            return "" if self._trouble.get(order.host) != "no name" else order.host
        stack = self.rows.get(key.about) or [(0, "", "")]
        return stack[-1][1].partition(":")[0]

    def address_of(self, host: str) -> str:
        return self._addresses.setdefault(host, f"10.0.0.{len(self._addresses) + 1}")

    def _done(self, key: Key, order: Order, trouble: str | None) -> Answer | None:
        if isinstance(order, Fetch):
            return self._fetched(order)
        if isinstance(order, Keep):
            return self._kept(order)
        if isinstance(order, Recall):
            if self.slow_recalls:
                self.slow_recalls -= 1
                return Failed(Problem("kept-unreadable", "Input/output error"))
            return self.kept or Failed(Problem("kept-nothing", f"{order.path} does not exist", False))
        if isinstance(order, Resolve):
            if trouble == "no name":
                return Failed(Problem("name-not-resolved", f"{order.host}: the name is not known"))
            return Resolved((self.resolves_to.get(order.host) or self.address_of(order.host),))
        if isinstance(order, Install):
            self.no_lustre = self.install_problem is not None or self.no_modules
            return Failed(self.install_problem) if self.install_problem else Installed()
        if isinstance(order, MountOrder):
            if order.spec.type == "lustre" and self.no_lustre:
                return Failed(Problem("lustre-missing", "there is no mount.lustre"))
            return self._mounted(order.spec, trouble)
        if isinstance(order, Unmount):
            return self._unmounted(order)
        if isinstance(order, Knock):
            answering = [(address, port) for address, port in order.doors if not self._trouble_at(address)]
            return Knocked(*answering[0], 1) if answering and self.knocks_heard else None
        if trouble == "stale":
            return Failed(Problem("stale", f"{key.about}: Stale file handle"))
        return Probed(Usage(100, 40, 60), 2.5 if trouble == "slow" else 0.01)

    def _fetched(self, order: Fetch) -> Answer:
        self.fetches.append(order)
        if self.config is None:
            problem, bad = self.config_problem, "what is bad"
            if problem.temporary or order.origin.startswith("file:"):
                return Failed(problem)
            return Unchanged() if order.known == bad else Refused(problem, bad, f"token of {bad}")
        if order.known == self.config.digest:
            return Unchanged(f"token of {order.known}")
        self._given[self.config.digest] = self.config
        return Fetched(self.config, f"token of {self.config.digest}")

    def _kept(self, order: Keep) -> Answer:
        """The real one finds the bytes by their digest, too, or on the volume."""
        if self.volume_problem:
            return Failed(Problem("generation-not-kept", self.volume_problem.observed))
        there = self.kept.config if self.kept else None
        config = there if there and there.digest == order.digest else self._given[order.digest]
        self.keeps += 1
        self.kept = Recalled(config, order.token, order.accepted_at, order.good, order.refused)
        return Kept()

    def _moved(self, order: Move) -> Answer:
        if self.cannot_lead:
            return Failed(Problem("address-changed", f"{order.host} is at {order.new} now"))
        del self._left[order.host], self._trouble[order.host]
        return Moved(order.new)

    def _unmounted(self, order: Unmount) -> Answer:
        if not order.mount_id:
            return Unmounted()
        if order.mountpoint in self.busy and order.how is How.IDLE:
            return Failed(Problem("busy", f"{order.mountpoint} is in use"))
        self.rows[order.mountpoint].pop()
        return Unmounted(detached=order.how is not How.IDLE)

    def _trouble_at(self, address: str) -> bool:
        return any(self.address_of(host) == address for host in self._trouble)

    def _mounted(self, spec: Spec, trouble: str | None) -> Answer:
        if trouble == "refuse":
            return Failed(Problem("server-refused", f"{spec.host} refuses"))
        if trouble == "deny":
            return Failed(Problem("access-denied", f"{spec.source}: Permission denied", False))
        if self._left.pop(spec.host, None):
            del self._trouble[spec.host]  # a new mount leads to where it is now
        fstype = "lustre" if spec.type == "lustre" else "nfs4"
        source = f"127.0.0.1:{spec.path}" if spec.helper not in ("", "lustre") else spec.source
        if source != spec.source:
            self.behind[spec.mountpoint] = spec.id
        return Mounted(self._push(spec.mountpoint, source, fstype), source=source, fstype=fstype)

    def _push(self, place: str, source: str, fstype: str) -> int:
        self._next_id += 1
        self.rows.setdefault(place, []).append((self._next_id, source, fstype))
        return self._next_id


class Driver:
    """The agent on a fake host, driven as the loop drives it."""

    def __init__(
        self,
        host: FakeHost,
        records: dict[str, Record] | None = None,
        origin: str = "file:/config/mounts.yaml",
        kept: str = "",
        hold_s: float = 0.0,
    ) -> None:
        """With `kept`, the generation that the host's volume holds counts while the origin has not answered, after
        `hold_s`."""
        self.host = host
        configuration = Configuration(
            Setup(origin, kept=kept), recall_at=host.monotonic if kept else None, hold_until=host.monotonic + hold_s
        )
        self.agent = Agent(configuration, "/stage", host, host, records or {})

    def run(self, seconds: float, step: float = 0.1, until: Callable[[], bool] | None = None) -> None:
        for _ in range(max(1, round(seconds / step))):
            for key, answer in self.host.tick(step):
                self.agent.answered(key, answer)
                self.agent.ended(key)
            self.agent.mounts_changed()
            for _ in range(100):
                due = self.agent.turn()
                if due is None or due > self.host.monotonic:
                    break
            if until is not None and until():
                return

    def load(self, *specs: Spec, digest: str = "d1") -> None:
        self.host.config = Config(digest, specs)
        self.agent.reload()


def spec(name: str, **changes: object) -> Spec:
    fields: dict[str, object] = {
        "name": name,
        "type": "nfs",
        "host": f"{name}.test",
        "path": "/data",
        "mountpoint": f"/mnt/{name}",
    }
    return Spec(**{**fields, **changes})  # type: ignore[arg-type]


def entry(driver: Driver, name: str) -> Entry:
    return next(e for e in driver.agent.entries.values() if e.spec.name == name)


def mounts_of(host: FakeHost, name: str) -> int:
    return sum(key == Key(Kind.MOUNT, f"/mnt/{name}") for key in host.started)
