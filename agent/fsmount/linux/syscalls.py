"""The system calls that Python 3.9 has no name for. Each raises OSError with the kernel's errno.

The numbers of calls added since Linux 5.2 are the same on every architecture (asm-generic/unistd.h).
"""

import ctypes
import errno
import os

MNT_FORCE = 1
MNT_DETACH = 2
UMOUNT_NOFOLLOW = 8
MS_BIND = 0x1000

_MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT = 429, 430, 431, 432
_FSCONFIG_SET_FLAG, _FSCONFIG_SET_STRING, _FSCONFIG_CMD_CREATE = 0, 1, 6
_CLOEXEC = 1
_MOVE_BOTH_EMPTY = 0x04 | 0x40  # MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH
_PR_SET_PDEATHSIG = 1
_AT_EMPTY_PATH, _AT_STATX_FORCE_SYNC, _STATX_BASIC_STATS = 0x1000, 0x2000, 0x7FF

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
for _change in (_libc.setfsuid, _libc.setfsgid):
    _change.restype, _change.argtypes = ctypes.c_uint, [ctypes.c_uint]  # ids go up to 2^32 - 2


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _call(number: int, *args: object) -> int:
    whole = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    return _check(_libc.syscall(ctypes.c_long(number), *whole))


def fsopen(fstype: str) -> int:
    """A new file system context; ENODEV when the kernel has no such file system, ENOSYS before Linux 5.2."""
    return _call(_FSOPEN, fstype.encode(), _CLOEXEC)


def fsconfig_string(context: int, key: str, value: str) -> None:
    _call(_FSCONFIG, context, _FSCONFIG_SET_STRING, key.encode(), os.fsencode(value), 0)


def fsconfig_flag(context: int, key: str) -> None:
    _call(_FSCONFIG, context, _FSCONFIG_SET_FLAG, key.encode(), None, 0)


def fsconfig_create(context: int) -> None:
    """Make the superblock. For NFS this speaks to the server, and may block until SIGKILL."""
    _call(_FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0)


def fsmount(context: int, attributes: int) -> int:
    """A mount that is attached nowhere, as a descriptor."""
    return _call(_FSMOUNT, context, _CLOEXEC, attributes)


def move_mount(mount: int, target: int) -> None:
    """Attach the mount behind one descriptor to the directory behind the other."""
    _call(_MOVE_MOUNT, mount, b"", target, b"", _MOVE_BOTH_EMPTY)


def bind(source: str, target: str) -> None:
    _check(_libc.mount(os.fsencode(source), os.fsencode(target), None, ctypes.c_ulong(MS_BIND), None))


def umount2(path: str, flags: int) -> None:
    _check(_libc.umount2(os.fsencode(path), flags))


def ask_for_attributes(descriptor: int) -> None:
    """Have a network file system ask its server about the object, whatever its caches hold (statx(2))."""
    unread = ctypes.create_string_buffer(256)
    _check(_libc.statx(descriptor, b"", _AT_EMPTY_PATH | _AT_STATX_FORCE_SYNC, _STATX_BASIC_STATS, unread))


def make_files_as(uid: int, gid: int) -> None:
    """Have what this thread, and no other, makes belong to that user and group, with that user's rights (setfsuid(2))."""
    _libc.setfsgid(gid)
    _libc.setfsuid(uid)
    nobody = 0xFFFFFFFF  # changes nothing, and so says what it is now: the calls have no other way to fail
    if (_libc.setfsuid(nobody), _libc.setfsgid(nobody)) != (uid, gid):
        raise OSError(errno.EPERM, f"cannot act as user {uid}, group {gid}")


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send this process the signal when its parent ends."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal_number), 0, 0, 0))
