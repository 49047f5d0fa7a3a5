"""The last good generation, from the volume, for a start at which its origin cannot be reached. It is accepted like
anything that an origin says: a key or a policy that was pinned since holds for it, too."""

import os

from ..errors import Permanent
from . import lastgood
from .accept import accept, region_of
from .answers import Recalled
from .lastgood import LastGood
from .orders import Recall


def recall(order: Recall) -> Recalled:
    """Raises Permanent: kept-nothing, kept-untrusted, kept-damaged, kept-foreign, kept-other-origin;
    Temporary("kept-unreadable")."""
    left = _read(order.path)
    _demand_ours(left, order)
    config, why = None, None
    if left.digest:
        try:
            config = accept(left.content, order.trust, region_of(order.region, order.trust), f"{left.origin} (kept)")
        except Permanent as refused:  # what was refused then stays so, whatever has been pinned since
            why = refused.problem
    return Recalled(config, left.token, left.accepted_at, left.good, left.refused, why)


def _read(path: str) -> LastGood:
    try:
        folder = lastgood.open_folder(path)
        try:
            return lastgood.read(folder, path)
        finally:
            os.close(folder)
    except FileNotFoundError:
        raise Permanent("kept-nothing", f"{path} does not exist") from None


def _demand_ours(left: LastGood, order: Recall) -> None:
    ours = order.trust.instance.arn if order.trust.instance else ""
    if left.instance.lower() != ours.lower():  # a name may come in lower case; no two differ by that alone
        none = "no notebook instance"
        raise Permanent("kept-foreign", f"{order.path} was written on {left.instance[:200] or none}, and this is {ours or none}")
    if left.origin != order.origin:
        raise Permanent("kept-other-origin", f"{order.path} came from {left.origin[:200]!a}, and now {order.origin} is pinned")
