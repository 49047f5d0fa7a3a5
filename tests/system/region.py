"""A region on the loopback, as a process of its own: a name server, the FSx, EFS and SageMaker calls that moto lacks, and
the instance metadata service. What it says stands in a JSON file that is read anew for each question.

    python -m tests.system.region STATE LOG ADDRESS

prints the ports of the services and of the metadata on one line. Every request and every answer is held against
botocore's own model of the service, and what was asked goes to LOG, a line each.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

TOKEN = "AQAEAtokenTOKEN=="


class State:
    """`names`: addresses by host, null for silence, and "*" for all others; `answers`: by operation, a list of pages, an
    error code or null for silence; `zone`: the metadata's, null for an error."""

    def __init__(self, state: Path, log: Path) -> None:
        self._state, self._log, self._lock = state, log, threading.Lock()

    def read(self, part: str) -> Any:
        return json.loads(self._state.read_text()).get(part)

    def note(self, *words: str) -> None:
        with self._lock, self._log.open("a") as log:
            log.write(" ".join(words) + "\n")


def name_server(state: State, address: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        while True:
            query, client = server.recvfrom(512)
            reply = _reply(state, query)
            if reply:
                server.sendto(reply, client)


def _reply(state: State, query: bytes) -> bytes | None:
    """RFC 1035, as far as one question goes."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    question, host = query[12 : at + 5], ".".join(labels)
    kind = struct.unpack(">H", query[at + 1 : at + 3])[0]
    state.note("dns", host)
    names = state.read("names") or {}
    addresses = names.get(host, names.get("*", ()))
    if addresses is None:
        return None
    family, record = (socket.AF_INET6, 28) if kind == 28 else (socket.AF_INET, 1)
    fitting = [one for one in addresses if (":" in one) is (kind == 28)] if kind in (1, 28) else []
    data = [socket.inet_pton(family, one) for one in fitting]
    records = b"".join(struct.pack(">HHHIH", 0xC00C, record, 1, 0, len(one)) + one for one in data)
    flags = 0x8580 | (0 if addresses else 3)  # authoritative; 3: there is no such name
    return query[:2] + struct.pack(">HHHHH", flags, 1, len(data), 0, 0) + question + records


class _Services(BaseHTTPRequestHandler):
    state: State
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        target = self.headers["X-Amz-Target"]
        service = "sagemaker" if target.startswith("SageMaker.") else "fsx"
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(service, target.rpartition(".")[2], json.loads(body or b"{}"))

    def do_GET(self) -> None:
        assert urlsplit(self.path).path == "/2015-02-01/mount-targets", self.path
        self._answer("efs", "DescribeMountTargets", dict(parse_qsl(urlsplit(self.path).query)))

    def _answer(self, service: str, operation: str, asked: dict[str, Any]) -> None:
        model = _model(service).operation_model(operation)
        token = asked.get("Marker") or asked.get("NextToken") or "0"
        self.state.note(operation, json.dumps(asked, sort_keys=True))
        answer = (self.state.read("answers") or {}).get(operation, "NotGiven")
        if answer is None:
            threading.Event().wait()
        if isinstance(answer, str):
            self._say(403 if "Denied" in answer else 400, {"__type": answer, "message": f"said so: {answer}"}, answer)
            return
        _validate(asked, model.input_shape)
        page = dict(answer[int(token)])
        if int(token) + 1 < len(answer):
            page["NextMarker" if service == "efs" else "NextToken"] = str(int(token) + 1)
        _validate(page, model.output_shape)
        self._say(200, page)

    def _say(self, status: int, content: object, error: str = "") -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if error:
            self.send_header("x-amzn-ErrorType", error)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Metadata(BaseHTTPRequestHandler):
    """Version 2 alone: without a token nothing is said."""

    state: State

    def do_PUT(self) -> None:
        wanted = self.path == "/latest/api/token" and self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
        self._say(200 if wanted else 400, TOKEN)

    def do_GET(self) -> None:
        self.state.note("metadata", self.path)
        if self.headers.get("X-aws-ec2-metadata-token") != TOKEN:
            self._say(401, "")
        elif self.path == "/latest/meta-data/placement/availability-zone-id" and self.state.read("zone"):
            self._say(200, self.state.read("zone"))
        else:
            self._say(404, "")

    def _say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


def _model(service: str) -> Any:
    import botocore.session

    return botocore.session.get_session().get_service_model(service)


def _validate(content: dict[str, Any], shape: Any) -> None:
    from botocore.validate import ParamValidator

    report = ParamValidator().validate(content, shape)
    if report.has_errors():
        raise ValueError(f"not as the model says: {report.generate_report()}")


def _serve(handler: type[BaseHTTPRequestHandler], state: State) -> tuple[int, Callable[[], None]]:
    bound = type("Bound", (handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), bound)
    server.daemon_threads = True
    return server.server_port, server.serve_forever


def main(state: str, log: str, address: str) -> None:
    said = State(Path(state), Path(log))
    services, metadata = _serve(_Services, said), _serve(_Metadata, said)
    for work in (services[1], metadata[1]):
        threading.Thread(target=work, daemon=True).start()
    print(services[0], metadata[0], flush=True)
    name_server(said, address)


if __name__ == "__main__":
    main(*sys.argv[1:])
