"""AWS at one loopback address, in a process of its own: moto behind a front that can fail in every way, and that counts.

`Front.start()` runs this file as a program. It ends when its standard input does, so it dies with whoever started it, and
it is nobody's child, so the ring's check for children that were left behind does not see it. What moto lacks (AppConfig's
data plane) is answered by the front itself. `mode` says how requests fare from now on; `seen` what became of them.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

_CONTROL = "/_front/"
_HOPS = {"connection", "transfer-encoding", "keep-alive", "host", "date", "server", "content-length"}
_CHUNK = bytes(65536)


class Seen(NamedTuple):
    """A request as the front saw it. `sent`: bytes of the body that the client's side took."""

    method: str
    path: str
    key_id: str
    condition: str  # If-None-Match
    status: int
    sent: int


class Front:
    def __init__(self) -> None:
        self.port = self.moto_port = 0
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.awsfront"],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        self.port, self.moto_port = map(int, process.stdout.readline().split())
        process.wait(timeout=30)  # the program goes on in a child of its own
        self._process = process

    def stop(self) -> None:
        assert self._process is not None
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def moto_url(self) -> str:
        """Past the front: for what a test prepares."""
        return f"http://127.0.0.1:{self.moto_port}"

    def mode(self, kind: str, **how: Any) -> None:
        """How requests fare from now on; those whose path does not begin with `path` pass.

        `pass`; `error` (status, code, times: all if left out); `hang`; `stream` (size, declared, cut: after so many bytes the
        connection breaks); `drip` (a byte a second); `key` (what is not signed with this `id` has expired).
        """
        self._control("mode", {"kind": kind, **how})

    def deploy(self, profile: str, content: bytes) -> None:
        self._control("deploy", {"profile": profile, "content": base64.b64encode(content).decode()})

    def withdraw(self, profile: str) -> None:
        self._control("withdraw", {"profile": profile})

    def skip(self, seconds: float) -> None:
        self._control("skip", {"seconds": seconds})

    def seen(self) -> list[Seen]:
        """Since the last time, once none of them is being answered any more (but for those that hang or drip)."""
        for _ in range(100):
            told = self._control("seen", {})
            if told is not None:
                break
            time.sleep(0.05)
        assert told is not None, "the front is still answering"
        assert not told["violations"], told["violations"]
        return [Seen(*one) for one in told["seen"]]

    def _control(self, what: str, how: dict[str, Any]) -> Any:
        request = urllib.request.Request(self.url + _CONTROL + what, data=json.dumps(how).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)


