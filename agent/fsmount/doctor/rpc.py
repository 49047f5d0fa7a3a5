"""ONC RPC's NULL call (RFC 5531) to NFS version 4 (RFC 7530, 17.2): does what listens on the port speak NFS? Pure.

NULL does nothing and needs no rights: a server answers it whatever its exports are.
"""

import enum
import struct
from typing import NamedTuple, Optional

_CALL, _REPLY = 0, 1
_RPC_VERSION, _NFS, _VERSION, _NULL = 2, 100003, 4, 0
_ACCEPTED, _DENIED = 0, 1
_SUCCESS, _PROG_UNAVAIL, _PROG_MISMATCH, _SYSTEM_ERR = 0, 1, 2, 5
_LAST_FRAGMENT = 0x80000000
RECORD_MOST = 4096  # a NULL reply has 24 bytes


class Word(enum.Enum):
    ANSWERS = "answers"
    MISMATCH = "mismatch"  # NFS, but not version 4
    DENIED = "denied"
    BROKEN = "broken"  # NFS, but it fails
    NO_NFS = "no NFS"


class Verdict(NamedTuple):
    word: Word
    detail: str


def null_call(xid: int) -> bytes:
    """The call with its record mark, without credentials (AUTH_NONE)."""
    body = struct.pack(">10I", xid, _CALL, _RPC_VERSION, _NFS, _VERSION, _NULL, 0, 0, 0, 0)
    return struct.pack(">I", _LAST_FRAGMENT | len(body)) + body


def record(heard: bytes) -> Optional[bytes]:
    """The first whole record in a stream of fragments, or None while it is not complete.

    Raises ValueError where the lengths are none of an RPC reply's.
    """
    whole, at = b"", 0
    while len(heard) >= at + 4:
        (mark,) = struct.unpack_from(">I", heard, at)
        length = mark & ~_LAST_FRAGMENT
        if len(whole) + length > RECORD_MOST or (length == 0 and not mark):
            raise ValueError(f"a record of {length} bytes")
        if len(heard) < at + 4 + length:
            return None
        whole += heard[at + 4 : at + 4 + length]
        at += 4 + length
        if mark & _LAST_FRAGMENT:
            return whole
    return None


def understood(reply: bytes, xid: int) -> Verdict:
    """What a reply to the NULL call says."""
    try:
        theirs, kind, status = struct.unpack_from(">3I", reply)
        if (theirs, kind) != (xid, _REPLY):
            return Verdict(Word.NO_NFS, "its answer is no reply to the call")
        if status == _DENIED:
            return Verdict(Word.DENIED, "the call was denied")
        if status != _ACCEPTED:
            return Verdict(Word.NO_NFS, f"its answer has the unknown status {status}")
        return _accepted(reply)
    except struct.error:
        return Verdict(Word.NO_NFS, f"its answer ends after {len(reply)} bytes")


def _accepted(reply: bytes) -> Verdict:
    (verifier,) = struct.unpack_from(">I", reply, 16)
    at = 20 + -(-verifier // 4) * 4  # XDR pads to four bytes
    (status,) = struct.unpack_from(">I", reply, at)
    if status == _SUCCESS:
        return Verdict(Word.ANSWERS, f"NFS version {_VERSION} answers")
    if status == _PROG_MISMATCH:
        low, high = struct.unpack_from(">2I", reply, at + 4)
        return Verdict(Word.MISMATCH, f"it offers NFS versions {low} to {high}, and not {_VERSION}")
    if status == _PROG_UNAVAIL:
        return Verdict(Word.NO_NFS, "it speaks RPC, but not NFS")
    return Verdict(Word.BROKEN, "it reports a system error" if status == _SYSTEM_ERR else f"it reports RPC error {status}")
