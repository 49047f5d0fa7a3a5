"""`fsmount plan`: what the agent would do now, doing nothing. The same judge and the same plan as the agent's."""

import os
import time
from typing import Optional

from .. import ledger, places, settings
from ..config.document import LIMIT_BYTES
from ..config.findings import Invalid
from ..config.load import load
from ..entry import Entry, Now, mounted
from ..errors import FsmountError, Permanent
from ..exits import Exit
from ..jobs import lastgood
from ..judge import Known, Standing, judge
from ..ledger import Record
from ..model import Config
from ..observe import efs_state, mountinfo
from ..plan import Verb, plan
from ..problems import CATALOGUE
from . import here
from .complain import complain
from .parser import Parser
from .words import safe

_SENTENCES = {
    Verb.RESOLVE: "mount",
    Verb.MOUNT: "mount",
    Verb.INSTALL: "install",
    Verb.UNMOUNT: "unmount",
    Verb.GIVE_BACK: "forget",
    Verb.MOVE: "move",
    Verb.FORGET: "forget",
    Verb.BLOCK: "leave alone",
    Verb.ADOPT: "keep",
    Verb.PROBE: "keep",
    Verb.NOTHING: "keep",
}


def main(verb: str, argv: list[str]) -> int:
    parser = Parser(verb, "What the agent would do now with a configuration, doing nothing.")
    parser.add_argument("file", nargs="?", help="the configuration (the agent's: what its origin gave and proved good)")
    parser.add_argument("--run-dir", default=places.RUN, help="where the agent keeps its ledger (%(default)s)")
    options = parser.parse_args(argv)
    file = options.file or places.CONFIG
    try:
        config = load(_content(options.file), *_where())
    except FsmountError as error:
        complain(str(error), CATALOGUE[error.problem.code].remedy)
        return Exit.NOT_OK
    except OSError as error:
        complain(f"{file}: {error.strerror}")
        return Exit.USAGE
    except Invalid as invalid:
        found = f"{invalid.findings[0].text(file)} [config-invalid]"
        complain(found, f"`fsmount check {file}` shows every problem.")
        return Exit.NOT_OK
    rows = planned(config, mountinfo.read(), ledger.read(places.ledger_file(options.run_dir)))
    width = max((len(row[1]) for row in rows), default=0)
    for action, name, place, why in rows:
        print(f"{action:<12}{name:<{width}}  {safe(place)}\n{'':<12}{safe(why)}")
    if not rows:
        print("nothing: the configuration names no mounts, and none of ours is there")
    return Exit.OK


def _where() -> here.Here:
    """As the agent; far from any notebook, where a region's name is not known, as `fsmount check`."""
    agents = here.agents()
    return agents if agents.instance or agents.region else agents._replace(instance=here.example("").instance)


def _content(file: Optional[str]) -> bytes:
    """Without a file: what the agent has, as far as anybody may see it. Raises FsmountError, OSError."""
    if file is None and settings.read().origin != settings.FILE_ORIGIN:
        if os.geteuid() != 0:
            raise Permanent("not-allowed", "what the configuration's origin gave can be read by root alone")
        folder = lastgood.open_folder(places.KEPT)
        try:
            return lastgood.read(folder, places.KEPT).content
        finally:
            os.close(folder)
    with open(file or places.CONFIG, "rb") as stream:
        return stream.read(LIMIT_BYTES + 1)


def planned(config: Config, table: mountinfo.Table, records: dict[str, Record]) -> list[tuple[str, str, str, str]]:
    """Rows of action, name, mount point, reason; mounts of ours that left the configuration last."""
    now = Now(0.0, time.time(), 0.0)
    found = [Entry(spec=spec, since_at=now.wall) for spec in config.mounts]
    wanted = {spec.mountpoint for spec in config.mounts}
    gone = [record for place, record in records.items() if place not in wanted]
    found += [Entry(spec=record.spec, since_at=now.wall, wanted=False) for record in gone]
    rows = []
    for entry in found:
        place = entry.spec.mountpoint
        row = table.at(place)
        standing = judge(entry.spec, row, records.get(place), Known(efs_state.file_system(row) if row else ""))
        if row and standing in (Standing.OURS, Standing.THEIRS):
            entry = mounted(entry, row.mount_id, now)
        action = plan(entry, standing, row.mount_id if row else None, frozenset(), now.monotonic)
        said = "remount" if action.verb is Verb.UNMOUNT and entry.wanted else _SENTENCES[action.verb]
        why = standing.value if _SENTENCES[action.verb] in ("keep", "mount") else action.why
        rows.append((said, entry.spec.name, place, f"{why} ({entry.spec.source})"))
    return rows
