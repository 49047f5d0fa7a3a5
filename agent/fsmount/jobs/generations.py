"""The bytes of the configurations that were accepted of late, by digest, in /run, where nobody but root gets to."""

import contextlib
import hashlib
import os
from typing import Optional

from .. import atomic

MOST = 4


def put(directory: str, digest: str, content: bytes) -> None:
    """The oldest go beyond MOST. A /run that is full costs nothing now: the Job that keeps a generation will say so."""
    with contextlib.suppress(OSError):
        with contextlib.suppress(FileExistsError):
            os.mkdir(directory, 0o700)
        os.chmod(directory, 0o700)
        path = f"{directory}/{digest}"
        try:
            os.utime(path)  # it is there; now it is the latest
        except FileNotFoundError:
            atomic.replace(path, content, 0o600)
        _forget(directory, digest)


def get(directory: str, digest: str) -> Optional[bytes]:
    """None where it is gone. What is asked for becomes the latest, so that what is in force is not forgotten."""
    path = f"{directory}/{digest}"
    try:
        with open(path, "rb") as file:
            content = file.read()
        os.utime(path)
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == digest else None


def _forget(directory: str, written: str) -> None:
    """What a killed Job left counts, too: it is among the oldest soon."""
    with os.scandir(directory) as entries:
        aged = sorted((entry.stat(follow_symlinks=False).st_mtime_ns, entry.name) for entry in entries if entry.name != written)
    for _, name in aged[: max(0, len(aged) - (MOST - 1))]:
        os.unlink(f"{directory}/{name}")
