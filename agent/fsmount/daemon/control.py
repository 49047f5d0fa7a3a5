"""The control socket: one JSON line asks, one JSON line answers. Root's alone (mode 0600).

A client that says nothing, or never reads, is dropped after a few seconds; it cannot hold the loop.
"""

import contextlib
import os
import select
import socket
from typing import Optional

import msgspec

from ..model import Problem
from ..timeouts import CLIENT_S
from ..wire import LINE_MOST, Request, Response
from .agent import Agent

_CLIENTS_MOST = 16


class _Client:
    def __init__(self, connection: socket.socket, since: float) -> None:
        self.connection, self.since = connection, since
        self.heard = b""
        self.asked = False
        self.silent = False  # it will say no more, and may still read


class Control:
    def __init__(self, path: str, poll: "select.poll", agent: Agent) -> None:
        self._poll, self._agent = poll, agent
        self._clients: dict[int, _Client] = {}
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        before = os.umask(0o177)
        try:
            self._listener.bind(path)
        finally:
            os.umask(before)
        self._listener.listen(8)
        poll.register(self._listener, select.POLLIN)

    def ready(self, descriptor: int, now: float) -> bool:
        """Whether the descriptor was one of ours, and if so, serve it."""
        if descriptor == self._listener.fileno():
            self._accept(now)
            return True
        client = self._clients.get(descriptor)
        if client:
            self._hear(client)
        return client is not None

    def next_deadline(self) -> Optional[float]:
        return min((c.since + CLIENT_S for c in self._clients.values() if not c.asked), default=None)

    def expire(self, now: float) -> None:
        for client in list(self._clients.values()):
            if not client.asked and client.since + CLIENT_S <= now:
                self._drop(client)

    def _accept(self, now: float) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        if len(self._clients) >= _CLIENTS_MOST and not self._forget_one():
            connection.close()
            return
        connection.setblocking(False)
        self._clients[connection.fileno()] = _Client(connection, now)
        self._poll.register(connection, select.POLLIN)

    def _forget_one(self) -> bool:
        """The one that has waited longest of those that will say no more: most have left without waiting for the answer."""
        silent = next((client for client in self._clients.values() if client.silent), None)
        if silent is not None:
            self._drop(silent)
        return silent is not None

    def _hear(self, client: _Client) -> None:
        try:
            heard = client.connection.recv(LINE_MOST)
        except BlockingIOError:
            return
        except OSError:
            heard = b""
        client.heard += heard
        if not heard and client.asked:
            self._poll.unregister(client.connection)  # gone, or only listening: the answer will find out
            client.silent = True
        elif not heard or client.asked:
            self._drop(client)
        elif b"\n" in client.heard:
            self._serve(client, client.heard.partition(b"\n")[0])
        elif len(client.heard) >= LINE_MOST:
            self._answer(client, Problem("bad-request", "a request longer than 4 KiB", False), "")

    def _serve(self, client: _Client, line: bytes) -> None:
        client.asked = True
        try:
            request = msgspec.json.decode(line, type=Request)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            self._answer(client, Problem("bad-request", f"not a request: {error}", False), "")
            return
        if request.verb == "reload":
            self._agent.reload(lambda problem, sentence: self._answer(client, problem, sentence))
        elif request.verb == "detach":
            chosen, problem = self._agent.detach(request.name or "")
            self._answer(client, problem, f"{', '.join(chosen)} is being detached")
        elif request.verb == "retry":
            self._answer(client, *self._retried(request.name))
        else:
            self._answer(client, Problem("bad-request", f"no such request: {request.verb!r}", False), "")

    def _retried(self, name: Optional[str]) -> tuple[Optional[Problem], str]:
        trying, problem = self._agent.retry(name)
        if not trying:
            return problem, f"{name or 'every mount'} is up; there was nothing to try"
        return problem, f"trying {', '.join(trying[:5])}{f' and {len(trying) - 5} more' if len(trying) > 5 else ''} now"

    def _answer(self, client: _Client, problem: Optional[Problem], sentence: str) -> None:
        if client.connection.fileno() < 0:
            return  # it has left
        try:
            client.connection.send(msgspec.json.encode(Response(sentence, problem)) + b"\n")
        except OSError:
            pass  # it has left, or does not read: its loss
        self._drop(client)

    def _drop(self, client: _Client) -> None:
        descriptor = client.connection.fileno()
        if self._clients.get(descriptor) is client:
            del self._clients[descriptor]
            if not client.silent:
                self._poll.unregister(descriptor)
            client.connection.close()
