"""YAML as a tree of nodes that know their line, from the parser's events.

Stricter than YAML: no aliases or anchors (an alias bomb is a few bytes), no tags, no duplicate keys, one document, no
deep nesting; and of plain scalars only true, false, null and decimal integers are more than text, so that 12:30, 010,
yes and 1e3 stay what was written.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple, Optional, Union

import yaml

from .findings import Finding, Invalid, shown

LIMIT_BYTES = 1024 * 1024
_DEEPEST = 10
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Scalar = Union[str, int, bool, None]


class Node(NamedTuple):
    value: "Union[Scalar, list[Node], dict[str, Pair]]"
    line: int
    column: int


class Pair(NamedTuple):
    """A key's place and its value."""

    line: int
    column: int
    node: Node


class _Open:
    """A list or mapping whose end has not come yet."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.key: Optional[Node] = None


def read(content: bytes, findings: list[Finding]) -> Node:
    """The one document in `content`. What does not keep it from being understood is added to `findings`.

    Raises Invalid for what does."""
    if len(content) > LIMIT_BYTES:
        raise Invalid([Finding(1, 1, "", f"larger than {LIMIT_BYTES // 1024} KiB")])
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Invalid([Finding(line, 1, "", f"not UTF-8 text (byte {content[error.start]:#04x})")]) from None
    try:
        return _build(yaml.parse(text, Loader=_Loader), findings)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Invalid(
            [Finding(line, 1, "", f"a character that YAML does not allow (U+{ord(str(error.character)):04X})")]
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = error.problem or error.context
        if "cannot start any token" in str(what) and text.splitlines()[line - 1 : line][0][column - 1 : column] == "\t":
            what = "a tab where blanks belong (YAML indents with blanks only)"
        raise Invalid([Finding(line, column, "", f"not valid YAML: {what}")]) from None
    except yaml.YAMLError as error:
        raise Invalid([Finding(1, 1, "", f"not valid YAML: {shown(str(error))}")]) from None


def _build(events: Iterator[yaml.Event], findings: list[Finding]) -> Node:
    stack: list[_Open] = []
    root: Optional[Node] = None
    for event in events:
        line, column = (event.start_mark.line + 1, event.start_mark.column + 1) if event.start_mark else (1, 1)
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            stack.pop()
            continue
        if isinstance(event, yaml.DocumentStartEvent) and root is not None:
            raise Invalid([*findings, Finding(line, column, "", "a second document: only one is allowed in the file")])
        if not isinstance(event, (yaml.NodeEvent,)):
            continue
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise Invalid([*findings, Finding(line, column, "", "anchors (&) and aliases (*) are not allowed: write it out")])
        node = _node(event, line, column, findings)
        if not stack:
            root = node
        else:
            _add(stack[-1], node, findings)
        if isinstance(node.value, (list, dict)):
            if len(stack) >= _DEEPEST:
                raise Invalid([*findings, Finding(line, column, "", f"nested more than {_DEEPEST} deep")])
            stack.append(_Open(node))
    return root if root is not None else Node(None, 1, 1)


def _node(event: yaml.NodeEvent, line: int, column: int, findings: list[Finding]) -> Node:
    tag = getattr(event, "tag", None)
    if tag is not None and tag != "!":
        findings.append(Finding(line, column, "", f"tags are not allowed: {shown(tag)}"))
    if isinstance(event, yaml.MappingStartEvent):
        return Node({}, line, column)
    if isinstance(event, yaml.SequenceStartEvent):
        return Node([], line, column)
    assert isinstance(event, yaml.ScalarEvent)
    plain = not event.style and tag is None
    return Node(_scalar(event.value) if plain else event.value, line, column)


def _scalar(text: str) -> Scalar:
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _INTEGER.fullmatch(text) else text


def _add(container: _Open, node: Node, findings: list[Finding]) -> None:
    holder = container.node.value
    if isinstance(holder, list):
        holder.append(node)
        return
    assert isinstance(holder, dict)
    if container.key is None:
        container.key = node
        return
    key, container.key = container.key, None
    if not isinstance(key.value, str):
        findings.append(Finding(key.line, key.column, "", f"a key must be a word, not {_kind(key)}"))
    elif key.value in holder:
        first = holder[key.value].line
        findings.append(Finding(key.line, key.column, "", f"the key {shown(key.value)} stands twice (first in line {first})"))
    else:
        holder[key.value] = Pair(key.line, key.column, node)


def _kind(node: Node) -> str:
    if isinstance(node.value, dict):
        return "a mapping"
    return "a list" if isinstance(node.value, list) else shown(node.value)
