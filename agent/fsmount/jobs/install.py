"""Install the package that a mount needs, in the background, and in a unit of systemd's of its own: it takes minutes, and
must neither end half-way with the agent nor be begun a second time while it runs.
"""

import os
import re
import time

from ..errors import Temporary
from ..linux import process
from .answers import Installed
from .orders import Install

_DNF, _SYSTEMD_RUN = "/usr/bin/dnf", "/usr/bin/systemd-run"
_SYSTEMCTL, _JOURNALCTL = "/usr/bin/systemctl", "/usr/bin/journalctl"
_BOOTED = "/run/systemd/system"
_EVERY_S = 2.0


def install(order: Install) -> Installed:
    """Raises Temporary("client-not-installed") with the last that was said. Where there is no systemd, dnf runs directly."""
    assert re.fullmatch(r"[a-z][a-z0-9-]*", order.package), order
    if not os.path.exists(_DNF):
        raise Temporary("client-not-installed", f"{order.package}: there is no {_DNF} here")
    argv = [_DNF, "install", "-y", order.package]
    if not os.path.isdir(_BOOTED) or not os.path.exists(_SYSTEMD_RUN):
        ran = process.run(argv)
        _demand(ran.status == 0, order.package, ran.output)
        return Installed()
    unit = f"fsmount-install-{order.package}.service"
    _wait_for(unit)  # one that a former agent began
    ran = process.run([_SYSTEMD_RUN, "--wait", "--collect", "--quiet", f"--unit={unit}", "--", *argv])
    _demand(ran.status == 0, order.package, "" if ran.status == 0 else _said(unit) or ran.output)
    return Installed()


def _wait_for(unit: str) -> None:
    while process.run([_SYSTEMCTL, "is-active", unit]).output.strip() in ("active", "activating", "deactivating"):
        time.sleep(_EVERY_S)


def _said(unit: str) -> str:
    """By the unit's processes, not about it."""
    query = [_JOURNALCTL, "--quiet", "--no-pager", "-o", "cat", "-n", "5", f"_SYSTEMD_UNIT={unit}"]
    return process.run(query, within_s=5.0).output if os.path.exists(_JOURNALCTL) else ""


def _demand(good: bool, package: str, output: str) -> None:
    if not good:
        said = process.first_line("\n".join(reversed(output.splitlines())))
        raise Temporary("client-not-installed", f"{package}: {said or 'dnf said nothing'}")
