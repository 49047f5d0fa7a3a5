"""What stands at a mount point, held against what is wanted there. Pure."""

import enum
from typing import NamedTuple, Optional

from .ledger import Record
from .model import Spec
from .observe.mountinfo import Mount

_NFS = ("nfs", "nfs4")
LOCAL = "127.0.0.1"  # as whose a proxy of amazon-efs-utils shows every file system


class Standing(enum.Enum):
    ABSENT = "nothing is mounted there"
    OURS = "mounted by fsmount"
    OUTDATED = "mounted by fsmount with other settings"
    THEIRS = "the right file system, mounted by somebody else"
    OTHER = "something else is mounted there"


class Known(NamedTuple):
    """What is known of a row and of the server besides what the two say themselves."""

    file_system: str = ""  # the id behind a proxy's row (observe/efs_state.py)
    address: str = ""  # of the server, where it was looked up


_NOTHING_MORE = Known()


def judge(spec: Spec, row: Optional[Mount], record: Optional[Record], known: Known = _NOTHING_MORE) -> Standing:
    """`row` is the visible mount at the spec's mount point, `record` the ledger's line for it."""
    if row is None:
        return Standing.ABSENT
    if record is not None and is_ours(record, row, known):
        return Standing.OURS if record.spec.same_mount(spec) else Standing.OUTDATED
    return Standing.THEIRS if _is_what_is_wanted(spec, row, known) else Standing.OTHER


def is_ours(record: Record, row: Mount, known: Known = _NOTHING_MORE) -> bool:
    """The id alone is no proof: the kernel gives the id of what was unmounted to whatever is mounted next.

    Of an intent whose agent died no id was written yet, but nobody else mounts this source here.
    """
    if not record.mount_id:
        return _may_come_of(record.spec, row, known)
    same = row.source == (record.source or record.spec.source)
    return same and record.mount_id == row.mount_id and (row.fstype == record.fstype if record.fstype else row.fstype in _NFS)


def lustre_parts(source: str) -> Optional[tuple[str, str]]:
    """HOST@tcp:/FSNAME/path as its host and what follows; None for what is no source of Lustre's."""
    host, separator, rest = source.partition("@tcp:/")
    return (host, rest.rstrip("/")) if separator and host and rest else None


def _may_come_of(spec: Spec, row: Mount, known: Known) -> bool:
    """Whether mounting that spec may have led to this row, whichever of the server's names and addresses was used."""
    if spec.helper == "lustre":
        return row.fstype == "lustre" and _lustre_rest_fits(spec, row)
    if row.fstype not in _NFS:
        return False
    if spec.helper:
        return row.source == f"{LOCAL}:{spec.path}" and spec.id != "" and known.file_system == spec.id
    # By mount(8), types whose host is an id are mounted by an address.
    return row.source == spec.source or (spec.type != "nfs" and _path_of(row.source) == spec.path)


def _is_what_is_wanted(spec: Spec, row: Mount, known: Known) -> bool:
    if row.root != "/" or not _may_come_of(spec, row, known):
        return False
    if spec.helper == "lustre":
        parts = lustre_parts(row.source)
        return parts is not None and parts[0] in _hosts(spec, known)
    return bool(spec.helper) or row.source == spec.source or row.source.rpartition(":/")[0].strip("[]") in _hosts(spec, known)


def _hosts(spec: Spec, known: Known) -> set[str]:
    return {host for host in (spec.host, known.address) if host}


def _lustre_rest_fits(spec: Spec, row: Mount) -> bool:
    parts = lustre_parts(row.source)
    if parts is None:
        return False
    name, _, path = parts[1].partition("/")
    return (not spec.fsname or name == spec.fsname) and f"/{path}" == (spec.path.rstrip("/") or "/")


def _path_of(source: str) -> str:
    return "/" + source.partition(":/")[2]
