"""Which keys of a mount go with which type, and with each other."""

from collections.abc import Iterator

from .fields import Fields
from .findings import shown

_ONLY_FOR = {
    "tls": ("efs",),
    "iam": ("efs",),
    "access_point": ("efs", "s3files"),
    "create_path": ("nfs", "efs", "openzfs", "ontap"),
    "install_client": ("lustre",),
}


def objections(fields: Fields, path: str) -> Iterator[tuple[str, str]]:
    """The key and what is wrong with it. `path` is the directory on the server, wherever it was written;
    empty where that is not known."""
    type = fields.text("type")
    for key, types in _ONLY_FOR.items():
        if key in fields.pairs and type is not None and type not in types:
            yield key, _not_for(key, type, types)
    yield from _without_tls(fields)
    if "create_path" in fields.pairs and type in _ONLY_FOR["create_path"]:
        yield from _create_path(fields, path)
    if fields.text("access") == "ro" and fields.text("probe") == "write":
        yield "probe", "a read-only mount takes no trial writes; leave it out, or make it access: rw"


def _not_for(key: str, type: str, types: tuple[str, ...]) -> str:
    if type == "s3files" and key in ("tls", "iam"):
        return "an S3 file system is always mounted with TLS and IAM; leave it out"
    if type == "nfs" and types[0] == "efs":
        return "is for type efs; write `type: efs` and the file system's id as its source"
    allowed = " or ".join(filter(None, (", ".join(types[:-1]), types[-1])))
    return f"is for type {allowed}, and this mount is of type {type}; leave it out"


def _without_tls(fields: Fields) -> Iterator[tuple[str, str]]:
    if fields.text("type") != "efs" or fields.is_true("tls"):
        return
    reason = "needs `tls: true` beside it: AWS cannot do IAM or access points with plain NFS"
    if fields.is_true("iam"):
        yield "iam", reason
    if "access_point" in fields.pairs:
        yield "access_point", reason


def _create_path(fields: Fields, path: str) -> Iterator[tuple[str, str]]:
    if fields.is_true("tls"):
        yield "create_path", "is done over plain NFS, so not with `tls: true`; there, an access point makes its own directory"
    if path == "/":
        yield "create_path", "the root of a file system is always there; say in `path:` which directory is to be made"
    if fields.text("access") == "ro":
        yield "create_path", "a directory is made where it can be written to; leave it out, or make it access: rw"
    mode = fields.inner("create_path").text("mode") or ""
    if len(mode) == 4 and mode[0] in "4567":
        yield "create_path", f"the mode {shown(mode)} has the setuid bit, which means nothing on a directory"
