"""The nouns: what is wanted (Spec), what went wrong (Problem), where a mount stands (Phase, Health), the word for all.

Everything is a frozen record; no code after the configuration's loading sees a dict.
"""

import enum
from typing import Optional

import msgspec

from .timeouts import ON_HANG_AFTER_S, PROBE_INTERVAL_S


class OnHang(enum.Enum):
    """What to do about a mount that hangs for too long."""

    WAIT = "wait"
    DETACH = "detach"  # MNT_DETACH: out of sight; callers that are stuck stay stuck until the server is back
    FORCE = "force"  # MNT_FORCE first: callers that are stuck get an error, and what they had not written is lost


class Care(msgspec.Struct, frozen=True, kw_only=True):
    """How a mount is looked after. None of it is in the mount itself, so a change remounts nothing."""

    probe_every_s: float = PROBE_INTERVAL_S
    probe_writes: bool = False
    warn_at: int = 95  # percent of bytes or of inodes
    on_hang: OnHang = OnHang.WAIT
    on_hang_after_s: float = ON_HANG_AFTER_S


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """One mount that is wanted. `options` holds only what the user added to the type's defaults."""

    name: str
    type: str
    host: str
    path: str
    mountpoint: str
    read_only: bool = False
    options: tuple[str, ...] = ()
    care: Care = Care()

    @property
    def source(self) -> str:
        """As mountinfo shows it: host:/path, an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.path}"

    @property
    def port(self) -> int:
        for option in self.options:
            if option.startswith("port="):
                return int(option[5:])
        return 2049

    def same_mount(self, other: "Spec") -> bool:
        """Whether a mount made for the one serves the other: everything but the name and the care is equal."""
        return msgspec.structs.replace(self, name=other.name, care=other.care) == other


class Config(msgspec.Struct, frozen=True):
    """One accepted configuration; `digest` is the SHA-256 of its bytes in hex."""

    digest: str
    mounts: tuple[Spec, ...]


class Problem(msgspec.Struct, frozen=True):
    """What is wrong: a stable code (see problems.py), what was observed, and whether time may heal it."""

    code: str
    observed: str
    temporary: bool = True


class Usage(msgspec.Struct, frozen=True):
    """Capacity in bytes, counted as df does: available is what an ordinary user may still write."""

    size: int
    used: int
    available: int
    inodes: int = 0  # 0: the file system does not count them
    inodes_free: int = 0


class Phase(enum.Enum):
    """What the agent is doing about a mount."""

    RESOLVING = "resolving"
    MOUNTING = "mounting"
    MOUNTED = "mounted"
    WAITING = "waiting"
    BLOCKED = "blocked"
    UNMOUNTING = "unmounting"


class Health(enum.Enum):
    """How a mounted file system answers; worst first."""

    HUNG = "hung"
    STALE = "stale"
    DISCONNECTED = "disconnected"
    DENIED = "denied"
    READ_ONLY = "read-only"
    WRONG_SOURCE = "wrong-source"
    SLOW = "slow"
    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    MISSING = "missing"  # it is wanted, and not mounted


class Word(enum.Enum):
    """The instance's word, and that of one mount; worst last."""

    OK = "ok"
    PENDING = "pending"
    DEGRADED = "degraded"
    FAILED = "failed"


WORST_LAST = (Word.OK, Word.PENDING, Word.DEGRADED, Word.FAILED)
FAILING = frozenset({Health.HUNG, Health.STALE, Health.DISCONNECTED, Health.DENIED, Health.WRONG_SOURCE})


def word_of(phase: Phase, health: Optional[Health], tried: bool) -> Word:
    """One mount's word. `tried`: it was up or has failed once since the agent started."""
    if phase is Phase.MOUNTED:
        if health in FAILING:
            return Word.FAILED
        return Word.DEGRADED if health in (Health.SLOW, Health.READ_ONLY) else Word.OK
    if phase is Phase.BLOCKED:
        return Word.FAILED
    return Word.FAILED if tried else Word.PENDING


def worst(words: tuple[Word, ...]) -> Word:
    return max(words, key=WORST_LAST.index, default=Word.OK)
