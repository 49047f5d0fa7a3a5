"""The history as people read it: a line an event, the newest last. Pure but for the local time zone."""

import textwrap
from collections.abc import Sequence
from datetime import datetime
from typing import Optional

from ..history.event import Event, State, What
from ..model import FAILING, Health, Phase
from .table import Style
from .words import safe, span

_WHO = {What.GENERATION: "(config)", What.AGENT: "(agent)", What.LOSS: "(history)"}
_NAME_MOST = 24
_MOMENT = 19  # characters of a date with its time


def chronicle(events: Sequence[Event], style: Style) -> str:
    names = [who(event) for event in events]
    width = min(_NAME_MOST, max(map(len, names), default=0))
    return "".join(_row(event, name, width, style) for event, name in zip(events, names))


def who(event: Event) -> str:
    return safe(_WHO.get(event.what) or event.name)


def _row(event: Event, name: str, width: int, style: Style) -> str:
    """What does not fit goes on below; a name that is longer than its column has a line of its own."""
    margin = "\n" + " " * (_MOMENT + 2 + width + 2)
    begin = f"{moment(event.at)}  {name.ljust(width)}" + ("  " if len(name) <= width else margin)
    lines = textwrap.wrap(text(event), max(20, style.width - len(margin)), break_on_hyphens=False)
    return begin + margin.join(style.paint(line, _colour(event)) for line in lines) + "\n"


def moment(at: float) -> str:
    """Local date and time; whatever the number."""
    try:
        return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return "?".ljust(_MOMENT)


def text(event: Event) -> str:
    """What happened, after how long, and the cause."""
    if event.what is What.GENERATION and not event.code:
        count = event.mounts or 0
        return f"accepted: {count} mount{'' if count == 1 else 's'}, generation {safe(event.digest[:12])}"
    said, after = safe(event.said), ""
    if event.lasted_s is not None and _tells_how_long(event):
        was, arrow, became = said.partition(" -> ")
        if arrow:
            said = f"{was} for {span(event.lasted_s)} -> {became}"
        else:
            after = f" after {span(event.lasted_s)}"
    tries = f", {event.attempts} attempts" if event.attempts > 1 else ""
    cause = f" [{safe(event.code)}]" if event.code else ""
    return said + after + tries + cause


def _tells_how_long(event: Event) -> bool:
    """A cause more of the same state ends nothing; a mount that came up at once needs no stopwatch."""
    return event.state != event.before and not (event.said == "mounted" and event.attempts < 2 and (event.lasted_s or 0) < 1)


def _colour(event: Event) -> str:
    if event.what is What.MOUNT:
        return _of(event.state)
    return "failed" if event.code or event.what is What.LOSS else ""


def _of(state: Optional[State]) -> str:
    if state is None:
        return ""
    if state.phase is not Phase.MOUNTED:
        return "failed" if state.phase is Phase.BLOCKED else "degraded"
    if state.health in FAILING:
        return "failed"
    return "ok" if state.health in (Health.HEALTHY, Health.UNKNOWN, None) else "degraded"
