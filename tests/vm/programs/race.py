"""Mount a real NFS export TIMES times at ~ec2-user/race/data/mnt while ec2-user swaps `data` with a link to /etc.

`race.py LIB TIMES`: with the mount Job's own code from the bundle. Prints how often it landed and how often it was
refused; ends with 1 if anything was ever mounted elsewhere.
"""

import ctypes
import os
import signal
import sys
import time

sys.path.insert(0, sys.argv[1])

from fsmount.errors import FsmountError
from fsmount.jobs.mount import mount
from fsmount.jobs.orders import MountOrder
from fsmount.model import Spec

HOME = "/home/ec2-user/race"
PLACE = f"{HOME}/data/mnt"
# The swap gives the real directory the link's name, and a mount in it goes with it; both names are the user's own.
INSIDE = (PLACE, f"{HOME}/trap/mnt")
USER = 1000


def swap() -> None:
    os.setgid(USER)
    os.setuid(USER)
    signal.alarm(500)
    libc = ctypes.CDLL(None)
    while True:
        libc.renameat2(-100, f"{HOME}/data".encode(), -100, f"{HOME}/trap".encode(), 2)
        time.sleep(0)


def ours() -> "list[str]":
    with open("/proc/self/mountinfo") as table:
        return [line.split()[4] for line in table if " fs1.test:/d7 " in line]


def main() -> None:
    os.makedirs(f"{HOME}/data", exist_ok=True)
    os.symlink("/etc", f"{HOME}/trap")
    for path in (HOME, f"{HOME}/data", f"{HOME}/trap"):
        os.lchown(path, USER, USER)
    libc = ctypes.CDLL(None)
    swapper = os.fork()
    if swapper == 0:
        swap()
    spec = Spec(name="race", type="nfs", host="fs1.test", path="/d7", mountpoint=PLACE)
    counts = {"landed": 0}
    strays = []
    for _ in range(int(sys.argv[2])):
        try:
            # Each attempt in a child, as the agent makes it.
            reading, writing = os.pipe()
            pid = os.fork()
            if pid == 0:
                try:
                    mount(MountOrder(spec, "10.9.1.2", "/run/race"))
                    os.write(writing, b"landed")
                except FsmountError as error:
                    os.write(writing, error.problem.code.encode())
                os._exit(0)
            os.waitpid(pid, 0)
            said = os.read(reading, 100).decode()
            os.close(reading)
            os.close(writing)
            counts[said] = counts.get(said, 0) + 1
        finally:
            places = ours()
            strays += [place for place in places if place not in INSIDE]
            for place in places:
                # The name may be the link just now: the mount is reached by the directory that is not it.
                for _ in range(1000):
                    if libc.umount2(place.encode(), 2 | 8) == 0 or not ours():
                        break
    os.kill(swapper, signal.SIGKILL)
    os.waitpid(swapper, 0)
    print(" ".join(f"{key}={count}" for key, count in sorted(counts.items())))
    if strays or os.path.exists("/etc/mnt"):
        sys.exit(f"mounted elsewhere: {strays}")


main()
