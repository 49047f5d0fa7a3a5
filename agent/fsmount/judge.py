"""What stands at a mount point, held against what is wanted there. Pure."""

import enum
from typing import Optional

from .ledger import Record
from .model import Spec
from .observe.mountinfo import Mount


class Standing(enum.Enum):
    ABSENT = "nothing is mounted there"
    OURS = "mounted by fsmount"
    OUTDATED = "mounted by fsmount with other settings"
    THEIRS = "the right file system, mounted by somebody else"
    OTHER = "something else is mounted there"


def judge(spec: Spec, row: Optional[Mount], record: Optional[Record]) -> Standing:
    """`row` is the visible mount at the spec's mount point, `record` the ledger's line for it."""
    if row is None:
        return Standing.ABSENT
    if record is not None and is_ours(record, row):
        return Standing.OURS if record.spec.same_mount(spec) else Standing.OUTDATED
    if row.source == spec.source and row.root == "/" and row.fstype in ("nfs", "nfs4"):
        return Standing.THEIRS
    return Standing.OTHER


def is_ours(record: Record, row: Mount) -> bool:
    """The id alone is no proof: the kernel gives the id of what was unmounted to whatever is mounted next.

    Of an intent whose agent died no id was written yet, but nobody else mounts this source here.
    """
    same = row.source == record.spec.source and row.fstype in ("nfs", "nfs4")
    return same and record.mount_id in (0, row.mount_id)
