"""The daemon's first act: reading the configuration begins, in its Job, while the daemon imports the rest of itself."""

import select
import time
from typing import NamedTuple

from ..jobs.orders import Fetch, Key, Kind
from ..jobs.running import Running
from .setup import Setup


class Start(NamedTuple):
    poll: "select.poll"
    jobs: Running
    setup: Setup
    reading: bool  # False: there was no process to be had, and it is still to be asked for


def start(setup: Setup) -> Start:
    poll = select.poll()
    jobs = Running(poll)
    problem = jobs.start({Key(Kind.FETCH, setup.origin): Fetch(setup.origin, setup.trust, setup.region)}, time.monotonic())
    return Start(poll, jobs, setup, problem is None)
