"""What a generation wants of each mount point, held against what was wanted of it so far. Pure."""

from collections.abc import Iterator, Mapping
from typing import Optional

import msgspec

from .. import entry as entries
from ..entry import Entry, Now
from ..ledger import Record
from ..model import Config, Phase, Spec


def under(config: Config, known: Mapping[str, Entry], records: Mapping[str, Record], now: Now) -> Iterator[Entry]:
    """The entries that are new or different under it; those that the ledger alone knows are among them."""
    wanted = {spec.mountpoint: spec for spec in config.mounts}
    left = {place: Entry(spec=record.spec, since_at=now.wall, since=now.monotonic) for place, record in records.items()}
    for place, entry in {**left, **known}.items():
        if place not in wanted:
            yield msgspec.structs.replace(entry, wanted=False, not_before=0.0)
    for place, spec in wanted.items():
        yield _wanted(spec, known.get(place) or left.get(place), now)


def _wanted(spec: Spec, entry: Optional[Entry], now: Now) -> Entry:
    if entry is None:
        return Entry(spec=spec, since_at=now.wall, since=now.monotonic)
    if entry.spec.same_mount(spec):
        problem = None if entry.phase is Phase.MOUNTED else entry.problem  # a probe says it again if it is still there
        return entries.again(msgspec.structs.replace(entry, spec=spec, wanted=True, problem=problem))
    return entries.again(msgspec.structs.replace(entry, spec=spec, wanted=True, tried=False, problem=None))
