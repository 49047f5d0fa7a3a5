"""Whether a server's port answers, within 3 s: so that a black-holed server is named as such, and not after minutes."""

import errno
import socket

from ..errors import Temporary
from ..timeouts import REACHABLE_S


def demand(host: str, address: str, port: int) -> None:
    """Raises Temporary with the reason when no connection comes about."""
    shown = address if host == address else f"{host} ({address})"
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        # Not create_connection: its getaddrinfo would import the IDNA codec, in each child anew.
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(REACHABLE_S)
            connection.connect((address, port))
    except socket.timeout:
        raise Temporary("server-timeout", f"{shown} gave no answer on port {port} within {REACHABLE_S:.0f} s") from None
    except OSError as error:
        if error.errno == errno.ECONNREFUSED:
            raise Temporary("server-refused", f"{shown} refuses connections on port {port}") from None
        if error.errno == errno.ETIMEDOUT:
            raise Temporary("server-timeout", f"{shown} gave no answer on port {port}") from None
        raise Temporary("server-unreachable", f"{shown}, port {port}: {error.strerror}") from None
