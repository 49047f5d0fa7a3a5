"""The samples of every mount, gathered as looks are answered and written at every beat of the status file."""

from collections.abc import Mapping

from .. import atomic, samples
from ..entry import Entry
from ..samples import KEPT, Sample


class Sampling:
    def __init__(self, path: str) -> None:
        self._path = path
        self._rings = samples.read(path)
        self._new = False

    def gather(self, entries: Mapping[str, Entry], *, settled: bool) -> None:
        """`settled`: all mounts are known, so the samples of others may go."""
        for place, entry in entries.items():
            if entry.probed_at is None or entry.usage is None or entry.latency_s is None:
                continue
            ring = self._rings.setdefault(place, [])
            if not ring or ring[-1].at != round(entry.probed_at, 1):
                at, latency = round(entry.probed_at, 1), round(entry.latency_s, 4)
                ring.append(Sample(at, latency, entry.usage.used, entry.usage.available))
                del ring[:-KEPT]
                self._new = True
        for place in self._rings.keys() - entries.keys() if settled else ():
            del self._rings[place]
            self._new = True

    def write(self) -> None:
        """Only what is new; raises nothing: samples are worth no trouble, and a full /run is said elsewhere."""
        if not self._new:
            return
        try:
            atomic.replace(self._path, samples.encode(self._rings))
            self._new = False
        except OSError:
            pass
