"""/proc/self/mountinfo as values (proc(5)). Reading it never touches a mount, so it never hangs."""

import re
from typing import Optional

import msgspec

PATH = "/proc/self/mountinfo"
_SPECIAL = re.compile(rb"[\\ \t\n]")
_ESCAPE = re.compile(rb"\\([0-7]{3})")


class Mount(msgspec.Struct, frozen=True):
    """One row: the fields that the agent needs."""

    mount_id: int
    parent_id: int
    device: str  # major:minor
    root: str
    mountpoint: str
    options: tuple[str, ...]
    fstype: str
    source: str


def _text(field: bytes) -> str:
    if b"\\" in field:  # the kernel writes blank, tab, newline and backslash as \ooo
        field = _ESCAPE.sub(lambda match: bytes((int(match[1], 8),)), field)
    # Anybody may give a directory a name that is no text; it must not stop whoever writes it down.
    return field.decode("utf-8", "backslashreplace")


def parse_row(line: bytes) -> Mount:
    left, _, right = line.partition(b" - ")
    mount_id, parent_id, device, root, mountpoint, options = left.split(b" ")[:6]
    fstype, source, _ = ([*right.split(b" "), b"", b""])[:3]
    return Mount(
        int(mount_id),
        int(parent_id),
        device.decode(),
        _text(root),
        _text(mountpoint),
        tuple(options.decode().split(",")),
        _text(fstype),
        _text(source),
    )


class Table:
    """The mount table at one moment. Rows are parsed when asked for: most never are."""

    def __init__(self, content: bytes) -> None:
        self._at: dict[bytes, list[bytes]] = {}
        for line in content.split(b"\n"):  # not splitlines: a name may hold a carriage return
            fields = line.split(b" ", 5)
            if len(fields) == 6:
                self._at.setdefault(fields[4], []).append(line)

    def differs(self, other: "Table", mountpoint: str) -> bool:
        """Whether anything at exactly this path is another row than in the other table."""
        path = _escaped(mountpoint)
        return self._at.get(path) != other._at.get(path)

    def stack(self, mountpoint: str) -> tuple[Mount, ...]:
        """Everything that is mounted at exactly this path, in the table's order."""
        return tuple(parse_row(line) for line in self._at.get(_escaped(mountpoint), ()))

    def at(self, mountpoint: str) -> Optional[Mount]:
        """The visible mount at exactly this path, if any: the one on which no other of them stands."""
        rows = self.stack(mountpoint)
        carried = {row.parent_id for row in rows}
        tops = [row for row in rows if row.mount_id not in carried]
        return tops[-1] if tops else None

    def by_id(self, mount_id: int) -> Optional[Mount]:
        prefix = b"%d " % mount_id
        for lines in self._at.values():
            for line in lines:
                if line.startswith(prefix):
                    return parse_row(line)
        return None


def _escaped(path: str) -> bytes:
    raw = path.encode("utf-8", "surrogateescape")
    if not _SPECIAL.search(raw):
        return raw
    for byte in b"\\ \t\n":
        raw = raw.replace(bytes((byte,)), b"\\%03o" % byte)
    return raw


def read(path: str = PATH) -> Table:
    with open(path, "rb", buffering=0) as file:
        return Table(file.read())
