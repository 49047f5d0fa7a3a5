"""A trial write: does the mounted file system take a byte and keep it? Leaves nothing behind.

The file's name is this notebook's own, since others may try the same directory at the same time; a trial that was killed
between making and removing it is cleared up by the next one.
"""

import errno
import hashlib
import os
from typing import Optional

from .. import places
from ..linux import syscalls
from ..model import Problem
from . import child

_BY_ERRNO = {errno.ENOSPC: "full", errno.EDQUOT: "full", errno.EROFS: "write-refused"}


def write(root: int, place: str) -> Optional[Problem]:
    """In the directory behind the descriptor, which is known as `place`; the problem, if there is one.

    Where the server gives root no rights, the directory's owner tries.
    """
    owner = os.fstat(root)
    for uid, gid in ((os.geteuid(), os.getegid()), (owner.st_uid, owner.st_gid)):
        try:
            syscalls.make_files_as(uid, gid)
            _write(root, place)
            return None
        except PermissionError:
            continue
        except OSError as error:
            return Problem(_BY_ERRNO.get(error.errno or 0, "write-failed"), f"{place}: a trial write failed: {error.strerror}")
        finally:
            syscalls.make_files_as(os.geteuid(), os.getegid())
            child.stay_with_the_agent()  # the kernel has forgotten it
    return Problem("write-denied", f"{place}: neither root nor its owner (user {owner.st_uid}) may write there")


def _write(root: int, place: str) -> None:
    name = f".fsmount-trial-{_tag(place)}"
    try:
        os.unlink(name, dir_fd=root)
    except FileNotFoundError:
        pass
    except (IsADirectoryError, PermissionError):
        name += f"-{os.urandom(4).hex()}"  # somebody has made one of that name that is not to be removed
    write_nameless(root, name)


def write_nameless(root: int, name: str) -> None:
    """A file is made, loses its name, and only then takes a few bytes, the likeliest moment to hang: whoever is killed there
    leaves nothing behind. Raises OSError."""
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=root)
    try:
        os.unlink(name, dir_fd=root)
        os.write(file, b"fsmount tries whether this file system takes a byte\n")
        os.fsync(file)
    finally:
        os.close(file)


def _tag(place: str) -> str:
    """Of this mount of this notebook: the same at each of its starts, and on no other one."""
    try:
        with open(places.METADATA, "rb") as file:
            notebook = file.read(65536)
    except OSError:
        notebook = os.uname().nodename.encode()
    return hashlib.sha256(notebook + place.encode("utf-8", "surrogateescape")).hexdigest()[:12]
