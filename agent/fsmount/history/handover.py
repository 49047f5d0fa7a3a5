"""What one agent leaves for the next of the same boot, in /run: whether it ended in order, and what it could not write.

/run is memory, so the daemon may write there itself. Nothing in it is needed: an agent that finds none begins anew.
"""

import contextlib
from typing import Optional

import msgspec

from .. import atomic
from .changes import Seen
from .event import Event

VERSION = 1


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    version: int = VERSION
    running: bool = True  # False: its writer ended in order
    starts: tuple[float, ...] = ()  # those of late that were told, on the monotonic clock
    untold: int = 0  # starts that were not
    seen: Seen = Seen()
    pending: tuple[Event, ...] = ()


def read(path: str) -> Optional[Handover]:
    try:
        with open(path, "rb") as file:
            left = msgspec.json.decode(file.read(), type=Handover)
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return left if left.version == VERSION else None


def write(path: str, left: Handover) -> None:
    with contextlib.suppress(OSError, ValueError):  # /run is full: the status says so already
        atomic.replace(path, msgspec.json.encode(left))
