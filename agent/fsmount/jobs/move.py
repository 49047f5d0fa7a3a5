"""Lead the mounts of a server that has another address now to that address, without unmounting anything.

The kernel does not ask whether it is the same server. So nothing is led away from an address that still answers, nor from
one that mounts of another server's name share.
"""

from ..errors import FsmountError, Temporary
from ..linux import sockdiag, sunrpc
from ..observe import mountinfo
from . import reach
from .answers import Moved
from .orders import Move


def move(order: Move) -> Moved:
    """Raises Temporary("address-changed") where the kernel cannot, or must not; with another code where it is not so."""
    shown = f"{order.host} is at {order.new} now, and no longer at {order.old}"
    reach.demand(order.host, order.new, order.port)
    if _answers(order):
        raise Temporary("server-lost", f"{order.host} has another address, {order.new}, but {order.old} answers as well")
    others = {row.source for row in mountinfo.read().of_server(order.old) if row.source.rpartition(":/")[0] != order.host}
    if others:
        raise Temporary("address-changed", f"{shown}; other mounts lead there, too: {', '.join(sorted(others)[:3])}")
    # Before: written with the connection still there, the kernel goes on with that one. And after: what it has begun
    # towards the old address in between would be in the way.
    sockdiag.destroy(order.old, order.port, retransmits=0)
    try:
        moved = sunrpc.redirect(order.old, order.new)
    except FileNotFoundError:
        raise Temporary("address-changed", f"{shown}; this kernel cannot lead a mount to another address") from None
    except OSError as error:
        raise Temporary("address-changed", f"{shown}; leading the mount there failed: {error.strerror}") from None
    sockdiag.destroy(order.old, order.port, retransmits=0)
    if not moved:
        raise Temporary("address-changed", f"{shown}; the kernel shows no connection to the old address")
    return Moved(order.new)


def _answers(order: Move) -> bool:
    try:
        reach.demand(order.host, order.old, order.port)
    except FsmountError:
        return False
    return True
