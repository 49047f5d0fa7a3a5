"""One attempt through a helper of amazon-efs-utils: EFS with TLS, IAM or an access point, and S3 Files.

The helper leaves a proxy behind, which must outlive the agent: both run in a scope of systemd's of their own (where there
is no systemd, the helper is run directly, and its proxy may end with the agent). Its watchdog looks for the mount by its
path, so it is made in place, on a path that nobody but root can lead elsewhere, and held against the pinned directory after.
"""

import os

from ..config import partitions
from ..errors import FsmountError, Permanent, Temporary
from ..judge import LOCAL
from ..linux import mountfd, process
from ..observe import efs_state, mountinfo
from ..timeouts import HELPER_S
from . import attach, child, in_place, reach
from .orders import MountOrder

_MOUNT, _SYSTEMD_RUN, _SYSTEMCTL = "/usr/bin/mount", "/usr/bin/systemd-run", "/usr/bin/systemctl"
_BOOTED = "/run/systemd/system"  # sd_booted(3)
_INSTALL = "sudo dnf install -y amazon-efs-utils"
_REGION_SINCE = (2, 1)  # before, the option goes on to mount.nfs4, which does not know it
_ATTEMPT_S = HELPER_S - 12.0  # so that what an attempt leaves behind can be taken away within the Job's own limit
_VERSION_S, _STOP_S = 5.0, 3.0
# What amazon-efs-utils and mount.nfs4 say: whether it may pass, and our code. The first that fits.
_BY_TEXT: tuple[tuple[str, bool, str], ...] = (
    ("unknown filesystem type", True, "efs-utils-missing"),
    ("access denied by server", False, "access-denied"),
    ("Operation not permitted", False, "access-denied"),
    ("reason given by server: No such file or directory", False, "path-not-found"),
    ("Failed to resolve", True, "name-not-resolved"),
    ("Name or service not known", True, "name-not-resolved"),
    ("mount target ip address cannot be found", True, "name-not-resolved"),
    ("Cannot connect to file system mount target", True, "server-timeout"),
    ("Failed to initialize", True, "tunnel-failed"),
    ("Failed to locate an available port", True, "tunnel-failed"),
    ("efs-proxy", True, "tunnel-failed"),
    ("stunnel", True, "tunnel-failed"),
    ("redentials", True, "aws-credentials"),
    ("Access Key ID", True, "aws-credentials"),
    ("option is required when mounting", False, "option-refused"),
    ("mutually exclusive", False, "option-refused"),
    ("Unsupported mount options", False, "option-refused"),
    ("is malformed", False, "option-refused"),
    ("incorrect mount option", False, "option-refused"),
    ("Invalid argument", False, "option-refused"),
    ("Protocol not supported", False, "version-unsupported"),
    ("wrong fs type, bad option", True, "nfs-missing"),
    ("Connection refused", True, "server-refused"),
    ("reset by peer", True, "server-lost"),
    ("Connection timed out", True, "server-timeout"),
    ("timeout after", True, "server-timeout"),
    ("No route to host", True, "server-unreachable"),
    ("Network is unreachable", True, "server-unreachable"),
    ("network was not yet available", True, "server-unreachable"),
    ("No such file or directory", False, "path-not-found"),
)


def onto(order: MountOrder, target: int) -> int:
    """In the place of the directory behind the descriptor; the mount's id."""
    spec = order.spec
    helper = _helper(spec.helper)
    in_place.demand(spec.mountpoint)
    if order.address:  # empty where only the helper can find it
        reach.demand(spec.host, order.address, spec.port)
    before = {row.mount_id for row in _attempted(order)}
    argv = [_MOUNT, "-t", spec.helper, "-o", ",".join(options(order, helper)), f"{spec.id}:{spec.path}", spec.mountpoint]
    child.be_spared_as_others_are()  # what is left behind serves the mount for as long as that is there
    scope = f"fsmount-{spec.name}-{os.urandom(4).hex()}.scope" if os.path.isdir(_BOOTED) else ""
    try:
        ran = process.run(_in_scope(argv, scope), within_s=_ATTEMPT_S)
        if ran.status:
            raise named(order, ran)
        made = [row for row in _attempted(order) if row.mount_id not in before]
        return _demand_it_is_there(order, target, made, ran)
    except FsmountError:
        attach.take_back([row for row in _attempted(order) if row.mount_id not in before])
        _stop(scope)
        raise


