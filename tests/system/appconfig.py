"""A stand-in for AppConfig's control plane, which moto has in part only: a real HTTP server in a process of its own.

Requests are routed by botocore's service model, and no answer leaves that the model does not allow; so is every
request's body held against it. Deployments stay under way for as long as `bake` says: until DELETE /bake.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import botocore.session
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

MODEL = ServiceModel(botocore.session.Session().get_service_data("appconfig"), "appconfig")
ROOT = Path(__file__).parents[2]
PAGE = 2  # so that whoever reads one page only finds too little

Json = dict[str, Any]


class Refusal(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Service:
    """What is there: two applications of one name among others, one with an environment and two profiles."""

    def __init__(self) -> None:
        self.applications = [("app0001", "other"), ("app0002", "fsmount"), ("app0003", "twin"), ("app0004", "twin")]
        self.environments = [("env0001", "test"), ("env0002", "prod")]
        self.profiles = [("prof001", "flags"), ("prof002", "other"), ("prof003", "mounts")]
        self.strategies = [("strat01", "slow"), ("strat02", "no bake time")]
        self.versions: dict[str, list[bytes]] = {}
        self.deployments: list[Json] = []
        self.baking = False

    def list_applications(self) -> list[Json]:
        return [{"Id": id, "Name": name} for id, name in self.applications]

    def list_environments(self, ApplicationId: str) -> list[Json]:
        self._known("application", ApplicationId, self.applications)
        return [{"ApplicationId": ApplicationId, "Id": id, "Name": name} for id, name in self.environments]

    def list_configuration_profiles(self, ApplicationId: str) -> list[Json]:
        self._known("application", ApplicationId, self.applications)
        return [{"ApplicationId": ApplicationId, "Id": id, "Name": name} for id, name in self.profiles]

    def list_deployment_strategies(self) -> list[Json]:
        return [{"Id": id, "Name": name} for id, name in self.strategies]

    def list_deployments(self, ApplicationId: str, EnvironmentId: str) -> list[Json]:
        self._known("environment", EnvironmentId, self.environments)
        return list(reversed(self.deployments))

    def create_hosted_configuration_version(self, ApplicationId: str, ConfigurationProfileId: str, Content: bytes) -> Json:
        self._known("profile", ConfigurationProfileId, self.profiles)
        self.versions.setdefault(ConfigurationProfileId, []).append(Content)
        return self.get_hosted_configuration_version(
            ApplicationId, ConfigurationProfileId, len(self.versions[ConfigurationProfileId])
        )

    def get_hosted_configuration_version(self, ApplicationId: str, ConfigurationProfileId: str, VersionNumber: int) -> Json:
        contents = self.versions.get(ConfigurationProfileId, [])
        if not 0 < int(VersionNumber) <= len(contents):
            raise Refusal(404, "ResourceNotFoundException", f"version {VersionNumber} not found")
        return {
            "ApplicationId": ApplicationId,
            "ConfigurationProfileId": ConfigurationProfileId,
            "VersionNumber": int(VersionNumber),
            "ContentType": "application/yaml",
            "Content": contents[int(VersionNumber) - 1],
        }

    def start_deployment(self, ApplicationId: str, EnvironmentId: str, **body: str) -> Json:
        if self.baking:
            raise Refusal(409, "ConflictException", "Deployment is already in progress for this environment")
        strategy = body["DeploymentStrategyId"]
        if strategy != "AppConfig.AllAtOnce":
            self._known("strategy", strategy, self.strategies)
        bakes = 10 if strategy == "AppConfig.AllAtOnce" else 0
        self.baking = bool(bakes)
        deployment = {
            "DeploymentNumber": len(self.deployments) + 1,
            "ConfigurationProfileId": body["ConfigurationProfileId"],
            "ConfigurationVersion": body["ConfigurationVersion"],
            "DeploymentDurationInMinutes": 0,
            "FinalBakeTimeInMinutes": bakes,
            "State": "BAKING" if bakes else "COMPLETE",
        }
        self.deployments.append(deployment)
        return {"ApplicationId": ApplicationId, "EnvironmentId": EnvironmentId, **deployment}

    @staticmethod
    def _known(kind: str, id: str, items: list[tuple[str, str]]) -> None:
        if id not in [item for item, _ in items]:
            raise Refusal(404, "ResourceNotFoundException", f"{kind} {id} not found")


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Handler(BaseHTTPRequestHandler):
    service = Service()

    def _serve(self) -> None:
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if address.path == "/bake":
            self.service.baking = False
            self._answer(200, {}, b"{}")
            return
        try:
            self._operate(address.path, parse_qs(address.query), body)
        except Refusal as refusal:
            said = json.dumps({"Message": str(refusal)}).encode()
            self._answer(refusal.status, {"X-Amzn-ErrorType": refusal.code}, said)

    do_GET = do_POST = do_DELETE = _serve

    def _operate(self, path: str, query: dict[str, list[str]], body: bytes) -> None:
        for name in MODEL.operation_names:
            operation = MODEL.operation_model(name)
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", operation.http["requestUri"])
            found = re.fullmatch(pattern, path)
            if found and operation.http["method"] == self.command and hasattr(self.service, snake(name)):
                break
        else:
            raise Refusal(400, "BadRequestException", f"{self.command} {path} is no operation of this stand-in")
        arguments: Json = {key: unquote(value) for key, value in found.groupdict().items()}
        if operation.name == "CreateHostedConfigurationVersion":
            assert self.headers["Content-Type"] == "application/yaml"
            arguments["Content"] = body
        elif body:
            arguments.update(json.loads(body))
        answer = getattr(self.service, snake(name))(**arguments)
        if isinstance(answer, list):
            start = int(query.get("next_token", ["0"])[0])
            more = {"NextToken": str(start + PAGE)} if len(answer) > start + PAGE else {}
            answer = {"Items": answer[start : start + PAGE], **more}
        assert operation.output_shape is not None
        wrong = ParamValidator().validate(answer, operation.output_shape)
        if wrong.has_errors():
            raise Refusal(500, "StandInError", wrong.generate_report())
        self._send(operation, answer)

    def _send(self, operation: Any, answer: Json) -> None:
        headers = {}
        for member, shape in operation.output_shape.members.items():
            if shape.serialization.get("location") == "header" and member in answer:
                headers[shape.serialization["name"]] = str(answer.pop(member))
        payload = operation.output_shape.serialization.get("payload")
        self._answer(operation.http["responseCode"], headers, answer[payload] if payload else json.dumps(answer).encode())

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The server's address."""
    argv = ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", __name__]
    server = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.kill()
        server.wait(10)
        server.stdout.close()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
