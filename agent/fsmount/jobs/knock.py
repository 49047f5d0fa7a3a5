"""Knock at the ports of servers that are dead until one of them answers, and then wake the kernel's own connection to it.

The kernel waits for TCP's backoff, up to two minutes after the server is back; whoever is stuck on the mount waits with it.
"""

import contextlib
import errno
import select
import socket
import time
from collections import Counter

from ..linux import sockdiag
from ..model import LUSTRE_PORT
from ..timeouts import KNOCK_EVERY_S, KNOCKING_S
from .answers import Knocked
from .orders import Knock

Door = tuple[str, int]
_SILENT = 3  # misses in a row
_AT_ONCE = 200


def knock(order: Knock) -> Knocked:
    """A server that answers after it was silent is back. One that has answered all along hangs for another reason, unless
    its connection is in backoff: then it was back before anybody knocked. A connection that gets its answers is left."""
    end = time.monotonic() + KNOCKING_S
    misses: Counter[Door] = Counter()
    while time.monotonic() < end:
        began = time.monotonic()
        answering = answers(order.doors, KNOCK_EVERY_S)
        for door in sorted(answering):
            silent = misses[door] >= _SILENT
            if door[1] == LUSTRE_PORT:  # its client connects anew by itself, and at once
                done = sockdiag.Destroyed(0, "")
            else:
                done = sockdiag.destroy(*door, retransmits=1 if silent else sockdiag.DEAD)
            if silent or done.connections:
                return Knocked(*door, done.connections, done.why)
            del misses[door]
        misses.update(set(order.doors) - answering)
        time.sleep(max(0.0, began + KNOCK_EVERY_S - time.monotonic()))
    return Knocked()


def answers(doors: tuple[Door, ...], seconds: float) -> set[Door]:
    """Which of them take a connection within that time (for each 200 of them); each is closed at once."""
    found: set[Door] = set()
    for first in range(0, len(doors), _AT_ONCE):
        found |= _answers(doors[first : first + _AT_ONCE], seconds)
    return found


def _answers(doors: tuple[Door, ...], seconds: float) -> set[Door]:
    found: set[Door] = set()
    with contextlib.ExitStack() as stack:
        poll, waiting = select.poll(), {}
        for door in doors:
            try:
                trying = stack.enter_context(_socket(door))
                begun = trying.connect_ex(door) in (0, errno.EINPROGRESS)
            except OSError:
                continue  # an address whose interface is gone, say: one bad door must not keep the others unasked
            if begun:
                waiting[trying.fileno()] = (trying, door)
                poll.register(trying, select.POLLOUT)
        end = time.monotonic() + seconds
        while waiting and (left := end - time.monotonic()) > 0:
            for descriptor, _ in poll.poll(int(left * 1000) + 1):
                trying, door = waiting.pop(descriptor)
                poll.unregister(descriptor)
                if trying.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    found.add(door)
    return found


def _socket(door: Door) -> socket.socket:
    family = socket.AF_INET6 if ":" in door[0] else socket.AF_INET
    return socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
