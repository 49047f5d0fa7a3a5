"""Amazon EFS: the addresses of a file system's mount targets, the nearest first.

Near is what lies in this notebook's subnet, then what lies in its zone by the zone's id; never by the zone's name, which
each account has for another one. EFS allows one mount target in a zone.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

from ..errors import FsmountError, Permanent, Temporary
from ..model import Problem
from . import session


class Target(NamedTuple):
    """One mount target; `address6` is its IPv6 address, and either may be empty."""

    name: str
    state: str
    address: str
    address6: str
    subnet: str
    zone: str  # its id

    @property
    def place(self) -> str:
        return f"zone {self.zone}" if self.zone else f"subnet {self.subnet}"


class Here(NamedTuple):
    """Where this notebook is, as far as it could be found out; `subnet` is None where nobody said, and empty where it has
    none."""

    subnet: Optional[str] = None
    zone: str = ""


def mount_targets(file_system: str, region: str) -> list[Target]:
    """Those that are available, in no order. Raises Permanent("file-system-gone"), Temporary("no-mount-target"), or what
    `session.named` makes of AWS's errors."""
    what = f"the mount targets of {file_system}"
    try:
        pages = session.client("efs", region).get_paginator("describe_mount_targets").paginate(FileSystemId=file_system)
        found = [_target(one) for page in pages for one in page["MountTargets"]]
    except session.errors() as error:
        raise _named(error, file_system, region, what) from None
    usable = [target for target in found if target.state == "available" and (target.address or target.address6)]
    if found and not usable:
        states = ", ".join(f"{target.name} in {target.place} is {target.state}" for target in found)
        raise Temporary("no-mount-target", f"{file_system}: none of its mount targets is available ({states})")
    if not usable:
        raise Temporary("no-mount-target", f"{file_system}: it has no mount target at all")
    return usable


def _target(one: Any) -> Target:
    return Target(
        name=one["MountTargetId"],
        state=one["LifeCycleState"],
        address=one.get("IpAddress") or "",
        address6=one.get("Ipv6Address") or "",
        subnet=one["SubnetId"],
        zone=one.get("AvailabilityZoneId") or "",
    )


def _named(error: Exception, file_system: str, region: str, what: str) -> FsmountError:
    if session.code_of(error) == "FileSystemNotFound":
        return Permanent("file-system-gone", f"{file_system}: Amazon EFS knows no such file system in {region}")
    return session.named(error, what)


def subnet(instance: str, region: str) -> str:
    """The subnet of this notebook in its owner's network; empty where it is in none. Raises what `session.named` makes."""
    try:
        return session.client("sagemaker", region).describe_notebook_instance(NotebookInstanceName=instance).get("SubnetId") or ""
    except session.errors() as error:
        raise session.named(error, f"the subnet of {instance}") from None


def ordered(targets: Sequence[Target], here: Here) -> list[Target]:
    """The nearest first; among equals in the order of their names, so that the answer stays the same."""

    def distance(target: Target) -> tuple[int, str]:
        if here.subnet and target.subnet == here.subnet:
            return 0, target.name
        return (1 if here.zone and target.zone == here.zone else 2), target.name

    return sorted(targets, key=distance)


def addresses(targets: Sequence[Target]) -> tuple[str, ...]:
    """One of each, in their order; the IPv6 addresses of those that have both come last."""
    first = [target.address or target.address6 for target in targets]
    return tuple(dict.fromkeys([*first, *(target.address6 for target in targets if target.address6)]))


def remark(file_system: str, nearest: Target, here: Here) -> Optional[Problem]:
    """What is worth saying about a file system whose nearest mount target this is."""
    if here.subnet == "":
        observed = f"{file_system}: this notebook is in no VPC, and a mount target is reached from within one only"
        return Problem("notebook-outside-vpc", observed)
    if not here.zone or nearest.zone in ("", here.zone) or nearest.subnet == here.subnet:
        return None
    observed = f"{file_system}: it has no mount target in this notebook's zone ({here.zone}); the one in {nearest.zone} is taken"
    return Problem("mount-target-far", observed)
