"""Which Lustre client speaks to which file system on FSx, as AWS's table of clients has it. Pure.

A client that is too new for its server, or too old, fails with an error that says nothing of versions.
"""

import re
from typing import Optional

Version = tuple[int, int]

# The client's line, from that version on: which versions of the file system it can mount.
_SERVERS: tuple[tuple[Version, tuple[Version, ...]], ...] = (
    ((2, 15), ((2, 12), (2, 15))),
    ((2, 12), ((2, 10), (2, 12), (2, 15))),
    ((2, 10), ((2, 10), (2, 12))),
)
_NEWEST = (2, 15)  # of what the table knows; a file system that is newer is left to try


def objection(client: str, server: str) -> Optional[str]:
    """Why they do not fit, or None: where they do, and where one of the versions is not known."""
    ours, theirs = _parsed(client), _parsed(server)
    if ours is None or theirs is None or theirs > _NEWEST:
        return None
    fitting = next((servers for line, servers in _SERVERS if ours >= line), None)
    if fitting is None or theirs in fitting:
        return None
    known = " and ".join(_text(version) for version in fitting)
    return f"the file system has Lustre {_text(theirs)}, and this client ({_text(ours)}) mounts {known}"


def _parsed(text: str) -> Optional[Version]:
    found = re.match(r"(\d+)\.(\d+)", text.strip())
    return (int(found[1]), int(found[2])) if found else None


def _text(version: Version) -> str:
    return f"{version[0]}.{version[1]}"
