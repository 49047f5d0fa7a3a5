"""The instance's status in tags: the word with counts and generation, and what ails the worst mounts. Pure.

Tags are read by people in a console, by scripts and by whoever lists the fleet, and hold few characters: letters,
digits, blanks and _ . : / = + - @. Only words, names and codes of fsmount's own go into them: nothing that a server, a
service or a file has said.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Optional

from .entry import Entry
from .model import WORST_LAST, Health, Phase, Problem, Tag, Word

STATUS, MOUNT = "fsmount:status", "fsmount:mount:"
MOUNTS_MOST = 5
TAGS_MOST = 50  # on one resource; those that AWS makes itself do not count
_KEY_MOST, _VALUE_MOST = 128, 256
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9 _.:/=+@-]")
_WORST_FIRST = tuple(Health)
_UNREPORTED = (Word.OK, Word.PENDING)  # one that is about to be looked at is no news


def ours(key: str) -> bool:
    """Whether a tag is one that the agent writes, and so may remove. Others may begin with fsmount: as well."""
    return key == STATUS or key.startswith(MOUNT)


def tags_of(word: Word, mounts: Iterable[Entry], digest: str, problem: Optional[Problem] = None) -> tuple[Tag, ...]:
    """The status first, then at most 5 mounts, the worst first; without the time, so that what is equal says the same.

    `problem` is the configuration's or the agent's own.
    """
    known = tuple(mounts)
    good = sum(entry.word is Word.OK for entry in known)
    said: dict[str, str] = {}
    for entry in sorted((entry for entry in known if entry.word not in _UNREPORTED), key=_rank):
        said.setdefault(_clean(MOUNT + entry.spec.name, _KEY_MOST), _ailing(entry))
    status = f"{word.value} {good}/{len(known)} gen {digest[:12] or 'none'}"
    if problem is not None:
        status += f" problem {problem.code}"
    if len(said) > MOUNTS_MOST:
        status += f" and {len(said) - MOUNTS_MOST} more mounts"
    return ((STATUS, _clean(status, _VALUE_MOST)), *list(said.items())[:MOUNTS_MOST])


def dated(tags: tuple[Tag, ...], wall: float) -> tuple[Tag, ...]:
    """With the time of writing in the status: one that is old means that nobody writes any more."""
    return tuple((key, f"{value} at {_minute(wall)}" if key == STATUS else value) for key, value in tags)


def _ailing(entry: Entry) -> str:
    """Phases of one more attempt are not told apart: they change with every attempt, and say nothing new."""
    verdict = entry.verdict
    blocked = entry.phase is Phase.BLOCKED and verdict is Health.MISSING
    how = "blocked" if blocked else verdict.value if verdict else entry.phase.value
    why = f" {entry.problem.code}" if entry.problem else ""
    return _clean(f"{how}{why} since {_minute(entry.since_at)}", _VALUE_MOST)


def _rank(entry: Entry) -> tuple[int, int, str]:
    return (-WORST_LAST.index(entry.word), _WORST_FIRST.index(entry.verdict or Health.MISSING), entry.spec.name)


def _minute(wall: float) -> str:
    return datetime.fromtimestamp(wall, timezone.utc).strftime("%Y-%m-%dT%H:%MZ")


def _clean(text: str, most: int) -> str:
    return _NOT_ALLOWED.sub("-", text)[:most]
