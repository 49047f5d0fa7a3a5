"""The shape of mounts.yaml. The JSON Schema for editors (config/mounts.schema.json) is generated from these types, and
so are the sentences about a value that does not fit: each description completes "must be ...".
"""

from typing import Annotated, Literal, Union

import msgspec
from msgspec import UNSET, Meta, UnsetType

Name = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,63}$", description="1 to 63 letters, digits, - and _")]
Source = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1300,
        description="the file server: an id such as fs-0123456789abcdef0, a host name or an IP address (for lustre also "
        "host@tcp:/name), or one of them with :/path",
    ),
]
RemotePath = Annotated[str, Meta(pattern="^/", max_length=1024, description="a directory on the server, beginning with /")]
Mountpoint = Annotated[
    str, Meta(pattern="^/", max_length=1024, description="the directory to mount on, an absolute path on the notebook")
]
Access = Annotated[Literal["ro", "rw"], Meta(description="ro (read only) or rw")]
Type = Annotated[
    Literal["nfs", "efs", "lustre", "openzfs", "ontap", "s3files"],
    Meta(description="nfs, efs, lustre, openzfs, ontap or s3files"),
]
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

Flag = Annotated[bool, Meta(description="true or false")]
AccessPoint = Annotated[
    Union[Annotated[str, Meta(pattern="^fsap-[0-9a-f]{17}$")], UnsetType],
    Meta(description="an access point's id: fsap- and 17 hex digits"),
]
Owner = Annotated[int, Meta(ge=0, le=2**32 - 2, description="a number from 0 to 4294967294 (ec2-user is 1000)")]
Mode = Annotated[str, Meta(pattern="^[0-7]{3,4}$", description='the permissions in quotes, 3 or 4 octal digits such as "0750"')]
Pattern = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9*?\[\]!-]{1,200}$",
        description='a shell pattern for an instance\'s name (letters, digits, - and *, ?, []), such as "team-a-*"',
    ),
]
Patterns = Annotated[
    Union[
        Pattern,
        Annotated[list[Pattern], Meta(min_length=1, max_length=100, description="a list of 1 to 100 shell patterns")],
    ],
    Meta(description='a shell pattern for the instance\'s name, such as "team-a-*", or a list of them'),
]


class CreatePathEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose the remote directory is, and its permissions, where it has to be made first."""

    owner: Owner
    group: Owner
    mode: Mode = "0750"


class WhenEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On which instances the mount is wanted."""

    instance: Patterns


CreatePath = Annotated[Union[CreatePathEntry, UnsetType], Meta(description="a mapping of owner, group and mode")]
When = Annotated[Union[WhenEntry, UnsetType], Meta(description='a mapping such as {instance: "team-a-*"}')]
Tags = Annotated[Union[Literal["on", "off"], bool], Meta(description="on or off")]
Metrics = Annotated[Union[Literal["off", "journal", "on"], bool], Meta(description="off, journal or on")]


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
    tls: Flag = False
    iam: Flag = False
    access_point: AccessPoint = UNSET
    create_path: CreatePath = UNSET
    install_client: Flag = False
    when: When = UNSET


Mounts = Annotated[list[MountEntry], Meta(max_length=2000, description="a list of mounts ([] for none)")]


class MountsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    version: Annotated[Literal[1], Meta(description="1")]
    mounts: Mounts
    tags: Tags = "on"
    metrics: Metrics = "off"


def json_schema() -> str:
    schema = msgspec.json.schema(MountsFile)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "fsmount mounts.yaml"}
    return msgspec.json.format(msgspec.json.encode({**head, **schema}), indent=2).decode() + "\n"
