"""Commands in the machine, over a virtio-serial port: many at once, each with a deadline on this side.

Nothing here waits for the machine without a bound: a command past its deadline is killed there and forgotten here.
"""

from __future__ import annotations

import base64
import itertools
import json
import queue
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .qemu import MachineFailed

Message = dict[str, Any]
CHUNK = 256 * 1024


@dataclass(frozen=True)
class Completed:
    """How a command ended. `output` is both streams in the order in which they came; status is negative for a signal."""

    status: int
    stdout: str
    stderr: str
    output: str
    seconds: float


class CommandTimeout(Exception):
    """The command was still running at its deadline; it was killed. `output` is what it had said until then."""

    def __init__(self, what: str, seconds: float, output: str) -> None:
        self.output = output
        said = f"; its output so far:\n{output[-4000:]}" if output else ", without any output"
        super().__init__(f"still running after {seconds:.0f} s: {what}{said}")


class Channel:
    """One connection to the machine's exec server."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._idents = itertools.count(int(time.time() * 1000) % 10**9 * 1000)
        self._queues: dict[int, queue.SimpleQueue[Message]] = {}
        self._lock = threading.Lock()
        self._gone = False
        threading.Thread(target=self._receive, daemon=True).start()

    def hello(self, timeout: float) -> None:
        """Wait until the machine answers; it sets its clock to ours on the way."""
        deadline = time.monotonic() + timeout
        while True:
            request = self.request("hello", now=time.time())
            try:
                request.next(min(time.monotonic() + 1, deadline))
                return
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise MachineFailed(f"the machine did not answer within {timeout:.0f} s") from None
            finally:
                request.forget()

    def request(self, operation: str, **fields: Any) -> Request:
        ident = next(self._idents)
        self._queues[ident] = queue.SimpleQueue()
        self.send(op=operation, id=ident, **fields)
        return Request(self, ident, self._queues[ident])

    def send(self, **message: Any) -> None:
        if self._gone:
            raise MachineFailed("the machine is gone: QEMU ended")
        try:
            with self._lock:
                self._connection.sendall(b"\n" + json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise MachineFailed(f"the machine is gone: {error}") from error

    def forget(self, ident: int) -> None:
        self._queues.pop(ident, None)

    def close(self) -> None:
        # shutdown() wakes the reader; closing alone would leave it blocked on the old descriptor.
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _receive(self) -> None:
        buffer = b""
        while True:
            try:
                data = self._connection.recv(1 << 20)
            except OSError:
                data = b""
            if not data:
                break
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                try:
                    message = json.loads(line)
                except ValueError:
                    continue
                if isinstance(message, dict) and (waiting := self._queues.get(message.get("id", -1))) is not None:
                    waiting.put(message)
        self._gone = True
        self._connection.close()
        for waiting in list(self._queues.values()):
            waiting.put({"gone": True})


class Request:
    """One request under way; its answers in order."""

    def __init__(self, channel: Channel, ident: int, answers: queue.SimpleQueue[Message]) -> None:
        self.channel, self.ident, self._answers = channel, ident, answers

    def next(self, deadline: float) -> Message:
        """The next answer; TimeoutError at the deadline (monotonic)."""
        try:
            message = self._answers.get(timeout=max(deadline - time.monotonic(), 0.001))
        except queue.Empty:
            raise TimeoutError from None
        if "gone" in message:
            raise MachineFailed("the machine is gone: QEMU ended while a command was running in it")
        if "error" in message:
            raise MachineFailed(f"the machine could not do it: {message['error']}")
        return message

    def kill(self) -> None:
        self.channel.send(op="kill", id=-1, target=self.ident)

    def forget(self) -> None:
        self.channel.forget(self.ident)


def run(
    channel: Channel,
    argv: list[str],
    *,
    timeout: float,
    what: str,
    wait_for_output: float = 0.5,
    listener: Callable[[bytes], None] | None = None,
    **fields: Any,
) -> Completed:
    """Run a program to its end, but not past `timeout`.

    After the process ended, whoever else holds its output open gets `wait_for_output` seconds more: a daemon that it
    left behind must not keep us, where a lifecycle hook's output must be waited for.
    """
    begun = time.monotonic()
    deadline = begun + timeout
    request = channel.request("run", argv=argv, **fields)
    chunks: list[tuple[str, bytes]] = []
    status: int | None = None
    closed = False
    try:
        while status is None or not closed:
            try:
                message = request.next(deadline)
            except TimeoutError:
                if status is not None and wait_for_output < timeout:
                    break
                request.kill()
                raise CommandTimeout(what, timeout, _text(chunks)) from None
            if "data" in message:
                chunks.append((message["stream"], base64.b64decode(message["data"])))
                if listener is not None:
                    listener(chunks[-1][1])
            closed = closed or "closed" in message
            if "exit" in message:
                status = message["exit"]
                deadline = min(deadline, time.monotonic() + wait_for_output)
    finally:
        request.forget()
    seconds = time.monotonic() - begun
    return Completed(status, _text(chunks, "out"), _text(chunks, "err"), _text(chunks), seconds)


def _text(chunks: list[tuple[str, bytes]], stream: str | None = None) -> str:
    return b"".join(data for name, data in chunks if stream in (None, name)).decode(errors="replace")


def write_file(channel: Channel, data: bytes, path: str, mode: int, timeout: float) -> None:
    """Write a file in the machine: the name appears when the content is complete."""
    deadline = time.monotonic() + timeout
    for start in range(0, max(len(data), 1), CHUNK):
        part = base64.b64encode(data[start : start + CHUNK]).decode()
        last = start + CHUNK >= len(data)
        request = channel.request("write", path=path, data=part, more=start > 0, last=last, mode=mode)
        try:
            request.next(deadline)
        except TimeoutError:
            raise CommandTimeout(f"write {path}", timeout, "") from None
        finally:
            request.forget()


def read_file(channel: Channel, path: str, timeout: float) -> bytes:
    deadline = time.monotonic() + timeout
    request = channel.request("read", path=path)
    content = b""
    try:
        while "done" not in (message := request.next(deadline)):
            content += base64.b64decode(message["data"])
    except TimeoutError:
        raise CommandTimeout(f"read {path}", timeout, "") from None
    finally:
        request.forget()
    return content
