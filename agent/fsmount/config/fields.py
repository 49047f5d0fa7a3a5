"""From nodes to the types of schema.py, collecting every finding instead of stopping at the first."""

from collections.abc import Iterable
from typing import Any, Optional, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Meta, UnsetType

from .document import Node, Pair
from .findings import Finding, shown

T = TypeVar("T", bound=msgspec.Struct)


class Fields:
    """One mapping of the file, read key by key."""

    def __init__(self, node: Node, where: str, findings: list[Finding]) -> None:
        self.node, self.where, self.findings = node, where, findings
        self.pairs: dict[str, Pair] = node.value if isinstance(node.value, dict) else {}

    def add(self, message: str, key: str = "") -> None:
        """A finding about the mapping, or about one of its keys."""
        line, column = self.node.line, self.node.column
        if key in self.pairs:
            line, column = self.pairs[key].node.line, self.pairs[key].node.column
        self.findings.append(Finding(line, column, _join(self.where, key), message))

    def text(self, key: str) -> Optional[str]:
        """The key's value if it is there and a text."""
        value = self.pairs[key].node.value if key in self.pairs else None
        return value if isinstance(value, str) else None

    def is_true(self, key: str) -> bool:
        return key in self.pairs and self.pairs[key].node.value is True

    def inner(self, key: str) -> "Fields":
        """The mapping that is the key's value; without any keys where it is none."""
        node = self.pairs[key].node if key in self.pairs else Node(None, self.node.line, self.node.column)
        return Fields(node, _join(self.where, key), self.findings)

    def texts(self, key: str) -> list[str]:
        """The texts in the key's list, whatever else is in it."""
        value = self.pairs[key].node.value if key in self.pairs else None
        return [node.value for node in value if isinstance(node.value, str) and node.value] if isinstance(value, list) else []

    def read(self, struct: type[T]) -> Optional[T]:
        """The struct, or None when something in the mapping does not fit; every finding is recorded either way."""
        if not isinstance(self.node.value, dict):
            # Of a whole file that is none, nothing is shown: it may be something else, and a secret.
            self.add(f"must be a mapping of keys to values{f', not {shown_node(self.node)}' if self.where else ''}")
            return None
        before = len(self.findings)
        known = {field.name: field for field in msgspec.structs.fields(struct)}
        for key, pair in self.pairs.items():
            if key not in known:
                message = f"unknown key {shown(key)}{_suggestion(key, known)}"
                self.findings.append(Finding(pair.line, pair.column, self.where, message))
        values = {}
        for name, field in known.items():
            if name in self.pairs:
                values[name] = self._value(self.pairs[name].node, field.type, _join(self.where, name))
            elif field.required:
                self.add(f"the key '{name}' is missing (it must be {_described(field.type)})")
        return struct(**values) if len(self.findings) == before else None

    def _value(self, node: Node, wanted: Any, where: str) -> Any:
        member = _member(wanted, isinstance(node.value, list))
        base = _bare(member)
        if get_origin(base) is list:
            return self._list(node, member, get_args(base)[0], where)
        if isinstance(base, type) and issubclass(base, msgspec.Struct):
            return Fields(node, where, self.findings).read(base)
        try:
            value = msgspec.convert(node.value if not isinstance(node.value, (list, dict)) else [], type=member)
        except msgspec.ValidationError:
            message = f"must be {_described(wanted)}; found {shown_node(node)}{_hint(node, base)}"
            self.findings.append(Finding(node.line, node.column, where, message))
            return None
        if isinstance(value, str) and value.endswith("\n") and any(meta.pattern for meta in _metas(member)):
            # The $ of a pattern lets one through.
            self.findings.append(Finding(node.line, node.column, where, "must not hold control characters"))
        return value

    def _list(self, node: Node, wanted: Any, item: Any, where: str) -> Any:
        limits = next(iter(_metas(wanted)))
        least, most = limits.min_length or 0, limits.max_length or 0
        if not isinstance(node.value, list) or not least <= len(node.value) <= most:
            found = f"{len(node.value)} entries (at most {most})" if isinstance(node.value, list) else shown_node(node)
            self.findings.append(Finding(node.line, node.column, where, f"must be {_described(wanted)}; found {found}"))
            return []
        if isinstance(item, type) and issubclass(item, msgspec.Struct):
            return [Fields(n, f"{where}[{i}]", self.findings).read(item) for i, n in enumerate(node.value)]
        return [self._value(n, item, f"{where}[{i}]") for i, n in enumerate(node.value)]


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where and key else where or key


def _bare(wanted: Any) -> Any:
    return get_args(wanted)[0] if _metas(wanted) else wanted


def _metas(wanted: Any) -> list[Meta]:
    return [meta for meta in getattr(wanted, "__metadata__", ()) if isinstance(meta, Meta)]


def _member(wanted: Any, is_list: bool) -> Any:
    """Of a choice between types the one that is meant, or the choice itself where it is between plain values.

    msgspec is never asked to convert to a choice between a text and a list that both have limits: 0.22 overwrites memory
    then, and the process dies at its end."""
    if get_origin(_bare(wanted)) is not Union:
        return wanted
    members = [member for member in get_args(_bare(wanted)) if member is not UnsetType]
    meant = [member for member in members if (get_origin(_bare(member)) is list) is is_list] or members
    return meant[0] if len(meant) == 1 else wanted


def _described(wanted: Any) -> str:
    return next(meta.description or "" for meta in _metas(wanted))


def shown_node(node: Node) -> str:
    if isinstance(node.value, dict):
        return "a mapping"
    if isinstance(node.value, list):
        return "a list"
    return "nothing" if node.value is None else shown(node.value)


def _suggestion(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # only a mistake needs it

    close = get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(sorted(known))}"


def _hint(node: Node, base: Any) -> str:
    """What the writer most likely meant."""
    from difflib import get_close_matches

    if isinstance(node.value, str) and node.value in map(str, get_args(base)):
        return " in quotes; leave them out"
    if isinstance(node.value, str) and node.value.startswith("~"):
        return "; ~ is not expanded here, write /home/ec2-user/..."
    if base is bool and node.value in ("true", "false"):
        return " in quotes; leave them out"
    if isinstance(node.value, str) and node.value.startswith("fsx"):
        return "; an FSx file system is lustre, openzfs or ontap"
    choices = [choice for member in get_args(base) for choice in get_args(member) or [member]]
    words = [word for word in choices if isinstance(word, str)]
    close = get_close_matches(str(node.value).lower(), words, n=1) if words else []
    return f"; did you mean '{close[0]}'?" if close else ""
