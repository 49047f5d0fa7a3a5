"""A host name to its addresses, by the system's resolver, which may take as long as it likes."""

import socket
from typing import NamedTuple, Optional

from ..errors import FsmountError, Temporary
from .limit import Question


class Named(NamedTuple):
    """What the name servers said: addresses, or why there are none."""

    addresses: tuple[str, ...] = ()
    error: Optional[FsmountError] = None

    @property
    def silent(self) -> bool:
        """No name server answered; otherwise what there is is an answer."""
        return self.error is not None and self.error.problem.code == "name-server-down"


def look_up(host: str, seconds: float) -> Named:
    try:
        found = Question(lambda: _addresses(host)).answer(seconds)
    except FsmountError as error:
        return Named((), error)
    if found is None:
        return Named((), Temporary("name-server-down", f"{host}: no answer from a name server within {seconds:.0f} s"))
    return Named(found)


def _addresses(host: str) -> tuple[str, ...]:
    try:
        # As bytes: a name is ASCII by the schema, and a str would import the IDNA codec, in each child anew.
        found = socket.getaddrinfo(host.encode(), 2049, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
            raise Temporary("name-not-resolved", f"{host}: the name is not known") from None
        raise Temporary("name-server-down", f"{host}: {error.strerror}") from None
    except UnicodeError:
        raise Temporary("name-not-resolved", f"{host}: not a name that can be looked up") from None
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
