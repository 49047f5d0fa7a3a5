"""What the agent needs of the world, besides Jobs."""

from collections.abc import Mapping
from typing import Optional, Protocol

from ..entry import Now
from ..ledger import Record
from ..model import Problem
from ..observe.mountinfo import Mount, Table
from ..observe.mountstats import Counters


class Effects(Protocol):
    def now(self) -> Now: ...
    def mounts(self) -> Table: ...
    def file_system(self, row: Mount) -> str: ...
    def traffic(self) -> Mapping[bytes, Counters]: ...
    def write_ledger(self, records: list[Record]) -> Optional[Problem]: ...
