"""A fresh mount onto the pinned mount point, and a look in mountinfo at where it really went."""

import os
from collections.abc import Iterable
from typing import Callable, Optional

from ..errors import FsmountError, Temporary
from ..linux import mount8, mountfd, pin, syscalls
from ..observe import mountinfo
from .orders import MountOrder


def attach(fresh: int, target: int, place: str) -> int:
    """Attach the mount behind `fresh` to the directory behind `target`, which was pinned as `place`. Its mount id.

    The directory may have been renamed since it was pinned: the mount is then somewhere else in what its owner owns,
    is taken back, and Temporary("mountpoint-moved") is raised; Temporary("mountpoint-taken") when somebody mounted
    there meanwhile: the kernel puts ours on top of his, and nothing that he mounted may be covered.
    """
    below = mountfd.mount_id(target)
    syscalls.move_mount(fresh, target)
    mount_id = mountfd.mount_id(fresh)
    row = mountinfo.read().by_id(mount_id)
    if row is not None and row.mountpoint == place and row.parent_id == below:
        return mount_id
    # The descriptor, not the name, says what to take back.
    syscalls.umount2(f"/proc/self/fd/{fresh}", syscalls.MNT_DETACH)
    if row is not None and row.mountpoint == place:
        raise Temporary("mountpoint-taken", f"{place}: somebody mounted there while it was being mounted")
    where = f"it became {row.mountpoint}" if row else "it is gone"
    raise Temporary("mountpoint-moved", f"{place}: the directory was moved while it was being mounted ({where})")


def attach_staged(order: MountOrder, target: int, right: Callable[[mountinfo.Mount], bool]) -> int:
    """Bring what mount(8) mounted at the private stage to the directory behind `target`. Its mount id.

    Raises Temporary("mountpoint-moved") where no mount that is `right` stands at the mount point then.
    """
    before = mountinfo.read().ids()
    mount8.attach(order.stage, target)
    place, table = order.spec.mountpoint, mountinfo.read()
    bound = table.at(place)
    if bound is None or not right(bound):
        take_back([row for row in table.rows() if row.mount_id not in before and right(row)])
        raise Temporary("mountpoint-moved", f"{place}: the directory was moved while it was being mounted")
    return bound.mount_id


def take_back(rows: Iterable[mountinfo.Mount]) -> None:
    """Unmount what was mounted elsewhere than it should be; by descriptors, since a name may lead elsewhere by now."""
    for row in rows:
        here: Optional[int] = None
        try:
            here = pin.pin(row.mountpoint)
            if mountfd.mount_id(here) == row.mount_id:
                syscalls.umount2(f"/proc/self/fd/{here}", syscalls.MNT_DETACH)
        except (OSError, FsmountError):
            continue  # gone, or out of reach
        finally:
            if here is not None:
                os.close(here)


def where(directory: int) -> str:
    """The path at which the directory behind a descriptor is now; touches nothing that is mounted on it."""
    return os.readlink(f"/proc/self/fd/{directory}")
