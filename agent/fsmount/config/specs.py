"""From one mount of the file to a Spec, held against the rules and against the mounts before it."""

import posixpath
from fnmatch import fnmatchcase
from typing import Callable, Optional, get_args

from ..model import Care, CreatePath, OnHang, Spec
from . import helper_options, keys, lustre_options, mountpoints, nfs_options, sources, templates
from .fields import Fields
from .findings import shown
from .nesting import Place, Places
from .schema import CreatePathEntry, MountEntry, Type
from .sources import Server
from .templates import Values

# A dead mount freezes whoever lists the directory that holds it; where nothing can be lost, it is taken away.
_ON_HANG = {"ro": OnHang.DETACH, "rw": OnHang.WAIT}
_TYPES = get_args(get_args(Type)[0])


class Specs:
    """The mounts so far, to hold the next one against."""

    def __init__(self, values: Values) -> None:
        self.found: list[tuple[Fields, Spec]] = []
        self.elsewhere: list[str] = []  # names of those that are not wanted on this instance
        self.patterns: set[str] = set()  # of instances' names, as they stand behind `when:`
        self._values = values
        self._names: dict[str, int] = {}
        self._places = Places()

    def add(self, fields: Fields, entry: Optional[MountEntry]) -> None:
        """`entry` is None where something in the file has the wrong shape: each key is then still held against the rules,
        so that all mistakes are shown at once."""
        self._unique(fields)
        here = self._is_wanted(fields)
        server, path = self._source(fields)
        mountpoint = self._mountpoint(fields, here)
        _hold_options(fields)
        for key, wrong in keys.objections(fields, path):
            fields.add(wrong, key)
        if entry and server and mountpoint:
            if here:
                self.found.append((fields, _spec(entry, server, path, mountpoint)))
            else:
                self.elsewhere.append(entry.name)

    def _unique(self, fields: Fields) -> None:
        name = fields.pairs["name"].node if "name" in fields.pairs else None
        if name and isinstance(name.value, str):
            if name.value in self._names:
                fields.add(f"the name {shown(name.value)} is taken by the mount in line {self._names[name.value]}", "name")
            self._names.setdefault(name.value, name.line)

    def _is_wanted(self, fields: Fields) -> bool:
        patterns = _patterns(fields)
        self.patterns.update(patterns)
        if patterns and not self._values.instance:
            fields.add(f"cannot be decided: {templates.unknown('instance')}", "when")
        # An instance's name may stand in its ARN in lower case only, so that no two differ in that alone.
        name = self._values.instance.lower()
        return not patterns or any(fnmatchcase(name, pattern.lower()) for pattern in patterns)

    def _filled(self, fields: Fields, key: str) -> Optional[str]:
        """The key's text with this instance's names in it."""
        text = fields.text(key)
        if not text:
            return None
        wrong = templates.objection(text, self._values)
        if wrong:
            fields.add(wrong, key)
            return None
        return templates.fill(text, self._values)

    def _source(self, fields: Fields) -> tuple[Optional[Server], str]:
        """The server, and the directory on it as mountinfo shows it, where the two are compared; empty where it cannot be
        told."""
        source, type = self._filled(fields, "source"), fields.text("type")
        server = sources.parse(type, source, self._values.region) if source and type and type in _TYPES else None
        if isinstance(server, str):
            fields.add(server, "source")
            server = None
        if server and server.path and "path" in fields.pairs:
            fields.add("the directory stands in `source:` already; keep one of the two", "path")
        path = (server.path if server else "") or self._filled(fields, "path")
        if path is None and (server is None or "path" in fields.pairs):
            return server, ""
        path = path or "/"
        key = "path" if "path" in fields.pairs else "source"
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in path):
            fields.add("must not hold control characters", key)
        elif ".." in path.split("/"):
            fields.add("must not hold /../", key)
        return server, "/" + posixpath.normpath(path).lstrip("/")

    def _mountpoint(self, fields: Fields, here: bool) -> Optional[str]:
        place = self._filled(fields, "mountpoint")
        if not place or not place.startswith("/"):
            return None
        wrong = mountpoints.objection(place)
        if wrong:
            fields.add(wrong, "mountpoint")
            return None
        line, name = fields.pairs["mountpoint"].node.line, fields.text("name") or "?"
        for clash in self._places.add(Place(place, line, name, here, _patterns(fields))):
            fields.add(clash, "mountpoint")
        return place


def _patterns(fields: Fields) -> tuple[str, ...]:
    """For which instances' names the mount is; empty: for all."""
    when = fields.inner("when")
    return tuple(sorted(when.texts("instance") or filter(None, [when.text("instance")])))


def _spec(entry: MountEntry, server: Server, path: str, mountpoint: str) -> Spec:
    return Spec(
        name=entry.name,
        type=entry.type,
        host=server.host,
        path=path,
        mountpoint=mountpoint,
        read_only=entry.access == "ro",
        options=tuple(entry.options),
        care=_care(entry),
        id=server.id,
        fsname=server.fsname,
        tls=entry.tls,
        iam=entry.iam,
        access_point=entry.access_point if isinstance(entry.access_point, str) else "",
        create_path=_create_path(entry.create_path) if isinstance(entry.create_path, CreatePathEntry) else None,
        install_client=entry.install_client,
    )


def _care(entry: MountEntry) -> Care:
    return Care(
        probe_every_s=float(entry.probe_every),
        probe_writes=entry.probe == "write",
        warn_at=entry.warn_at,
        on_hang=_ON_HANG[entry.access] if entry.on_hang == "auto" else OnHang(entry.on_hang),
        on_hang_after_s=float(entry.on_hang_after),
    )


def _create_path(entry: CreatePathEntry) -> CreatePath:
    return CreatePath(owner=entry.owner, group=entry.group, mode=int(entry.mode, 8))


def _hold_options(fields: Fields) -> None:
    objection, key_of = _option_rules(fields)
    seen: dict[str, str] = {}
    for option in fields.texts("options"):
        wrong = objection(option, fields.text("access") == "ro")
        if wrong:
            fields.add(wrong, "options")
            continue
        key = key_of(option)
        if key in seen:
            fields.add(f"{shown(option)} and {shown(seen[key])} contradict or repeat each other", "options")
        seen[key] = option


def _option_rules(fields: Fields) -> tuple[Callable[[str, bool], Optional[str]], Callable[[str], str]]:
    type = fields.text("type") or ""
    if type == "lustre":
        return lustre_options.objection, lustre_options.key_of
    if type == "s3files" or (type == "efs" and fields.is_true("tls")):
        return lambda option, read_only: helper_options.objection(option, read_only, type), helper_options.key_of
    return nfs_options.objection, nfs_options.key_of
