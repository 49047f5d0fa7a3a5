"""An object in S3. Its token is the ETag: as long as that is the same, S3 answers 304 and no body."""

import re
from contextlib import closing

from ...errors import FsmountError, Temporary
from ...origin import S3Origin
from ..session import client, code_of, errors, named
from . import Read, missing, too_large, whole

_ETAG = re.compile(r'"[!#-~]{1,200}"')  # never `*`, which any object would match
_UNCHANGED = ("304", "NotModified")
_MISSING = ("NoSuchKey", "NoSuchBucket", "NoSuchVersion", "404")


def read(origin: S3Origin, region: str, token: str, limit: int) -> Read:
    """Raises origin-missing, origin-too-large, and what `session.named` names."""
    condition = {"IfNoneMatch": token} if _ETAG.fullmatch(token) else {}
    try:
        with closing(client("s3", region)) as s3:
            answer = s3.get_object(Bucket=origin.bucket, Key=origin.key, **condition)
            with closing(answer["Body"]) as body:  # what of it was not read by then is not read any more
                if answer.get("ContentLength", 0) > limit:
                    raise too_large(origin.text, str(answer["ContentLength"]), limit)
                return Read(whole(body, limit, origin.text), answer.get("ETag", ""))
    except errors() as error:
        if condition and code_of(error) in _UNCHANGED:
            return Read(None, token)
        raise _named(error, origin) from None


def _named(error: Exception, origin: S3Origin) -> FsmountError:
    if code_of(error) in _MISSING:
        what = "bucket" if code_of(error) == "NoSuchBucket" else "object"
        return missing(origin.text, f"there is no such {what}")
    problem = named(error, origin.text)
    if problem.problem.code != "aws-denied":
        return problem
    # A role that may not list the bucket (s3:ListBucket) is not told that a key is missing.
    return Temporary("aws-denied", f"{problem.problem.observed} (so is a missing key where s3:ListBucket is denied)")
