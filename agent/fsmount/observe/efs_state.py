"""Which file system is behind a row that says 127.0.0.1: what amazon-efs-utils wrote down about its mounts.

Its proxy listens on this machine, so every file system that it serves has the same source. For each mount there is a file
/run/efs/ID.MOUNTPOINT.PORT (the mount point with dots for slashes, and so ambiguous: the path itself stands in the file);
a name with ~ in front is of an attempt that is not over, though the mount may be there. Only root's directory is read,
never a mount.
"""

import os
import re
import stat
from typing import NamedTuple

import msgspec

from .mountinfo import Mount

PATH = "/run/efs"
_NAME = re.compile(r"(~?)(fs-[0-9a-f]+)\.(.*)\.([0-9]+)")
_MOST = 64 * 1024


class State(NamedTuple):
    file_system: str
    port: str
    over: bool  # the attempt


class _Content(msgspec.Struct):
    mountpoint: str = ""  # versions before 1.30 do not say


def file_system(row: Mount, path: str = PATH) -> str:
    """The id of the file system that a proxied row shows; empty where nobody trustworthy says."""
    if not row.source.startswith("127.0.0.1:"):
        return ""
    said = [state for state in _states(row.mountpoint, path) if state.port == port_of(row)]
    found = {state.file_system for state in said if state.over} or {state.file_system for state in said}
    return found.pop() if len(found) == 1 else ""


def ports(file_system: str, mountpoint: str, path: str = PATH) -> set[str]:
    """At which ports of this machine that file system was or is being served for that mount point."""
    return {state.port for state in _states(mountpoint, path) if state.file_system == file_system}


def port_of(row: Mount) -> str:
    return row.setting("port") or "2049"  # the kernel leaves NFS's own port out


def _states(mountpoint: str, path: str) -> list[State]:
    try:
        directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        if not _is_root_s(os.fstat(directory)):
            return []
        matches = [match for match in map(_NAME.fullmatch, os.listdir(directory)) if match and match[3] == _safe(mountpoint)]
        return [State(m[2], m[4], not m[1]) for m in matches if _fits(directory, m[0], mountpoint)]
    except OSError:
        return []
    finally:
        os.close(directory)


def _safe(mountpoint: str) -> str:
    return mountpoint.replace("/", ".").lstrip(".")


def _fits(directory: int, name: str, mountpoint: str) -> bool:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        opened = os.open(name, flags, dir_fd=directory)
    except OSError:
        return False  # an attempt has just ended, and its file has another name now
    with os.fdopen(opened, "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode) or not _is_root_s(facts):
            return False
        try:
            state = msgspec.json.decode(file.read(_MOST), type=_Content)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return False
    return state.mountpoint in ("", mountpoint)


def _is_root_s(facts: os.stat_result) -> bool:
    return facts.st_uid == 0 and not facts.st_mode & 0o022
