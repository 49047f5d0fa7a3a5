"""Whether a server's port answers, within 3 s: so that a black-holed server is named as such, and not after minutes."""

import errno
import socket

from ..errors import Temporary
from ..timeouts import REACHABLE_S


def demand(host: str, address: str, port: int) -> None:
    """Raises Temporary with the reason when no connection comes about."""
    shown = address if host == address else f"{host} ({address})"
    try:
        socket.create_connection((address, port), timeout=REACHABLE_S).close()
    except socket.timeout:
        raise Temporary("server-timeout", f"{shown} gave no answer on port {port} within {REACHABLE_S:.0f} s") from None
    except OSError as error:
        if error.errno == errno.ECONNREFUSED:
            raise Temporary("server-refused", f"{shown} refuses connections on port {port}") from None
        if error.errno == errno.ETIMEDOUT:
            raise Temporary("server-timeout", f"{shown} gave no answer on port {port}") from None
        raise Temporary("server-unreachable", f"{shown}, port {port}: {error.strerror}") from None
