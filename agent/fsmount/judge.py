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
    if record is not None and _is_ours(record, row):
        return Standing.OURS if record.spec.same_mount(spec) else Standing.OUTDATED
    if row.source == spec.source and row.root == "/" and row.fstype in ("nfs", "nfs4"):
        return Standing.THEIRS
    return Standing.OTHER


def _is_ours(record: Record, row: Mount) -> bool:
    if record.mount_id:
        return record.mount_id == row.mount_id
    # An intent whose agent died: no id was written yet, but nobody else mounts this source here.
    return row.source == record.spec.source and row.fstype in ("nfs", "nfs4")
