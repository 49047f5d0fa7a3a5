"""Directories reached and made without following a link anywhere on the way.

The user owns the directories around a mount point and may swap any of them for a link at any moment. So the way is
walked component by component, each opened below the descriptor of the one before (O_NOFOLLOW), and the last descriptor
is what is mounted on: nobody resolves the path a second time.
"""

import errno
import os
import stat
from typing import BinaryIO

from ..errors import Permanent, Temporary
from ..observe import mountinfo
from . import mountfd, syscalls

_WALK = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def pin(path: str, *, make: bool = False) -> int:
    """The descriptor (O_PATH) of the directory at the absolute, normalised `path`; with `make`, missing ones are made.

    A made directory belongs to whoever owns the one above it. Raises Permanent for a link or a file on the way,
    Temporary where making failed; without `make`, OSError as the kernel gave it (ESTALE of a mount that is there, say).
    """
    here = os.open("/", _WALK)
    walked = ""
    for name in filter(None, path.split("/")):
        walked += "/" + name
        above = here
        try:
            here = _step(above, name, make)
        except OSError as error:
            raise _named(error, above, name, walked, make) from None
        finally:
            os.close(above)
    return here


def _step(parent: int, name: str, make: bool) -> int:
    try:
        return os.open(name, _WALK, dir_fd=parent)
    except FileNotFoundError:
        if not make:
            raise
    _make_as_owner(parent, name)
    return os.open(name, _WALK, dir_fd=parent)


def _make_as_owner(parent: int, name: str) -> None:
    """mkdir with the rights of the parent's owner, instead of mkdir as root and chown after.

    Between the two the owner of the parent could put another root-owned directory of that name there, and root would
    give it away. The calling thread's rights alone change: others make mount points at the same time.
    """
    owner = os.fstat(parent)
    try:
        syscalls.make_files_as(owner.st_uid, owner.st_gid)
        os.mkdir(name, 0o755, dir_fd=parent)
    except FileExistsError:
        pass  # somebody was faster; what it is, the next open finds out
    finally:
        syscalls.make_files_as(os.geteuid(), os.getegid())


def _named(error: OSError, parent: int, name: str, walked: str, make: bool) -> Exception:
    if isinstance(error, FileNotFoundError):
        return error
    if isinstance(error, NotADirectoryError):
        if _is_link(parent, name):
            return Permanent("mountpoint-link", f"{walked} is a symbolic link")
        return Permanent("mountpoint-not-a-directory", f"{walked} is not a directory")
    return Temporary("mountpoint-not-made", f"{walked}: {error.strerror}") if make else error


def _is_link(parent: int, name: str) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    except OSError:
        return False


def is_empty(directory: int) -> bool:
    """Whether the directory behind an O_PATH descriptor has no entries."""
    readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
    try:
        with os.scandir(readable) as entries:
            return next(entries, None) is None
    finally:
        os.close(readable)


def open_trusted(path: str, limit: int) -> bytes:
    """The content of a file that only root can have written; one byte more than `limit` if it is longer.

    Raises Permanent("config-untrusted"), or OSError.
    """
    with trusted_file(path) as file:
        return file.read(limit + 1)


def trusted_file(path: str) -> BinaryIO:
    """A file that only root can have written, opened for reading.

    A regular file with one link, owned by root (or by whoever runs this), not writable by others, in a directory of
    which the same is true; no link is followed on the way. Raises Permanent("config-untrusted"), or OSError.
    """
    parent, name = os.path.split(path)
    directory = trusted_directory(parent)
    try:
        return trusted_file_in(directory, name, path)
    finally:
        os.close(directory)


def trusted_file_in(directory: int, name: str, path: str) -> BinaryIO:
    """The same below a trusted directory's descriptor; `path` is for the message."""
    try:
        # O_NONBLOCK: a FIFO that somebody put there must not hold us.
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise Permanent("config-untrusted", f"{path} is a symbolic link") from None
    try:
        _demand_own_disk(descriptor, path)
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise Permanent("config-untrusted", f"{path} is not a regular file")
        if facts.st_nlink != 1:
            raise Permanent("config-untrusted", f"{path} has {facts.st_nlink} links")
        _demand_trusted(facts, path)
        return os.fdopen(descriptor, "rb")
    except (Permanent, OSError):
        os.close(descriptor)
        raise


def trusted_directory(path: str) -> int:
    """The descriptor (O_PATH) of a directory in which only root can have put anything; no link is followed on the way.

    Raises Permanent("config-untrusted"), or OSError.
    """
    try:
        directory = pin(path)
    except Permanent as refused:
        raise Permanent("config-untrusted", refused.problem.observed) from None
    try:
        _demand_own_disk(directory, path)  # first, since it touches nothing
        _demand_trusted(os.fstat(directory), path)
    except (Permanent, OSError):
        os.close(directory)
        raise
    return directory


def _demand_own_disk(descriptor: int, path: str) -> None:
    """A file system that a user's program or another machine serves says of itself whatever it likes."""
    row = mountinfo.read().by_id(mountfd.mount_id(descriptor))
    if row is None or row.fstype.startswith(("fuse", "nfs", "cifs", "smb", "9p", "ceph", "lustre", "afs")):
        raise Permanent("config-untrusted", f"{path} is on a file system of type {row.fstype if row else 'unknown'}")


def _demand_trusted(facts: os.stat_result, path: str) -> None:
    if facts.st_uid not in (0, os.geteuid()):
        raise Permanent("config-untrusted", f"{path} belongs to user {facts.st_uid}, not to root")
    if facts.st_mode & 0o022:
        raise Permanent("config-untrusted", f"{path} can be written by others (mode {stat.S_IMODE(facts.st_mode):04o})")
