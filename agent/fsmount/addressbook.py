"""The address book on the notebook's volume: where each server was when that was last known for certain.

Believed only as far as root alone can have written it; whatever else lies there is as good as nothing. Written when an
address is new or an entry is a day old, so that a day of nothing new writes nothing. May block: for Jobs only.
"""

import contextlib
import fcntl
import os
import sys
import time
from collections.abc import Iterator
from typing import Optional

import msgspec

from .errors import FsmountError
from .linux.pin import open_trusted, trusted_directory

VERSION = 1
ENTRIES_MOST = 64
ADDRESSES_MOST = 16
FRESH_S = 86400.0
_BYTES_MOST = 256 * 1024
_LOCK_TRIES, _LOCK_APART_S = 10, 0.05
_PLAIN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Entry(msgspec.Struct, frozen=True):
    """`host`, `fsname` and `version` as in `Resolved`; times in seconds since 1970. `asked_at`: when AWS named them."""

    addresses: tuple[str, ...]
    at: float
    host: str = ""
    fsname: str = ""
    version: str = ""
    asked_at: float = 0.0

    def age(self, now: float) -> float:
        return max(0.0, now - self.at)


class _Book(msgspec.Struct, frozen=True):
    version: int
    instance: str  # whose it is: another one's volume tells of another network
    entries: dict[str, Entry]  # by the id of the file system, or the host where it has none


def find(path: str, about: str, instance: str = "") -> Optional[Entry]:
    """None where there is none that can be believed. `instance`: the name of this one."""
    entry = _read(path, instance).get(about) if path else None
    return entry if entry and entry.addresses else None


def keep(path: str, about: str, new: Entry, instance: str = "") -> bool:
    """Whether anything was written. Where nothing can be, the journal hears why: what is mounted does not depend on it."""
    folder, name = os.path.split(path)
    try:
        if not _is_news(_read(path, instance).get(about), new):
            return False
        directory = trusted_directory(folder)
        try:
            with _locked(directory, f"{name}.lock"):
                return _put(directory, path, instance, about, new)
        finally:
            os.close(directory)
    except (OSError, FsmountError) as error:
        print(f"the address of {about} is not kept: {error}", file=sys.stderr)
        return False


def _put(directory: int, path: str, instance: str, about: str, new: Entry) -> bool:
    entries = _read(path, instance)  # again, under the lock: another Job may have been faster
    if not _is_news(entries.get(about), new):
        return False
    entries[about] = msgspec.structs.replace(new, addresses=new.addresses[:ADDRESSES_MOST])
    latest = sorted(entries, key=lambda one: entries[one].at)[-ENTRIES_MOST:]
    book = _Book(VERSION, instance, {one: entries[one] for one in sorted(latest)})
    _replace(directory, os.path.basename(path), msgspec.json.encode(book) + b"\n")
    return True


def _is_news(old: Optional[Entry], new: Entry) -> bool:
    """The order of addresses is no news: name servers turn it round. One from the future comes of a clock put right."""
    if old is None or set(old.addresses) != set(new.addresses[:ADDRESSES_MOST]):
        return True
    if (old.host, old.fsname, old.version) != (new.host, new.fsname, new.version):
        return True
    return not 0 <= new.at - old.at < FRESH_S or not 0 <= new.asked_at - old.asked_at < FRESH_S


def _read(path: str, instance: str) -> dict[str, Entry]:
    try:
        content = open_trusted(path, _BYTES_MOST)
        book = msgspec.json.decode(content, type=_Book) if len(content) <= _BYTES_MOST else None
    except (OSError, FsmountError, msgspec.MsgspecError, ValueError, RecursionError):
        return {}
    return dict(book.entries) if book and (book.version, book.instance) == (VERSION, instance) else {}


@contextlib.contextmanager
def _locked(directory: int, name: str) -> Iterator[None]:
    """A file that only root can open, since whoever can open a file can lock it. Raises OSError rather than to wait."""
    descriptor = os.open(name, os.O_RDWR | os.O_CREAT | _PLAIN, 0o600, dir_fd=directory)
    try:
        for tries in range(_LOCK_TRIES, 0, -1):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if tries == 1:
                    raise
                time.sleep(_LOCK_APART_S)
        yield
    finally:
        os.close(descriptor)


def _replace(directory: int, name: str, content: bytes) -> None:
    """Made anew under a name of this process's own, then renamed: nothing that lies there is written into."""
    temporary = f"{name}.{os.getpid()}.new"
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=directory)  # of a process that had this number and was killed
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN, 0o644, dir_fd=directory)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o644)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=directory)
        raise
