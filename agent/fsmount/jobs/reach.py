"""Whether a server's port answers, within 3 s: so that a black-holed server is named as such, and not after minutes."""

import errno
import socket

from ..errors import Temporary
from ..timeouts import REACHABLE_S


def demand(host: str, address: str, port: int) -> None:
    """Raises Temporary with the reason when no connection comes about."""
    shown = address if host == address else f"{host} ({address})"
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for last in (False, True):
        try:
            _connect(family, address, port)
            return
        except ConnectionAbortedError:
            # Somebody who destroyed the dead connections to a server that is back has hit this one as well.
            if last:
                raise Temporary("server-lost", f"{shown}: the connection to port {port} was aborted") from None
        except socket.timeout:
            raise Temporary("server-timeout", f"{shown} gave no answer on port {port} within {REACHABLE_S:.0f} s") from None
        except OSError as error:
            raise _named(error, shown, port) from None


def _connect(family: int, address: str, port: int) -> None:
    # Not create_connection: its getaddrinfo would import the IDNA codec, in each child anew.
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(REACHABLE_S)
        connection.connect((address, port))


def _named(error: OSError, shown: str, port: int) -> Temporary:
    if error.errno == errno.ECONNREFUSED:
        return Temporary("server-refused", f"{shown} refuses connections on port {port}")
    if error.errno == errno.ETIMEDOUT:
        return Temporary("server-timeout", f"{shown} gave no answer on port {port}")
    return Temporary("server-unreachable", f"{shown}, port {port}: {error.strerror}")
