"""The last good generation as it lies on the volume, in a directory that is root's alone below one that is the user's.

Believed only where root alone can have written it, and then held against what this instance is and what is pinned: the
user can put an older one of root's directories in its place, or bring a volume from another instance.
"""

import hashlib
import os

import msgspec

from ..errors import FsmountError, Permanent, Temporary
from ..linux.pin import trusted_directory, trusted_file_in

VERSION = 1
LIMIT_BYTES = 2 * 1024 * 1024  # 1 MiB of configuration in base64, and the rest


class LastGood(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: int = VERSION
    instance: str  # its ARN; empty where the machine is no notebook instance
    origin: str
    digest: str  # empty: nothing was in force, only `refused` is remembered
    token: str
    accepted_at: float
    good: tuple[str, ...]
    refused: tuple[str, ...]
    content: bytes

    def says_the_same(self, other: "LastGood") -> bool:
        """But for when it was accepted, and for the token: AppConfig gives a new one with each answer, and what an
        outdated one costs is one transfer at the next start."""
        return msgspec.structs.replace(self, accepted_at=other.accepted_at, token=other.token) == other


def open_folder(path: str) -> int:
    """The descriptor (O_PATH) of the directory that holds it. Raises FileNotFoundError, Permanent("kept-untrusted"),
    Temporary("kept-unreadable")."""
    folder = os.path.dirname(path)
    try:
        return trusted_directory(folder)
    except Permanent as refused:
        raise Permanent("kept-untrusted", refused.problem.observed) from None
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unreadable(folder, error) from None


def read(folder: int, path: str) -> LastGood:
    """Raises FileNotFoundError, Permanent (kept-untrusted, kept-damaged), Temporary("kept-unreadable")."""
    try:
        with trusted_file_in(folder, os.path.basename(path), path) as file:
            content = file.read(LIMIT_BYTES + 1)
    except Permanent as refused:
        raise Permanent("kept-untrusted", refused.problem.observed) from None
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unreadable(path, error) from None
    return _decoded(content, path)


def _decoded(content: bytes, path: str) -> LastGood:
    if len(content) > LIMIT_BYTES:
        raise Permanent("kept-damaged", f"{path} is larger than {LIMIT_BYTES // 1024} KiB")
    try:
        left = msgspec.json.decode(content, type=LastGood)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Permanent("kept-damaged", f"{path}: {error}") from None
    if left.version != VERSION:
        raise Permanent("kept-damaged", f"{path} is of version {left.version}, and this agent knows {VERSION}")
    if left.digest != (hashlib.sha256(left.content).hexdigest() if left.digest else ""):
        raise Permanent("kept-damaged", f"{path}: its content has another digest than it says ({left.digest[:64]!a})")
    return left


def _unreadable(path: str, error: OSError) -> FsmountError:
    return Temporary("kept-unreadable", f"{path}: {error.strerror}")
