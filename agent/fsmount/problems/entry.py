"""What the catalogue says of one code."""

from typing import NamedTuple


class Entry(NamedTuple):
    title: str
    meaning: str
    remedy: str
