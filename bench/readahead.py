"""What reading ahead brings on an NFS mount: `python bench/readahead.py MOUNTPOINT` (root; PYTHONPATH=agent).

A file is read from its start to its end, cold, with the kernel's 128 KiB and with what AWS advises (15 times rsize), in
turn; each time it is opened anew, since a file keeps what it was opened with. Prints both medians and their ratio. The
longer the way to the server, the more it brings: `tc qdisc add dev LINK root netem delay 2ms` makes it so.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from fsmount.linux import readahead
from fsmount.observe import mountinfo

KERNEL_KIB = 128
_BLOCK = 1 << 20


class Result(NamedTuple):
    """Seconds, one for each time it was read."""

    kernel_s: list[float]
    advised_s: list[float]
    advised_kib: int
    size: int

    def __str__(self) -> str:
        usual, ahead = statistics.median(self.kernel_s), statistics.median(self.advised_s)
        return (
            "\n".join(
                f"{kib:>6} KiB ahead: {seconds:7.3f} s, {self.size / seconds / 1e6:7.1f} MB/s (median of {len(self.kernel_s)})"
                for kib, seconds in ((KERNEL_KIB, usual), (self.advised_kib, ahead))
            )
            + f"\n{usual / ahead:.2f} times as fast"
        )


def measure(place: str, size: int, runs: int) -> Result:
    row = mountinfo.read().at(place)
    kib = readahead.advised_kib(row) if row else 0
    if row is None or not kib:
        sys.exit(f"{place} is no NFS mount")
    result = Result([], [], kib, size)
    with _restored(f"/sys/class/bdi/{row.device}/read_ahead_kb") as knob, _file(place, size) as path:
        for _ in range(runs):
            for seconds, ahead in ((result.kernel_s, KERNEL_KIB), (result.advised_s, kib)):
                _write(knob, ahead)
                seconds.append(_read_cold(path))
    return result


def _read_cold(path: str) -> float:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        began = time.monotonic()
        while os.read(descriptor, _BLOCK):
            pass
        return time.monotonic() - began
    finally:
        os.close(descriptor)


@contextmanager
def _file(place: str, size: int) -> Iterator[str]:
    """On the server's disk, and not in our cache as something that is still to be written."""
    path = f"{place}/.fsmount-bench-{os.getpid()}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        block = os.urandom(_BLOCK)
        for _ in range(size // _BLOCK):
            os.write(descriptor, block)
        os.fsync(descriptor)
        yield path
    finally:
        os.close(descriptor)
        os.unlink(path)


@contextmanager
def _restored(knob: str) -> Iterator[str]:
    with open(knob) as file:
        before = int(file.read())
    try:
        yield knob
    finally:
        _write(knob, before)


def _write(knob: str, kib: int) -> None:
    with open(knob, "w") as file:
        file.write(str(kib))


def main() -> None:
    parser = argparse.ArgumentParser(description="What reading ahead brings on an NFS mount.")
    parser.add_argument("mountpoint")
    parser.add_argument("--mib", type=int, default=100, help="the file's size (%(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="how often it is read in each way (%(default)s)")
    options = parser.parse_args()
    print(measure(os.path.normpath(options.mountpoint), options.mib * _BLOCK, options.runs))


if __name__ == "__main__":
    main()
