"""One mount's chain: which step may begin, what it is told, and what its answer means. It does nothing itself; all that
happens comes in as answers and as rows of the mount table."""

import ipaddress
from typing import Optional, Union

from ..cli.words import span
from ..jobs.answers import Answer, Examined, Failed, Overdue, Resolved
from ..jobs.orders import Examine, Key, Kind, Order, Resolve
from ..model import Problem
from ..observe.mountinfo import Mount
from .steps import NEEDS, STEPS, Here, Outcome, Result, Step, Subject, broken
from .types import type_of

Errand = tuple[Key, Order]
_SILENT = {
    Step.NAME: "name-server-down",
    Step.PORT: "server-timeout",
    Step.EXPORT: "nfs-silent",
    Step.READABLE: "not-answering",
    Step.WRITABLE: "not-answering",
}
# Problems of the examination itself: they say nothing about the mount.
_OURS = frozenset({"job-failed", "no-process", "too-many-stuck", "internal-error"})


class Chain:
    def __init__(self, number: int, subject: Subject, name_servers: tuple[str, ...] = (), here: Optional[Here] = None) -> None:
        self.number, self.subject = number, subject
        self.results: dict[Step, Result] = {}
        self._name_servers, self._here = name_servers, here or Here()
        self._address = ""
        self._mount_id = 0
        self._begun: set[Step] = set()

    @property
    def done(self) -> bool:
        return len(self.results) == len(STEPS)

    @property
    def broken(self) -> Optional[Result]:
        return broken(self.results)

    def begin(self, row: Optional[Mount]) -> list[tuple[Step, Errand]]:
        """The steps that can be taken now, as orders; those that need no child are taken at once, and those whose ground
        is broken are skipped. `row`: what is mounted at the mount point."""
        orders: list[tuple[Step, Errand]] = []
        for step in STEPS:
            if step in self.results or step in self._begun or not self._may(step):
                continue
            self._begun.add(step)
            begun = self._take(step, row)
            if isinstance(begun, Result):
                self.results[step] = begun
            else:
                orders.append((step, (self._key(step, begun), begun)))
        return orders

    def _may(self, step: Step) -> bool:
        need = NEEDS[step]
        return need is None or need in self.results

    def _take(self, step: Step, row: Optional[Mount]) -> Union[Result, Order]:
        need = NEEDS[step]
        if need and self.results[need].outcome is not Outcome.OK:
            return Result(step, Outcome.SKIPPED, f"not tried, since {need.value} is not ok")
        if step is Step.NAME:
            return self._name()
        if step is Step.MOUNT:
            return self._mount(row)
        if step is Step.EXPORT and not type_of(self.subject.type).speaks_nfs:
            return Result(step, Outcome.SKIPPED, f"only NFS is asked; this is {self.subject.type}")
        if step is Step.WRITABLE and self.subject.read_only:
            return Result(step, Outcome.SKIPPED, "it is mounted with access: ro")
        subject = self.subject
        return Examine(step.value, subject.type, subject.host, self._address, subject.port, subject.mountpoint, self._mount_id)

    def _key(self, step: Step, order: Order) -> Key:
        kind = Kind.RESOLVE if isinstance(order, Resolve) else Kind.EXAMINE
        return Key(kind, f"{self.number} {step.value}")

    def _name(self) -> Union[Result, Order]:
        subject, here = self.subject, self._here
        host = subject.host
        try:
            ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return Resolve(
                host,
                type=subject.type,
                id=subject.id,
                region=here.region,
                instance=here.instance,
                book=here.book,
                port=subject.port,
                examining=True,
            )
        self._address = host
        return Result(Step.NAME, Outcome.OK, f"{host} is an address already")

    def _mount(self, row: Optional[Mount]) -> Result:
        """The kernel's word first; the agent's where it knows better (who mounted it, and why nobody did)."""
        subject, step = self.subject, Step.MOUNT
        if row is None:
            return self._not_mounted()
        self._mount_id = row.mount_id
        shown = f"{row.source} ({row.fstype})"
        if subject.mounted or (row.source == subject.source and row.fstype in type_of(subject.type).filesystems):
            return Result(step, Outcome.OK, f"{shown}{f'; the agent says: {subject.doing}' if subject.doing else ''}")
        return Result(step, Outcome.FAILED, f"{subject.mountpoint} holds {shown}", "mountpoint-taken")

    def _not_mounted(self) -> Result:
        subject, step = self.subject, Step.MOUNT
        if subject.problem:
            return Result(step, Outcome.FAILED, f"not mounted: {subject.problem.observed}", subject.problem.code)
        if subject.doing:
            return Result(step, Outcome.UNKNOWN, f"not mounted yet; the agent is at it ({subject.doing})")
        return Result(step, Outcome.FAILED, "not mounted, and no agent is there to mount it", "no-agent")

    def answered(self, step: Step, answer: Answer, seconds: float) -> None:
        """An answer or, from the clock, that none came."""
        self.results[step] = self._meaning(step, answer, seconds)

    def _meaning(self, step: Step, answer: Answer, seconds: float) -> Result:
        if isinstance(answer, Examined):
            return Result(step, Outcome.OK, answer.observed, None, seconds)
        if isinstance(answer, Resolved) and answer.addresses:
            return self._resolved(answer, seconds)
        if isinstance(answer, Overdue):
            return self._silence(step, seconds)
        problem = answer.problem if isinstance(answer, Failed) else Problem("internal-error", "an answer to another question")
        outcome = Outcome.UNKNOWN if problem.code in _OURS else Outcome.FAILED
        by = self._by() if step is Step.NAME and problem.code.startswith("name-") else ""
        return Result(step, outcome, problem.observed + by, problem.code, seconds)

    def _resolved(self, answer: Resolved, seconds: float) -> Result:
        """The agent's choice among several, if it is still one of them: that is the one whose link matters."""
        if answer.by == "helper":
            return Result(Step.NAME, Outcome.SKIPPED, "the name leads nowhere from here; mount.s3files asks AWS itself")
        theirs, addresses = self.subject.address, answer.addresses
        self._address = theirs if theirs in addresses and theirs else addresses[0]
        moved = f"; the agent's mount is from {theirs}" if theirs and theirs not in addresses else ""
        remark, code = (f"; {answer.remark.observed}", answer.remark.code) if answer.remark else ("", None)
        return Result(Step.NAME, Outcome.OK, f"{', '.join(addresses)}{self._source(answer)}{moved}{remark}", code, seconds)

    def _source(self, answer: Resolved) -> str:
        """Who says so. What a name server says of a name that AWS gave is told with the name."""
        if answer.by == "api":
            return " (AWS says so; its name leads nowhere here)"
        if answer.by == "kept":
            return f" (kept on the volume {span(answer.age_s)} ago; nobody who knows it answers now)"
        return f" for {answer.host}{self._by()}" if answer.host and answer.host != self.subject.host else self._by()

    def _silence(self, step: Step, seconds: float) -> Result:
        by = self._by() if step is Step.NAME else ""
        outcome = Outcome.FAILED if step in _SILENT else Outcome.UNKNOWN
        return Result(step, outcome, f"no answer within {seconds:.0f} s{by}", _SILENT.get(step), seconds)

    def _by(self) -> str:
        """Names may come from /etc/hosts, too; the name servers are those that are asked for the rest."""
        return f" (name server {', '.join(self._name_servers)})" if self._name_servers else " (no name server is configured)"

    def give_up(self, limit: float) -> None:
        for step in STEPS:
            if step not in self.results:
                self.results[step] = Result(step, Outcome.UNKNOWN, f"not examined within {limit:.0f} s")


def name_servers(resolv_conf: str) -> tuple[str, ...]:
    """The addresses in /etc/resolv.conf (resolv.conf(5)); the C library asks the first three."""
    lines = [line.split() for line in resolv_conf.splitlines()]
    return tuple(words[1] for words in lines if len(words) > 1 and words[0] == "nameserver")[:3]
