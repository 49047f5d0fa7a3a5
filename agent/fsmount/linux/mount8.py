"""The older way, for kernels without fsopen(2): mount(8) at a private place, from there to the pinned directory.

mount.nfs resolves its path again by name, so it only ever gets a path below /run that root alone can reach; what it
mounted there is bound to the descriptor of the mount point by mount(2), which follows no name.
"""

import errno
import hashlib
import os
import re
from typing import Optional

from . import process, syscalls

_PROGRAM = "/usr/bin/mount"
_BY_TEXT = (
    ("access denied", errno.EACCES),
    ("Permission denied", errno.EACCES),
    ("Operation not permitted", errno.EPERM),
    ("No such file or directory", errno.ENOENT),
    ("incorrect mount option", errno.EINVAL),
    ("Invalid argument", errno.EINVAL),
    ("Protocol not supported", errno.EPROTONOSUPPORT),
    ("requested NFS version or transport protocol is not supported", errno.EPROTONOSUPPORT),
    ("Connection refused", errno.ECONNREFUSED),
    ("Connection timed out", errno.ETIMEDOUT),
    ("No route to host", errno.EHOSTUNREACH),
    ("Network is unreachable", errno.ENETUNREACH),
    ("unknown filesystem type", errno.ENODEV),
    ("bad option; for several filesystems", errno.ENODEV),
    ("wrong fs type, bad option, bad superblock", errno.ENODEV),
    ("No such device", errno.ENODEV),
)


def create(fstype: str, source: str, options: list[tuple[str, Optional[str]]], attributes: list[str], stage: str) -> None:
    """Mount at `stage`, a directory that only root can reach. Raises OSError with the errno that the text stands for."""
    clear(stage)
    make(stage)
    words = [key if value is None else f"{key}={value}" for key, value in options if key not in ("source", "addr", "clientaddr")]
    option_list = ",".join([*words, "retry=0", *attributes])
    try:
        ran = process.run([_PROGRAM, "-n", "-t", fstype, "-o", option_list, "--", source, stage])
    except FileNotFoundError:
        raise OSError(errno.ENODEV, f"{_PROGRAM} is not installed") from None
    if ran.status:
        raise OSError(errno_of(ran.output), _last_line(ran.output) or f"mount ended with {ran.status}")


def make(stage: str) -> None:
    """The directory and the one that holds all such: nobody but root is to reach what is mounted there."""
    for directory in (os.path.dirname(stage), stage):
        os.makedirs(directory, mode=0o700, exist_ok=True)


def attach(stage: str, target: int) -> None:
    """Bring what is mounted at `stage` to the directory behind the descriptor, and take the stage away."""
    try:
        syscalls.bind(stage, f"/proc/self/fd/{target}")
    finally:
        clear(stage)


def stage_lock(stage: str, source: str) -> str:
    """The file whose lock says that an attempt at this source is not over yet, beside the stages."""
    return f"{os.path.dirname(stage)}/.{hashlib.sha256(source.encode()).hexdigest()[:16]}.lock"


def clear(stage: str) -> None:
    try:
        syscalls.umount2(stage, syscalls.MNT_DETACH | syscalls.UMOUNT_NOFOLLOW)
    except OSError:
        pass  # nothing is mounted there, or it is not there yet


def errno_of(output: str) -> int:
    """mount(8) says 32 for everything that went wrong; only its words tell."""
    for text, number in _BY_TEXT:
        if text in output:
            return number
    return errno.EIO


def _last_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return re.sub(r"^mount(\.\w+)?: ", "", lines[0]) if lines else ""
