"""One look at a mounted file system: metadata I/O that no cache answers, and its capacity as df counts it."""

import errno
import os
import time
from typing import Optional

from ..errors import FsmountError, Temporary
from ..linux import mountfd, pin, readahead, syscalls
from ..model import Problem, Usage
from ..observe import mountinfo
from . import child, lustre_targets, trial
from .answers import Probed
from .orders import Probe

BY_ERRNO = {
    errno.ESTALE: "stale",
    errno.ENOTCONN: "disconnected",
    errno.ESHUTDOWN: "disconnected",
    errno.ECONNABORTED: "disconnected",
}
_WITHDRAWN = (errno.EACCES, errno.EPERM)  # to root, at the root: a squashed root may at least ask for attributes


_GIVEN_UP = (errno.ETIMEDOUT, errno.EAGAIN)  # of Lustre, when its server has been gone for a while
_LET_IN_S = 0.5


def probe(order: Probe) -> Probed:
    start = time.monotonic()
    try:
        root = _reached(order)
        usage, read_only = _look(root) if order.helper != "lustre" else _look_at_lustre(root)
    except OSError as error:
        raise Temporary(_code(error.errno or 0, order), f"{order.mountpoint}: {error.strerror}") from None
    seconds = time.monotonic() - start
    if order.ahead:
        row = mountinfo.read().by_id(order.mount_id)
        if row is not None and row.fstype.startswith("nfs"):
            readahead.widen_again(row)
    return Probed(usage, seconds, read_only, _trouble(root, order, read_only))


def _reached(order: Probe) -> int:
    """A user may rename, replace or cover what is above a mount point at any moment, which is no word about the mount."""
    try:
        root = pin.pin(order.mountpoint)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR) and not _is_above(order.mountpoint):
            raise
        raise Temporary("mountpoint-unreachable", f"{order.mountpoint}: {error.strerror} on the way to it") from None
    if mountfd.mount_id(root) != order.mount_id:
        raise Temporary("mountpoint-unreachable", f"{order.mountpoint}: the way there leads to something else")
    return root


def _is_above(place: str) -> bool:
    """Whether the trouble is in a directory above it already."""
    try:
        os.close(pin.pin(os.path.dirname(place)))
    except (OSError, FsmountError):
        return True
    return False


def _trouble(root: int, order: Probe, read_only: bool) -> Optional[Problem]:
    if order.helper == "lustre":
        gone = lustre_targets.gone(order.mountpoint)
        if gone:  # a byte might go there, and never come back
            return gone
    return trial.write(root, order.mountpoint) if order.write and not read_only else None


def _code(number: int, order: Probe) -> str:
    if number in _WITHDRAWN:
        return "access-withdrawn"
    if order.helper == "lustre" and number in _GIVEN_UP:
        return "not-answering"
    return BY_ERRNO.get(number, "probe-failed")


def _look_at_lustre(root: int) -> tuple[Usage, bool]:
    """A client that its server has put out (after the server's restart, say) gets one error, and is let in again."""
    try:
        return _look(root)
    except OSError as error:
        if error.errno not in (errno.ENOTCONN, errno.ESHUTDOWN, errno.EIO):
            raise
    time.sleep(_LET_IN_S)
    return _look(root)


def _look(root: int) -> tuple[Usage, bool]:
    """Its capacity, and whether it is read-only."""
    syscalls.ask_for_attributes(root)
    child.say_alive()
    mountfd.look(root)
    try:
        os.stat(f".fsmount-probe-{time.time_ns()}", dir_fd=root)  # a name that no cache can know
    except (FileNotFoundError, PermissionError):
        pass
    facts = os.fstatvfs(root)
    return usage_of(facts), bool(facts.f_flag & os.ST_RDONLY)


def usage_of(facts: os.statvfs_result) -> Usage:
    """As df and psutil.disk_usage count (a test compares). psutil itself would be 20 ms in the daemon's loop, and 3 MiB."""
    size, free = facts.f_blocks * facts.f_frsize, facts.f_bfree * facts.f_frsize
    return Usage(size, size - free, facts.f_bavail * facts.f_frsize, facts.f_files, facts.f_ffree)
