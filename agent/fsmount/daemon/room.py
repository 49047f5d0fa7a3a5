"""Whether a Job may start now, or has to wait until others have ended."""

from ..entry import Entry, Now
from ..jobs.orders import Kind
from ..model import Health
from ..plan import Verb
from ..timeouts import FIRST_PROBE_PATIENCE_S
from .configuration import Jobs
from .errands import Errand

JOBS_MOST = 48
PROBES_MOST = 8  # those that are stuck not counted: they would keep the others from ever being looked at
PROBES_HUNG_MOST = 6  # of mounts that are known to hang: the others are not to wait behind those


def must_wait(one: Errand, entry: Entry, jobs: Jobs, now: Now, *, settled: bool) -> bool:
    """For room, or, with the first look at what was just mounted (and looked at then), for those still mounting."""
    if jobs.count() >= JOBS_MOST:
        return True
    if one.verb is not Verb.PROBE:
        return False
    if jobs.count(Kind.PROBE) - jobs.stuck(Kind.PROBE) >= (PROBES_HUNG_MOST if entry.health is Health.HUNG else PROBES_MOST):
        return True
    fresh = entry.health is Health.UNKNOWN and entry.problem is None
    mounting = jobs.count(Kind.MOUNT) > 0 or not settled
    return fresh and mounting and now.monotonic < entry.next_probe + FIRST_PROBE_PATIENCE_S
