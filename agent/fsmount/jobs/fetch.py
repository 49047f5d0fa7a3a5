"""Ask where the configuration comes from, and accept what it says, away from the daemon: a file may be huge, slow or
hostile, a service may hang, and YAML's parser and boto3 cost memory that the daemon need not keep.

Cheaply: the daemon hands back the token that came with the last answer, and where it still holds, nothing is transferred.
A token is marked with the origin that gave it, so that one which belongs to another is only a token that is not there.
"""

import hashlib
import os
import time
from typing import Union

from ..aws.origins import Read
from ..config.document import LIMIT_BYTES
from ..errors import FsmountError, Permanent
from ..linux.pin import trusted_file
from ..origin import AppConfigOrigin, FileOrigin, Origin, S3Origin, parse
from .accept import accept, region_of
from .answers import Fetched, Refused, Unchanged
from .orders import Fetch

_SETTLED_NS = 2_000_000_000  # a file changed twice within a tick of the clock may show the same times


def fetch(order: Fetch) -> Union[Fetched, Unchanged, Refused]:
    """Raises what keeps the origin from saying anything; what it says and is not accepted is an answer, `Refused`."""
    origin, region = parse(order.origin), region_of(order.region, order.trust)
    mark = hashlib.sha256(f"{region} {origin.text}".encode()).hexdigest()[:12] + ":"
    # Without the content that goes with it, "as it was" would be no answer.
    token = order.token[len(mark) :] if order.known and order.token.startswith(mark) else ""
    content, next_token, after_s = _read(origin, region, token)
    said = mark + next_token if next_token else ""
    if content is None:
        return Unchanged(said, after_s)
    digest = hashlib.sha256(content).hexdigest()
    if digest == order.known:
        return Unchanged(said, after_s)
    try:
        name = origin.path if isinstance(origin, FileOrigin) else origin.text
        return Fetched(accept(content, order.trust, region, name), said, after_s)
    except FsmountError as refused:
        return Refused(refused.problem, digest, said, after_s)


def _read(origin: Origin, region: str, token: str) -> Read:
    if isinstance(origin, FileOrigin):
        return _file(origin.path, token)
    if isinstance(origin, S3Origin):
        from ..aws.origins import s3

        return s3.read(origin, region, token, LIMIT_BYTES)
    if isinstance(origin, AppConfigOrigin):
        from ..aws.origins import appconfig

        return appconfig.read(origin, region, token, LIMIT_BYTES)
    from ..aws.origins import ssm

    return ssm.read(origin, region, token, LIMIT_BYTES)


def _file(path: str, token: str) -> Read:
    """Its token is what the file system says about it, so a file that was not touched is not even read."""
    try:
        with trusted_file(path) as file:
            facts = _facts(os.fstat(file.fileno()))
            if facts and facts == token:
                return Read(None, token)
            return Read(file.read(LIMIT_BYTES + 1), facts)
    except FileNotFoundError:
        raise Permanent("config-missing", f"{path} does not exist") from None
    except OSError as error:
        raise Permanent("config-unreadable", f"{path}: {error.strerror}") from None


def _facts(found: os.stat_result) -> str:
    """Empty where it was changed just now. ctime, which nobody can set, goes with every change."""
    if not 0 <= found.st_ctime_ns < time.time_ns() - _SETTLED_NS:
        return ""
    return f"{found.st_dev}.{found.st_ino}.{found.st_size}.{found.st_mtime_ns}.{found.st_ctime_ns}"
