"""What a notebook's lifecycle script allows any configuration to ask for: file systems, places, options. Pure.

Patterns and directories are allowed, never forbidden, so what is spelt in an unforeseen way is outside.
"""

import ipaddress
import posixpath
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from ..model import Spec
from ..settings import Policy
from . import nfs_options, partitions
from .findings import shown

ANYTHING = Policy()
_WHOSE = "the policy of this notebook's lifecycle script"
_ADDRESSES = re.compile(r"[*?]*[0-9][0-9.*?\[\]!-]*")
_OF_THE_USER = ("/home/ec2-user", "/tmp")  # directories whose entries whoever uses the notebook may move and link


def violations(spec: Spec, policy: Policy) -> Iterator[tuple[str, str]]:
    """The key of the configuration, and the rule that it breaks."""
    if policy.file_systems is not None and not any(_matches(spec, pattern) for pattern in policy.file_systems):
        yield "source", f"{_WHOSE} allows {_listed(policy.file_systems, 'file systems')}; {shown(spec.host, 100)} is none of them"
    if policy.mountpoints is not None:
        if not any(_within(spec.mountpoint, directory) for directory in policy.mountpoints):
            yield "mountpoint", f"{_WHOSE} allows {_listed(policy.mountpoints, 'mount points', ' in')}"
        elif spec.helper in ("efs", "s3files") and any(_within(spec.mountpoint, place) for place in _OF_THE_USER):
            # These mount by path: a link put in the way in time leads them out of what the policy allows.
            yield (
                "mountpoint",
                (
                    f"{_WHOSE} says where mounts may be, and mount.{spec.helper} mounts by its path, which a user can turn "
                    f"elsewhere below {' and '.join(_OF_THE_USER)}; put it where only root can, such as /mnt/{spec.name}"
                ),
            )
    if policy.options is not None:
        allowed = {_plainly(option) for option in policy.options}
        for option in spec.options:
            if not allowed & {_plainly(option), nfs_options.name_of(option)}:
                yield "options", f"{_WHOSE} allows {_listed(policy.options, 'options')}; {shown(option)} is none of them"


def _matches(spec: Spec, pattern: str) -> bool:
    """`fs-*` is about ids and `10.0.*` about addresses: neither lets in a host that was named to look like one. A pattern
    without a dot is about names without one."""
    wanted, host = pattern.lower().rstrip("."), spec.host.lower().rstrip(".")
    if wanted.startswith(("fs-", "svm-")) and "." not in wanted:
        return any(fnmatchcase(id, wanted) for id in (spec.id, _id_in(host)) if id)
    if _ADDRESSES.fullmatch(wanted) and not _is_address(host):
        return False
    known = (spec.id, host) if "." in wanted or not set(wanted) & set("*?[") else (spec.id, host if "." not in host else "")
    return any(fnmatchcase(name, wanted) for name in known if name)


def _id_in(host: str) -> str:
    name = partitions.read_efs_name(host)
    return name.id if name and name.suffix == partitions.of(name.region).suffix else ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _within(path: str, directory: str) -> bool:
    above = posixpath.normpath(directory).rstrip("/")
    return path == above or path.startswith(above + "/")


def _plainly(option: str) -> str:
    """Under the one of its names that is compared; a policy may also name an option with its only value."""
    _, equals, value = option.partition("=")
    return nfs_options.name_of(option) + equals + value


def _listed(allowed: tuple[str, ...], what: str, where: str = "") -> str:
    if not allowed:
        return f"no {what}"
    more = f" and {len(allowed) - 4} more" if len(allowed) > 4 else ""
    return f"{what}{where} {', '.join(shown(one)[1:-1] for one in allowed[:4])}{more} only"
