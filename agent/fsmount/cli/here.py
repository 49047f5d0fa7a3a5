"""For which instance a file is read: the one this is, or the one that the options describe."""

import argparse
import re
from typing import NamedTuple, Optional

from .. import instance, settings
from ..config import partitions
from ..instance import Instance
from ..settings import Policy
from .parser import Parser

_EXAMPLE = Instance("example", "", "aws", "us-east-1", "123456789012")


class Here(NamedTuple):
    """What a configuration is held against."""

    instance: Optional[Instance]
    region: str = ""
    policy: Policy = Policy()


def add_options(parser: Parser) -> None:
    parser.add_argument("--instance", metavar="NAME", help="as on the notebook instance of this name (this one; else 'example')")
    parser.add_argument("--region", help="as in this region (this instance's; else us-east-1)")
    parser.add_argument("--account", metavar="ID", help="as in this account (this instance's; else 123456789012)")


def described(options: argparse.Namespace, parser: Parser) -> Here:
    """On a notebook without any of the options: as its agent. Else an instance that nothing is pinned on.

    Raises Permanent("settings-invalid")."""
    here = instance.read()
    if here and not (options.instance or options.region or options.account):
        return agents()
    base = here or _EXAMPLE
    name, region = options.instance or base.name, options.region or base.region
    account = options.account or base.account
    if not re.fullmatch(r"[A-Za-z0-9-]{1,63}", name):
        parser.error(f"{name!a} is not the name of an instance (1 to 63 letters, digits and -)")
    if not partitions.is_region(region):
        parser.error(f"{region!a} is not the name of a region, such as us-east-1")
    if not re.fullmatch("[0-9]{12}", account):
        parser.error(f"{account!a} is not the id of an account (12 digits)")
    return _instance(name, region, account)


def example(region: Optional[str]) -> Here:
    """For a file that is checked far from any notebook."""
    return _instance(_EXAMPLE.name, region if region and partitions.is_region(region) else _EXAMPLE.region, _EXAMPLE.account)


def _instance(name: str, region: str, account: str) -> Here:
    partition = partitions.of(region).name
    arn = f"arn:{partition}:sagemaker:{region}:{account}:notebook-instance/{name.lower()}"
    return Here(Instance(name, arn, partition, region, account))


def agents() -> Here:
    """As the agent of this machine reads its file. Raises Permanent("settings-invalid")."""
    pinned = settings.read()
    return Here(instance.read(), pinned.region, pinned.policy)
