"""Whether each server of a Lustre file system is there, as the client's own connections have it. With one of several data
servers gone, df goes on succeeding, and so does everything that does not touch what lies there.
"""

import os
import time
from typing import Optional

from ..judge import lustre_parts
from ..linux import process
from ..model import Problem
from ..observe import mountinfo

_LCTL = "/usr/sbin/lctl"
_WELL = ("FULL", "IDLE", "NEW")  # IDLE: connected again when it is used
_AGAIN_S, _LCTL_S = 0.7, 1.5


def gone(mountpoint: str) -> Optional[Problem]:
    """The problem, if a target is not connected, and still not a moment later."""
    row = mountinfo.read().at(mountpoint)
    parts = lustre_parts(row.source) if row else None
    if parts is None or not os.path.exists(_LCTL):
        return None
    name = parts[1].partition("/")[0]
    first = _unconnected(name)
    if not first:
        return None
    time.sleep(_AGAIN_S)
    still = {target: state for target, state in _unconnected(name).items() if target in first}
    if not still:
        return None
    shown = ", ".join(f"{target} ({state})" for target, state in sorted(still.items()))
    return Problem("lustre-target-down", f"{mountpoint}: no connection to {shown}")


def _unconnected(name: str) -> dict[str, str]:
    """By target: the state of its connection, of those that are not well."""
    ran = process.run([_LCTL, "get_param", "-n", f"osc.{name}-*.import", f"mdc.{name}-*.import"], within_s=_LCTL_S)
    found: dict[str, str] = {}
    target = ""
    for line in ran.output.splitlines():
        key, _, value = line.strip().partition(":")
        if key == "target":
            target = value.strip().removesuffix("_UUID")
        elif key == "state" and value.strip() not in _WELL:
            found[target or name] = value.strip()
    return found
