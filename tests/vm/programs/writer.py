"""Append a numbered line every 100 ms to FILE..., each in a process of its own, until STOP exists: `writer.py STOP FILE...`.

A line is `number time`; a write that fails or takes its time shows as a gap that `gaps` counts.
"""

import os
import sys
import time


def write(stop: str, path: str) -> None:
    number, due = 0, time.monotonic()
    while not os.path.exists(stop):
        with open(path, "a") as file:
            file.write(f"{number} {time.monotonic():.3f}\n")
        number += 1
        due += 0.1
        time.sleep(max(0.0, due - time.monotonic()))


def main() -> None:
    stop, *paths = sys.argv[1:]
    children = []
    for path in paths:
        pid = os.fork()
        if pid == 0:
            write(stop, path)
            os._exit(0)
        children.append(pid)
    failed = [pid for pid in children if os.waitpid(pid, 0)[1] != 0]
    sys.exit(1 if failed else 0)


main()
