"""The bytes of a mounts.yaml -> Config. Raises Invalid with every finding."""

import hashlib
from typing import NamedTuple, Optional

from ..instance import Instance
from ..model import Config, Metrics
from ..settings import Policy
from . import policy as rules
from .document import LIMIT_BYTES, Node, read
from .fields import Fields
from .findings import Finding, Invalid
from .schema import MountsFile
from .specs import Specs
from .templates import Values


class Loaded(NamedTuple):
    config: Config
    elsewhere: tuple[str, ...]  # names of the mounts that are for other instances
    patterns: tuple[str, ...] = ()  # of instances' names, as they stand behind `when:`


def load(content: bytes, instance: Optional[Instance] = None, region: str = "", policy: Policy = rules.ANYTHING) -> Config:
    """What the file asks for on `instance`; `region` goes before the instance's own. Raises Invalid."""
    return load_all(content, instance, region, policy).config


def load_all(content: bytes, instance: Optional[Instance] = None, region: str = "", policy: Policy = rules.ANYTHING) -> Loaded:
    """As load, with what the file asks for on other instances."""
    findings: list[Finding] = []
    root = read(content, findings)
    if root.value is None:
        raise Invalid([Finding(1, 1, "", "the file is empty; an empty configuration is `version: 1` and `mounts: []`")])
    whole = Fields(root, "", findings)
    file = whole.read(MountsFile)
    specs = Specs(_values(instance, region))
    for i, fields in enumerate(_entries(whole)):
        specs.add(fields, file.mounts[i] if file else None)
    for fields, spec in specs.found:
        for key, rule in rules.violations(spec, policy):
            fields.add(rule, key)
    if sum(len(spec.host) + len(spec.path) + len(spec.mountpoint) for _, spec in specs.found) > LIMIT_BYTES:
        findings.append(Finding(1, 1, "", f"larger than {LIMIT_BYTES // 1024} KiB with the names filled in"))
    if findings or file is None:
        raise Invalid(findings)
    mounts = tuple(spec for _, spec in specs.found)
    tags = file.tags in ("on", True)
    config = Config(hashlib.sha256(content).hexdigest(), mounts, tags, _metrics(file.metrics))
    return Loaded(config, tuple(specs.elsewhere), tuple(sorted(specs.patterns)))


def _values(instance: Optional[Instance], region: str) -> Values:
    if instance is None:
        return Values(region=region)
    return Values(instance.name, region or instance.region, instance.account)


def _metrics(word: object) -> Metrics:
    if isinstance(word, bool):
        return Metrics.ON if word else Metrics.OFF
    return Metrics(word)


def _entries(whole: Fields) -> list[Fields]:
    """Each mount again, by itself: a mistake in one must not hide what is wrong with the next."""
    mounts = whole.pairs.get("mounts")
    nodes: list[Node] = mounts.node.value if mounts and isinstance(mounts.node.value, list) else []
    return [Fields(node, f"mounts[{i}]", whole.findings) for i, node in enumerate(nodes[:2000])]
