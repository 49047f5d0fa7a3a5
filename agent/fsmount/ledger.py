"""What this agent mounted, so that the next one knows its own. Kept in /run: it ends with the boot, as mounts do.

A record is written before the attempt and confirmed after it. An agent that dies in between leaves an intent; a mount
with that source at that place is then ours, too.
"""

from collections.abc import Iterable

import msgspec

from . import atomic
from .model import Spec

VERSION = 1


class Record(msgspec.Struct, frozen=True):
    """One mount of ours. `mount_id` is 0 while it is only an intent; `source` and `fstype` are what mountinfo shows of it,
    empty where that is what the spec says (and in ledgers of older agents)."""

    spec: Spec
    mount_id: int = 0
    source: str = ""
    fstype: str = ""


class _File(msgspec.Struct, frozen=True):
    version: int
    records: tuple[Record, ...]


def write(path: str, records: Iterable[Record]) -> None:
    atomic.replace(path, msgspec.json.encode(_File(VERSION, tuple(records))))


def read(path: str) -> dict[str, Record]:
    """The records by mount point; none when there is no ledger, or none that can be understood.

    Without a ledger nothing is ours: mounts that stand are left alone, which is the safe side.
    """
    try:
        with open(path, "rb") as file:
            ledger = msgspec.json.decode(file.read(), type=_File)
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return {}
    if ledger.version != VERSION:
        return {}
    return {record.spec.mountpoint: record for record in ledger.records}
