"""Configurations out of AWS: one module a service, each of which asks as cheaply as the service lets it. Jobs only."""

from typing import NamedTuple, Optional, Protocol

from ...errors import FsmountError, Permanent, Temporary


class Read(NamedTuple):
    """What an origin said. `token` makes the next reading cheap; `poll_after_s` is 0 where it asks for no interval."""

    content: Optional[bytes]  # None: what it said when it gave the token
    token: str = ""
    poll_after_s: float = 0.0


class Body(Protocol):
    """A body that has not been read yet."""

    def read(self, amt: Optional[int] = None) -> bytes: ...


def whole(body: Body, limit: int, what: str) -> bytes:
    """All of it, of which never more than a byte beyond `limit` is read.

    Read up to the empty answer: only there does botocore notice that a body was cut off, and half a configuration may
    well be a valid one.
    """
    content = b""
    while True:
        part = body.read(limit + 1 - len(content))
        if not part:
            return content
        content += part
        if len(content) > limit:
            raise too_large(what, f"more than {limit}", limit)


def too_large(what: str, size: str, limit: int) -> FsmountError:
    return Permanent("origin-too-large", f"{what} has {size} bytes, and {limit} are allowed")


def missing(what: str, why: str) -> FsmountError:
    """Temporary, since it may come (back) at any time."""
    return Temporary("origin-missing", f"{what}: {why}")
