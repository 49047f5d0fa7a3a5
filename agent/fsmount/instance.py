"""Which notebook instance this is: its name, region and account, as the platform wrote them at the start."""

import re
from typing import Optional

import msgspec

from . import places

_ARN = re.compile(r"arn:(aws[a-z-]*):sagemaker:([a-z0-9-]+):([0-9]{12}):notebook-instance/([A-Za-z0-9-]{1,63})")


class Instance(msgspec.Struct, frozen=True):
    """`name` goes to API calls, `arn` to calls about tags (the name in it may be in lower case)."""

    name: str
    arn: str
    partition: str
    region: str
    account: str


class _Metadata(msgspec.Struct):
    ResourceName: str
    ResourceArn: str


def read(path: str = places.METADATA) -> Optional[Instance]:
    """None where this is no notebook instance (Studio writes the same file with another ARN)."""
    try:
        with open(path, "rb") as file:
            facts = msgspec.json.decode(file.read(65536), type=_Metadata)
    except (OSError, msgspec.MsgspecError, ValueError):
        return None
    found = _ARN.fullmatch(facts.ResourceArn)
    if found is None or not re.fullmatch(r"[A-Za-z0-9-]{1,63}", facts.ResourceName):
        return None
    partition, region, account, _ = found.groups()
    return Instance(facts.ResourceName, facts.ResourceArn, partition, region, account)
