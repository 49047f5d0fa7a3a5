"""How far ahead the kernel reads on a network file system. Since Linux 5.4 that is 128 KiB on NFS, whatever rsize is:
one request at a time, and as many round trips; AWS advises 15 times rsize for EFS.
"""

from ..observe.mountinfo import Mount

_TIMES_RSIZE = 15
_USUAL_KIB = 128


def advised_kib(row: Mount) -> int:
    """By the read size that client and server agreed on; 0 where the kernel shows none."""
    rsize = row.setting("rsize")
    return _TIMES_RSIZE * int(rsize) // 1024 if rsize.isascii() and rsize.isdecimal() else 0


def widen_again(row: Mount) -> None:
    """nfs-utils 2.6 and newer have a udev rule that sets the usual value a moment after a mount. What is neither that nor
    ours, somebody has chosen."""
    try:
        with open(f"/sys/class/bdi/{row.device}/read_ahead_kb", "rb", buffering=0) as file:
            usual = int(file.read(32)) == _USUAL_KIB
    except (OSError, ValueError):
        return
    if usual:
        widen(row)


def widen(row: Mount) -> bool:
    """Set it for the mount's device, which it shares with other mounts of the same file system. Whether that worked: a
    kernel without the file (or that does not let it be written) reads as it did."""
    kib = advised_kib(row)
    try:
        with open(f"/sys/class/bdi/{row.device}/read_ahead_kb", "r+b", buffering=0) as file:
            if 0 < int(file.read(32)) < kib:
                file.seek(0)
                file.write(b"%d" % kib)
    except (OSError, ValueError):
        return False
    return kib > 0
