"""The configuration as the daemon holds it: which generation is in force, which was good last, what its origin says.

Accept, try, keep or return: a generation that the origin gives is put in force on trial; when it broke mounts that were
well, the last good one comes back and that digest is refused until somebody asks for it. What is good is kept on the
volume, for starts at which the origin does not answer.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Callable, Optional, Protocol

import msgspec

from .. import backoff, settle
from ..entry import Entry, Now
from ..jobs.answers import Answer, Fetched, Refused, Unchanged
from ..jobs.orders import Fetch, Key, Kind, Order
from ..model import Config, Problem, Spec, Word
from .keeping import Keeping
from .recalling import Recalling
from .setup import Setup
from .trial import Trial, Verdict, narrowed, next_look, verdict, well

log = logging.getLogger("fsmount")
Reply = Callable[[Optional[Problem], str], None]  # a problem, or a sentence, for whoever asked
POLL_S = 60.0
HEAD_START_S = 10.0  # so long the origin is waited for, where what is kept need not be the latest that was in force
RECALL_LATER_S = 5.0  # a file is there at once, and the mounts come first
_BACKOFF_MOST_S = 120.0
_REFUSED_MOST = 8


class Jobs(Protocol):
    """The part of Running that the stages use."""

    def start(self, orders: Mapping[Key, Order], now: float) -> Optional[Problem]: ...
    def lives(self, key: Key) -> bool: ...
    def cancel(self, key: Key) -> None: ...
    def stuck(self, kind: Optional[Kind] = None) -> int: ...
    def count(self, kind: Optional[Kind] = None) -> int: ...


class Generation(msgspec.Struct, frozen=True):
    config: Config
    accepted_at: float
    token: str = ""


class Configuration:
    def __init__(
        self, setup: Setup, *, reading: bool = False, recall_at: Optional[float] = None, hold_until: float = 0.0
    ) -> None:
        """`reading`: its first fetch has begun already. `recall_at`: when to look for the kept one, which is not put in force
        before `hold_until` unless the origin has failed."""
        self.setup = setup
        self.generation: Optional[Generation] = None
        self.good: Optional[Generation] = None
        self.trial: Optional[Trial] = None
        self.problem: Optional[Problem] = None  # a configuration that is not in force, and why
        self.warning: Optional[Problem] = None  # the origin cannot be asked, or what is good not be kept; mounts go on
        self.answered = False  # what is to be mounted is known, or that nothing is
        self.refused: tuple[str, ...] = ()
        self._keeping = Keeping(setup)
        self._known, self._token = "", ""  # what the origin said last
        self._said: Optional[Problem] = None  # and what was wrong with that; what is wrong with the way to it is another thing
        self._failures = 0
        self._poll_at: Optional[float] = None
        self._recalling = Recalling(setup, recall_at)
        self._hold_until = hold_until
        self._verdict_at = 0.0
        self._was_good: tuple[str, ...] = ()  # mounts that were well when the kept one was kept
        self._told = False  # somebody asked for what is being fetched
        self._waiting: list[Reply] = [] if reading else [_nobody]  # asked for a fetch that has not begun
        self._asked: list[Reply] = []  # waiting for the answer of the one that runs

    @property
    def key(self) -> Key:
        return Key(Kind.FETCH, self.setup.origin)

    def ask(self, reply: Optional[Reply]) -> None:
        """Whoever asks wants the origin's word whatever it said before, and is answered when there is one."""
        self._waiting.append(reply or _nobody)
        self._told = True

    # -- the Jobs

    def turn(self, jobs: Jobs, now: Now) -> Optional[float]:
        """Start what is due. The monotonic time at which to come again."""
        self._recalling.turn(jobs, now)
        self._fetch(jobs, now)
        # Where nothing was kept yet, what is in force is better than nothing at a start without AWS.
        worth = self.good or self.generation if self._recalling.over else None
        keep_at = self._keeping.turn(worth, self.refused, jobs, now)
        self.warning = self.warning if self.warning and self.warning.code != "generation-not-kept" else self._keeping.problem
        held = self._hold_until if self.generation is None and self.good is not None else None
        due = (self._poll_at, self._recalling.due(jobs), keep_at, held, next_look(self.trial, now.monotonic))
        return min((moment for moment in due if moment is not None), default=None)

    def _fetch(self, jobs: Jobs, now: Now) -> None:
        """Only once the fetch before is gone: what was asked after it had begun, it may not have seen."""
        if self._poll_at is not None and self._poll_at <= now.monotonic:
            self._waiting.append(_nobody)
            self._poll_at = None
        if not self._waiting or jobs.lives(self.key):
            return
        self._asked, self._waiting = self._waiting, []
        known, token = ("", "") if self._told else (self._known, self._token)
        order = Fetch(self.setup.origin, self.setup.trust, self.setup.region, known, token)
        problem = jobs.start({self.key: order}, now.monotonic)
        if problem:
            self._silent(problem, now)

    # -- what they answered

    def take(self, answer: Answer, entries: Iterable[Entry], now: Now) -> Optional[Config]:
        """The new configuration if there is one; whoever asked is told either way."""
        told, self._told = self._told, bool(self._waiting) and self._told
        if isinstance(answer, Unchanged):
            self._heard(self._known, answer.token, answer.poll_after_s, now)
            self.problem = self._said  # only the way to it is right again
            self._tell(self.problem, self._sentence() + ", unchanged")
            return None
        if isinstance(answer, Refused):
            self._heard(answer.digest, answer.token, answer.poll_after_s, now)
            self._said = answer.problem
            self._refuse(answer.problem, now)
            return None
        if not isinstance(answer, Fetched):
            self._silent(settle.problem_of(answer, self._late()), now)
            return None
        config = answer.config
        self._heard(config.digest, answer.token, answer.poll_after_s, now)
        if config.digest in self.refused and not told and self.generation is not None and config.digest != self._in_force():
            self._said = Problem(
                "config-returned", f"{self.setup.origin}: generation {config.digest[:12]} broke mounts before", False
            )
            self._refuse(self._said, now)
            return None  # nobody said that it would not now
        self._said = None
        self.refused = tuple(digest for digest in self.refused if digest != config.digest)
        return self._accept(Generation(config, now.wall, answer.token), entries, told, now)

    def _accept(self, generation: Generation, entries: Iterable[Entry], told: bool, now: Now) -> Optional[Config]:
        new = self.generation is None or self.generation.config.digest != generation.config.digest
        self.problem, self.answered = None, True
        if not new and told and self.trial is not None:
            self.trial = msgspec.structs.replace(self.trial, told=True)
        if new:
            self._try(generation, entries, told, now)
        sentence = self._sentence() + ("" if new else ", unchanged")
        log.info("configuration accepted: %s", sentence)
        self._tell(None, sentence)
        return generation.config if new else None

    def _try(self, generation: Generation, entries: Iterable[Entry], told: bool, now: Now) -> None:
        """One that comes while another is on trial is held against what was well before both."""
        entries = list(entries)
        before: Mapping[str, Spec] = self.trial.before if self.trial else well(entries)
        if self.good is not None and self.trial is None:
            # Not judged yet since the start, or just now mounted anew: then what was known before counts.
            judged = {entry.spec.name for entry in entries if entry.word is not Word.PENDING}
            was = {spec.name: spec for spec in self.good.config.mounts if spec.name in set(self._was_good) - judged}
            before = {**was, **before}
        self.generation = generation
        self.trial = Trial(now.monotonic, before, told)

    def recalled(self, answer: Answer, now: Now) -> Optional[Config]:
        """The kept generation: in force where there is none, and in any case what to return to."""
        found = self._recalling.answered(answer, now)
        if found is None:
            self.answered = self.answered or self.problem is not None
            return None
        self.refused = tuple(dict.fromkeys((*self.refused, *found.refused)))[-_REFUSED_MOST:]
        if found.config is None:
            self.refused = tuple(digest for digest in self.refused if digest != self._in_force())
            if found.why is not None:
                log.warning("the kept configuration is not used: %s", found.why.observed, extra={"PROBLEM": found.why.code})
            self.answered = self.answered or self.problem is not None
            return None
        kept = Generation(found.config, found.accepted_at, found.token)
        self.good, self._was_good = kept, found.good
        self._keeping.found(kept.config.digest, found.refused, found.good)
        if self.generation is None:
            return self._fall_back(now)
        if self.trial is not None and not self.trial.told and self._in_force() in found.refused:
            return self._return(kept, "mounts, before the last start", now)
        if self.trial is not None and not self.trial.before:
            before = {spec.name: spec for spec in kept.config.mounts if spec.name in found.good}
            self.trial = msgspec.structs.replace(self.trial, before=before)
        return None

    def _fall_back(self, now: Now) -> Optional[Config]:
        """What was kept counts as long as the origin has nothing to say."""
        if self.generation is not None or self.good is None or now.monotonic < self._hold_until:
            return None
        self.generation, self.answered = self.good, True
        if not self._known:
            self._known, self._token = self.good.config.digest, self.good.token
        if self.problem is not None and self.problem.temporary and not self.setup.local:
            self.problem, self.warning = None, self.problem  # with something in force, that is no more than a warning
        if not self._was_good and self.good.config.mounts:
            self.trial = Trial(now.monotonic, {})  # kept because it was all there was; it has proved nothing yet
        log.info("configuration from the volume: %s", self._sentence())
        return self.good.config

    def kept(self, answer: Answer, now: Now) -> None:
        self._keeping.answered(answer, now)
        if self._keeping.problem is not None:
            self._known = ""  # its bytes may be gone from /run: they are transferred once more, and are there again

    # -- the trial

    def tried(self, entries: Iterable[Entry], in_place: Callable[[Entry], bool], now: Now) -> Optional[Config]:
        """The configuration to return to, if the one on trial broke mounts; or to begin with, if the origin is silent."""
        if self.trial is None or self.generation is None:
            return self._fall_back(now)
        if now.monotonic < self._verdict_at or (not self._recalling.over and self.good is None):
            return None  # what the volume holds may be what to return to
        self._verdict_at = now.monotonic + 1.0
        entries = list(entries)
        found, broken = verdict(self.trial, entries, in_place, now)
        proven = self.good is not None and self.good.config.digest == self.generation.config.digest
        if found is Verdict.GOOD or (found is Verdict.BROKEN and (self.good is None or proven)):
            self.trial, self.good = None, self.generation
            self.refused = tuple(digest for digest in self.refused if digest != self._in_force())
            self._was_good = tuple(well(entries))
            self._keeping.healthy = self._was_good
            return None
        if found is Verdict.RUNNING or self.good is None:
            self.trial = narrowed(self.trial, entries, in_place, now)
            return None
        names = ", ".join(broken[:5]) + (f" and {len(broken) - 5} more" if len(broken) > 5 else "")
        return self._return(self.good, names, now)

    def _return(self, good: Generation, broke: str, now: Now) -> Config:
        bad, self.generation, self.trial = self._in_force(), good, None
        self.refused = tuple(dict.fromkeys((*self.refused, bad)))[-_REFUSED_MOST:]
        observed = f"generation {bad[:12]} broke {broke}; back to {good.config.digest[:12]}"
        self._said = self.problem = Problem("config-returned", observed, temporary=False)
        log.error("configuration returned: %s", observed, extra={"PROBLEM": "config-returned"})
        return good.config

    # -- the origin

    def _heard(self, known: str, token: str, poll_after_s: float, now: Now) -> None:
        """It has answered, whatever it said."""
        if self.warning is not None and self.warning.code != "generation-not-kept":
            log.info("%s answers again", self.setup.origin)
        if self.problem is not None and self.problem.temporary:
            self.problem = None  # that was of the way to it
        self.warning, self._failures = None, 0
        self._known, self._token = known, token
        # An interval that the origin asks for is the least that it takes.
        wait = poll_after_s * (1 + 0.2 * now.dice) if poll_after_s else POLL_S * (0.75 + 0.2 * now.dice)
        self._poll_at = now.monotonic + wait

    def _refuse(self, problem: Problem, now: Now) -> None:
        """What it says is not accepted; what is in force stays so."""
        if problem != self.problem:
            log.error("configuration refused: %s", problem.observed, extra={"PROBLEM": problem.code})
        self.problem = problem
        self._without(now)
        self._tell(problem, "")

    def _silent(self, problem: Problem, now: Now) -> None:
        """It cannot be asked: a warning while there is something in force, and tried again ever more slowly."""
        self._failures += 1
        slow = POLL_S * (0.75 + 0.2 * now.dice)
        wait = min(backoff.delay(self._failures, now.dice), _BACKOFF_MOST_S) if problem.temporary else slow
        self._poll_at = now.monotonic + wait
        if self.generation is None or self.setup.local or not problem.temporary:
            self._refuse(problem, now)
            return
        if self.warning is None or self.warning.code != problem.code:
            log.warning("the configuration's origin: %s", problem.observed, extra={"PROBLEM": problem.code})
        self.warning = problem
        self._tell(problem, "")

    def _without(self, now: Now) -> None:
        """Nothing is in force yet: what was kept is asked for, once; if that is of no help, there is nothing to mount."""
        if self.generation is not None or self.answered:
            self.answered = True
        elif self.good is not None:
            self._hold_until = now.monotonic
        elif not self._recalling.needed(now):
            self.answered = True

    def _late(self) -> Problem:
        if self.setup.local:
            return Problem("config-unreadable", f"{self.setup.origin}: reading it took too long")
        return Problem("aws-unreachable", f"{self.setup.origin}: no answer in time")

    def _in_force(self) -> str:
        return self.generation.config.digest if self.generation else ""

    def _sentence(self) -> str:
        if self.generation is None:
            return "no configuration"
        count = len(self.generation.config.mounts)
        return f"{count} mount{'' if count == 1 else 's'}, generation {self.generation.config.digest[:12]}"

    def _tell(self, problem: Optional[Problem], sentence: str) -> None:
        asked, self._asked = self._asked, []
        for reply in asked:
            reply(problem, sentence)


def _nobody(problem: Optional[Problem], sentence: str) -> None:
    """The reply to a reload that no client asked for."""
