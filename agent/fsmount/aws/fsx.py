"""Amazon FSx: host names, addresses and Lustre's mount names, which follow no pattern and are asked for.

What is being made is waited for; what is deleted, has failed or is of another type is not.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..errors import FsmountError, Permanent, Temporary
from . import session

# The states in which a file system is of no use; in all others (AVAILABLE, UPDATING, MISCONFIGURED) it serves.
_NOT_YET = ("CREATING", "PENDING", "MISCONFIGURED_UNAVAILABLE")
_NO_MORE = ("DELETING", "FAILED")
_TYPES = {"openzfs": "OPENZFS", "ontap": "ONTAP", "lustre": "LUSTRE"}
_UNKNOWN = ("FileSystemNotFound", "StorageVirtualMachineNotFound")


class Endpoint(NamedTuple):
    """`addresses` are those that AWS names itself; most file systems are only named by their host."""

    host: str
    addresses: tuple[str, ...] = ()
    fsname: str = ""  # Lustre's mount name
    version: str = ""  # Lustre's: 2.10, 2.12, 2.15


def endpoint(type_name: str, about: str, region: str) -> Endpoint:
    """Of the file system (fs-) or storage virtual machine (svm-) `about`. Raises Permanent("file-system-gone",
    "file-system-type", "several-svms"), Temporary("file-system-not-ready"), or what `session.named` makes of errors."""
    try:
        client = session.client("fsx", region)
        if type_name == "ontap":
            return _svm(client, about, region)
        return _file_system(_described(client, type_name, about, region), type_name, about)
    except session.errors() as error:
        raise _named(error, about, region) from None


def _described(client: Any, type_name: str, about: str, region: str) -> Any:
    found = client.describe_file_systems(FileSystemIds=[about])["FileSystems"]
    if not found:
        raise _gone(about, region)
    wanted, is_of = _TYPES[type_name], found[0].get("FileSystemType", "")
    if is_of and is_of != wanted:
        raise Permanent("file-system-type", f"{about}: it is of type {is_of}, and not {wanted} (`type: {type_name}`)")
    _demand_alive(found[0], about)
    return found[0]


def _file_system(found: Any, type_name: str, about: str) -> Endpoint:
    host = found.get("DNSName") or ""
    if type_name == "lustre":
        fsname = (found.get("LustreConfiguration") or {}).get("MountName") or ""
        if not (host and fsname):
            raise Temporary("file-system-not-ready", f"{about}: AWS names no DNS name and mount name for it yet")
        return Endpoint(host, (), fsname, found.get("FileSystemTypeVersion") or "")
    zfs = found.get("OpenZFSConfiguration") or {}
    known = tuple(filter(None, (zfs.get("EndpointIpAddress"), zfs.get("EndpointIpv6Address"))))
    return _reachable(Endpoint(host, known), about)


def _svm(client: Any, about: str, region: str) -> Endpoint:
    asked: dict[str, Any]
    if about.startswith("svm-"):
        asked = {"StorageVirtualMachineIds": [about]}
    else:
        asked = {"Filters": [{"Name": "file-system-id", "Values": [about]}]}
    pages = client.get_paginator("describe_storage_virtual_machines").paginate(**asked)
    found = [one for page in pages for one in page["StorageVirtualMachines"]]
    if not found and not about.startswith("svm-"):
        _described(client, "ontap", about, region)  # raises what keeps it from having any
        raise Temporary("file-system-not-ready", f"{about}: it has no storage virtual machine yet")
    if not found:
        raise _gone(about, region)
    one = _the_only(found, about)
    _demand_alive(one, one["StorageVirtualMachineId"])
    nfs = (one.get("Endpoints") or {}).get("Nfs") or {}
    known = (*(nfs.get("IpAddresses") or ()), *(nfs.get("Ipv6Addresses") or ()))
    return _reachable(Endpoint(nfs.get("DNSName") or "", known), about)


def _the_only(found: Sequence[Any], about: str) -> Any:
    """Those that are on their way out do not count while there is another."""
    living = [one for one in found if one.get("Lifecycle") not in _NO_MORE] or list(found)
    if len(living) > 1:
        names = ", ".join(sorted(f"{one['StorageVirtualMachineId']} ({one.get('Name', '')})" for one in living))
        raise Permanent("several-svms", f"{about}: it has {len(living)} storage virtual machines: {names}")
    return living[0]


def _demand_alive(found: Any, about: str) -> None:
    state = found.get("Lifecycle") or ""
    if state in _NO_MORE:
        raise Permanent("file-system-gone", f"{about}: its state is {state}")
    if state in _NOT_YET:
        raise Temporary("file-system-not-ready", f"{about}: its state is {state}")


def _reachable(endpoint: Endpoint, about: str) -> Endpoint:
    if not endpoint.host and not endpoint.addresses:
        raise Temporary("file-system-not-ready", f"{about}: AWS names neither a DNS name nor an address for it yet")
    return endpoint


def _gone(about: str, region: str) -> Permanent:
    return Permanent("file-system-gone", f"{about}: Amazon FSx knows no such file system in {region}")


def _named(error: Exception, about: str, region: str) -> FsmountError:
    if session.code_of(error) in _UNKNOWN:
        return _gone(about, region)
    return session.named(error, f"the description of {about}")
