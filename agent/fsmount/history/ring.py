"""The ring on the volume: two segments, the older of which is replaced when the newer one is full.

Nothing is ever written over: a line is appended, so that a crash or a power cut in the middle of a write costs at most
what was being written, and both files together never hold more than 1 MiB. May block, so it is only called in a Job.
"""

import os
import stat
from collections.abc import Sequence
from typing import NamedTuple

from .lines import NAMES, SEGMENT_MOST, Head, line, segment

_PLAIN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class _File(NamedTuple):
    name: str
    number: int
    end: int


def append(directory: int, lines: Sequence[bytes]) -> None:
    """To the files below the descriptor of a directory that root alone can write to. Raises OSError; a part may have
    been written then, and is told once however often it is written."""
    while lines:
        older, newer = sorted((_inspected(directory, name) for name in NAMES), key=lambda file: file.number)
        fitting = _fitting(lines, SEGMENT_MOST - newer.end) if newer.number else 0
        if fitting:
            _extend(directory, newer, b"".join(lines[:fitting]))
        else:
            head = line(Head(newer.number + 1))
            fitting = max(1, _fitting(lines, SEGMENT_MOST - len(head)))
            _replace(directory, older.name, head + b"".join(lines[:fitting]))
        lines = lines[fitting:]


def _fitting(lines: Sequence[bytes], room: int) -> int:
    """How many of the lines, from the first on, fit."""
    for count, one in enumerate(lines):
        room -= len(one)
        if room < 0:
            return count
    return len(lines)


def _inspected(directory: int, name: str) -> _File:
    """Number 0 for what is not a segment: missing, torn in its first line, larger than any, or not even a plain file."""
    try:
        descriptor = os.open(name, os.O_RDONLY | _PLAIN, dir_fd=directory)
    except OSError:
        return _File(name, 0, 0)
    with os.fdopen(descriptor, "rb") as file:
        if not _is_plain(descriptor):
            return _File(name, 0, 0)
        content = file.read(SEGMENT_MOST + 1)
    if len(content) > SEGMENT_MOST:
        return _File(name, 0, 0)
    found = segment(content)
    return _File(name, found.number, found.end)


def _is_plain(descriptor: int) -> bool:
    facts = os.fstat(descriptor)
    return stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1 and facts.st_uid == os.geteuid() and not facts.st_mode & 0o022


def _extend(directory: int, file: _File, data: bytes) -> None:
    """What a crash left of a line is cut off first, so that ours begins on a fresh one."""
    descriptor = os.open(file.name, os.O_WRONLY | _PLAIN, dir_fd=directory)
    try:
        os.ftruncate(descriptor, file.end)
        _write(descriptor, data, file.end)
    finally:
        os.close(descriptor)


def _replace(directory: int, name: str, data: bytes) -> None:
    """Unlinked and made anew, so that whatever had that name is not followed, waited for or written into."""
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        pass
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN, 0o644, dir_fd=directory)
    try:
        os.fchmod(descriptor, 0o644)
        _write(descriptor, data, 0)
    finally:
        os.close(descriptor)
    os.fsync(directory)


def _write(descriptor: int, data: bytes, start: int) -> None:
    """All of it, on the disk, or none."""
    try:
        view, at = memoryview(data), start
        while view:
            count = os.pwrite(descriptor, view, at)
            view, at = view[count:], at + count
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, start)
        raise
