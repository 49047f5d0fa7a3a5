"""A login shell in the machine on this terminal; ended by leaving the shell or with Ctrl-]."""

from __future__ import annotations

import base64
import os
import select
import shutil
import signal
import sys
import termios
import threading
import time
import tty
from types import FrameType

from .channel import Channel, Request
from .qemu import MachineFailed

LEAVE = b"\x1d"


def shell(channel: Channel, user: str = "ec2-user") -> int:
    """Connect stdin and stdout with a login shell of that user; its exit status, or 0 after Ctrl-]."""
    size = shutil.get_terminal_size()
    request = channel.request(
        "terminal",
        argv=["/bin/bash", "-l"],
        user=None if user == "root" else user,
        term=os.environ.get("TERM", "xterm"),
        rows=size.lines,
        columns=size.columns,
    )
    ended = threading.Event()
    status: list[int] = []
    threading.Thread(target=_show, args=(request, status, ended), daemon=True).start()

    def resized(_signal: int, _frame: FrameType | None) -> None:
        now = shutil.get_terminal_size()
        channel.send(op="resize", id=-1, target=request.ident, rows=now.lines, columns=now.columns)

    before = termios.tcgetattr(0) if sys.stdin.isatty() else None
    handler = signal.signal(signal.SIGWINCH, resized)
    try:
        if before is not None:
            tty.setraw(0)
        _type(channel, request, ended)
    finally:
        signal.signal(signal.SIGWINCH, handler)
        if before is not None:
            termios.tcsetattr(0, termios.TCSADRAIN, before)
        if not ended.is_set():
            request.kill()
        request.forget()
    return status[0] if status else 0


def _type(channel: Channel, request: Request, ended: threading.Event) -> None:
    open_inputs = [0]
    while not ended.is_set():
        ready, _, _ = select.select(open_inputs, [], [], 0.2)
        if not ready:
            continue
        data = os.read(0, 4096)
        if LEAVE in data:
            return
        if not data:  # a pipe has ended, not a person's terminal: end of input for the shell too
            data, open_inputs = b"\x04", []
        channel.send(op="input", id=-1, target=request.ident, data=base64.b64encode(data).decode())


def _show(request: Request, status: list[int], ended: threading.Event) -> None:
    """Write what the shell says until it has ended; a job that it left behind does not keep us."""
    limit = float("inf")
    try:
        while True:
            message = request.next(min(limit, time.monotonic() + 3600))
            if "data" in message:
                data = memoryview(base64.b64decode(message["data"]))
                while data:
                    data = data[os.write(1, data) :]
            if "exit" in message:
                status.append(message["exit"])
                limit = time.monotonic() + 0.5
            if "closed" in message:
                limit = min(limit, time.monotonic() + 0.5)
            if status and "closed" in message:
                break
    except (TimeoutError, MachineFailed):
        pass
    ended.set()
