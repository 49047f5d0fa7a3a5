"""The shape of mounts.yaml. The JSON Schema for editors (config/mounts.schema.json) is generated from these types, and
so are the sentences about a value that does not fit: each description completes "must be ...".
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,63}$", description="1 to 63 letters, digits, - and _")]
Source = Annotated[
    str,
    Meta(min_length=1, max_length=1300, description="the file server: a host name or an IP address, or host:/path"),
]
RemotePath = Annotated[str, Meta(pattern="^/", max_length=1024, description="a directory on the server, beginning with /")]
Mountpoint = Annotated[
    str, Meta(pattern="^/", max_length=1024, description="the directory to mount on, an absolute path on the notebook")
]
Access = Annotated[Literal["ro", "rw"], Meta(description="ro (read only) or rw")]
Type = Annotated[Literal["nfs"], Meta(description="nfs")]
Option = Annotated[str, Meta(min_length=1, max_length=200, description="a mount option such as nconnect=4")]
Probe = Annotated[Literal["read", "write"], Meta(description="read or write")]
ProbeEvery = Annotated[int, Meta(ge=10, le=3600, description="a number of seconds from 10 to 3600")]
WarnAt = Annotated[int, Meta(ge=1, le=100, description="a percentage from 1 to 100")]
OnHang = Annotated[
    Literal["auto", "wait", "detach", "force"],
    Meta(description="wait, detach, force or auto (detach where access is ro, else wait)"),
]
OnHangAfter = Annotated[int, Meta(ge=30, le=86400, description="a number of seconds from 30 to 86400")]
Options = Annotated[list[Option], Meta(max_length=32, description="a list of mount options, such as [nconnect=4]")]


class MountEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One mount."""

    name: Name
    type: Type
    source: Source
    mountpoint: Mountpoint
    path: RemotePath = "/"
    access: Access = "rw"
    options: Options = []
    probe: Probe = "read"
    probe_every: ProbeEvery = 30
    warn_at: WarnAt = 95
    on_hang: OnHang = "auto"
    on_hang_after: OnHangAfter = 120


Mounts = Annotated[list[MountEntry], Meta(max_length=2000, description="a list of mounts ([] for none)")]


class MountsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    version: Annotated[Literal[1], Meta(description="1")]
    mounts: Mounts


def json_schema() -> str:
    schema = msgspec.json.schema(MountsFile)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "fsmount mounts.yaml"}
    return msgspec.json.format(msgspec.json.encode({**head, **schema}), indent=2).decode() + "\n"
