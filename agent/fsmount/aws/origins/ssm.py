"""A parameter of Systems Manager's Parameter Store, a SecureString included. Its token is the version.

There is no conditional reading: each time one small answer (a parameter has at most 8 KB) is transferred. And a version
alone proves nothing, since a parameter that was deleted and made anew begins at 1 again: its bytes are compared.
"""

from contextlib import closing

from ...errors import Temporary
from ...origin import SsmOrigin
from ..session import client, code_of, errors, named
from . import Read, missing, too_large

_MISSING = ("ParameterNotFound", "ParameterVersionNotFound")


def read(origin: SsmOrigin, region: str, token: str, limit: int) -> Read:
    """Raises origin-missing, origin-too-large, and what `session.named` names."""
    try:
        with closing(client("ssm", region)) as ssm:
            parameter = ssm.get_parameter(Name=origin.name, WithDecryption=True).get("Parameter", {})
    except errors() as error:
        if code_of(error) in _MISSING:
            raise missing(origin.text, "there is no such parameter") from None
        raise named(error, origin.text) from None
    if not parameter.get("Value"):  # no parameter is empty
        raise Temporary("aws-failed", f"{origin.text}: an answer without a value")
    content: bytes = parameter["Value"].encode("utf-8", "surrogatepass")
    if len(content) > limit:
        raise too_large(origin.text, str(len(content)), limit)
    return Read(content, str(parameter.get("Version", "")))
