"""Read the start of FILE... past every cache, again and again, each in a process of its own, until STOP exists.

`reader.py STOP FILE...`: appends the time (seconds since 1970) of every read that came back to /run/read.NUMBER. Ends
with its children's ids in /run/readers.
"""

import mmap
import os
import sys
import time


def read(stop: str, path: str, log: str) -> None:
    page = mmap.mmap(-1, 4096)
    with open(log, "w", buffering=1) as said:
        while not os.path.exists(stop):
            file = os.open(path, os.O_RDONLY | os.O_DIRECT)
            os.preadv(file, [page], 0)
            os.close(file)
            said.write(f"{time.time():.3f}\n")
            time.sleep(0.2)


def main() -> None:
    stop, *paths = sys.argv[1:]
    children = []
    for number, path in enumerate(paths):
        pid = os.fork()
        if pid == 0:
            read(stop, path, f"/run/read.{number}")
            os._exit(0)
        children.append(pid)
    with open("/run/readers", "w") as file:
        file.write(" ".join(map(str, children)))
    for pid in children:
        os.waitpid(pid, 0)


main()
