"""Where a configuration is put: what a Target can do, and the one that is a file on this machine.

The others are in aws/push.py and aws/deploy.py. A Target is made with the bytes that are to be put, so that
what cannot hold them says so before anything is asked or sent.
"""

import hashlib
import os
from typing import NamedTuple, Optional, Protocol

from .atomic import replace_in
from .config.document import LIMIT_BYTES
from .errors import Permanent
from .linux.pin import open_trusted, trusted_directory
from .signature import split


class Held(NamedTuple):
    """What is there: its digest (empty if it is larger than a configuration can be), and how its version is called."""

    digest: str
    version: str
    signed: bool


class Target(Protocol):
    def held(self) -> Optional[Held]:
        """None where there is nothing yet. Raises FsmountError."""

    def put(self) -> str:
        """What the version that was made is called. Raises FsmountError."""


def held(content: bytes, version: str) -> Held:
    if len(content) > LIMIT_BYTES:
        return Held("", version, False)
    return Held(hashlib.sha256(content).hexdigest(), version, split(content)[1] is not None)


class FileTarget:
    """Where only root can have put anything, as the agent wants it of a file that it reads."""

    def __init__(self, path: str, content: bytes) -> None:
        self._path, self._content = path, content

    def held(self) -> Optional[Held]:
        try:
            return held(open_trusted(self._path, LIMIT_BYTES), "")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Permanent("file-not-written", f"{self._path}: {error.strerror}") from None

    def put(self) -> str:
        folder, name = os.path.split(self._path)
        try:
            directory = trusted_directory(folder)
        except OSError as error:
            raise Permanent("file-not-written", f"{folder}: {error.strerror}") from None
        try:
            replace_in(directory, name, self._content, 0o644)
        except OSError as error:
            raise Permanent("file-not-written", f"{self._path}: {error.strerror}") from None
        finally:
            os.close(directory)
        return ""
