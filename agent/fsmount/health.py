"""From what single probes see to a verdict: one slow answer is no alarm, one good answer no all-clear. Pure."""

from typing import NamedTuple, Optional

from .model import Health

SLOW_S = 1.0  # a probe is four or five calls to the server, each of a few milliseconds where all is well
_IN_A_ROW = 2


class Verdict(NamedTuple):
    health: Health
    doubts: int  # how many looks in a row have spoken against it


def weigh(before: Optional[Health], doubts: int, seen: Health) -> Verdict:
    """`seen` is what the latest look alone would say; `before` and `doubts` are the verdict so far."""
    if before is None or before is Health.UNKNOWN or seen is before:
        return Verdict(seen, 0)  # nothing was known, or nothing is new

    if seen is Health.HEALTHY:
        # A server that was slow is believed when it is quick twice; one that was dead answers, and that is news enough.
        return _patiently(before, doubts, seen) if before is Health.SLOW else Verdict(seen, 0)

    if seen in (Health.SLOW, Health.UNKNOWN):
        # It may have been the machine, or the look itself; but what was worse is over once there is an answer at all.
        worse = seen is Health.SLOW and before is not Health.HEALTHY
        return Verdict(seen, 0) if worse else _patiently(before, doubts, seen)

    return Verdict(seen, 0)  # silence and errors are not a matter of degree


def _patiently(before: Health, doubts: int, seen: Health) -> Verdict:
    return Verdict(seen, 0) if doubts + 1 >= _IN_A_ROW else Verdict(before, doubts + 1)
