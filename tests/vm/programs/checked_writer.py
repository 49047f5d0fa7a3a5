"""Append numbered lines with a checksum to FILE..., synced one by one, each in a process of its own, until STOP exists.

`checked_writer.py STOP FILE...`. `checked_writer.py --check FILE` prints how many lines there are, and ends with 1 if
one is lost, doubled, out of order or damaged.
"""

import hashlib
import os
import sys
import time


def line(number: int) -> bytes:
    text = f"{number:08d} {'x' * (number % 200)}"
    return f"{text} {hashlib.sha256(text.encode()).hexdigest()}\n".encode()


def write(stop: str, path: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    number = 0
    while not os.path.exists(stop):
        os.write(file, line(number))
        os.fsync(file)
        number += 1
        time.sleep(0.05)
    os.close(file)


def check(path: str) -> None:
    with open(path, "rb") as file:
        lines = file.read().splitlines(keepends=True)
    wrong = [number for number, found in enumerate(lines) if found != line(number)]
    print(len(lines))
    sys.exit(f"{path}: line {wrong[0]} is {lines[wrong[0]]!r}" if wrong else 0)


def main() -> None:
    if sys.argv[1] == "--check":
        check(sys.argv[2])
    stop, *paths = sys.argv[1:]
    children = []
    for path in paths:
        pid = os.fork()
        if pid == 0:
            write(stop, path)
            os._exit(0)
        children.append(pid)
    sys.exit(1 if [pid for pid in children if os.waitpid(pid, 0)[1] != 0] else 0)


main()
