"""What this machine needs to mount: the kernel's file system, and programs where the kernel is old. In a child."""

import os
import re
from typing import Optional

from ..errors import Permanent
from ..jobs.orders import Examine
from ..linux import process
from .types import Type, type_of

_PLACES = ("/usr/sbin", "/sbin", "/usr/bin", "/bin")
_MOUNTS_BY_ITSELF = (5, 6)  # from here on NFS is mounted without mount(8)


def client(order: Examine) -> str:
    kind, release = type_of(order.type), os.uname().release
    found = [f"kernel {release}", _file_system(kind, release), *_programs(kind, release)]
    return ", ".join([*found, *_efs_utils()])


def _file_system(kind: Type, release: str) -> str:
    name = kind.filesystems[0]
    if any(line.split()[-1:] == [name.encode()] for line in _lines("/proc/filesystems")):
        return f"{name} loaded"
    if any(_is_module(line, kind.module) for line in _lines(f"/lib/modules/{release}/modules.dep")):
        return f"{name} there as a module"
    raise Permanent("nfs-missing", f"kernel {release} has no {name}, and no module {kind.module} is installed for it")


def _is_module(line: bytes, name: str) -> bool:
    return re.match(rb"(?:.*/)?%s\.ko(?:\.\w+)?:" % name.encode(), line) is not None


def _lines(path: str) -> list[bytes]:
    try:
        with open(path, "rb") as file:
            return file.read().splitlines()
    except OSError:
        return []


def _programs(kind: Type, release: str) -> list[str]:
    program = _program(kind.program)
    if kind.speaks_nfs and _version(release) >= _MOUNTS_BY_ITSELF:
        return [] if program else [f"no {kind.program} (not needed)"]
    if program is None:
        raise Permanent("nfs-missing", f"kernel {release} needs {kind.program}, which is not installed")
    return [process.run([program, "-V"]).output.partition("\n")[0]]


def _program(name: str) -> Optional[str]:
    paths = (f"{place}/{name}" for place in _PLACES)
    return next((path for path in paths if os.access(path, os.X_OK)), None)


def _version(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", release)[:2])


def _efs_utils() -> list[str]:
    return ["amazon-efs-utils there"] if _program("mount.efs") else []
