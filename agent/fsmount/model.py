"""The nouns: what is wanted (Spec), what went wrong (Problem), where a mount stands (Phase, Health), the word for all.

Everything is a frozen record; no code after the configuration's loading sees a dict.
"""

import enum
from typing import NamedTuple, Optional

import msgspec

from .timeouts import ON_HANG_AFTER_S, PROBE_INTERVAL_S

NFS_PORT, LUSTRE_PORT = 2049, 988


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


class CreatePath(msgspec.Struct, frozen=True, kw_only=True):
    """The remote directory is made if it is missing, and then belongs to these; `mode` as chmod takes it."""

    owner: int
    group: int
    mode: int


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """One mount that is wanted. `options` holds only what the user added to the type's defaults.

    `host` is what is looked up and stands for the server in lists: a host name, an address, or an id whose host AWS
    knows (openzfs, ontap, s3files, and lustre by its id). `id` is the file system's, where the configuration names one.
    """

    name: str
    type: str
    host: str
    path: str
    mountpoint: str
    read_only: bool = False
    options: tuple[str, ...] = ()
    care: Care = Care()
    id: str = ""
    fsname: str = ""  # Lustre's mount name; empty where AWS is asked for it
    tls: bool = False
    iam: bool = False
    access_point: str = ""
    create_path: Optional[CreatePath] = None
    install_client: bool = False

    @property
    def source(self) -> str:
        """host:/path, an IPv6 address in brackets; for Lustre host@tcp:/name/path where the name is given. What NFS
        mounts show in mountinfo; what a mount helper makes of it stands in the ledger's record."""
        if self.fsname:
            return f"{self.host}@tcp:/{self.fsname}{self.path.rstrip('/')}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.path}"

    @property
    def helper(self) -> str:
        """The program below mount(8) that mounts it; empty where the agent does that itself."""
        if self.type in ("lustre", "s3files"):
            return self.type
        return "efs" if self.tls else ""

    @property
    def port(self) -> int:
        for option in self.options:
            if option.startswith("port="):
                return int(option[5:])
        return LUSTRE_PORT if self.type == "lustre" else NFS_PORT

    def same_mount(self, other: "Spec") -> bool:
        """Whether a mount made for the one serves the other: everything is equal but the name, the care, and what is done
        before the mount."""
        return (
            msgspec.structs.replace(
                self,
                name=other.name,
                care=other.care,
                create_path=other.create_path,
                install_client=other.install_client,
            )
            == other
        )


Tag = tuple[str, str]  # key and value


class Metric(NamedTuple):
    name: str
    value: float
    unit: str
    mount: str = ""  # empty: it is the instance's


class Metrics(enum.Enum):
    """Where numbers go: nowhere, to the journal in CloudWatch's embedded format, or to CloudWatch itself."""

    OFF = "off"
    JOURNAL = "journal"
    ON = "on"


class Config(msgspec.Struct, frozen=True):
    """One accepted configuration; `digest` is the SHA-256 of its bytes in hex."""

    digest: str
    mounts: tuple[Spec, ...]
    tags: bool = True
    metrics: Metrics = Metrics.OFF


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
