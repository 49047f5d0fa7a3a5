"""`fsmount run`: the daemon, in the foreground, as systemd starts it."""

import fcntl
import os
import sys
from typing import Optional

import msgspec

from .. import __version__, places
from ..daemon.start import start
from ..exits import Exit


def main(verb: str, argv: list[str]) -> int:
    config, run_dir, history = _options(verb, argv)
    if os.geteuid() != 0:
        print("fsmount: the agent mounts, so it must be started as root [not-allowed]", file=sys.stderr)
        return Exit.NOT_OK
    os.chdir("/")
    os.makedirs(run_dir, mode=0o755, exist_ok=True)
    alone = _locked(places.lock_file(run_dir)) is not None
    begun = start(config) if alone else None

    # What is imported from here on takes its time while the configuration is being read.
    import logging

    from ..daemon.loop import Loop
    from ..daemon.service import start_logging

    log = logging.getLogger("fsmount")
    start_logging()
    if begun is None:
        log.error("another agent is running; this one ends and changes nothing", extra={"PROBLEM": "second-agent"})
        return Exit.NOT_OK
    log.info("version %s starts", __version__)
    Loop(begun, run_dir, history, _instance()).run()
    log.info("the agent ends; every mount stays as it is")
    return Exit.OK


def _options(verb: str, argv: list[str]) -> tuple[str, str, str]:
    """Where the configuration is, where status, ledger and socket are kept, and where the history."""
    if not argv:
        return (
            places.CONFIG,
            places.RUN,
            places.HISTORY,
        )  # as systemd starts it: without the parser, which takes a while to import
    from .parser import Parser

    parser = Parser(verb, "The agent itself, in the foreground; systemd starts it.")
    parser.add_argument("--config", default=places.CONFIG, help="the configuration file (%(default)s)")
    parser.add_argument("--run-dir", default=places.RUN, help="where status, ledger and socket are kept (%(default)s)")
    parser.add_argument("--history-dir", default=places.HISTORY, help="where the history is kept (%(default)s)")
    options = parser.parse_args(argv)
    return options.config, options.run_dir, options.history_dir


def _locked(path: str) -> Optional[int]:
    """The descriptor that holds the lock for as long as this process lives, or None if another holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    return descriptor


def _instance() -> Optional[str]:
    """The notebook instance's name; None where this is not one (Studio writes the same file with another ARN)."""
    try:
        with open(places.METADATA, "rb") as file:
            facts = msgspec.json.decode(file.read(65536), type=_Metadata)
    except (OSError, msgspec.MsgspecError):
        return None
    return facts.ResourceName if ":notebook-instance/" in facts.ResourceArn else None


class _Metadata(msgspec.Struct):
    ResourceName: str
    ResourceArn: str
