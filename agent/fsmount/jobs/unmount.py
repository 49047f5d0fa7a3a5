"""Unmount one mount of ours, without force: busy stays mounted."""

import errno
import os

from ..errors import Temporary
from ..linux import pin, syscalls
from ..observe import mountinfo
from .orders import Unmount, Unmounted


def unmount(order: Unmount) -> Unmounted:
    """Only if the mount that stands there is the one that was meant; gone already is as good as unmounted."""
    standing = mountinfo.read().at(order.mountpoint)
    if standing is None or standing.mount_id != order.mount_id:
        return Unmounted()
    parent, name = os.path.split(order.mountpoint)
    try:
        # From inside the pinned parent, so that no link on the way leads the unmount elsewhere.
        os.fchdir(pin.pin(parent))
        syscalls.umount2(name, syscalls.UMOUNT_NOFOLLOW)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise Temporary("busy", f"{order.mountpoint} is in use") from None
        raise Temporary("unmount-failed", f"{order.mountpoint}: {error.strerror}") from None
    return Unmounted()
