"""/proc/self/mountinfo as values (proc(5)). Reading it never touches a mount, so it never hangs."""

import re
from collections.abc import Iterator
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
    server: str = ""  # the address that a network file system speaks to now
    settings: str = ""  # the options of the file system itself, as the kernel shows them

    def setting(self, key: str) -> str:
        """The value of one of them; empty where there is none."""
        return next((one[len(key) + 1 :] for one in self.settings.split(",") if one.startswith(f"{key}=")), "")


def _text(field: bytes) -> str:
    if b"\\" in field:  # the kernel writes blank, tab, newline and backslash as \ooo
        field = _ESCAPE.sub(lambda match: bytes((int(match[1], 8),)), field)
    # Anybody may give a directory a name that is no text; it must not stop whoever writes it down.
    return field.decode("utf-8", "backslashreplace")


def parse_row(line: bytes) -> Mount:
    left, _, right = line.partition(b" - ")
    mount_id, parent_id, device, root, mountpoint, options = left.split(b" ")[:6]
    fstype, source, of_all = ([*right.split(b" "), b"", b""])[:3]
    server = next((option[5:] for option in of_all.split(b",") if option.startswith(b"addr=")), b"")
    return Mount(
        int(mount_id),
        int(parent_id),
        device.decode(),
        _text(root),
        _text(mountpoint),
        tuple(options.decode().split(",")),
        _text(fstype),
        _text(source),
        _text(server),
        _text(of_all),
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
        path = escaped(mountpoint)
        return self._at.get(path) != other._at.get(path)

    def stack(self, mountpoint: str) -> tuple[Mount, ...]:
        """Everything that is mounted at exactly this path, in the table's order."""
        return tuple(parse_row(line) for line in self._at.get(escaped(mountpoint), ()))

    def at(self, mountpoint: str) -> Optional[Mount]:
        """The visible mount at exactly this path, if any: the one on which no other of them stands."""
        rows = self.stack(mountpoint)
        carried = {row.parent_id for row in rows}
        tops = [row for row in rows if row.mount_id not in carried]
        return tops[-1] if tops else None

    def ids(self) -> frozenset[int]:
        return frozenset(int(line.split(b" ", 1)[0]) for lines in self._at.values() for line in lines)

    def rows(self) -> Iterator[Mount]:
        for lines in self._at.values():
            yield from map(parse_row, lines)

    def of_server(self, address: str) -> list[Mount]:
        """Every network mount that speaks to this address."""
        return [row for row in self.rows() if row.server == address]

    def of_source(self, source: str) -> list[Mount]:
        """Every mount of exactly this source."""
        return [row for row in self.rows() if row.source == source]

    def below(self, mount_id: int) -> list[Mount]:
        """Every mount that stands somewhere in that one."""
        rows, found, inside = list(self.rows()), [], {mount_id}
        while more := [row for row in rows if row.parent_id in inside and row.mount_id not in inside]:
            found += more
            inside |= {row.mount_id for row in more}
        return found

    def by_id(self, mount_id: int) -> Optional[Mount]:
        prefix = b"%d " % mount_id
        for lines in self._at.values():
            for line in lines:
                if line.startswith(prefix):
                    return parse_row(line)
        return None


def escaped(path: str) -> bytes:
    """A path as the kernel writes it in its tables."""
    raw = path.encode("utf-8", "surrogateescape")
    if not _SPECIAL.search(raw):
        return raw
    for byte in b"\\ \t\n":
        raw = raw.replace(bytes((byte,)), b"\\%03o" % byte)
    return raw


def read(path: str = PATH) -> Table:
    with open(path, "rb", buffering=0) as file:
        return Table(file.read())
