"""Write the status into tags of the notebook instance, and numbers to CloudWatch. Tags of others are never touched."""

from ..aws.metrics import put_metric_data
from ..aws.tags import Tags
from ..tags import TAGS_MOST, ours
from .answers import Published
from .orders import Publish


def publish(order: Publish) -> Published:
    """Raises Temporary or Permanent with one of AWS's problems; no room for tags is none: it shows in the count."""
    count = _write(order, Tags(order.arn, order.region)) if order.tags or order.gone or order.first else 0
    if order.metrics:
        put_metric_data(order.instance, order.region, order.metrics)
    return Published(count)


def _write(order: Publish, there: Tags) -> int:
    """What goes, goes first: it makes room. Returns how many of the tags were written."""
    wanted = {key for key, _ in order.tags}
    gone, writable = set(order.gone) - wanted, order.tags
    if order.first:
        keys = there.list_tags()
        gone = {key for key in keys if ours(key)} - wanted
        writable = _with_room(order, keys - gone)
    if gone:
        there.delete_tags(gone)
    if writable:
        there.add_tags(writable)
    return len(writable)


def _with_room(order: Publish, keys: "frozenset[str]") -> tuple[tuple[str, str], ...]:
    """A tag that is there takes no more room when it gets another value."""
    room = TAGS_MOST - sum(not key.startswith("aws:") for key in keys)
    writable = []
    for tag in order.tags:
        new = tag[0] not in keys
        if not new or room > 0:
            writable.append(tag)
            room -= new
    return tuple(writable)
