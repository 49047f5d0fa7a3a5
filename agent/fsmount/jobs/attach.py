"""A fresh mount onto the pinned mount point, and a look in mountinfo at where it really went."""

from ..errors import Temporary
from ..linux import mountfd, syscalls
from ..observe import mountinfo


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
