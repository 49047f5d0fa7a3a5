"""`fsmount plan`: what the agent would do now, doing nothing. The same judge and the same plan as the agent's."""

import time

from .. import ledger, places
from ..config.document import LIMIT_BYTES
from ..config.findings import Invalid
from ..config.load import load
from ..entry import Entry, Now, mounted
from ..exits import Exit
from ..judge import Standing, judge
from ..ledger import Record
from ..model import Config
from ..observe import mountinfo
from ..plan import Verb, plan
from .complain import complain
from .parser import Parser
from .words import safe

_SENTENCES = {
    Verb.RESOLVE: "mount",
    Verb.MOUNT: "mount",
    Verb.UNMOUNT: "unmount",
    Verb.FORGET: "forget",
    Verb.BLOCK: "leave alone",
    Verb.ADOPT: "keep",
    Verb.PROBE: "keep",
    Verb.NOTHING: "keep",
}


def main(verb: str, argv: list[str]) -> int:
    parser = Parser(verb, "What the agent would do now with a configuration, doing nothing.")
    parser.add_argument("file", nargs="?", default=places.CONFIG, help="the configuration (%(default)s)")
    parser.add_argument("--run-dir", default=places.RUN, help="where the agent keeps its ledger (%(default)s)")
    options = parser.parse_args(argv)
    try:
        with open(options.file, "rb") as stream:
            config = load(stream.read(LIMIT_BYTES + 1))
    except OSError as error:
        complain(f"{options.file}: {error.strerror}")
        return Exit.USAGE
    except Invalid as invalid:
        found = f"{invalid.findings[0].text(options.file)} [config-invalid]"
        complain(found, f"`fsmount check {options.file}` shows every problem.")
        return Exit.NOT_OK
    rows = planned(config, mountinfo.read(), ledger.read(places.ledger_file(options.run_dir)))
    width = max((len(row[1]) for row in rows), default=0)
    for action, name, place, why in rows:
        print(f"{action:<12}{name:<{width}}  {safe(place)}\n{'':<12}{safe(why)}")
    if not rows:
        print("nothing: the configuration names no mounts, and none of ours is there")
    return Exit.OK


def planned(config: Config, table: mountinfo.Table, records: dict[str, Record]) -> list[tuple[str, str, str, str]]:
    """Rows of action, name, mount point, reason; mounts of ours that left the configuration last."""
    now = Now(0.0, time.time(), 0.0)
    found = [Entry(spec=spec, since_at=now.wall) for spec in config.mounts]
    wanted = {spec.mountpoint for spec in config.mounts}
    found += [Entry(spec=r.spec, since_at=now.wall, wanted=False) for place, r in records.items() if place not in wanted]
    rows = []
    for entry in found:
        place = entry.spec.mountpoint
        row = table.at(place)
        standing = judge(entry.spec, row, records.get(place))
        if row and standing in (Standing.OURS, Standing.THEIRS):
            entry = mounted(entry, row.mount_id, now)
        action = plan(entry, standing, row.mount_id if row else None, frozenset(), now.monotonic)
        said = "remount" if action.verb is Verb.UNMOUNT and entry.wanted else _SENTENCES[action.verb]
        why = standing.value if _SENTENCES[action.verb] in ("keep", "mount") else action.why
        rows.append((said, entry.spec.name, place, f"{why} ({entry.spec.source})"))
    return rows
