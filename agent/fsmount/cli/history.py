"""`fsmount history`: reads the two files on the volume and nothing else, so it needs neither root nor an agent.

Anyone may run it, root as well, and the directory around the files is the user's: what is not plainly root's is not
believed (linux/pin.py), and whatever is in the files, the lines that make no sense are skipped and counted.
"""

import os
import sys
import time
from argparse import ArgumentTypeError, Namespace
from collections.abc import Sequence
from typing import Optional

import msgspec

from .. import places
from ..errors import Permanent
from ..exits import Exit
from ..history.event import Event
from ..history.lines import NAMES, SEGMENT_MOST, Past, past
from ..linux.pin import open_trusted
from .complain import complain
from .parser import Parser
from .since import FORMS, since
from .words import safe

VERSION = 1


class Document(msgspec.Struct, frozen=True):
    version: int
    skipped: int  # lines that made no sense
    events: tuple[Event, ...]


def main(verb: str, argv: list[str]) -> int:
    parser = Parser(verb, "What happened, and when, also before the last stop; the newest last.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these mounts")
    parser.add_argument("--json", action="store_true", help="all that is known of each event, for programs")
    parser.add_argument("--since", type=_since, metavar="WHEN", help=f"only from then on: {FORMS}")
    parser.add_argument("--history-dir", default=places.HISTORY, help="where the agent keeps it (%(default)s)")
    options = parser.parse_args(argv)
    found, troubles = _read(options.history_dir)
    for trouble in troubles:
        complain(trouble)
    chosen = [event for event in found.events if _is_wanted(event, options.names, options.since)]
    if options.json:
        document = Document(VERSION, found.skipped, tuple(chosen))
        print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        _print(found, chosen, options)
    return Exit.NOT_OK if troubles else Exit.OK


def _since(text: str) -> float:
    try:
        return since(text, time.time())
    except ValueError:
        raise ArgumentTypeError(f"{text!a} is no time; try {FORMS}") from None


def _is_wanted(event: Event, names: Sequence[str], from_at: Optional[float]) -> bool:
    return (not names or event.name in names) and (from_at is None or event.at >= from_at)


def _read(folder: str) -> tuple[Past, list[str]]:
    """What can be believed, and why what is there cannot."""
    contents, troubles = [], []
    for name in NAMES:
        path = f"{folder}/{name}"
        try:
            contents.append(open_trusted(path, SEGMENT_MOST))
        except FileNotFoundError:
            continue
        except Permanent as refused:
            troubles.append(f"not believed: {refused.problem.observed}")
        except OSError as error:
            troubles.append(f"{path}: {error.strerror}")
    return past(contents), troubles


def _print(found: Past, chosen: Sequence[Event], options: Namespace) -> None:
    from .chronicle import chronicle
    from .table import Style

    if chosen:
        width, is_terminal = _terminal()
        print(chronicle(chosen, Style(width, is_terminal and "NO_COLOR" not in os.environ)), end="")
    elif not found.events:
        print(f"nothing has been recorded yet: {safe(options.history_dir)} holds no events")
    else:
        of = f" of {', '.join(map(safe, options.names))}" if options.names else ""
        print(f"nothing is recorded{of}{' since then' if options.since is not None else ''}")
    if found.skipped:
        many = f"{found.skipped} lines make" if found.skipped > 1 else "1 line makes"
        complain(f"{many} no sense to this version and {'are' if found.skipped > 1 else 'is'} left out")


def _terminal() -> tuple[int, bool]:
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80, True
    except (OSError, ValueError):
        return 80, False
