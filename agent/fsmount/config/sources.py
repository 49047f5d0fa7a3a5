"""What `source:` says: a file system's id or a server, and perhaps a directory, by the type of the mount. Pure."""

import ipaddress
import re
from typing import NamedTuple, Optional, Union

from . import partitions
from .findings import shown
from .templates import unknown

_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}\.?\Z){_LABEL}(?:\.{_LABEL})*\.?")
_FILE_SYSTEM = "fs-(?:[0-9a-f]{17}|[0-9a-f]{8})"
_IDS = {"ontap": rf"{_FILE_SYSTEM}|svm-[0-9a-f]{{17}}"}
_LIKE_AN_ID = re.compile(r"(fs|svm|fsap|fsvol)-[0-9a-f]*", re.IGNORECASE)
_MOUNT_NAME = re.compile(r"[A-Za-z0-9_-]{1,8}")
_CALLED = {
    "efs": "an EFS file system",
    "lustre": "an FSx for Lustre file system",
    "openzfs": "an FSx for OpenZFS file system",
    "ontap": "an FSx for ONTAP file system or storage virtual machine",
    "s3files": "an S3 file system",
}


class Server(NamedTuple):
    """`path` is empty where the source names none; `fsname` is Lustre's mount name."""

    host: str
    path: str = ""
    id: str = ""
    fsname: str = ""


def parse(type: str, source: str, region: str) -> Union[Server, str]:
    """The server, or a sentence that says what is wrong with it. `region` is where ids are, "" where that is not known."""
    host, path = _split(source)
    if type == "nfs":
        return _host_objection(host) or Server(host.strip("[]"), path)
    if re.fullmatch(_IDS.get(type, _FILE_SYSTEM), host):
        return _by_id(type, host, path, region)
    if type == "efs" and partitions.read_efs_name(host):
        return _by_efs_name(host, path)
    if type == "lustre" and "@" in host:
        return _by_nid(host, path)
    return _no_id(type, host)


def _by_id(type: str, id: str, path: str, region: str) -> Union[Server, str]:
    if type != "efs":
        return Server(id, path, id)
    if not partitions.is_region(region):
        why = f"{shown(region)} is not a region's name" if region else unknown("region")
        return f"{id} has a DNS name with its region in it, and {why}"
    return Server(partitions.efs_name(id, region), path, id)


def _by_efs_name(host: str, path: str) -> Union[Server, str]:
    name = partitions.read_efs_name(host)
    assert name is not None
    right = partitions.efs_name(name.id, name.region)
    if name.suffix != partitions.of(name.region).suffix:
        return f"{shown(host, 100)}: names in {name.region} end otherwise; write {name.id} or {right}"
    return Server(right, path, name.id)


def _by_nid(nid: str, path: str) -> Union[Server, str]:
    """host@tcp:/name/directory"""
    host, _, network = nid.partition("@")
    fsname, slash, directory = path[1:].partition("/")
    if network != "tcp":
        return f"{shown(nid)}: write one server over TCP, as in host@tcp:/name"
    if ":" in host:
        return f"{shown(host)}: Lustre's servers are reached by a name or an IPv4 address"
    wrong = _host_objection(host)
    if wrong:
        return wrong if not _LIKE_AN_ID.fullmatch(host) else f"{host} is an id; write it alone, without {shown(nid[len(host) :])}"
    if not fsname:
        return f"{shown(nid)} lacks the file system's mount name, as in {host}@tcp:/name"
    if not _MOUNT_NAME.fullmatch(fsname):
        return f"{shown(fsname)} is not a Lustre mount name (1 to 8 letters, digits, - and _)"
    return Server(host, slash + directory if directory else "", fsname=fsname)


def _no_id(type: str, host: str) -> str:
    digits = "fs- and 8 or 17 hex digits in lower case" + (", or svm- and 17" if type == "ontap" else "")
    what = f"{shown(host)} is not the id of {_CALLED[type]} ({digits})"
    if type == "lustre":
        return f"{what}, nor a server such as host@tcp:/name"
    if _LIKE_AN_ID.fullmatch(host) or _host_objection(host):
        return what
    return f"{what}; a host or an address is mounted with `type: nfs`"


def _split(source: str) -> tuple[str, str]:
    """host, /path; the path is empty where the source names none. An IPv6 address with a path stands in brackets."""
    host, separator, path = source.partition(":/")
    url_or_bare_ipv6 = path.startswith("/") or host.endswith(":")
    return (host, "/" + path) if separator and not url_or_bare_ipv6 else (source, "")


def _host_objection(host: str) -> Optional[str]:
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        ipaddress.ip_address(bare)
        scope = bare.partition("%")[2]
        return None if re.fullmatch(r"[A-Za-z0-9_.-]*", scope) else f"{shown(scope)} is not a network interface"
    except ValueError:
        pass
    if re.fullmatch(r"fs-[0-9a-f]{8,17}", host):
        return f"{host} is an id and not a host; write `type: efs` beside it (or lustre, openzfs, ontap or s3files)"
    if re.fullmatch(r"svm-[0-9a-f]{17}", host):
        return f"{host} is an id and not a host; write `type: ontap` beside it"
    if re.fullmatch(r"[0-9.]+", host):
        return f"{shown(host)} is not an IPv4 address"
    if "REGION" in host.split("."):
        return f"{shown(host)}: put the region's name in the place of REGION"
    name, colon, rest = host.partition(":")
    if colon and "/" not in rest and (_HOST.fullmatch(name) or re.fullmatch(r"[0-9.]+", name)):
        return f"{shown(host)}: a directory on the server begins with /, as in {name}:/{rest}"
    if _HOST.fullmatch(host):
        return None
    return f"{shown(host)} is neither a host name nor an IP address (write host or host:/path)"
