"""What an administrator pins in the lifecycle scripts, from the files he wrote: the public key and the policy.

Read as strictly as a configuration is: a key that stands twice or a word that is misspelt would leave something open
that he believes is shut.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
from fsmount import signature
from fsmount.config import document
from fsmount.config.findings import Finding, Invalid
from fsmount.errors import Permanent
from fsmount.settings import Policy

_LIMIT_BYTES = 65536
_PATTERN = re.compile(r"[A-Za-z0-9_.:@/*?\[\]!-]+")  # shell patterns for ids, and for hosts
_DIRECTORY = re.compile(r"/(?:[^/\x00-\x1f*?\[\]]+/)*[^/\x00-\x1f*?\[\]]+")  # what lies below it is meant without any pattern
_OPTION = re.compile(r"[a-z][a-z0-9_.-]*")


class SettingError(ValueError):
    """A setting that must not get into a script; the text says which, what it is, and what it should be."""


def read_public_key(given: str) -> str:
    """A file's name, or base64; "" stays so."""
    if not given:
        return ""
    try:
        return signature.read_public(given)
    except Permanent as error:
        raise SettingError(f"the public key: {error.problem.observed}") from None


def read_policy(path: Path) -> Policy:
    """YAML, of which JSON is a part: file_systems, mountpoints, options, each a list; one that is left out bounds nothing."""
    try:
        with path.open("rb") as file:
            content = file.read(_LIMIT_BYTES + 1)
    except OSError as error:
        raise SettingError(f"the policy {path}: {error.strerror}") from None
    if len(content) > _LIMIT_BYTES:
        raise SettingError(f"the policy {path} is over {_LIMIT_BYTES} bytes: a script holds 12,288 in all")
    findings: list[Finding] = []
    try:
        root = document.read(content, findings)
        if findings:
            raise Invalid(findings)
        policy = msgspec.convert(_plain(root), Policy)
    except Invalid as invalid:
        raise SettingError("the policy is refused: " + "; ".join(one.text(str(path)) for one in invalid.findings)) from None
    except msgspec.ValidationError as error:
        form = "file_systems, mountpoints and options are lists, such as [fs-0123456789abcdef0]"
        raise SettingError(f"the policy {path} is refused: {form}; and {error}") from None
    _check(path, policy)
    return policy


def _check(path: Path, policy: Policy) -> None:
    if policy == Policy():
        raise SettingError(f"the policy {path} bounds nothing: leave it out, or name file_systems, mountpoints or options")
    # An empty list of options means none; with no file system or no place at all there is nothing to run an agent for.
    _each(path, "file_systems", policy.file_systems, _PATTERN, "an id or a host, or a pattern for them like fs-0123*", 1)
    _each(path, "mountpoints", policy.mountpoints, _DIRECTORY, "a directory like /home/ec2-user/SageMaker", 1)
    _each(path, "options", policy.options, _OPTION, "an option's name, without a value", 0)
    for directory in policy.mountpoints or ():
        if {".", ".."} & set(directory.split("/")):
            raise SettingError(f"the policy {path}: mountpoints: {directory!a}: without /./ and /../, please")


def _each(path: Path, key: str, values: Sequence[str] | None, form: re.Pattern[str], wanted: str, least: int) -> None:
    if values is None:
        return
    if len(values) < least:
        raise SettingError(f"the policy {path}: {key} is empty, so nothing could ever be mounted")
    for value in values:
        if form.fullmatch(value) is None:
            raise SettingError(f"the policy {path}: {key}: {value!a} is not {wanted}")


def _plain(node: document.Node) -> object:
    if isinstance(node.value, dict):
        return {key: _plain(pair.node) for key, pair in node.value.items()}
    if isinstance(node.value, list):
        return [_plain(item) for item in node.value]
    return node.value
