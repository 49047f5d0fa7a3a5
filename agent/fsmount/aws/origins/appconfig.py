"""A configuration profile of AppConfig, as it is deployed at the moment, from the service's data plane.

AppConfig remembers in a token what it has delivered: whoever goes on with the token of the last answer gets an empty
body while nothing else is deployed. The token is valid for 24 hours and meant for one call, and it must not be used
earlier than the service asks; whatever is wrong with it, a new session makes good, at the price of the whole content.
"""

import re
from contextlib import closing
from typing import Any, Optional

from ...errors import Temporary
from ...origin import AppConfigOrigin
from ..session import client, code_of, errors, named
from . import Read, missing, whole

_TOKEN = re.compile(r"[!-~]{1,8192}")
POLL_INTERVAL_S = 60  # what a session asks for; the service takes 15 to 86400, and answers what it wants to be kept


def read(origin: AppConfigOrigin, region: str, token: str, limit: int) -> Read:
    """Raises origin-missing, origin-too-large, and what `session.named` names."""
    try:
        with closing(client("appconfigdata", region)) as service:
            answer = _next(service, token) if _TOKEN.fullmatch(token) else None
            if answer is None:
                return _taken(_first(service, origin), origin, limit, said_before=False)
            return _taken(answer, origin, limit, said_before=True)
    except errors() as error:
        if code_of(error) == "ResourceNotFoundException":
            raise missing(origin.text, "there is no such application, environment, profile or deployment") from None
        raise named(error, origin.text) from None


def _next(service: Any, token: str) -> Optional[Any]:
    """None where the session is over: expired, asked too early (somebody said `reload`), or no token of this service."""
    try:
        return service.get_latest_configuration(ConfigurationToken=token)
    except errors() as error:
        if code_of(error) == "BadRequestException":
            return None
        raise


def _first(service: Any, origin: AppConfigOrigin) -> Any:
    session = service.start_configuration_session(
        ApplicationIdentifier=origin.application,
        EnvironmentIdentifier=origin.environment,
        ConfigurationProfileIdentifier=origin.profile,
        RequiredMinimumPollIntervalInSeconds=POLL_INTERVAL_S,
    )
    token = session.get("InitialConfigurationToken")
    if not token:
        raise Temporary("aws-failed", f"{origin.text}: a session without a token")
    return service.get_latest_configuration(ConfigurationToken=token)


def _taken(answer: Any, origin: AppConfigOrigin, limit: int, *, said_before: bool) -> Read:
    with closing(answer["Configuration"]) as body:
        content = whole(body, limit, origin.text)
    token, after_s = answer.get("NextPollConfigurationToken", ""), float(answer.get("NextPollIntervalInSeconds", 0))
    return Read(None if said_before and not content else content, token, after_s)
