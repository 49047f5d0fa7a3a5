"""Append to the history on the volume, whose directory the user owns: what is written goes only into a directory that
is root's alone, reached without following a link."""

import fcntl
import os

from ..errors import Permanent, Temporary
from ..history import lines, ring
from ..linux.pin import trusted_directory
from .answers import Recorded
from .orders import RecordOrder


def record(order: RecordOrder) -> Recorded:
    """Raises Permanent("history-off") where there is no such directory, Temporary("history-not-written")."""
    kept, name = os.path.split(order.folder)
    try:
        above = trusted_directory(kept)
    except FileNotFoundError:
        raise Permanent("history-off", f"{kept} does not exist") from None
    except Permanent as refused:
        raise Permanent("history-off", refused.problem.observed) from None
    try:
        _append(above, name, order)
    except OSError as error:
        raise Temporary("history-not-written", f"{order.folder}: {error.strerror}") from None
    finally:
        os.close(above)
    return Recorded()


def _append(above: int, name: str, order: RecordOrder) -> None:
    """Names below `above` are root's to make, so what is there stays what it is."""
    try:
        os.mkdir(name, 0o755, dir_fd=above)
    except FileExistsError:
        pass
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
    try:
        facts = os.fstat(folder)
        if facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
            raise Permanent("history-off", f"{order.folder} is not root's alone")
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)  # one that a former agent left behind may still write
        ring.append(folder, [lines.line(event) for event in order.events])
    finally:
        os.close(folder)
