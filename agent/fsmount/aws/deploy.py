"""Putting a configuration into AppConfig: a new version of the profile's content, and its deployment to the environment."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Optional

from ..errors import Permanent, Temporary
from ..origin import AppConfigOrigin
from ..target import Held, held
from .push import CONTENT_TYPE, Client, Expected

AT_ONCE = "AppConfig.AllAtOnce"
_UNDONE = ("ROLLING_BACK", "ROLLED_BACK", "REVERTED")
_OWN_STRATEGY = re.compile(r"AppConfig\.[A-Za-z0-9]{9,40}")


class _Ids(NamedTuple):
    application: str
    environment: str
    profile: str


class AppConfigTarget:
    """`strategy`: a deployment strategy's name or id."""

    def __init__(self, origin: AppConfigOrigin, content: bytes, region: str, strategy: str = AT_ONCE) -> None:
        self._origin, self._content, self._strategy = origin, content, strategy
        self._client = Client("appconfig", region, origin.text)
        self._found: Optional[_Ids] = None

    def held(self) -> Optional[Held]:
        """What the environment's newest deployment of the profile gave out, not what was written and never deployed."""
        ids = self._ids()
        try:
            with self._client("ResourceNotFoundException") as appconfig:
                version = self._deployed(appconfig, ids)
                if version is None:
                    return None
                answer = appconfig.get_hosted_configuration_version(
                    ApplicationId=ids.application, ConfigurationProfileId=ids.profile, VersionNumber=int(version)
                )
                return held(answer["Content"].read(), version)
        except Expected:  # the version was deleted after it was deployed
            return None

    def put(self) -> str:
        ids = self._ids()
        with self._client() as appconfig:
            strategy = self._strategy_id(appconfig)
            made = appconfig.create_hosted_configuration_version(
                ApplicationId=ids.application,
                ConfigurationProfileId=ids.profile,
                Content=self._content,
                ContentType=CONTENT_TYPE,
            )
            version = str(made["VersionNumber"])
        return self._deploy(ids, version, strategy)

    def _deploy(self, ids: _Ids, version: str, strategy: str) -> str:
        try:
            with self._client("ConflictException") as appconfig:
                started = appconfig.start_deployment(
                    ApplicationId=ids.application,
                    EnvironmentId=ids.environment,
                    ConfigurationProfileId=ids.profile,
                    ConfigurationVersion=version,
                    DeploymentStrategyId=strategy,
                )
        except Expected:
            observed = f"{self._origin.text}: version {version} is made but not deployed, another deployment is under way"
            raise Temporary("appconfig-busy", observed) from None
        over, bakes = started.get("DeploymentDurationInMinutes", 0), started.get("FinalBakeTimeInMinutes", 0)
        takes = ", ".join([f"over {over} min"] * bool(over) + [f"then watched for {bakes} min"] * bool(bakes))
        return f"{version}, deployment {started['DeploymentNumber']}" + (f" ({takes})" if takes else "")

    def _deployed(self, appconfig: Any, ids: _Ids) -> Optional[str]:
        pages = appconfig.get_paginator("list_deployments").paginate(ApplicationId=ids.application, EnvironmentId=ids.environment)
        for page in pages:  # the newest first
            for deployment in page["Items"]:
                of_it = deployment.get("ConfigurationProfileId") == ids.profile
                if of_it and deployment["State"] not in _UNDONE and deployment["ConfigurationVersion"].isdigit():
                    return str(deployment["ConfigurationVersion"])
        return None

    def _ids(self) -> _Ids:
        if self._found is None:
            with self._client() as appconfig:
                one = _one("application", self._origin.application, _all(appconfig, "list_applications"))
                environments = _all(appconfig, "list_environments", ApplicationId=one)
                profiles = _all(appconfig, "list_configuration_profiles", ApplicationId=one)
                self._found = _Ids(
                    one,
                    _one("environment", self._origin.environment, environments),
                    _one("configuration profile", self._origin.profile, profiles),
                )
        return self._found

    def _strategy_id(self, appconfig: Any) -> str:
        if _OWN_STRATEGY.fullmatch(self._strategy):
            return self._strategy
        return _one("deployment strategy", self._strategy, _all(appconfig, "list_deployment_strategies"))


def _all(appconfig: Any, call: str, **about: str) -> "list[Mapping[str, str]]":
    return [item for page in appconfig.get_paginator(call).paginate(**about) for item in page["Items"]]


def _one(kind: str, wanted: str, items: Iterable[Mapping[str, str]]) -> str:
    """The id of the thing that has this id, or else this name."""
    ids = {item["Id"] for item in items if item["Id"] == wanted} or {item["Id"] for item in items if item["Name"] == wanted}
    if len(ids) == 1:
        return ids.pop()
    if ids:
        raise Permanent("appconfig-not-found", f"there are {len(ids)} {kind}s of the name {wanted!a}: write an id ({_list(ids)})")
    there = _list(f"{item['Name']} ({item['Id']})" for item in items)
    raise Permanent("appconfig-not-found", f"there is no {kind} {wanted!a}; there is {there or 'none at all'}")


def _list(words: Iterable[str]) -> str:
    some = sorted(words)
    return ", ".join(some[:10]) + (f" and {len(some) - 10} more" if len(some) > 10 else "")
