"""What of each wheel travels in the bundle: a pure question about a file's name.

Everything stays unless a rule here drops it, and each rule says why nothing misses it; licence texts always stay.
The services are the ones the agent calls on the instance, and sts, which botocore itself calls where root's AWS
configuration names a role to assume; the administrator's commands use a full boto3.
"""

from __future__ import annotations

import re

SERVICES = ("appconfigdata", "cloudwatch", "efs", "fsx", "s3", "sagemaker", "ssm", "sts")

_LICENCE = re.compile(r"[^/]+\.dist-info/(licenses/.+|METADATA|(LICEN[CS]E|NOTICE|COPYING|AUTHORS)[^/]*)")

_DROPPED = tuple(
    re.compile(rule)
    for rule in (
        r"[^/]+\.dist-info/.*",  # what only an installer reads; the licence rule comes first
        r"[^/]+\.data/.*",  # scripts for a bin directory that the bundle does not have
        r".*\.py[ic]|.*/py\.typed|.*/__pycache__/.*",  # for type checkers; byte code is made on the target
        r"(.*/)?tests?/.*",
        r"boto3/(data|examples)/.*",  # boto3.resource() and its documentation; the agent uses clients
        r"botocore/data/[^/]+/[^/]+/(examples-|completions-).*",  # documentation
        r"psutil/_ps(aix|bsd|osx|sunos|windows)\.py",  # imported on those systems only
        r"cffi/.*",  # makes extension modules; those that are made need _cffi_backend only
        r"_yaml/.*",  # old name of yaml._yaml
        r"dateutil/zoneinfo/.*\.tar\.gz",  # last resort for a system without tzdata
        r"dateutil/tzwin\.py",
        r"urllib3/contrib/emscripten/.*",
    )
)


def keeps(name: str) -> bool:
    """Say whether the file `name` (as in the wheel) goes into the bundle."""
    if _LICENCE.fullmatch(name):
        return True
    if any(rule.fullmatch(name) for rule in _DROPPED):
        return False
    service = re.match(r"botocore/data/([^/]+)/", name)
    return service is None or service.group(1) in SERVICES
