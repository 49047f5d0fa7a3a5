"""An empty mount point is closed to writing: what a program writes there while nothing is mounted would land on the
notebook's own volume, and be hidden by the mount later.

The write bits are taken away and given back, on the directory that a descriptor stands for, never through a name. What
they were is written down on the directory itself, where root alone can write (an extended attribute of the kind trusted),
so that exactly that is given back, and to no directory that was not closed by us. (Root is not kept out; an immutable
directory would keep out root too, but outlive an agent that is removed, and then even its owner could not remove it.)
"""

import os
import stat

from . import mountfd, pin

_KEPT = "trusted.fsmount.mode"
_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def close(directory: int) -> None:
    """Nobody but root may make anything in it, if it is empty. Where the mode cannot be written down, it is left alone."""
    path = f"/proc/self/fd/{directory}"
    mode = stat.S_IMODE(os.fstat(directory).st_mode)
    if not mode & _WRITE or not pin.is_empty(directory):
        return
    try:
        os.setxattr(path, _KEPT, b"%o" % mode)
        os.chmod(path, mode & ~_WRITE)
    except OSError:
        return  # a read-only disk, or one without such attributes
    if not pin.is_empty(directory):
        _reopen(path)  # somebody was faster


def give_back(place: str) -> None:
    """Its owner may write there again, as before, if it was closed. Raises OSError, FsmountError."""
    above, here = pin.pin(os.path.dirname(place)), -1
    try:
        here = pin.pin(place)
        if mountfd.mount_id(here) == mountfd.mount_id(above):  # else something is mounted there
            _reopen(f"/proc/self/fd/{here}")
    finally:
        os.close(above)
        if here >= 0:
            os.close(here)


def _reopen(path: str) -> None:
    try:
        mode = int(os.getxattr(path, _KEPT), 8)
    except (OSError, ValueError):
        return  # not one that was closed
    os.chmod(path, mode & 0o7777)
    os.removexattr(path, _KEPT)
