"""What command and agent say to each other over the control socket: one JSON line each way."""

from typing import Optional

import msgspec

from .model import Problem

LINE_MOST = 4096


class Request(msgspec.Struct, frozen=True):
    verb: str  # reload, retry, detach
    name: Optional[str] = None


class Response(msgspec.Struct, frozen=True):
    done: str  # a sentence
    problem: Optional[Problem] = None
