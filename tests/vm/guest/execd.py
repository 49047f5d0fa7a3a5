#!/usr/bin/python3 -I
"""Runs commands for the test driver: JSON lines over a virtio-serial port.

Every command is a session of its own with threads of its own, so one that hangs never blocks the next; nothing here
waits for a process before it reads the next request. Runs on Python 3.9.
"""

import base64
import fcntl
import glob
import json
import os
import pty
import pwd
import selectors
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from typing import Any, Optional

Request = dict[str, Any]
ROOT_ENV = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "USER": "root",
    "LOGNAME": "root",
    "SHELL": "/bin/bash",
    "LANG": "C.UTF-8",
}
CHUNK = 48 * 1024


def open_port(name: str) -> int:
    """The port's device, waiting for the driver: the name is in sysfs, devtmpfs makes the node without udev."""
    while True:
        for path in glob.glob("/sys/class/virtio-ports/*/name"):
            with open(path, encoding="ascii") as file:
                if file.read().strip() == name:
                    return os.open("/dev/" + os.path.basename(os.path.dirname(path)), os.O_RDWR | os.O_CLOEXEC)
        time.sleep(0.05)


def session_leader_with_tty() -> None:
    """In the child of a terminal: make the terminal on stdin the controlling one."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Server:
    def __init__(self, port: int) -> None:
        self.port = port
        self.lock = threading.Lock()
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self.terminals: dict[int, int] = {}

    def send(self, **message: Any) -> None:
        # A newline first: what is left of a line cut off by a snapshot must not swallow this one.
        data = memoryview(b"\n" + json.dumps(message).encode() + b"\n")
        with self.lock:
            while data:
                data = data[os.write(self.port, data) :]

    def serve(self) -> None:
        buffer = b""
        while True:
            data = os.read(self.port, 65536)
            if not data:  # the host is not connected
                time.sleep(0.02)
                continue
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                try:
                    request = json.loads(line)
                except ValueError:
                    continue
                self.accept(request)

    def accept(self, request: Request) -> None:
        operation = request["op"]
        if operation == "hello":
            time.clock_settime(time.CLOCK_REALTIME, request["now"])
            self.send(id=request["id"], hello=True)
        elif operation == "kill":
            self.kill(request["target"])
        elif operation == "input":
            self.type(request["target"], base64.b64decode(request["data"]))
        elif operation == "resize":
            self.resize(request["target"], request["rows"], request["columns"])
        else:
            work = {"run": self.run, "terminal": self.terminal, "write": self.write, "read": self.read}[operation]
            threading.Thread(target=self.guarded, args=(work, request), daemon=True).start()

    def guarded(self, work: Any, request: Request) -> None:
        try:
            work(request)
        except (OSError, KeyError, ValueError, subprocess.SubprocessError) as error:
            self.send(id=request["id"], error=f"{type(error).__name__}: {error}")

    def run(self, request: Request) -> None:
        who, error_stream = self.identity(request), subprocess.PIPE
        if request.get("merge"):
            error_stream = subprocess.STDOUT
        with tempfile.TemporaryFile(dir="/run") as given:
            given.write(base64.b64decode(request.get("stdin") or ""))
            given.seek(0)
            process = subprocess.Popen(
                request["argv"],
                stdin=given if request.get("stdin") is not None else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=error_stream,
                start_new_session=True,
                **who,
            )
        self.processes[request["id"]] = process
        threading.Thread(target=self.await_exit, args=(request["id"], process), daemon=True).start()
        self.pump(request["id"], process)

    def await_exit(self, ident: int, process: "subprocess.Popen[bytes]") -> None:
        self.send(id=ident, exit=process.wait())
        # Kept until its output has ended: what it left behind in its session can still be killed.

    def pump(self, ident: int, process: "subprocess.Popen[bytes]") -> None:
        with selectors.DefaultSelector() as selector:
            for key, stream in (("out", process.stdout), ("err", process.stderr)):
                if stream is not None:
                    selector.register(stream, selectors.EVENT_READ, key)
            while selector.get_map():
                for ready, _ in selector.select():
                    data = os.read(ready.fd, CHUNK)
                    if data:
                        self.send(id=ident, stream=ready.data, data=base64.b64encode(data).decode())
                    else:
                        selector.unregister(ready.fileobj)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        self.send(id=ident, closed=True)

    def identity(self, request: Request) -> dict[str, Any]:
        """Popen's arguments for who runs it: root with the given environment, or a user as after logging in."""
        if request.get("user") is None:
            return {"env": request.get("env") or ROOT_ENV, "cwd": request.get("cwd") or "/"}
        entry = pwd.getpwnam(request["user"])
        env = {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games",
            "HOME": entry.pw_dir,
            "USER": entry.pw_name,
            "LOGNAME": entry.pw_name,
            "SHELL": entry.pw_shell,
            "LANG": "C.UTF-8",
        }
        groups: list[int] = os.getgrouplist(entry.pw_name, entry.pw_gid)
        return {
            "env": env,
            "cwd": request.get("cwd") or entry.pw_dir,
            "user": entry.pw_uid,
            "group": entry.pw_gid,
            "extra_groups": groups,
        }

    def kill(self, ident: int) -> None:
        process: Optional[subprocess.Popen[bytes]] = self.processes.get(ident)
        if process is not None:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def terminal(self, request: Request) -> None:
        who = self.identity(request)
        who["env"] = dict(who["env"], TERM=request.get("term") or "xterm")
        leader, follower = pty.openpty()
        os.fchown(follower, who.get("user", 0), -1)
        self.terminals[request["id"]] = leader
        self.resize(request["id"], request["rows"], request["columns"])
        process = subprocess.Popen(
            request["argv"],
            stdin=follower,
            stdout=follower,
            stderr=follower,
            preexec_fn=session_leader_with_tty,
            **who,
        )
        os.close(follower)
        self.processes[request["id"]] = process
        threading.Thread(target=self.await_exit, args=(request["id"], process), daemon=True).start()
        try:
            while True:
                data = os.read(leader, CHUNK)
                self.send(id=request["id"], stream="out", data=base64.b64encode(data).decode())
        except OSError:  # EIO: nobody has the other side open any more
            self.send(id=request["id"], closed=True)

    def type(self, ident: int, data: bytes) -> None:
        if ident in self.terminals:
            os.write(self.terminals[ident], data)

    def resize(self, ident: int, rows: int, columns: int) -> None:
        if ident in self.terminals:
            fcntl.ioctl(self.terminals[ident], termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def write(self, request: Request) -> None:
        path, temporary = request["path"], request["path"] + ".part"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(temporary, "ab" if request["more"] else "wb") as file:
            file.write(base64.b64decode(request["data"]))
        if request["last"]:
            os.chmod(temporary, request["mode"])
            os.rename(temporary, path)
        self.send(id=request["id"], done=True)

    def read(self, request: Request) -> None:
        with open(request["path"], "rb") as file:
            for data in iter(lambda: file.read(CHUNK), b""):
                self.send(id=request["id"], stream="out", data=base64.b64encode(data).decode())
        self.send(id=request["id"], done=True)


if __name__ == "__main__":
    Server(open_port(sys.argv[1])).serve()
