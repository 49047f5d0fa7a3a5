"""The one door to boto3: clients with limits that fit a Job, and AWS's errors as problems of ours.

Imported in Jobs only: boto3 is 40 MB that the daemon never has. The limits: 3 s to connect and 8 s to read, at most 3
attempts (botocore's standard mode: full jitter between them), so that an endpoint that drops packets fails within a
Job's 30 s. Who calls again, and when, is the daemon's to decide.
"""

from typing import Any

from .. import __version__
from ..errors import FsmountError, Permanent, Temporary

_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized", "403", "Forbidden")
_THROTTLED = (
    "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown",
    "BandwidthLimitExceeded", "PriorRequestNotComplete", "RequestThrottled",
)  # fmt: skip
_CREDENTIALS = (
    "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId",
    "InvalidToken", "TokenRefreshRequired",
)  # fmt: skip
_CLOCK = ("RequestTimeTooSkewed", "RequestExpired", "InvalidSignatureException", "SignatureDoesNotMatch", "RequestInTheFuture")


def load() -> None:
    """Import boto3: seconds on a busy notebook, which a limit on how long AWS may take should not count."""
    import boto3  # noqa: F401


def client(service: str, region: str) -> Any:
    """A client of that service. Raises what `named` understands."""
    import boto3
    from botocore.config import Config

    config = Config(
        region_name=region or None,
        connect_timeout=3,
        read_timeout=8,
        retries={"mode": "standard", "total_max_attempts": 3},
        user_agent_extra=f"fsmount/{__version__}",
        parameter_validation=True,
    )
    make: Any = boto3.session.Session().client  # the stubs know a type per service, and nothing of a name in a variable
    return make(service, config=config)


def code_of(error: Exception) -> str:
    """The code in AWS's answer; empty where there was no answer."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def errors() -> "tuple[type[Exception], ...]":
    """What calls of a client raise, for `except`."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)


def named(error: Exception, what: str) -> FsmountError:
    """An error of `errors()` as a problem of ours; `what` was being done ("s3://bucket/key", "the tags of NAME")."""
    from botocore import exceptions

    code = code_of(error)
    said = _said(error)
    observed = f"{what}: {said}"
    if isinstance(
        error, (exceptions.NoCredentialsError, exceptions.CredentialRetrievalError, exceptions.PartialCredentialsError)
    ):
        return Temporary("aws-credentials", observed)
    if isinstance(error, exceptions.NoRegionError):
        return Permanent("aws-no-region", f"{what}: the region is not known")
    if isinstance(error, (exceptions.HTTPClientError, exceptions.ConnectionError)):  # neither is a kind of the other
        return Temporary("aws-unreachable", observed)
    if code in _CREDENTIALS:
        return Temporary("aws-credentials", observed)
    if code in _CLOCK:
        return Temporary("aws-clock", observed)
    if code in _THROTTLED:
        return Temporary("aws-throttled", observed)
    if code in _DENIED:
        return Temporary("aws-denied", observed)
    return Temporary("aws-failed", observed)


def _said(error: Exception) -> str:
    """One line, without what a signature or a token could be part of."""
    text = " ".join(str(error).split())
    return text[:300]
