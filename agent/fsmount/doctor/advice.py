"""The usual cause of a broken link and its cure, for the service that the mount comes from. Pure.

Sources: the troubleshooting pages of Amazon EFS and of FSx for Lustre, OpenZFS and ONTAP; what is not said better here
is said by the catalogue of problems.
"""

import enum
from typing import NamedTuple, Optional

from ..problems import CATALOGUE


class Advice(NamedTuple):
    cause: str
    cure: str


class Service(enum.Enum):
    EFS = "efs"
    FSX = "fsx"
    LUSTRE = "lustre"
    OTHER = "other"


def service_of(type_name: str, host: str) -> Service:
    labels = host.lower().split(".")
    if type_name == "lustre":
        return Service.LUSTRE
    if "efs" in labels[:-1] or type_name == "efs":
        return Service.EFS
    return Service.FSX if "fsx" in labels[:-1] or type_name in ("openzfs", "ontap") else Service.OTHER


_PEERED = (
    "A notebook with direct internet access reaches only addresses of its own VPC through that VPC; a file system in a peered "
    "one needs a route, or a notebook without direct internet access."
)
_RULE = "add to the file system's security group an inbound rule for {} from the notebook's security group"
_OWN_DIRECTORY = (
    "once, as root, make a directory on it for the notebook's user (`sudo mkdir DIR/work && sudo chown 1000:1000 DIR/work`), "
    "and work in there. A chmod or chown of the root itself changes it for every client."
)

_TABLE: dict[tuple[str, Optional[Service]], Advice] = {
    ("server-timeout", None): Advice(
        "Packets vanish on the way: a security group or network ACL does not let them through, the file system is in another "
        "VPC, or the server is down.",
        f"Usually: {_RULE.format('its TCP port')}. {_PEERED}",
    ),
    ("server-timeout", Service.EFS): Advice(
        "The mount target's security group does not let this notebook in on TCP 2049, or the file system is in another VPC.",
        f"In the EFS console, under Network, see which security group the mount target has, and {_RULE.format('TCP 2049')}. "
        f"{_PEERED}",
    ),
    ("server-timeout", Service.FSX): Advice(
        "The file system's security group does not let this notebook in on TCP 2049, or it is in another VPC.",
        f"Have an administrator see which security group the file system's network interface has, and {_RULE.format('TCP 2049')} "
        f"(AWS lists 111, 20001-20003 for OpenZFS and 111, 635, 4045-4049 for ONTAP, too). {_PEERED}",
    ),
    ("server-timeout", Service.LUSTRE): Advice(
        "The security groups do not let Lustre through: TCP 988 and 1018-1023 must be open in both directions.",
        f"Have an administrator {_RULE.format('TCP 988 and 1018-1023')}, the same the other way round, and let each group in "
        f"from itself. {_PEERED}",
    ),
    ("name-not-resolved", Service.EFS): Advice(
        "The name of an EFS exists only inside its VPC, and only in zones where it has a mount target: this notebook is in "
        "another zone or VPC, the mount target is younger than 90 s, or the id or region is misspelt.",
        "Make a mount target in this notebook's zone; switch on DNS resolution and DNS host names in the VPC; let the notebook's "
        "role describe mount targets (`type: efs` then finds them without a name); or write the IP address of any mount target "
        "that can be reached as `source:`.",
    ),
    ("name-not-resolved", Service.FSX): Advice(
        "The name of an FSx file system works only inside its VPC with the VPC's DNS switched on; or it is misspelt.",
        "Copy the DNS name from the FSx console (it is not always of one pattern); switch on the VPC's DNS resolution; or write "
        "the IP address of its network interface as `source:`.",
    ),
    ("name-not-resolved", None): Advice(
        "The name is misspelt, or it is known only to name servers that this notebook does not ask.",
        "Check the spelling of `source:`, or write the server's IP address there.",
    ),
    ("name-server-down", None): Advice(
        "The notebook's name servers cannot be reached: the VPC's DNS is switched off, or a custom DHCP option names a dead one.",
        "Switch on DNS resolution in the VPC (AmazonProvidedDNS), or write the server's IP address as `source:`.",
    ),
    ("server-unreachable", None): Advice(
        "The kernel or a router knows no way to that address: it is in another VPC or network, or an interface is down.",
        f"Check the address, and that the notebook is in a subnet of the file system's VPC. {_PEERED}",
    ),
    ("access-denied", Service.EFS): Advice(
        "The file system's policy asks for TLS, IAM or an access point, which plain NFS does not have.",
        "Have the policy allow clients of this VPC without them; then `sudo fsmount retry NAME`.",
    ),
    ("path-not-found", Service.LUSTRE): Advice(
        "The mount name is wrong: each FSx for Lustre file system has one of its own (`fsx` only for SCRATCH_1).",
        "Copy the mount name from the FSx console into `source:`.",
    ),
    ("path-not-found", Service.FSX): Advice(
        "There is no volume of that path: on OpenZFS volumes begin with /fsx, on ONTAP it is the volume's junction path.",
        "Copy the volume's path from the FSx console into `path:`; then `sudo fsmount retry NAME`.",
    ),
    ("not-writable", Service.EFS): Advice(
        "A fresh EFS belongs to root, and nobody else may write to its root directory.",
        f"Have somebody with sudo do this: {_OWN_DIRECTORY}",
    ),
    ("not-writable", None): Advice(
        "The directory belongs to somebody else, or the file system is exported read-only or is full.",
        f"See who owns it (`ls -ld DIR`) and whether it is full. Where it belongs to root: {_OWN_DIRECTORY}",
    ),
}


def advice(code: str, type_name: str, host: str) -> Advice:
    """By code and service, else by code, else what the catalogue says."""
    service = service_of(type_name, host)
    found = _TABLE.get((code, service)) or _TABLE.get((code, None))
    return found or Advice(CATALOGUE[code].meaning, CATALOGUE[code].remedy)