class _State:
    """What the threads of the server share."""

    def __init__(self, moto_port: int) -> None:
        from .appconfigdata import AppConfigData

        self.lock = threading.Lock()
        self.moto_port = moto_port
        self.mode: dict[str, Any] = {"kind": "pass"}
        self.appconfig = AppConfigData()
        self.seen: list[Seen] = []
        self.violations: list[str] = []
        self.busy = 0

    def control(self, what: str, how: dict[str, Any]) -> Any:
        if what == "mode":
            self.mode = how
        elif what == "deploy":
            self.appconfig.deploy(how["profile"], base64.b64decode(how["content"]))
        elif what == "withdraw":
            self.appconfig.withdraw(how["profile"])
        elif what == "skip":
            self.appconfig.skip(how["seconds"])
        elif what == "seen":
            if self.busy:
                return None
            told = {"seen": self.seen, "violations": self.violations}
            self.seen, self.violations = [], []
            return told
        return {}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: _State

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith(_CONTROL):
            with self.state.lock:
                told = self.state.control(self.path[len(_CONTROL) :], json.loads(body))
            self._say(200, {}, json.dumps(told).encode())
            return
        with self.state.lock:
            mode = self._mode()
            ends = mode["kind"] not in ("hang", "drip")
            self.state.busy += ends
        self.sent, self.said = 0, 0
        try:
            with contextlib.suppress(ConnectionError, TimeoutError):
                getattr(self, f"_{mode['kind']}")(mode, body)
        finally:
            signed = re.search(r"Credential=([^/]+)/", self.headers.get("Authorization") or "")
            condition = self.headers.get("If-None-Match") or ""
            key_id = signed[1] if signed else ""
            with self.state.lock:
                self.state.busy -= ends
                self.state.seen.append(Seen(self.command, self.path, key_id, condition, self.said, self.sent))

    do_POST = do_PUT = do_HEAD = do_DELETE = do_GET

    def _mode(self) -> dict[str, Any]:
        mode = self.state.mode
        if "times" in mode:
            mode["times"] -= 1
            if mode["times"] < 0:
                self.state.mode = mode = {"kind": "pass"}
        if mode["kind"] == "key":
            if f"Credential={mode['id']}/" in (self.headers.get("Authorization") or ""):
                return {"kind": "pass"}
            return {"kind": "error", "status": 400 if "X-Amz-Target" in self.headers else 403, "code": "ExpiredToken"}
        if not self.path.startswith(mode.get("path", "/")):
            return {"kind": "pass"}
        return mode

    def _pass(self, mode: dict[str, Any], body: bytes) -> None:
        if self.path.split("?")[0] in ("/configuration", "/configurationsessions"):
            return self._appconfig(body)
        upstream = http.client.HTTPConnection("127.0.0.1", self.state.moto_port, timeout=30)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOPS}
        upstream.request(self.command, self.path, body, {**headers, "Host": self.headers["Host"]})
        answer = upstream.getresponse()
        content = answer.read()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in _HOPS}
        upstream.close()
        self._say(answer.status, kept, content)
        return None

    def _appconfig(self, body: bytes) -> None:
        from .appconfigdata import Violation

        try:
            with self.state.lock:
                answer = self.state.appconfig.answer(self.command, self.path, body)
        except Violation as violation:
            self.state.violations.append(str(violation))
            self._say(400, {"x-amzn-ErrorType": "Violation"}, b"{}")
        else:
            self._say(answer.status, answer.headers, answer.body)

    def _error(self, mode: dict[str, Any], body: bytes) -> None:
        code = mode["code"]
        if "X-Amz-Target" in self.headers or self.path.startswith("/configuration"):
            told = json.dumps({"__type": code, "message": "as the test wants it"}).encode()
            self._say(mode["status"], {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code}, told)
        else:
            xml = f"<Error><Code>{code}</Code><Message>as the test wants it</Message></Error>"
            self._say(mode["status"], {"Content-Type": "application/xml"}, xml.encode())

    def _hang(self, mode: dict[str, Any], body: bytes) -> None:
        self.close_connection = True
        threading.Event().wait(120)

    def _stream(self, mode: dict[str, Any], body: bytes) -> None:
        """Without a length where it is not `declared`: the body then ends with the connection."""
        self.close_connection = True
        self.said = 200
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        self.send_response(200)
        self.send_header("ETag", '"0123456789abcdef"')
        if mode.get("declared", True):
            self.send_header("Content-Length", str(mode["size"]))
        self.end_headers()
        end = min(mode["size"], mode.get("cut") or mode["size"])
        while self.sent < end:
            self.sent += self.connection.send(_CHUNK[: end - self.sent])

    def _drip(self, mode: dict[str, Any], body: bytes) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(120):
            self.sent += self.connection.send(b"#")
            time.sleep(1)

    def _say(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.said = status
        bare = self.command == "HEAD" or status in (204, 304)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if not bare:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not bare:
            self.wfile.write(content)
            self.sent = len(content)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    if os.fork():
        os._exit(0)
    os.setsid()
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    server = _Server(("127.0.0.1", 0), _Handler)
    _Handler.state = _State(moto.get_host_and_port()[1])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], _Handler.state.moto_port, flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
