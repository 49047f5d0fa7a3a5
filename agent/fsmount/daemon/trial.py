"""A new generation on trial: whether it broke mounts that were well before it. Pure.

A mount whose server is down proves nothing against a configuration, unless it is the configuration that names another
server; nor does what the user did to a mount point. What is mounted with older settings because somebody uses it proves
nothing for it either: the trial lasts until that is idle and mounted anew.
"""

import enum
from collections.abc import Iterable, Mapping
from typing import Callable, Optional

import msgspec

from ..entry import Entry, Now
from ..model import Health, Phase, Spec, Word

TRIAL_S = 120.0
SURE_S = 20.0  # before this nothing is decided: an unmount and a mount, with their tries, take a while
AGAIN_S = 5.0  # between two looks at one that is decided by now, but for mounts on their way
_ON_THE_WAY_S = 60.0  # so long after it went down a mount may still be coming
_OUT_OF_REACH = frozenset(
    {"server-timeout", "server-refused", "server-unreachable", "name-server-down", "name-not-resolved", "aws-unreachable"}
)
_DOWN = _OUT_OF_REACH | {"server-lost", "mount-timeout", "not-answering", "detached", "attempt-not-over"}
_THE_USER_S = frozenset(
    {
        "mountpoint-link", "mountpoint-not-a-directory", "mountpoint-moved", "mountpoint-taken", "mountpoint-not-made",
        "mountpoint-unsafe", "mountpoint-unreachable",
    }
)  # fmt: skip
_WELL = (Health.HEALTHY, Health.SLOW)


class Trial(msgspec.Struct, frozen=True):
    since: float
    before: Mapping[str, Spec]  # the mounts that were well, by name
    told: bool = False  # somebody asked for it, whatever was refused before


class Verdict(enum.Enum):
    RUNNING = "running"
    GOOD = "good"
    BROKEN = "broken"


def well(entries: Iterable[Entry]) -> dict[str, Spec]:
    return {e.spec.name: e.spec for e in entries if e.wanted and _is_well(e)}


def verdict(
    trial: Trial, entries: Iterable[Entry], in_place: Callable[[Entry], bool], now: Now
) -> tuple[Verdict, tuple[str, ...]]:
    """And the names of those that it broke. `in_place`: what is mounted there was mounted with these settings."""
    age = now.monotonic - trial.since
    if age < SURE_S:
        return Verdict.RUNNING, ()
    wanted = [entry for entry in entries if entry.wanted]
    at = {spec.mountpoint: spec for spec in trial.before.values()}
    held = [(e, before) for e in wanted if (before := trial.before.get(e.spec.name) or at.get(e.spec.mountpoint))]
    # What is still mounted with older settings proves nothing, dead or alive.
    older = [entry for entry, _ in held if entry.phase in (Phase.MOUNTED, Phase.UNMOUNTING) and not in_place(entry)]
    broken = [entry for entry, before in held if entry not in older and _is_broken(entry, before)]
    hopeless = [e.spec.name for e in broken if e.problem is not None and not e.problem.temporary]
    if hopeless:
        return Verdict.BROKEN, tuple(hopeless)
    if age >= TRIAL_S and broken:
        late = tuple(entry.spec.name for entry in broken if now.monotonic - entry.since >= _ON_THE_WAY_S)
        return (Verdict.BROKEN, late) if late else (Verdict.RUNNING, ())
    over = not older if age >= TRIAL_S else all(entry.word is Word.OK and in_place(entry) for entry in wanted)
    return (Verdict.GOOD if over else Verdict.RUNNING), ()


def narrowed(trial: Trial, entries: Iterable[Entry], in_place: Callable[[Entry], bool], now: Now) -> Trial:
    """When its time is over, what has proved well is not held against it any more, however long the rest takes."""
    if now.monotonic - trial.since < TRIAL_S:
        return trial
    proved = {e.spec.name for e in entries if e.wanted and _is_well(e) and in_place(e)}
    return msgspec.structs.replace(trial, before={n: s for n, s in trial.before.items() if n not in proved})


def next_look(trial: Optional[Trial], now: float) -> Optional[float]:
    """The monotonic time at which the verdict may be another though nothing happened."""
    if trial is None:
        return None
    return next((trial.since + limit for limit in (SURE_S, TRIAL_S) if trial.since + limit > now), now + AGAIN_S)


def _is_well(entry: Entry) -> bool:
    return entry.phase is Phase.MOUNTED and entry.health in _WELL


def _is_broken(entry: Entry, before: Spec) -> bool:
    spec, code = entry.spec, entry.problem.code if entry.problem else ""
    if _is_well(entry) or (code in _THE_USER_S and spec.mountpoint == before.mountpoint):
        return False
    if spec.same_mount(before):
        return entry.health is not Health.HUNG and code not in _DOWN
    same_server = (spec.type, spec.host, spec.port, spec.helper) == (before.type, before.host, before.port, before.helper)
    return not (same_server and code in _OUT_OF_REACH)
