"""Putting a configuration into S3 or into Parameter Store: an administrator's doing, never the agent's."""

import contextlib
from collections.abc import Iterator
from typing import Any, Optional

from ..config.document import LIMIT_BYTES
from ..errors import Permanent
from ..origin import S3Origin, SsmOrigin
from ..target import Held, held
from . import session

CONTENT_TYPE = "application/yaml"
_STANDARD_BYTES, _ADVANCED_BYTES = 4096, 8192  # of a parameter's value, by its tier


class Client:
    """A client whose errors are problems of ours."""

    def __init__(self, service: str, region: str, what: str) -> None:
        self._service, self._region, self._what = service, region, what
        self._made: Any = None

    @contextlib.contextmanager
    def __call__(self, *expected: str) -> Iterator[Any]:
        """Inside, calls raise FsmountError; where AWS's answer is one of the codes `expected`, they raise Expected."""
        try:
            self._made = self._made or session.client(self._service, self._region)
            yield self._made
        except session.errors() as error:
            if session.code_of(error) in expected:
                raise Expected from None
            raise session.named(error, self._what) from None


class Expected(Exception):
    """AWS's answer was an error that the caller reckons with: there is no such thing yet, say."""


class S3Target:
    def __init__(self, origin: S3Origin, content: bytes, region: str) -> None:
        self._place = {"Bucket": origin.bucket, "Key": origin.key}
        self._content = content
        self._client = Client("s3", region, origin.text)

    def held(self) -> Optional[Held]:
        try:
            with self._client("NoSuchKey") as s3:
                answer = s3.get_object(**self._place)
                return held(answer["Body"].read(LIMIT_BYTES + 1), _version(answer))
        except Expected:
            return None

    def put(self) -> str:
        with self._client() as s3:
            return _version(s3.put_object(**self._place, Body=self._content, ContentType=CONTENT_TYPE))


def _version(answer: Any) -> str:
    """Where the bucket keeps versions."""
    version = str(answer.get("VersionId") or "")
    return "" if version == "null" else version


class SsmTarget:
    """Raises Permanent("parameter-too-large") when made."""

    def __init__(self, origin: SsmOrigin, content: bytes, region: str) -> None:
        self._name = origin.name
        self._content = content
        self._client = Client("ssm", region, origin.text)
        self._exists = False
        self._type = ""
        if len(content) > _ADVANCED_BYTES:
            observed = f"the configuration has {len(content)} bytes, a parameter holds {_ADVANCED_BYTES} at most"
            raise Permanent("parameter-too-large", observed)

    def held(self) -> Optional[Held]:
        try:
            with self._client("ParameterNotFound") as ssm:
                parameter = ssm.get_parameter(Name=self._name, WithDecryption=True)["Parameter"]
        except Expected:
            return None
        self._exists, self._type = True, parameter["Type"]
        return held(parameter["Value"].encode(), str(parameter["Version"]))

    def put(self) -> str:
        # One that is there keeps its type (SecureString, say), which is what leaving it out means.
        more = {} if self._exists else {"Type": "String"}
        with self._client() as ssm:
            if self._type == "SecureString":
                more["KeyId"] = self._key(ssm)
            answer = ssm.put_parameter(Name=self._name, Value=self._content.decode(), Overwrite=True, Tier=self._tier(), **more)
        return str(answer["Version"])

    def _key(self, ssm: Any) -> str:
        """Left out, the account's default key would take the place of the parameter's own, which notebooks may not use."""
        pages = ssm.get_paginator("describe_parameters").paginate(ParameterFilters=[{"Key": "Name", "Values": [self._name]}])
        return str(next(found["KeyId"] for page in pages for found in page["Parameters"] if found["Name"] == self._name))

    def _tier(self) -> str:
        """One that is Advanced cannot become Standard again: asking for that would be an error, so the service decides."""
        if len(self._content) > _STANDARD_BYTES:
            return "Advanced"
        return "Intelligent-Tiering" if self._exists else "Standard"
