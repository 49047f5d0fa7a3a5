"""An event as a line: `VERSION CHECKSUM JSON`. Pure.

A write that was cut short, a block that the disk never got, a file that something else wrote into: whatever a line of
the file holds, it is an event of this version with the right checksum, or it is skipped and counted.
"""

import zlib
from collections.abc import Sequence
from typing import NamedTuple, Optional, Union

import msgspec

from .event import Event

VERSION = 1
SEGMENT_MOST = 512 * 1024
_PREFIX = b"%d " % VERSION

NAMES = ("events.0", "events.1")


class Head(msgspec.Struct, frozen=True):
    """A segment's first line: the one with the higher number is the newer."""

    segment: int


class Segment(NamedTuple):
    number: int  # 0: this is no segment of ours, or not any more
    end: int  # where its last whole line ends
    lines: tuple[bytes, ...] = ()  # those with the right checksum, without head and checksum
    skipped: int = 0


class Past(NamedTuple):
    """What is remembered, the oldest first, and how many lines made no sense."""

    events: tuple[Event, ...]
    skipped: int


_head = msgspec.json.Decoder(Head)
_event = msgspec.json.Decoder(Event)


def line(value: Union[Event, Head]) -> bytes:
    text = msgspec.json.encode(value)
    return _PREFIX + b"%08x " % zlib.crc32(text) + text + b"\n"


def segment(content: bytes) -> Segment:
    """The content of one file, whatever it is."""
    whole = content[:SEGMENT_MOST]
    end = whole.rfind(b"\n") + 1
    rows = whole[:end].split(b"\n")[:-1]
    head = _decoded_head(_checked(rows[0])) if rows else None
    checked = [text for text in map(_checked, rows[1 if head else 0 :]) if text is not None]
    torn = int(end < len(content))
    skipped = len(rows) - int(head is not None) - len(checked) + torn
    return Segment(head.segment if head else 0, end, tuple(checked), skipped)


def past(contents: Sequence[bytes]) -> Past:
    """What the segments hold together. A batch that was written, and written again because nobody heard that it was, is
    told once."""
    segments = sorted(map(segment, contents), key=lambda one: one.number)
    skipped = sum(one.skipped for one in segments)
    events = []
    for text in dict.fromkeys(text for one in segments for text in one.lines):
        event = _decoded(text)
        if event is None:
            skipped += 1
        else:
            events.append(event)
    return Past(tuple(events), skipped)


def _checked(row: bytes) -> Optional[bytes]:
    if not row.startswith(_PREFIX):
        return None
    checksum, _, text = row[len(_PREFIX) :].partition(b" ")
    return text if checksum == b"%08x" % zlib.crc32(text) else None


def _decoded(text: bytes) -> Optional[Event]:
    try:
        return _event.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _decoded_head(text: Optional[bytes]) -> Optional[Head]:
    try:
        return _head.decode(text) if text else None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
