"""Numbers about the mounts, and a line that CloudWatch makes metrics of (its embedded metric format). Pure.

A metric with a dimension of its own costs money, so there are few: mounts by their word, repairs, and for each mount
how long the latest look at it took.
"""

from collections.abc import Iterable

import msgspec

from .entry import Entry
from .model import WORST_LAST, Metric

NAMESPACE = "fsmount"
INSTANCE, MOUNT = "NotebookInstanceName", "Mount"  # dimensions
MOUNTS_MOST = 100


def metrics_of(mounts: Iterable[Entry], repairs: int) -> tuple[Metric, ...]:
    """The instance's first. `repairs`: how many mounts were mounted again since this was last asked."""
    known = tuple(mounts)
    words = [entry.word for entry in known]
    counts = (Metric(f"Mounts{word.value.capitalize()}", float(words.count(word)), "Count") for word in WORST_LAST)
    looks = (
        Metric("ProbeLatency", round(entry.latency_s * 1000, 1), "Milliseconds", entry.spec.name)
        for entry in known[:MOUNTS_MOST]
        if entry.latency_s is not None
    )
    return (*counts, Metric("Repairs", float(repairs), "Count"), *looks)


def embedded(instance: str, metrics: tuple[Metric, ...], wall: float) -> tuple[str, ...]:
    """One JSON document for the instance and one for each mount: a document has one value for a dimension.

    The format: Amazon CloudWatch User Guide, "Specification: Embedded metric format".
    """
    by_mount: dict[str, list[Metric]] = {}
    for metric in metrics:
        by_mount.setdefault(metric.mount, []).append(metric)
    return tuple(_document(instance, mount, group, wall) for mount, group in by_mount.items())


def _document(instance: str, mount: str, metrics: list[Metric], wall: float) -> str:
    dimensions = {INSTANCE: instance, MOUNT: mount} if mount else {INSTANCE: instance}
    named = [{"Name": metric.name, "Unit": metric.unit} for metric in metrics]
    directive = {"Namespace": NAMESPACE, "Dimensions": [list(dimensions)], "Metrics": named}
    values = {metric.name: metric.value for metric in metrics}
    about = {"Timestamp": int(wall * 1000), "CloudWatchMetrics": [directive]}
    return msgspec.json.encode({"_aws": about, **dimensions, **values}).decode()
