"""Put the generation that has proved good on the volume, for the next start.

The directory above belongs to the user, so nothing is made in a place that he could have prepared: `.fsmount` is made by
the lifecycle script, and where it is not there, or not root's alone, nothing is kept.
"""

import os
from typing import Optional

import msgspec

from .. import atomic
from ..errors import FsmountError, Permanent, Temporary
from . import generations, lastgood
from .answers import Kept
from .lastgood import LastGood
from .orders import Keep


def keep(order: Keep) -> Kept:
    """Writes nothing where the file says the same. Raises Permanent or Temporary("generation-not-kept")."""
    try:
        folder = lastgood.open_folder(order.path)
    except FileNotFoundError:
        raise Permanent("generation-not-kept", f"{os.path.dirname(order.path)} does not exist") from None
    except FsmountError as refused:
        problem = refused.problem
        raise (Temporary if problem.temporary else Permanent)("generation-not-kept", problem.observed) from None
    try:
        there = _there(folder, order.path)
        wanted = _wanted(order, there)
        if there is None or not there.says_the_same(wanted):
            atomic.replace_in(folder, os.path.basename(order.path), msgspec.json.encode(wanted))
    except OSError as error:
        raise Temporary("generation-not-kept", f"{order.path}: {error.strerror}") from None
    finally:
        os.close(folder)
    return Kept()


def _there(folder: int, path: str) -> Optional[LastGood]:
    """None where there is nothing that could be believed: it is then replaced."""
    try:
        return lastgood.read(folder, path)
    except (FileNotFoundError, FsmountError):
        return None


def _wanted(order: Keep, there: Optional[LastGood]) -> LastGood:
    return LastGood(
        instance=order.instance,
        origin=order.origin,
        digest=order.digest,
        token=order.token,
        accepted_at=order.accepted_at,
        good=order.good,
        refused=order.refused,
        content=_content(order, there) if order.digest else b"",
    )


def _content(order: Keep, there: Optional[LastGood]) -> bytes:
    """From /run; or, where many others were accepted since, from the volume itself, where it lies already."""
    content = generations.get(order.generations, order.digest)
    if content is None and there is not None and there.digest == order.digest:
        content = there.content
    if content is None:
        raise Temporary("generation-not-kept", f"the bytes of generation {order.digest[:12]} are not in {order.generations}")
    return content
