"""What people ask of the agent over its socket: which mounts that is about, and why it is not done. Pure."""

from collections.abc import Iterable
from typing import Optional

from ..entry import Entry
from ..model import Health, Problem


def chosen(entries: Iterable[Entry], name: Optional[str]) -> tuple[list[Entry], Optional[Problem]]:
    """The mount of that name, or all."""
    found = [entry for entry in entries if name in (None, entry.spec.name)]
    if name is not None and not found:
        return [], Problem("unknown-mount", f"no mount is called {name!r}", temporary=False)
    return found, None


def not_to_detach(entry: Entry) -> Optional[Problem]:
    if entry.health is Health.HUNG and not entry.theirs:
        return None
    state = entry.verdict.value if entry.verdict else entry.phase.value
    return Problem("not-hung", f"{entry.spec.name} does not hang: it is {state}", temporary=False)
