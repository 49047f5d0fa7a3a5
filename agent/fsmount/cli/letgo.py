"""`fsmount let-go`: systemd's, when the machine stops. Mounts of ours whose server is dead are taken away by force.

A program that waits for a dead server to take its last bytes cannot be killed, and systemd waits for it for minutes: eight
dead mounts with a writer each kept a machine from stopping for more than 200 s. Nobody waits for those bytes any longer.
A restart of the agent never comes here, and a mount whose server answers is left to systemd.
"""

import select
import sys
import time
from collections.abc import Iterable

from .. import ledger, places
from ..exits import Exit
from ..jobs import knock
from ..jobs.orders import How, Key, Kind, Unmount
from ..jobs.running import Running
from ..judge import is_ours
from ..ledger import Record
from ..observe import mountinfo
from .parser import Parser

_ANSWER_S = 2.0
_PATIENCE_S = 10.0


def main(verb: str, argv: list[str]) -> int:
    parser = Parser(verb, "When the machine stops: unmount by force what a dead server would keep it waiting for.")
    parser.add_argument("--run-dir", default=places.RUN, help="where the agent keeps its ledger (%(default)s)")
    options = parser.parse_args(argv)
    dead = list(_dead(ledger.read(places.ledger_file(options.run_dir)).values()))
    if dead:
        print(f"fsmount: the machine stops; by force: {', '.join(record.spec.name for record in dead)}", file=sys.stderr)
        _take_away(dead)
    return Exit.OK


def _dead(records: Iterable[Record]) -> Iterable[Record]:
    """Those of ours that stand, and whose server is silent."""
    table = mountinfo.read()
    doors = {}
    for record in records:
        row = table.at(record.spec.mountpoint)
        if row is not None and row.server and record.mount_id and is_ours(record, row):
            # A proxy of amazon-efs-utils listens at a port of its own.
            port = int(row.setting("port") or record.spec.port)
            doors[record.spec.mountpoint] = (record, (row.server, port))
    silent = {door for _, door in doors.values()}
    for _ in range(2):  # a packet that was lost condemns nobody
        silent -= knock.answers(tuple(silent), _ANSWER_S)
    return [record for record, door in doors.values() if door in silent]


def _take_away(records: Iterable[Record]) -> None:
    """All at once, and nobody is waited for beyond the end of the patience: the kernel may keep the children."""
    poll = select.poll()
    jobs = Running(poll)
    for record in records:
        place = record.spec.mountpoint
        order = Unmount(place, record.mount_id, How.LAST, helper=record.spec.helper)
        problem = jobs.start({Key(Kind.UNMOUNT, place): order}, time.monotonic())
        if problem:
            print(f"fsmount: {record.spec.name}: {problem.observed} [{problem.code}]", file=sys.stderr)
    end = time.monotonic() + _PATIENCE_S
    while jobs.count() and (left := end - time.monotonic()) > 0:
        for descriptor, _ in poll.poll(int(left * 1000) + 1):
            jobs.ready(descriptor)
