"""Where the servers are: literal addresses as they stand, names as the last lookup gave them, while that is fresh."""

import logging
import socket
from typing import Optional

import msgspec

from .. import entry as entries
from ..entry import Entry, Now
from ..jobs.answers import Resolved
from ..observe.mountinfo import Mount
from ..timeouts import RESOLVED_FRESH_S

log = logging.getLogger("fsmount")


class Addresses:
    def __init__(self) -> None:
        self._found: dict[str, tuple[Resolved, float]] = {}

    def learn(self, host: str, found: Resolved, now: Now) -> None:
        self._found[host] = (found, now.monotonic)
        if found.by == "kept":
            hours = found.age_s / 3600
            log.warning("%s: neither DNS nor AWS says where it is; kept %.1f h ago: %s", host, hours, found.addresses[0])

    def forget(self, host: str) -> None:
        self._found.pop(host, None)

    def given(self, entry: Entry, now: Now) -> Entry:
        """The entry with an address if one is known; of several, another one after each failure."""
        if entry.address is not None:
            return entry
        if _is_address(entry.spec.host):
            return msgspec.structs.replace(entry, address=entry.spec.host, located=None)
        found, at = self._found.get(entry.spec.host, (None, 0.0))
        if found is None or now.monotonic - at > RESOLVED_FRESH_S:
            return entry
        return msgspec.structs.replace(entry, address=found.addresses[entry.failures % len(found.addresses)], located=found)


def looked_up(entry: Entry, row: Optional[Mount], addresses: tuple[str, ...], now: Now) -> Entry:
    """Of a mount that hangs: does its server's name still stand for the address that it speaks to?"""
    led_to = (row.server if row else "") or entry.address
    same_kind = [address for address in addresses if (":" in address) is (":" in (led_to or ""))]
    elsewhere = same_kind[0] if same_kind and led_to and led_to not in same_kind else ""
    return entries.looked_up(msgspec.structs.replace(entry, address=led_to), now, elsewhere)


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
            return True
        except (OSError, ValueError):
            continue
    return False
