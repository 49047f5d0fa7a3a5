"""The ledger as the daemon holds it: written before an attempt and after it, and only when it says something new."""

import logging
from typing import Callable, Optional

import msgspec

from ..jobs.answers import Mounted
from ..ledger import Record
from ..model import Problem, Spec
from ..observe.mountinfo import Mount

log = logging.getLogger("fsmount")


class Book:
    def __init__(self, records: dict[str, Record], write: Callable[[list[Record]], Optional[Problem]]) -> None:
        self.records = dict(records)  # by mount point
        self.problem: Optional[Problem] = None
        self._written: list[Record] = list(records.values())
        self._write = write

    def intend(self, spec: Spec) -> None:
        self.records[spec.mountpoint] = Record(spec)

    def confirm(self, spec: Spec, row: Mount) -> None:
        self.records[spec.mountpoint] = Record(spec, row.mount_id, row.source, row.fstype)

    def tried(self, spec: Spec, answer: Mounted) -> None:
        """The attempt that was intended has succeeded, with the settings that it had then."""
        intended = self.records.get(spec.mountpoint, Record(spec)).spec
        self.records[spec.mountpoint] = Record(intended, answer.mount_id, answer.source, answer.fstype)

    def rename(self, spec: Spec) -> None:
        """The same mount under another name, or looked after in another way."""
        record = self.records.get(spec.mountpoint)
        if record and record.spec.same_mount(spec):
            self.records[spec.mountpoint] = msgspec.structs.replace(record, spec=spec)

    def write(self) -> None:
        records = list(self.records.values())
        if records == self._written:
            return
        problem = self._write(records)
        if problem and not self.problem:
            log.error("%s", problem.observed, extra={"PROBLEM": problem.code})
        self.problem = problem
        if not problem:
            self._written = records
