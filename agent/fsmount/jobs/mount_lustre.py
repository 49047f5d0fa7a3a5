"""One attempt to mount Lustre: by mount.lustre at a private stage, a look at it there, and from there onto the mount point.

An attempt at a dead server goes on for minutes, SIGKILL or not. So the port is tried first, the helper holds a lock for
as long as it lives (its source gets no second attempt meanwhile), and what it mounts late is taken over, not mounted again.
"""

import errno
import fcntl
import os
import socket
from typing import Optional

from .. import lustre_versions
from ..config import lustre_options
from ..errors import FsmountError, Permanent, Temporary
from ..judge import lustre_parts
from ..linux import mount8, mountfd, process
from ..observe import mountinfo
from . import reach
from .attach import attach_staged
from .orders import MountOrder

FSTYPE = "lustre"
_HELPERS = ("/usr/sbin/mount.lustre", "/sbin/mount.lustre")
_MOUNT = "/usr/bin/mount"
_MODINFO = "/usr/sbin/modinfo"
_VERSION = "/sys/module/lustre/version"
# What mount.lustre ends with is an errno (mount.nfs has codes of its own): whether it may pass, our code, and a sentence.
_ENDED: dict[int, tuple[bool, str, str]] = {
    errno.ENOENT: (False, "path-not-found", "there is no file system, or no directory, of this name on that server"),
    errno.EACCES: (False, "access-denied", "the server denies access"),
    errno.EPERM: (False, "access-denied", "the server denies access"),
    errno.EROFS: (False, "access-denied", "the server lets this notebook read only"),
    errno.EINVAL: (False, "option-refused", "an option is unknown, or the server's version does not fit"),
    errno.ENAMETOOLONG: (False, "path-not-found", "the file system's name has more than 8 characters"),
    errno.ENODEV: (True, "lustre-missing", "the kernel's Lustre modules are not loaded"),
    errno.EIO: (True, "server-lost", "the server does not answer as a Lustre server (MGS) does"),
    errno.ETIMEDOUT: (True, "server-timeout", "the server took the connection, and then gave no answer"),
    errno.ECONNREFUSED: (True, "server-refused", "the server refuses the connection"),
    errno.EHOSTUNREACH: (True, "server-unreachable", "the server cannot be reached"),
    errno.ENETUNREACH: (True, "server-unreachable", "the server cannot be reached"),
    errno.EALREADY: (True, "server-lost", "the client is still busy with an attempt before"),
}
_BY_TEXT: tuple[tuple[str, tuple[bool, str, str]], ...] = (
    ("Can't parse NID", (True, "name-not-resolved", "mount.lustre cannot resolve the server's name")),
    ("unknown filesystem type", (True, "lustre-missing", "there is no mount.lustre")),
    ("port 988 already in use", (True, "port-taken", "port 988 of this notebook is in use")),
)


def onto(order: MountOrder, target: int) -> int:
    """Onto the directory behind the descriptor; the mount's id."""
    source = source_of(order)
    _demand_a_client(order)
    reach.demand(order.spec.host, order.address, order.spec.port)
    mount8.make(order.stage)
    lock = _locked(order, source)
    try:
        staged = _on_the_stage(order, source)
        if staged is None:
            mount8.clear(order.stage)
            _mount(order, source, lock)
            staged = _on_the_stage(order, source)
        if staged is None:
            raise Temporary("mount-failed", f"{source}: mount.lustre ended well, and nothing is mounted")
        device = staged.device
        _look(order.stage)
        return attach_staged(order, target, lambda row: row.device == device)
    finally:
        os.close(lock)


def source_of(order: MountOrder) -> str:
    """HOST@tcp:/FSNAME/path, with the host and the name that AWS gave where the configuration gives an id."""
    spec, located = order.spec, order.located
    host = (located.host if located else "") or spec.host
    name = spec.fsname or (located.fsname if located else "")
    if not name:
        raise Temporary("name-not-resolved", f"{spec.host}: the file system's mount name is not known")
    return f"{host}@tcp:/{name}{spec.path.rstrip('/')}"


def same_source(shown: str, wanted: str) -> bool:
    """Whether mountinfo shows what was wanted: newer clients show the server's name there, older ones its address."""
    ours, theirs = lustre_parts(wanted), lustre_parts(shown)
    if ours is None or theirs is None or ours[1] != theirs[1]:
        return False
    return ours[0] == theirs[0] or bool(_addresses(ours[0]) & _addresses(theirs[0]))


def _addresses(host: str) -> set[str]:
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return {host}


def _demand_a_client(order: MountOrder) -> None:
    if not any(map(os.path.exists, _HELPERS)):
        raise Temporary("lustre-missing", f"{order.spec.source}: mount.lustre is not installed")
    wrong = lustre_versions.objection(client_version(), order.located.version) if order.located else None
    if wrong:
        raise Permanent("lustre-version", f"{order.spec.host}: {wrong}")


def client_version() -> str:
    """Of the module that is loaded, or else of the one that would be; empty where nobody says."""
    try:
        with open(_VERSION, encoding="ascii") as file:
            return file.read(64).strip()
    except (OSError, ValueError):
        pass
    try:
        ran = process.run([_MODINFO, "-F", "version", "lustre"], within_s=3.0)
    except FileNotFoundError:
        return ""
    return ran.output if ran.status == 0 else ""


def _locked(order: MountOrder, source: str) -> int:
    path = mount8.stage_lock(order.stage, source)
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Temporary("attempt-not-over", f"{source}: an earlier mount.lustre is still there") from None
    return lock


def _on_the_stage(order: MountOrder, source: str) -> Optional[mountinfo.Mount]:
    """What is mounted there already, from an attempt that was given up and has succeeded since. Only root can reach it."""
    row = mountinfo.read().at(order.stage)
    return row if row is not None and same_source(row.source, source) else None


def _mount(order: MountOrder, source: str, lock: int) -> None:
    argv = [
        _MOUNT,
        "-n",
        "-t",
        FSTYPE,
        "-o",
        ",".join(lustre_options.merged(order.spec.options, order.spec.read_only)),
        "--",
        source,
        order.stage,
    ]
    try:
        ran = process.run(argv, pass_fds=(lock,))
    except FileNotFoundError:
        raise Temporary("lustre-missing", f"{source}: {_MOUNT} is not installed") from None
    if ran.status:
        raise named(source, ran)


def _look(stage: str) -> None:
    staged = os.open(stage, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        mountfd.look(staged)
    except OSError as error:
        raise Temporary("server-lost", f"{stage}: {error.strerror}") from None
    finally:
        os.close(staged)


def named(source: str, ran: process.Ran) -> FsmountError:
    """What mount(8) ended with as one of our problems, with the helper's own words."""
    passing, code, sentence = _known(ran) or (True, "mount-failed", f"mount.lustre ended with {ran.status}")
    said = process.first_line(ran.output)
    observed = f"{source}: {sentence}" + (f" ({said})" if said else "")
    return (Temporary if passing else Permanent)(code, observed)


def _known(ran: process.Ran) -> Optional[tuple[bool, str, str]]:
    for text, what in _BY_TEXT:
        if text in ran.output:
            return what
    if ran.status == errno.ENODEV and "not been formatted" in ran.output:
        return (False, "path-not-found", "the source names no file system")
    return _ENDED.get(ran.status)
