"""The daemon's first act: reading the configuration begins, in its Job, while the daemon imports the rest of itself."""

import os
import select
import time
from typing import NamedTuple

from ..entry import Now
from ..jobs.running import Running
from .configuration import Configuration


class Start(NamedTuple):
    poll: "select.poll"
    jobs: Running
    configuration: Configuration


def start(config_path: str) -> Start:
    poll = select.poll()
    jobs = Running(poll)
    configuration = Configuration(config_path)
    configuration.ask(None)
    configuration.fetch(jobs, now())
    return Start(poll, jobs, configuration)


def now() -> Now:
    return Now(time.monotonic(), time.time(), int.from_bytes(os.urandom(4), "big") / 2**32)
