"""`fsmount run`: the daemon, in the foreground, as systemd starts it."""

import fcntl
import os
import sys
from typing import NamedTuple, Optional

from .. import __version__, instance, places, settings
from ..daemon.setup import setup
from ..daemon.start import Start, start
from ..errors import Permanent
from ..exits import Exit


def main(verb: str, argv: list[str]) -> int:
    options = _options(verb, argv)
    if os.geteuid() != 0:
        print("fsmount: the agent mounts, so it must be started as root [not-allowed]", file=sys.stderr)
        return Exit.NOT_OK
    os.chdir("/")
    os.makedirs(options.run, mode=0o755, exist_ok=True)
    alone = _locked(places.lock_file(options.run)) is not None
    try:
        begun = _begin(options) if alone else None
    except Permanent as refused:
        from ..problems import CATALOGUE
        from .complain import complain

        complain(str(refused), CATALOGUE[refused.problem.code].remedy)
        return Exit.NOT_OK

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
    Loop(begun, options.run, options.history).run()
    log.info("the agent ends; every mount stays as it is")
    return Exit.OK


class _Options(NamedTuple):
    config: str = places.CONFIG
    settings: str = places.SETTINGS
    run: str = places.RUN
    history: str = places.HISTORY
    kept: str = places.KEPT
    book: str = places.ADDRESSES


def _begin(options: _Options) -> Start:
    pinned = settings.read(options.settings)
    return start(setup(pinned, instance.read(), options.config, options.run, options.kept, options.book))


def _options(verb: str, argv: list[str]) -> _Options:
    if not argv:
        return _Options()  # as systemd starts it: without the parser, which takes a while to import
    from .parser import Parser

    parser = Parser(verb, "The agent itself, in the foreground; systemd starts it.")
    parser.add_argument("--config", default=places.CONFIG, help="what `file:` as origin means (%(default)s)")
    parser.add_argument("--settings", default=places.SETTINGS, help="what the lifecycle script pins (%(default)s)")
    parser.add_argument("--run-dir", default=places.RUN, help="where status, ledger and socket are kept (%(default)s)")
    parser.add_argument("--history-dir", default=places.HISTORY, help="where the history is kept (%(default)s)")
    parser.add_argument("--kept", default=places.KEPT, help="where the last good configuration is kept (%(default)s)")
    parser.add_argument("--addresses", default=places.ADDRESSES, help="where addresses are kept (%(default)s)")
    given = parser.parse_args(argv)
    return _Options(given.config, given.settings, given.run_dir, given.history_dir, given.kept, given.addresses)


def _locked(path: str) -> Optional[int]:
    """The descriptor that holds the lock for as long as this process lives, or None if another holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    return descriptor
