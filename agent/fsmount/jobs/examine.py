"""One step of `fsmount doctor`. What each of them does stands in the doctor's own folder."""

from ..doctor import client, directory, network
from .answers import Examined
from .orders import Examine

_STEPS = {
    "route": network.route,
    "port": network.port,
    "export": network.export,
    "client": client.client,
    "readable": directory.readable,
    "writable": directory.writable,
}


def examine(order: Examine) -> Examined:
    return Examined(_STEPS[order.step](order))
