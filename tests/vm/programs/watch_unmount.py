"""Unmount MOUNTPOINT and measure until the kernel lists it again: seconds on standard output, one line a round.

`watch_unmount.py MOUNTPOINT ROUNDS`
"""

import ctypes
import os
import select
import sys
import time


def main() -> None:
    place, rounds = sys.argv[1], int(sys.argv[2])
    libc = ctypes.CDLL(None, use_errno=True)
    needle = f" {place} ".encode()
    with open("/proc/self/mountinfo", "rb") as table:
        poll = select.poll()
        poll.register(table, select.POLLPRI)
        for _ in range(rounds):
            if libc.umount2(place.encode(), 0) != 0:
                sys.exit(f"umount: {os.strerror(ctypes.get_errno())}")
            began = time.monotonic()
            while True:
                poll.poll(1000)
                table.seek(0)
                if needle in table.read():
                    break
                if time.monotonic() - began > 30:
                    sys.exit("it did not come back")
            print(f"{time.monotonic() - began:.3f}")
            time.sleep(2)


main()
