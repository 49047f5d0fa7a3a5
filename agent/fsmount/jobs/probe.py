"""One look at a mounted file system: metadata I/O that no cache answers, and its capacity as df counts it."""

import errno
import os
import time

from ..errors import Permanent, Temporary
from ..linux import mountfd, pin, syscalls
from ..model import Usage
from . import child, trial
from .orders import Probe, Probed

BY_ERRNO = {
    errno.ESTALE: "stale",
    errno.ENOTCONN: "disconnected",
    errno.ESHUTDOWN: "disconnected",
    errno.ECONNABORTED: "disconnected",
}
_WITHDRAWN = (errno.EACCES, errno.EPERM)  # to root, at the root: a squashed root may at least ask for attributes


def probe(order: Probe) -> Probed:
    start = time.monotonic()
    try:
        root = pin.pin(order.mountpoint)
        if mountfd.mount_id(root) != order.mount_id:
            raise Permanent("probe-failed", f"{order.mountpoint}: something else is mounted there now")
        usage, read_only = _look(root)
    except OSError as error:
        code = "access-withdrawn" if error.errno in _WITHDRAWN else BY_ERRNO.get(error.errno or 0, "probe-failed")
        raise Temporary(code, f"{order.mountpoint}: {error.strerror}") from None
    seconds = time.monotonic() - start
    trouble = trial.write(root, order.mountpoint) if order.write and not read_only else None
    return Probed(usage, seconds, read_only, trouble)


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
