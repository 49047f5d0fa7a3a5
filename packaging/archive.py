"""A .tar.gz that depends on nothing but the names and contents put into it.

Member order, times, owners, modes and the gzip header are all fixed here, so two builds of the same input on
two machines have the same SHA-256, which is what the lifecycle scripts pin.
"""

from __future__ import annotations

import io
import struct
import tarfile
import zlib
from collections.abc import Mapping

DEFAULT_MTIME_S = 0

# What zlib's own deflate makes of SAMPLE. Rewrites of zlib (zlib-ng) are correct but choose other matches.
_SAMPLE = b"".join(b"%d fsmount %d\n" % (n % 97, n * n) for n in range(4000))
_SAMPLE_CRC32 = 0xA0911ED0


def pack(files: Mapping[str, bytes], mtime_s: int = DEFAULT_MTIME_S) -> bytes:
    """Return the archive of `files` (relative name -> content). What lies in `bin/` is executable."""
    return _gzip(_tar(files, mtime_s))


def compresses_like_zlib() -> bool:
    """Say whether this Python's deflate gives the bytes that every other builder's does."""
    return zlib.crc32(_deflate(_SAMPLE)) == _SAMPLE_CRC32


def _tar(files: Mapping[str, bytes], mtime_s: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for directory in sorted(_directories(files)):
            info = _member(directory, mtime_s, 0o755)
            info.type = tarfile.DIRTYPE
            tar.addfile(info)
        for name in sorted(files):
            info = _member(name, mtime_s, 0o755 if name.startswith("bin/") else 0o644)
            info.size = len(files[name])
            tar.addfile(info, io.BytesIO(files[name]))
    return buffer.getvalue()


def _member(name: str, mtime_s: int, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mtime = mtime_s
    info.mode = mode
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    return info


def _directories(files: Mapping[str, bytes]) -> set[str]:
    parents: set[str] = set()
    for name in files:
        parts = name.split("/")[:-1]
        parents.update("/".join(parts[: depth + 1]) for depth in range(len(parts)))
    return parents


def _deflate(data: bytes) -> bytes:
    """Compress in one call with every parameter named, so that no default of a Python version matters."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 8, zlib.Z_DEFAULT_STRATEGY)
    return compressor.compress(data) + compressor.flush()


def _gzip(data: bytes) -> bytes:
    """Wrap in RFC 1952 by hand: no name, no time, and an OS byte that does not follow the Python version."""
    header = b"\x1f\x8b\x08\x00" + b"\x00" * 4 + b"\x02\xff"
    return header + _deflate(data) + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
