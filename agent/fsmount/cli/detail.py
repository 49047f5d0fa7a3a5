"""What `fsmount status -v` shows of each mount beside the table: where from, and how it was over time. Pure."""

from collections.abc import Mapping, Sequence

from ..capacity import ELASTIC
from ..report import MountReport
from ..samples import Sample
from .words import safe, span

_BARS = "▁▂▃▄▅▆▇█"
_SHOWN = 32  # as many of the newest samples as fit beside the words in 80 columns


def details(mounts: Sequence[MountReport], rings: Mapping[str, Sequence[Sample]], now: float) -> str:
    return "\n".join("\n".join(_of(mount, rings.get(mount.mountpoint, ()), now)) for mount in mounts) + "\n"


def _of(mount: MountReport, ring: Sequence[Sample], now: float) -> list[str]:
    lines = [safe(mount.name)]
    facts = [f"server {safe(mount.address)}"] if mount.address else []
    if mount.mounted_by:
        facts.append(f"mounted by {mount.mounted_by}")
    if mount.probed_at:
        facts.append(f"last answer {span(now - mount.probed_at)} ago")
    lines.append("  " + (", ".join(facts) or "nothing is known yet"))
    if mount.options:
        lines.append("  options " + safe(", ".join(mount.options)))
    return [*lines, *_history(ring[-_SHOWN:])]


def _history(ring: Sequence[Sample]) -> list[str]:
    if len(ring) < 2:
        return []
    latencies = [sample.latency_s for sample in ring]
    used = [_share(sample) for sample in ring]
    took = f"{_ms(latencies[-1])}, {_ms(min(latencies))} to {_ms(max(latencies))} in {span(ring[-1].at - ring[0].at)}"
    lines = [f"  look  {sparkline(latencies, max(latencies))}  {took}"]
    if max(used) > 0:
        lines.append(f"  used  {sparkline(used, 1.0)}  {100 * used[-1]:.0f} %")
    return lines


def sparkline(values: Sequence[float], top: float) -> str:
    """A bar for each value, from 0 to `top`."""
    steps = len(_BARS) - 1
    return "".join(_BARS[min(steps, max(0, round(value / top * steps)))] if top > 0 else _BARS[0] for value in values)


def _share(sample: Sample) -> float:
    whole = sample.used + sample.available
    return sample.used / whole if 0 < whole < ELASTIC else 0.0


def _ms(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
