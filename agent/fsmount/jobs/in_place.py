"""May a helper mount on a path by its name? It resolves the path anew, so whoever can rename a directory on the way could
lead root's mount elsewhere.

It may where every directory above the mount point is root's alone, and where those whose they are could mount as root
anyway: a notebook's user has sudo unless the administrator took root access away.
"""

import os
import pwd
import re
import stat

from ..errors import Permanent
from ..linux import pin, process

_SUDO = "/usr/bin/sudo"
_ANYTHING = re.compile(r"^\s*\((?:root|ALL)(?:\s*:\s*ALL)?\)\s+NOPASSWD:(?:\s*\w+:)*\s*ALL\s*$", re.MULTILINE)
_SUDO_S = 5.0


def demand(place: str) -> None:
    """Raises Permanent("mountpoint-unsafe")."""
    for above, facts in _above(place):
        if facts.st_uid == 0 and not facts.st_mode & 0o022:
            continue
        if facts.st_mode & stat.S_IWOTH or (facts.st_mode & stat.S_IWGRP and not _is_own_group(facts)):
            raise Permanent("mountpoint-unsafe", f"{place}: others than its owner can write in {above}")
        if facts.st_uid != 0 and not has_root_access(facts.st_uid):
            raise Permanent("mountpoint-unsafe", f"{place}: user {facts.st_uid} owns {above}, and has no root access")


def has_root_access(uid: int) -> bool:
    """Whether sudo lets the user run anything as root without being asked for a password."""
    try:
        name = pwd.getpwuid(uid).pw_name
        ran = process.run([_SUDO, "-n", "-l", "-U", name], within_s=_SUDO_S)
    except (KeyError, FileNotFoundError):
        return False
    return ran.status == 0 and _ANYTHING.search(ran.output) is not None


def _above(place: str) -> list[tuple[str, os.stat_result]]:
    parts = [part for part in place.split("/") if part][:-1]
    found = []
    for count in range(len(parts) + 1):
        path = "/" + "/".join(parts[:count])
        here = pin.pin(path)
        try:
            found.append((path, os.fstat(here)))
        finally:
            os.close(here)
    return found


def _is_own_group(facts: os.stat_result) -> bool:
    """The group that some systems make for each user, with nobody else in it, or root's."""
    try:
        return facts.st_uid == 0 == facts.st_gid or pwd.getpwuid(facts.st_uid).pw_gid == facts.st_gid != 0
    except KeyError:
        return False
