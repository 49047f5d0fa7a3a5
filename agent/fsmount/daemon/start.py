"""The daemon's first act: reading the configuration begins, in its Job, while the daemon imports the rest of itself."""

import select
import time
from typing import NamedTuple

from ..jobs.orders import Fetch, Key, Kind
from ..jobs.running import Running


class Start(NamedTuple):
    poll: "select.poll"
    jobs: Running
    config_path: str
    reading: bool  # False: there was no process to be had, and it is still to be asked for


def start(config_path: str) -> Start:
    poll = select.poll()
    jobs = Running(poll)
    problem = jobs.start({Key(Kind.FETCH, config_path): Fetch(config_path)}, time.monotonic())
    return Start(poll, jobs, config_path, problem is None)
