"""A host name to its addresses, by the system's resolver, which may take as long as it likes."""

import socket

from ..errors import Temporary
from .orders import Resolve, Resolved


def resolve(order: Resolve) -> Resolved:
    try:
        # As bytes: a name is ASCII by the schema, and a str would import the IDNA codec, in each child anew.
        found = socket.getaddrinfo(order.host.encode(), 2049, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
            raise Temporary("name-not-resolved", f"{order.host}: the name is not known") from None
        raise Temporary("name-server-down", f"{order.host}: {error.strerror}") from None
    except UnicodeError:
        raise Temporary("name-not-resolved", f"{order.host}: not a name that can be looked up") from None
    return Resolved(tuple(dict.fromkeys(str(entry[4][0]) for entry in found)))