def options(order: MountOrder, helper: str) -> list[str]:
    spec, located = order.spec, order.located
    said = ["tls"] if spec.helper == "efs" else []
    said += ["iam"] if spec.iam else []
    said += [f"accesspoint={spec.access_point}"] if spec.access_point else []
    name = partitions.read_efs_name(spec.host)
    region = name.region if name else order.region
    said += [f"region={region}"] if region and version(helper) >= _REGION_SINCE else []
    # Where the name resolves, the helper is to go by the name: what is behind it may change.
    said += [f"mounttargetip={order.address}"] if located and located.by in ("api", "kept") else []
    return [*said, "noresvport", *spec.options, *(["ro"] if spec.read_only else []), "nosuid", "nodev"]


def version(helper: str) -> tuple[int, ...]:
    """Of amazon-efs-utils; none where it does not say."""
    said = process.run([helper, "--version"], within_s=_VERSION_S).output.rpartition("Version: ")[2].split(".")
    return tuple(int(part) for part in said if part.isascii() and part.isdecimal())


def _helper(kind: str) -> str:
    for folder in ("/usr/sbin", "/sbin"):
        if os.path.exists(f"{folder}/mount.{kind}"):
            return f"{folder}/mount.{kind}"
    version_3 = " (version 3 or newer)" if kind == "s3files" else ""
    raise Temporary("efs-utils-missing", f"there is no mount.{kind}: install amazon-efs-utils{version_3}: `{_INSTALL}`")


def _in_scope(argv: list[str], scope: str) -> list[str]:
    if not scope or not os.path.exists(_SYSTEMD_RUN):
        return argv
    return [_SYSTEMD_RUN, "--scope", "--quiet", "--collect", f"--unit={scope}", "--", *argv]


def _stop(scope: str) -> None:
    """Nothing that serves no mount stays behind."""
    if scope and os.path.exists(_SYSTEMCTL):
        process.run([_SYSTEMCTL, "--quiet", "--no-block", "stop", scope], within_s=_STOP_S)


def _attempted(order: MountOrder) -> list[mountinfo.Mount]:
    """What attempts like this one have mounted, wherever it is now. The source alone does not tell: all have the same."""
    place, ports = order.spec.mountpoint, efs_state.ports(order.spec.id, order.spec.mountpoint)
    rows = mountinfo.read().of_source(f"{LOCAL}:{order.spec.path}")
    return [row for row in rows if row.mountpoint == place or efs_state.port_of(row) in ports]


def _demand_it_is_there(order: MountOrder, target: int, made: list[mountinfo.Mount], ran: process.Ran) -> int:
    """On the pinned directory itself. A helper may also end well without having mounted."""
    spec, below = order.spec, mountfd.mount_id(target)
    row = next((row for row in made if row.mountpoint == spec.mountpoint and row.parent_id == below), None)
    if not made:
        raise Temporary("mount-failed", f"{spec.id}: mount.{spec.helper} mounted nothing: {process.first_line(ran.output)}")
    if row is None or attach.where(target) != spec.mountpoint:
        became = ", ".join(row.mountpoint for row in made)
        raise Temporary("mountpoint-moved", f"{spec.mountpoint}: the directory was moved while it was being mounted ({became})")
    return row.mount_id


def named(order: MountOrder, ran: process.Ran) -> FsmountError:
    """What the helper said, as one of our problems."""
    subject = f"{order.spec.id}:{order.spec.path}"
    if ran.status < 0:
        return Temporary("mount-timeout", f"{subject}: no end after {_ATTEMPT_S:.0f} s")
    for text, passing, code in _BY_TEXT:
        if text in ran.output:
            return (Temporary if passing else Permanent)(code, f"{subject}: {process.first_line(ran.output, text)}")
    said = process.first_line(ran.output) or f"mount.{order.spec.helper} ended with {ran.status}"
    return Temporary("mount-failed", f"{subject}: {said}")
