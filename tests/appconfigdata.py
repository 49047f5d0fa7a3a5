"""A stand-in for AppConfig's data plane, which moto lacks: sessions, tokens, content that is given once.

Stricter than the service where its documentation leaves a choice: a token is good for one call. Every request and every
answer is held against botocore's own model of the service; what does not fit it is a `Violation`, and the test's failure.
"""

from __future__ import annotations

import io
import json
import re
import secrets
import time
import urllib.parse
from typing import Any, NamedTuple

import botocore.session
from botocore.model import OperationModel, Shape, StructureShape
from botocore.parsers import create_parser
from botocore.response import StreamingBody
from botocore.validate import ParamValidator

PATHS = {("POST", "/configurationsessions"): "StartConfigurationSession", ("GET", "/configuration"): "GetLatestConfiguration"}
TOKEN_LIVES_S = 24 * 3600
_MODEL = botocore.session.get_session().get_service_model("appconfigdata")


class Violation(Exception):
    """The model of the service does not allow this request, or this answer."""


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class _Refused(Exception):
    def __init__(self, shape: str, **members: Any) -> None:
        super().__init__(shape)
        self.shape, self.members = shape, members


class _Token(NamedTuple):
    profile: str
    delivered: int  # the version that its holder has; 0 for none
    interval_s: int
    not_before: float
    expires: float


class AppConfigData:
    """`deploy` is what the control plane would do; `skip` moves its clock."""

    def __init__(self) -> None:
        self._deployed: dict[str, tuple[int, bytes]] = {}  # application/environment/profile -> version, content
        self._tokens: dict[str, _Token] = {}
        self._versions = 0
        self._skipped_s = 0.0

    def deploy(self, profile: str, content: bytes) -> None:
        self._versions += 1
        self._deployed[profile] = (self._versions, content)

    def withdraw(self, profile: str) -> None:
        self._deployed.pop(profile, None)

    def skip(self, seconds: float) -> None:
        self._skipped_s += seconds

    def answer(self, method: str, target: str, body: bytes) -> Response:
        """Raises Violation."""
        url = urllib.parse.urlsplit(target)
        name = PATHS.get((method, url.path))
        if name is None:
            raise Violation(f"{method} {url.path} is no operation of appconfigdata")
        operation = _MODEL.operation_model(name)
        asked = _asked(operation, dict(urllib.parse.parse_qsl(url.query)), body)
        try:
            members = self._start(asked) if name == "StartConfigurationSession" else self._latest(asked)
        except _Refused as refused:
            return _error(refused)
        return _response(operation, members)

    def _now(self) -> float:
        return time.monotonic() + self._skipped_s

    def _start(self, asked: dict[str, Any]) -> dict[str, Any]:
        names = ("ApplicationIdentifier", "EnvironmentIdentifier", "ConfigurationProfileIdentifier")
        profile = "/".join(asked[name] for name in names)
        if profile not in self._deployed:
            raise _Refused("ResourceNotFoundException", Message="not found", ResourceType="ConfigurationProfile")
        interval_s = asked.get("RequiredMinimumPollIntervalInSeconds", 60)
        return {"InitialConfigurationToken": self._give(profile, 0, interval_s, self._now())}

    def _latest(self, asked: dict[str, Any]) -> dict[str, Any]:
        token = self._tokens.get(asked["ConfigurationToken"])
        if token is None:
            raise _bad_token("Corrupted")
        if self._now() >= token.expires:
            raise _bad_token("Expired")
        if self._now() < token.not_before:
            raise _bad_token("PollIntervalNotSatisfied")
        del self._tokens[asked["ConfigurationToken"]]
        version, content = self._deployed.get(token.profile, (0, b""))
        if not version:
            raise _Refused("ResourceNotFoundException", Message="not found", ResourceType="Deployment")
        following = self._give(token.profile, version, token.interval_s, self._now() + token.interval_s)
        return {
            "NextPollConfigurationToken": following,
            "NextPollIntervalInSeconds": token.interval_s,
            "ContentType": "application/x-yaml",
            "Configuration": content if version != token.delivered else b"",
        }

    def _give(self, profile: str, delivered: int, interval_s: int, not_before: float) -> str:
        token = secrets.token_urlsafe(96)
        self._tokens[token] = _Token(profile, delivered, interval_s, not_before, self._now() + TOKEN_LIVES_S)
        return token


def _bad_token(problem: str) -> _Refused:
    return _Refused(
        "BadRequestException",
        Message=f"the token is not valid ({problem})",
        Reason="InvalidParameters",
        Details={"InvalidParameters": {"ConfigurationToken": {"Problem": problem}}},
    )


def _asked(operation: OperationModel, query: dict[str, str], body: bytes) -> dict[str, Any]:
    shape = operation.input_shape
    assert isinstance(shape, StructureShape)
    said: dict[str, Any] = json.loads(body) if body else {}
    for name, member in shape.members.items():
        if member.serialization.get("location") == "querystring" and member.serialization["name"] in query:
            said[name] = query.pop(member.serialization["name"])
    _demand(said, shape, "request")
    if query:
        raise Violation(f"{operation.name} knows no {sorted(query)}")
    return said


def _response(operation: OperationModel, members: dict[str, Any]) -> Response:
    shape = operation.output_shape
    assert isinstance(shape, StructureShape)
    payload = shape.serialization.get("payload")
    headers = {
        shape.members[name].serialization["name"]: str(value)
        for name, value in members.items()
        if shape.members[name].serialization.get("location") == "header"
    }
    body = members[payload] if payload else json.dumps(members).encode()
    response = Response(operation.http["responseCode"], {"Content-Type": "application/json", **headers}, body)
    _demand_meaning(response, shape, members)
    return response


def _error(refused: _Refused) -> Response:
    shape = _MODEL.shape_for(refused.shape)
    status = shape.metadata["error"]["httpStatusCode"] if "error" in shape.metadata else 500
    _demand(refused.members, shape, "answer")
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": refused.shape}
    return Response(status, headers, json.dumps(refused.members).encode())


def _demand_meaning(response: Response, shape: Shape, members: dict[str, Any]) -> None:
    """As botocore reads it, the answer says what was meant, and that is what the model allows."""
    payload = shape.serialization.get("payload")
    # As botocore's endpoint does it where a blob is the whole body: that is handed on unread.
    body = StreamingBody(io.BytesIO(response.body), len(response.body)) if payload else response.body
    raw = {"status_code": response.status, "headers": _Headers(response.headers), "body": body}
    parsed = create_parser("rest-json").parse(raw, shape)
    parsed.pop("ResponseMetadata", None)
    if payload:
        parsed[payload] = parsed[payload].read()
    if parsed != members:
        raise Violation(f"answer: {parsed} is read where {members} was meant")
    _demand(parsed, shape, "answer")


def _demand(value: dict[str, Any], shape: Shape, which: str) -> None:
    report = ParamValidator().validate(value, shape)
    if report.has_errors():
        raise Violation(f"{which}: {report.generate_report()}")
    assert isinstance(shape, StructureShape)
    for name, said in value.items():
        pattern = shape.members[name].metadata.get("pattern")
        if pattern and isinstance(said, str) and not re.fullmatch(pattern, said):
            raise Violation(f"{which}: {name} is not of the form {pattern}")


class _Headers(dict[str, str]):
    """As the parser wants them: whatever the case."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())
