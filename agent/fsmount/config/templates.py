"""{instance}, {region} and {account} in a source, a path or a mount point: one configuration for a whole team. Pure."""

import re
from typing import NamedTuple, Optional

from .findings import shown

_BRACES = re.compile(r"\{([^{}]*)\}|[{}]")
_LONGEST = 4096
_NO_NOTEBOOK = "this machine is no notebook instance (or its /opt/ml/metadata cannot be read)"


class Values(NamedTuple):
    """What stands in the place of the names; empty: not known here."""

    instance: str = ""
    region: str = ""
    account: str = ""


def unknown(name: str) -> str:
    """Why there is no such value here."""
    more = ", and the lifecycle script names no region" if name == "region" else ""
    return f"the {'name of the instance' if name == 'instance' else name} is not known here: {_NO_NOTEBOOK}{more}"


def objection(text: str, values: Values) -> Optional[str]:
    """Why the names in `text` cannot be replaced, or None."""
    for found in _BRACES.finditer(text):
        name = found.group(1)
        if name is None:
            return f"{shown(found.group())} stands alone; braces are for {_known()} only"
        if name not in Values._fields:
            return f"{shown(found.group())} is no name that is replaced{_suggestion(name)}"
        if not getattr(values, name):
            return f"{found.group()} cannot be replaced: {unknown(name)}"
    return f"is longer than {_LONGEST} characters once its names are replaced" if len(fill(text, values)) > _LONGEST else None


def fill(text: str, values: Values) -> str:
    return _BRACES.sub(lambda found: str(getattr(values, found.group(1) or "", found.group())), text)


def _known() -> str:
    return "{instance}, {region} and {account}"


def _suggestion(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name.strip("$ ").lower(), [*Values._fields, "name"], n=1)
    near = ["instance"] if near == ["name"] else near
    return f"; did you mean {{{near[0]}}}?" if near else f"; known are {_known()}"
