"""Make the directory on the server that a mount wants, through the export's root: component by component, following no
link, and never touching what is there already.

A parent that is missing becomes root's; the last one is made without any rights and given away through its own descriptor,
once that is seen to stand for an empty directory of root's without any rights: made just now, or by an attempt that was
ended in between. Nobody else makes such directories.
"""

import errno
import os
import stat

from ..errors import FsmountError, Permanent, Temporary
from ..model import CreatePath

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT)
_WHY = {
    errno.EACCES: "the server gives this notebook's root no right to make it (root squash, or a file system policy)",
    errno.EPERM: "the server does not let this notebook's root give it away (root squash)",
    errno.EROFS: "the export is read-only",
    errno.ENOTDIR: "it is a file or a symbolic link",
    errno.ELOOP: "it is a symbolic link",
}


def make(root: int, path: str, wish: CreatePath) -> None:
    """`root` is a descriptor of the export's root. Raises Permanent or Temporary("path-not-made")."""
    *parents, last = [name for name in path.split("/") if name]
    walked, here = "", os.open(".", _OPEN, dir_fd=root)
    try:
        for name in parents:
            walked += f"/{name}"
            above, here = here, _inside(here, name)
            os.close(above)
        walked += f"/{last}"
        _make_last(here, last, wish)
    except OSError as error:
        raise _named(error, walked) from None
    finally:
        os.close(here)


def _inside(above: int, name: str) -> int:
    try:
        return os.open(name, _OPEN, dir_fd=above)
    except FileNotFoundError:
        pass
    try:
        os.mkdir(name, 0o755, dir_fd=above)
    except FileExistsError:
        pass  # another notebook was faster
    return os.open(name, _OPEN, dir_fd=above)


def _make_last(above: int, name: str, wish: CreatePath) -> None:
    try:
        os.mkdir(name, 0, dir_fd=above)
        ours = True
    except FileExistsError:
        ours = False
    try:
        _finish(above, name, wish, ours)
    except OSError:
        # As it is, nobody could use it.
        try:
            if ours:
                os.rmdir(name, dir_fd=above)
        except OSError:
            pass  # somebody uses it after all
        raise


def _finish(above: int, name: str, wish: CreatePath, ours: bool) -> None:
    try:
        made = os.open(name, _OPEN, dir_fd=above)
    except PermissionError:
        if ours:
            raise
        return  # somebody's own, into which root may not look
    try:
        facts = os.fstat(made)
        if stat.S_IMODE(facts.st_mode) & 0o777 or os.listdir(made):
            return  # somebody's own
        if not ours and (facts.st_uid, facts.st_gid) == (wish.owner, wish.group):
            os.fchmod(made, wish.mode)  # given away by an attempt that was ended right then
        elif ours or facts.st_uid == os.geteuid():
            _give_away(made, facts.st_uid, wish)
    finally:
        os.close(made)


def _give_away(made: int, owner: int, wish: CreatePath) -> None:
    if owner != os.geteuid():  # what root makes is not root's there
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))
    os.fchown(made, wish.owner, wish.group)
    os.fchmod(made, wish.mode)


def _named(error: OSError, walked: str) -> FsmountError:
    number = error.errno or 0
    observed = f"{walked} on the server: {_WHY.get(number, error.strerror)}"
    return Temporary("path-not-made", observed) if number in _PASSING else Permanent("path-not-made", observed)
