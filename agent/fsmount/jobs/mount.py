"""One attempt to mount one file system; NFS here: port, mount, a look at it, and only then onto the mount point. What
needs a helper (Lustre, EFS with TLS, S3 Files) is mounted by a module of its own, between the same checks.

The mount point is pinned (made, if need be) first, and attached to through that descriptor; afterwards mountinfo must
show the mount where it was wanted, else somebody moved the directory meanwhile, and the mount is taken back.
"""

import errno
import os
from importlib import import_module
from typing import Callable, Optional

import msgspec

from ..config import nfs_options
from ..errors import FsmountError, Permanent, Temporary
from ..linux import guard, mount8, mountfd, newmount, pin, readahead, sockdiag
from ..model import Spec
from ..observe import mountinfo
from . import child, reach, remote_path
from .answers import Mounted
from .attach import attach, attach_staged
from .orders import MountOrder

FSTYPE = "nfs4"
_HELPED = {"efs": "mount_helper", "s3files": "mount_helper", "lustre": "mount_lustre"}
_PERMANENT = {
    errno.ENOENT: "path-not-found",
    errno.ENOTDIR: "path-not-found",
    errno.EACCES: "access-denied",
    errno.EPERM: "access-denied",
    errno.EINVAL: "option-refused",
    errno.EPROTONOSUPPORT: "version-unsupported",
    errno.EPROTOTYPE: "version-unsupported",
    errno.EPFNOSUPPORT: "version-unsupported",
    errno.EOPNOTSUPP: "version-unsupported",
    errno.ENODEV: "nfs-missing",
}
_TEMPORARY = {
    errno.ETIMEDOUT: "server-timeout",
    errno.ECONNREFUSED: "server-refused",
    errno.EHOSTUNREACH: "server-unreachable",
    errno.ENETUNREACH: "server-unreachable",
    errno.EIO: "server-lost",
    errno.ECONNRESET: "server-lost",
    errno.ENOTCONN: "server-lost",
    errno.EPIPE: "server-lost",
    errno.EAGAIN: "server-lost",
    errno.ESTALE: "server-lost",
    errno.EINTR: "server-lost",
}


def mount(order: MountOrder) -> Mounted:
    place = order.spec.mountpoint
    try:
        target = pin.pin(place, make=True)
    except OSError as error:
        raise Temporary("mountpoint-not-made", f"{place}: {error.strerror}") from None
    # Closed before the answer: the Job may live on for the sake of another mount, and an open descriptor makes busy.
    try:
        return _onto(target, order)
    finally:
        os.close(target)


def _onto(target: int, order: MountOrder) -> Mounted:
    place = order.spec.mountpoint
    child.stay_with_the_agent()  # making a directory as its owner has undone it
    standing = mountinfo.read().at(place)
    if standing is not None:
        raise Temporary("mountpoint-taken", f"{place} holds {standing.source} ({standing.fstype})")
    try:
        hides = not pin.is_empty(target)
        guard.close(target)
    except OSError as error:
        raise Temporary("mountpoint-not-made", f"{place}: {error.strerror}") from None
    mount_id = _with(order.spec.helper)(order, target)
    row = mountinfo.read().by_id(mount_id)
    if row is None:
        raise Temporary("mountpoint-moved", f"{place}: it was unmounted again right after it was mounted")
    if row.fstype == FSTYPE:
        readahead.widen(row)
    return Mounted(mount_id, hides, row.source, row.fstype)


def _with(helper: str) -> Callable[[MountOrder, int], int]:
    """What mounts for the order onto the directory behind the descriptor, and returns the mount's id."""
    if not helper:
        return _nfs
    onto: Callable[[MountOrder, int], int] = import_module(f".{_HELPED[helper]}", __package__).onto
    return onto


def _nfs(order: MountOrder, target: int) -> int:
    reach.demand(order.spec.host, order.address, order.spec.port)
    # A mount that was detached while its server was dead lends this one its connection: dead, until TCP tries again.
    sockdiag.destroy(order.address, order.spec.port, retransmits=sockdiag.DEAD)
    try:
        return _mount(order, target)
    except OSError as error:
        raise named(order.spec, error) from None


def _mount(order: MountOrder, target: int) -> int:
    try:
        fresh = _create(order)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        return mount_the_older_way(order, target)
    try:
        mountfd.look(fresh)
        return attach(fresh, target, order.spec.mountpoint)
    finally:
        os.close(fresh)


def _create(order: MountOrder) -> int:
    """The mount, attached nowhere; the directory on the server is made first where it is missing and wanted."""
    try:
        return _detached(order, order.spec)
    except OSError as error:
        if error.errno != errno.ENOENT or order.spec.create_path is None or order.spec.path == "/":
            raise
    # The root is mounted by itself, and only looked into: nobody ever sees it.
    root = _detached(order, msgspec.structs.replace(order.spec, path="/", read_only=False))
    try:
        remote_path.make(root, order.spec.path, order.spec.create_path)
    finally:
        os.close(root)
    return _detached(order, order.spec)


def _detached(order: MountOrder, spec: Spec) -> int:
    return newmount.create(FSTYPE, kernel_options(spec, order.address), _attributes(spec))


def mount_the_older_way(order: MountOrder, target: int) -> int:
    """For kernels before 5.6, through mount(8). The mount helper resolves the host's name by itself, so a type whose host
    is an id gives it the address."""
    spec = order.spec
    source = spec.source if spec.type == "nfs" else msgspec.structs.replace(spec, host=order.address).source
    mount8.create(FSTYPE, source, kernel_options(spec, order.address), _attributes(spec), order.stage)
    staged = os.open(order.stage, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        mountfd.look(staged)
    finally:
        os.close(staged)
    return attach_staged(order, target, lambda row: row.source == source)


def kernel_options(spec: Spec, address: str) -> list[tuple[str, Optional[str]]]:
    """What fsconfig(2) is told; `addr` is resolved before, since the kernel knows no names."""
    any_address = "::" if ":" in address else "0.0.0.0"
    fixed: list[tuple[str, Optional[str]]] = [("source", spec.source), ("addr", address), ("clientaddr", any_address)]
    access: list[tuple[str, Optional[str]]] = [("ro", None)] if spec.read_only else []
    options = nfs_options.merged(spec.options, spec.type)
    if ":" in address:
        options = [(key, "tcp6" if key == "proto" else value) for key, value in options]
    return fixed + options + access


def _attributes(spec: Spec) -> list[str]:
    access = ["ro"] if spec.read_only else []
    return [*access, "nosuid", "nodev", *nfs_options.attributes(spec.options)]


def named(spec: Spec, error: OSError) -> FsmountError:
    """The kernel's errno as one of our problems, with what the kernel said about it."""
    number = error.errno or 0
    observed = f"{spec.source}: {error.strerror}"
    if number in _PERMANENT:
        return Permanent(_PERMANENT[number], observed)
    return Temporary(_TEMPORARY.get(number, "mount-failed"), observed)
