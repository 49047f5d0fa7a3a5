"""The one door to other programs: argv lists, an absolute argv[0], cwd /, a built environment, no stdin, capped output."""

import os
import re
import select
import signal
import time
from typing import NamedTuple, Optional

from ..errors import Temporary

_OUTPUT_MOST = 64 * 1024
_LINE_MOST = 300
# Ids and keys of AWS credentials, and whatever is called a secret, a token or a password.
_SECRET = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|(?<![^\s=:\"'])[A-Za-z0-9+][A-Za-z0-9/+=]{39,}"
    r"|(?i:secret|token|password)\w*[\"']?\s*[=:]\s*\S+"
)
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


class Ran(NamedTuple):
    status: int
    output: str  # stdout and stderr as they came


def run(argv: list[str], *, pass_fds: tuple[int, ...] = (), within_s: Optional[float] = None) -> Ran:
    """Run a program to its end. Only inside a Job, whose deadline ends the whole session with it.

    `pass_fds`: descriptors that it inherits. `within_s`: then it is killed with all that it has started (mount(8) starts its
    helper, and that another program), and what it has said so far is its answer. Raises Temporary("no-process") where it
    cannot be started, FileNotFoundError where it is not installed.
    """
    import subprocess  # only the few who come here need it, and it is a tenth of a Job's time

    assert argv[0].startswith("/"), argv
    try:
        process = subprocess.Popen(
            argv,
            cwd="/",
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=pass_fds,
        )
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Temporary("no-process", f"{argv[0]}: {error.strerror}") from None
    assert process.stdout
    with process.stdout as stream:
        output = _read(stream.fileno(), process.pid, within_s)
    return Ran(process.wait(), output.decode(errors="replace").strip())


def _read(pipe: int, pid: int, within_s: Optional[float]) -> bytes:
    """What it says until it closes its output, or until it has ended: what it leaves behind may hold the output open."""
    output, end = b"", None if within_s is None else time.monotonic() + within_s
    poll, over = select.poll(), os.pidfd_open(pid)
    for descriptor in (pipe, over):
        poll.register(descriptor, select.POLLIN)
    try:
        while True:
            left = None if end is None else max(0, int((end - time.monotonic()) * 1000))
            ready = [descriptor for descriptor, _ in poll.poll(left)]
            if pipe in ready:
                heard = os.read(pipe, 65536)
                output = (output + heard)[:_OUTPUT_MOST]
                if not heard:
                    return output
            elif ready:
                return output
            elif end is not None:
                _kill(pid)
                end = None
    finally:
        os.close(over)


def _kill(pid: int) -> None:
    """With all that it has started, each of them stopped before its own are looked for. (A dead one's are nobody's.)"""
    for one in _stopped(pid):
        _signal(one, signal.SIGKILL)


def _stopped(pid: int) -> list[int]:
    _signal(pid, signal.SIGSTOP)
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            children = file.read().split()
    except OSError:
        children = []
    return [pid, *(one for child in children for one in _stopped(int(child)))]


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # it has ended by itself


def first_line(output: str, holding: str = "") -> str:
    """The first line of what a program said (in which that text stands), short enough and without anything secret."""
    lines = [line.strip() for line in output.splitlines() if line.strip() and holding in line]
    text = re.sub(r"^mount(\.\w+)?: ", "", lines[0]) if lines else ""
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return _SECRET.sub("***", text)[:_LINE_MOST]
