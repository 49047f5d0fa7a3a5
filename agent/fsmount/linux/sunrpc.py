"""The kernel's RPC transports, by their files in sysfs (Linux 5.15 and newer): which server each speaks to, and another one.

A server whose address has changed for good (a mount target made anew) is the same server: its clients need no new mount,
only another address.
"""

import os
from collections.abc import Iterator

_SWITCHES = "/sys/kernel/sunrpc/xprt-switches"


def redirect(old: str, new: str) -> int:
    """Have every TCP transport to the one address speak to the other. How many there were.

    Raises FileNotFoundError where the kernel has no such files, OSError where it refuses. May block: only in a Job.
    """
    moved = 0
    for transport in _transports():
        with open(f"{transport}/dstaddr", "r+b", buffering=0) as file:
            if file.read(256).strip() == old.encode():
                file.seek(0)
                file.write(new.encode())
                moved += 1
    return moved


def _transports() -> Iterator[str]:
    for switch in os.listdir(_SWITCHES):
        if switch.startswith("switch-"):
            for name in os.listdir(f"{_SWITCHES}/{switch}"):
                if name.startswith("xprt-") and name.endswith("-tcp"):
                    yield f"{_SWITCHES}/{switch}/{name}"
