"""Where the servers are: literal addresses as they stand, names as the last lookup gave them, while that is fresh."""

import socket

import msgspec

from ..entry import Entry, Now
from ..timeouts import RESOLVED_FRESH_S


class Addresses:
    def __init__(self) -> None:
        self._found: dict[str, tuple[tuple[str, ...], float]] = {}

    def learn(self, host: str, addresses: tuple[str, ...], now: Now) -> None:
        self._found[host] = (addresses, now.monotonic)

    def forget(self, host: str) -> None:
        self._found.pop(host, None)

    def given(self, entry: Entry, now: Now) -> Entry:
        """The entry with an address if one is known; of several, another one after each failure."""
        if entry.address is not None:
            return entry
        if _is_address(entry.spec.host):
            return msgspec.structs.replace(entry, address=entry.spec.host)
        found, at = self._found.get(entry.spec.host, ((), 0.0))
        if not found or now.monotonic - at > RESOLVED_FRESH_S:
            return entry
        return msgspec.structs.replace(entry, address=found[entry.failures % len(found)])


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
            return True
        except (OSError, ValueError):
            continue
    return False
