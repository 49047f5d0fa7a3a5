"""AWS's partitions: which one a region is in, and what its names end with. Pure.

The suffixes are those of EFS's own mount helper (amazon-efs-utils' configurations for EFS and for S3 Files); a new region
of a known kind needs nothing here.
"""

import re
from typing import NamedTuple, Optional


class Partition(NamedTuple):
    name: str
    suffix: str  # of DNS names


_COMMERCIAL = Partition("aws", "amazonaws.com")
_BY_PREFIX = {
    "cn-": Partition("aws-cn", "amazonaws.com.cn"),
    "us-gov-": Partition("aws-us-gov", "amazonaws.com"),
    "us-iso-": Partition("aws-iso", "c2s.ic.gov"),
    "us-isob-": Partition("aws-iso-b", "sc2s.sgov.gov"),
    "us-isof-": Partition("aws-iso-f", "csp.hci.ic.gov"),
    "eu-isoe-": Partition("aws-iso-e", "cloud.adc-e.uk"),
    "eusc-": Partition("aws-eusc", "amazonaws.eu"),
}
_REGION = "[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}"
_EFS_NAME = re.compile(rf"(fs-(?:[0-9a-f]{{17}}|[0-9a-f]{{8}}))\.efs\.({_REGION})\.([a-z0-9.-]+?)\.?")


class EfsName(NamedTuple):
    id: str
    region: str
    suffix: str


def of(region: str) -> Partition:
    return next((found for prefix, found in _BY_PREFIX.items() if region.startswith(prefix)), _COMMERCIAL)


def is_region(text: str) -> bool:
    """Whether it has the shape of a region's name."""
    return re.fullmatch(_REGION, text) is not None


def efs_name(id: str, region: str) -> str:
    return f"{id}.efs.{region}.{of(region).suffix}"


def s3files_name(id: str, zone: str, region: str) -> str:
    """`zone` is the zone's id (use1-az4), which is the same in each account, and not its name."""
    found = of(region)
    suffix = {"aws": "on.aws", "aws-us-gov": "on.aws", "aws-cn": "on.amazonwebservices.com.cn"}.get(found.name, found.suffix)
    return f"{zone}.{id}.s3files.{region}.{suffix}"


def read_efs_name(host: str) -> Optional[EfsName]:
    """The parts of an EFS file system's DNS name, or None if it is none."""
    found = _EFS_NAME.fullmatch(host.lower())
    return EfsName(*found.groups()) if found else None
