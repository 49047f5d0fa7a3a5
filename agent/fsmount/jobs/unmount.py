"""Unmount one mount of ours, as far as the order lets it go; without leave, busy stays mounted.

The ladder: plain, which the kernel refuses for a busy mount and which waits for a dead server; by force, which ends the
callers that are stuck; detached, which takes it out of sight whoever holds it.
"""

import errno
import os
import time

from ..errors import FsmountError, Temporary
from ..linux import guard, pin, syscalls
from ..linux.holders import holders
from ..observe import mountinfo
from .answers import Unmounted
from .orders import How, Unmount

_NAMED_MOST = 5
# After each try by force: the first frees who is stuck, the next may find it idle.
_PAUSES_S: dict[How, tuple[float, ...]] = {How.DETACH: (), How.FORCE: (0.2, 0.0), How.LAST: (0.2, 0.3, *[0.5] * 8)}


def unmount(order: Unmount) -> Unmounted:
    """Only if the mount that stands there is the one that was meant; gone already is as good as unmounted."""
    standing = mountinfo.read().at(order.mountpoint)
    detached = False
    if standing is not None and standing.mount_id == order.mount_id:
        parent, name = os.path.split(order.mountpoint)
        try:
            # From inside the pinned parent, so that no link on the way leads the unmount elsewhere.
            above = pin.pin(parent)
            os.fchdir(above)
            os.close(above)
            detached = _down(name, order)
        except OSError as error:
            raise Temporary("unmount-failed", f"{order.mountpoint}: {error.strerror}") from None
    if order.give_back:
        _give_back(order.mountpoint)
    return Unmounted(detached)


def _down(name: str, order: Unmount) -> bool:
    """Whether somebody may still hold it."""
    if order.how is How.IDLE:
        try:
            syscalls.umount2(name, syscalls.UMOUNT_NOFOLLOW)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            raise Temporary("busy", f"{order.mountpoint} is in use{_by(order)}") from None
        return False
    _demand_nobody_else_s_below(order)
    for pause in _PAUSES_S[order.how]:
        try:
            syscalls.umount2(name, syscalls.MNT_FORCE | syscalls.UMOUNT_NOFOLLOW)
            return False
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
        time.sleep(pause)
    syscalls.umount2(name, syscalls.MNT_DETACH | syscalls.UMOUNT_NOFOLLOW)
    return True


def _demand_nobody_else_s_below(order: Unmount) -> None:
    """What is taken away while it is in use takes with it whatever is mounted in it. The server's own exports within the
    export (the kernel mounts them by itself) belong to it; anything else is not ours to take."""
    table = mountinfo.read()
    ours = table.by_id(order.mount_id)
    host = ours.source.rpartition(":/")[0] if ours else ""
    for row in table.below(order.mount_id):
        if not (row.fstype.startswith("nfs") and row.source.rpartition(":/")[0] == host):
            raise Temporary("busy", f"{order.mountpoint} holds another mount, {row.mountpoint} ({row.fstype})")


def _by(order: Unmount) -> str:
    found = list(holders(order.mount_id, order.mountpoint))
    if not found:
        return ""
    named = ", ".join(f"{holder.name} (process {holder.pid})" for holder in found[:_NAMED_MOST])
    more = f" and {len(found) - _NAMED_MOST} more" if len(found) > _NAMED_MOST else ""
    return f" by {named}{more}"


def _give_back(mountpoint: str) -> None:
    try:
        guard.give_back(mountpoint)
    except (OSError, FsmountError):
        pass  # it is gone, or no directory any more: nothing that anybody could write into
