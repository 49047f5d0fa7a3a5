"""Who uses a mount: the processes that keep it busy, found by reading nothing of theirs that can hang.

A process that hangs on a dead file system holds the lock of its memory map: its command line, its maps, its environment
cannot be read. Its name, its descriptors and where its links point can.
"""

import os
from collections.abc import Iterator
from typing import NamedTuple


class Holder(NamedTuple):
    pid: int
    name: str


def holders(mount_id: int, mountpoint: str) -> Iterator[Holder]:
    for entry in sorted(filter(str.isdecimal, os.listdir("/proc")), key=int):
        if int(entry) != os.getpid() and (_stands_in(entry, mountpoint) or _has_open(entry, mount_id)):
            yield Holder(int(entry), _name(entry))


def _stands_in(pid: str, mountpoint: str) -> bool:
    for link in ("cwd", "root", "exe"):
        try:
            path = os.readlink(f"/proc/{pid}/{link}")
        except OSError:
            continue  # it has ended, or is the kernel's
        if path == mountpoint or path.startswith(mountpoint + "/"):
            return True
    return False


def _has_open(pid: str, mount_id: int) -> bool:
    wanted = b"mnt_id:\t%d" % mount_id
    try:
        descriptors = os.listdir(f"/proc/{pid}/fdinfo")
    except OSError:
        return False
    for descriptor in descriptors:
        try:
            with open(f"/proc/{pid}/fdinfo/{descriptor}", "rb", buffering=0) as facts:
                if wanted in facts.read(4096).splitlines():
                    return True
        except OSError:
            continue
    return False


def _name(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/comm", "rb", buffering=0) as file:
            return file.read().decode("utf-8", "backslashreplace").strip()
    except OSError:
        return "?"
