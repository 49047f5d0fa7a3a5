"""The bytes of a mounts.yaml -> Config. Raises Invalid with every finding."""

import hashlib
import ipaddress
import posixpath
import re
from typing import Optional

from ..model import Care, Config, OnHang, Spec
from . import mountpoints, nfs_options
from .document import Node, read
from .fields import Fields
from .findings import Finding, Invalid, shown
from .schema import MountEntry, MountsFile

# A dead mount freezes whoever lists the directory that holds it; where nothing can be lost, it is taken away.
_ON_HANG = {"ro": OnHang.DETACH, "rw": OnHang.WAIT}
_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}\.?\Z){_LABEL}(?:\.{_LABEL})*\.?")


def load(content: bytes) -> Config:
    findings: list[Finding] = []
    root = read(content, findings)
    if root.value is None:
        raise Invalid([Finding(1, 1, "", "the file is empty; an empty configuration is `version: 1` and `mounts: []`")])
    whole = Fields(root, "", findings)
    read_whole = whole.read(MountsFile)
    specs = _Specs(findings)
    for i, fields in enumerate(_entries(whole)):
        specs.add(fields, read_whole.mounts[i] if read_whole else None)
    if findings:
        raise Invalid(findings)
    return Config(hashlib.sha256(content).hexdigest(), tuple(specs.found))


def _entries(whole: Fields) -> list[Fields]:
    """Each mount again, by itself: a mistake in one must not hide what is wrong with the next."""
    mounts = whole.pairs.get("mounts")
    nodes: list[Node] = mounts.node.value if mounts and isinstance(mounts.node.value, list) else []
    return [Fields(node, f"mounts[{i}]", whole.findings) for i, node in enumerate(nodes[:2000])]


class _Specs:
    """The mounts so far, to hold the next one against."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        self.found: list[Spec] = []
        self._names: dict[str, int] = {}
        self._places: dict[str, tuple[int, str]] = {}  # mount point -> line, name
        self._above: dict[str, str] = {}  # every directory above a mount point -> that mount point

    def add(self, fields: Fields, entry: Optional[MountEntry]) -> None:
        """`entry` is None where something in the file has the wrong shape: each key is then still held against the rules,
        so that all mistakes are shown at once."""
        self._unique(fields)
        host_path = self._source(fields)
        self._mountpoint(fields)
        self._options(fields)
        if fields.text("access") == "ro" and fields.text("probe") == "write":
            fields.add("a read-only mount takes no trial writes; leave it out, or make it access: rw", "probe")
        if entry and host_path:
            host, path = host_path
            self.found.append(
                Spec(
                    name=entry.name,
                    type=entry.type,
                    host=host,
                    path=path,
                    mountpoint=entry.mountpoint,
                    read_only=entry.access == "ro",
                    options=tuple(entry.options),
                    care=_care(entry),
                )
            )

    def _unique(self, fields: Fields) -> None:
        name = fields.pairs["name"].node if "name" in fields.pairs else None
        if name and isinstance(name.value, str):
            if not name.value.isprintable():
                fields.add("must not hold control characters", "name")
            if name.value in self._names:
                fields.add(f"the name {shown(name.value)} is taken by the mount in line {self._names[name.value]}", "name")
            self._names.setdefault(name.value, name.line)

    def _source(self, fields: Fields) -> Optional[tuple[str, str]]:
        source = fields.text("source")
        if not source:
            return None
        host, path = _split(source)
        if path and "path" in fields.pairs:
            fields.add("the directory stands in `source:` already; keep one of the two", "path")
        wrong = _host_objection(host)
        if wrong:
            fields.add(wrong, "source")
        path = path or fields.text("path") or "/"
        key = "path" if "path" in fields.pairs else "source"
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in path):
            fields.add("must not hold control characters", key)
        elif ".." in path.split("/"):
            fields.add("must not hold /../", key)
        # As mountinfo shows it, where the two are compared.
        return (host.strip("[]"), "/" + posixpath.normpath(path).lstrip("/")) if not wrong else None

    def _mountpoint(self, fields: Fields) -> None:
        place = fields.text("mountpoint")
        if not place or not place.startswith("/"):
            return
        wrong = mountpoints.objection(place)
        if wrong:
            fields.add(wrong, "mountpoint")
            return
        line = fields.pairs["mountpoint"].node.line
        parts = place.split("/")
        parents = ["/".join(parts[:end]) for end in range(2, len(parts))]
        for other in [*(parent for parent in parents if parent in self._places), *self._above.get(place, "").splitlines()]:
            at, name = self._places[other]
            fields.add(f"mounts cannot be nested: {other} is the mount point of '{name}' (line {at})", "mountpoint")
        if place in self._places:
            at, name = self._places[place]
            fields.add(f"{place} is the mount point of '{name}' already (line {at})", "mountpoint")
        self._places.setdefault(place, (line, fields.text("name") or "?"))
        for parent in parents:
            self._above.setdefault(parent, place)

    def _options(self, fields: Fields) -> None:
        seen: dict[str, str] = {}
        for option in fields.texts("options"):
            wrong = nfs_options.objection(option, fields.text("access") == "ro")
            if wrong:
                fields.add(wrong, "options")
                continue
            key = nfs_options.key_of(option)
            if key in seen:
                fields.add(f"{shown(option)} and {shown(seen[key])} contradict or repeat each other", "options")
            seen[key] = option


def _care(entry: MountEntry) -> Care:
    return Care(
        probe_every_s=float(entry.probe_every),
        probe_writes=entry.probe == "write",
        warn_at=entry.warn_at,
        on_hang=_ON_HANG[entry.access] if entry.on_hang == "auto" else OnHang(entry.on_hang),
        on_hang_after_s=float(entry.on_hang_after),
    )


def _split(source: str) -> tuple[str, str]:
    """host, /path; the path is empty where the source names none. An IPv6 address with a path stands in brackets."""
    host, separator, path = source.partition(":/")
    url_or_bare_ipv6 = path.startswith("/") or host.endswith(":")
    return (host, "/" + path) if separator and not url_or_bare_ipv6 else (source, "")


def _host_objection(host: str) -> Optional[str]:
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        ipaddress.ip_address(bare)
        scope = bare.partition("%")[2]
        return None if re.fullmatch(r"[A-Za-z0-9_.-]*", scope) else f"{shown(scope)} is not a network interface"
    except ValueError:
        pass
    if re.fullmatch(r"fs-[0-9a-f]{8,17}", host):
        return f"{host} is an id and not a host; write its DNS name ({host}.efs.REGION.amazonaws.com on EFS)"
    if re.fullmatch(r"[0-9.]+", host):
        return f"{shown(host)} is not an IPv4 address"
    if "REGION" in host.split("."):
        return f"{shown(host)}: put the region's name in the place of REGION"
    name, colon, rest = host.partition(":")
    if colon and "/" not in rest and (_HOST.fullmatch(name) or re.fullmatch(r"[0-9.]+", name)):
        return f"{shown(host)}: a directory on the server begins with /, as in {name}:/{rest}"
    if _HOST.fullmatch(host):
        return None
    return f"{shown(host)} is neither a host name nor an IP address (write host or host:/path)"
