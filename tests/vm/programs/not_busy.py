"""`not_busy.py LIB`: mount with the mount Job's own code, and unmount without force from the same process, several times."""

import os
import sys

sys.path.insert(0, sys.argv[1])

from fsmount.jobs.mount import mount
from fsmount.jobs.orders import MountOrder
from fsmount.linux import syscalls
from fsmount.model import Spec

PLACE = "/mnt/not-busy"
before = len(os.listdir("/proc/self/fd"))
for _ in range(3):
    mount(MountOrder(Spec(name="busy", type="nfs", host="fs4.test", path="/d1", mountpoint=PLACE), "10.9.4.2", "/run/not-busy"))
    syscalls.umount2(PLACE, syscalls.UMOUNT_NOFOLLOW)
left = len(os.listdir("/proc/self/fd")) - before
sys.exit(f"{left} descriptors were left open" if left else 0)
