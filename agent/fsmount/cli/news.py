"""The status file as a command sees it: the Report, or why there is none to believe."""

import time
from collections.abc import Sequence
from typing import NamedTuple, Optional

import msgspec

from .. import places
from ..report import VERSION, Report
from ..timeouts import OLD_NEWS_S


class News(NamedTuple):
    report: Optional[Report]
    doubt: Optional[str]  # why it is not to be believed (any more)


def read(run: str) -> News:
    path = places.status_file(run)
    try:
        with open(path, "rb") as file:
            report = msgspec.json.decode(file.read(), type=Report)
    except FileNotFoundError:
        return News(None, f"no agent has run since the notebook started ({path} does not exist)")
    except OSError as error:
        return News(None, f"{path}: {error.strerror}")
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return News(None, f"{path} does not hold a report of this version (command and agent differ)")
    if report.version != VERSION:
        return News(None, f"{path} holds a report of version {report.version}, this command reads {VERSION}")
    return News(report, _doubt(report))


def unknown_name(names: Sequence[str], known: Sequence[str]) -> Optional[str]:
    """The sentence for the first of the names that no mount has, if there is one."""
    unknown = [name for name in names if name not in known]
    if not unknown:
        return None
    return f"no mount is called {unknown[0]!a}; there are: {', '.join(known) or 'none'} [unknown-mount]"


def _doubt(report: Report) -> Optional[str]:
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - report.written_boottime
    if not _runs(report.agent.pid, report.agent.pid_started):
        return f"the agent (process {report.agent.pid}) has ended; this is what it knew last"
    if age > OLD_NEWS_S:
        return f"the agent has said nothing for {age:.0f} s; this is what it knew last"
    return None


def _runs(pid: int, started: int) -> bool:
    """Reads nothing of another process that can hang: /proc/PID/stat takes none of its locks."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return False
    return fields[0] not in (b"Z", b"X") and int(fields[19]) == started
