"""A short history of each mount: how long a look took and how full it was. For the sparklines of `fsmount status -v`.

Kept in /run, and bounded: so many samples of each mount, the newest last.
"""

from collections.abc import Mapping

import msgspec

VERSION = 1
KEPT = 48


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """`at` in seconds since 1970; sizes in bytes."""

    at: float
    latency_s: float
    used: int
    available: int


class File(msgspec.Struct, frozen=True):
    version: int
    mounts: dict[str, list[Sample]]  # by mount point


def encode(rings: Mapping[str, list[Sample]]) -> bytes:
    return msgspec.json.encode(File(VERSION, dict(rings))) + b"\n"


def read(path: str) -> dict[str, list[Sample]]:
    """None where there is no file, or none of this version: a history that begins anew harms nobody."""
    try:
        with open(path, "rb") as file:
            found = msgspec.json.decode(file.read(), type=File)
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return {}
    return {place: ring[-KEPT:] for place, ring in found.mounts.items()} if found.version == VERSION else {}
