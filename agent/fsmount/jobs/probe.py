"""One look at a mounted file system: metadata I/O that no cache answers, and its capacity as df counts it."""

import errno
import os
import time

import psutil

from ..errors import Permanent, Temporary
from ..linux import mountfd, pin
from ..model import Usage
from .orders import Probe, Probed

_BY_ERRNO = {
    errno.ESTALE: "stale",
    errno.ENOTCONN: "disconnected",
    errno.ESHUTDOWN: "disconnected",
    errno.ECONNABORTED: "disconnected",
}


def probe(order: Probe) -> Probed:
    start = time.monotonic()
    try:
        usage = _look(order)
    except OSError as error:
        code = _BY_ERRNO.get(error.errno or 0, "probe-failed")
        raise Temporary(code, f"{order.mountpoint}: {error.strerror}") from None
    return Probed(usage, time.monotonic() - start)


def _look(order: Probe) -> Usage:
    root = pin.pin(order.mountpoint)
    if mountfd.mount_id(root) != order.mount_id:
        raise Permanent("probe-failed", f"{order.mountpoint}: something else is mounted there now")
    mountfd.look(root)
    try:
        os.stat(f".fsmount-probe-{time.time_ns()}", dir_fd=root)  # a name that no cache can know
    except (FileNotFoundError, PermissionError):
        pass
    counted = psutil.disk_usage(root)  # type: ignore[arg-type]  # statvfs takes a descriptor as well
    return Usage(counted.total, counted.used, counted.free)
