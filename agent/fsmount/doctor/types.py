"""What differs between the types of mounts: a row each, so that a new type is a new row. Pure."""

from typing import NamedTuple


class Type(NamedTuple):
    port: int
    filesystems: tuple[str, ...]  # as /proc/filesystems and mountinfo call them
    module: str  # the kernel module that brings them
    program: str  # the helper of mount(8)
    speaks_nfs: bool


_NFS = Type(2049, ("nfs4", "nfs"), "nfs", "mount.nfs4", True)
TYPES = {
    "nfs": _NFS,
    "efs": _NFS,
    "openzfs": _NFS,
    "ontap": _NFS,
    "s3files": Type(2049, ("nfs4",), "nfs", "mount.s3files", False),  # it speaks NFS, but within TLS
    "lustre": Type(988, ("lustre",), "lustre", "mount.lustre", False),
}


def type_of(name: str) -> Type:
    """A type of a newer agent's is examined as NFS: whatever else it is, most of them are that."""
    return TYPES.get(name, TYPES["nfs"])


def port_of(name: str, options: tuple[str, ...]) -> int:
    given = [option[5:] for option in options if option.startswith("port=")]
    return int(given[-1]) if given and given[-1].isdecimal() else type_of(name).port
