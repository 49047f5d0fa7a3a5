"""The mounted directory as its user finds it, in a child: each of these calls can hang for ever on a dead server."""

import errno
import os
import time

from ..cli.words import size
from ..errors import FsmountError, Permanent, Temporary
from ..jobs.orders import Examine
from ..jobs.probe import BY_ERRNO
from ..jobs.trial import write_nameless
from ..linux import mountfd, pin
from . import user

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_WALK = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def readable(order: Examine) -> str:
    """Open and list the root, look up a name that no cache can know, and ask for the capacity."""
    who = user.become()
    root = _root(order)
    try:
        with os.scandir(os.open(".", _OPEN, dir_fd=root)) as entries:
            empty = next(entries, None) is None
        _look_up(root)
        counted = os.fstatvfs(root)
    except PermissionError:
        raise Permanent("not-readable", f"{who} may not read it{_owner(root)}") from None
    except OSError as error:
        raise _named(order, error) from None
    used = size((counted.f_blocks - counted.f_bfree) * counted.f_frsize)
    return f"{who} can list it{' (it is empty)' if empty else ''}; {used} used"


def _look_up(root: int) -> None:
    try:
        os.stat(f".fsmount-doctor-{time.time_ns()}", dir_fd=root)
    except FileNotFoundError:
        pass


def writable(order: Examine) -> str:
    """As its user, and nobody else, can write there."""
    who = user.become()
    name = f".fsmount-doctor-{os.getpid()}-{os.urandom(4).hex()}"
    root = _root(order)
    try:
        write_nameless(root, name)
    except OSError as error:
        if error.errno in BY_ERRNO:
            raise _named(order, error) from None
        raise Permanent("not-writable", f"{who} cannot write: {error.strerror}{_owner(root)}") from None
    return f"{who} can make and remove a file"


def _root(order: Examine) -> int:
    """The root of the mount that is meant, reached without following a link; never a directory below it."""
    above, name = os.path.split(order.mountpoint)
    try:
        root = os.open(name, _WALK, dir_fd=pin.pin(above))
    except Temporary as refused:  # pin's word for a directory on the way that may not be searched
        raise Permanent("not-readable", refused.problem.observed) from None
    except OSError as error:
        raise _named(order, error) from None
    if mountfd.mount_id(root) != order.mount_id:
        raise Permanent("probe-failed", f"{order.mountpoint}: something else is mounted there now")
    return root


def _owner(root: int) -> str:
    facts = os.fstat(root)
    return f" (it belongs to {facts.st_uid}:{facts.st_gid}, mode {facts.st_mode & 0o7777:04o})"


def _named(order: Examine, error: OSError) -> FsmountError:
    code = BY_ERRNO.get(error.errno or 0, "probe-failed")
    if error.errno == errno.ENOENT:
        return Temporary("probe-failed", f"{order.mountpoint} is not there any more")
    return Temporary(code, f"{order.mountpoint}: {error.strerror}")
