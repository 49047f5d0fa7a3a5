"""`fsmount reload`, `fsmount retry [NAME]` and `fsmount detach NAME`: one line to the agent, one line back."""

import socket
from typing import Optional

import msgspec

from .. import places
from ..exits import Exit
from ..model import Problem
from ..problems import CATALOGUE
from ..wire import Request, Response
from . import VERBS
from .complain import complain
from .parser import Parser

_PATIENCE_S = 15.0  # reading the configuration has 10 s


def main(verb: str, argv: list[str]) -> int:
    parser = Parser(verb, f"{VERBS[verb].summary[0].upper()}{VERBS[verb].summary[1:]}.")
    if verb == "retry":
        parser.add_argument("name", nargs="?", help="a mount; without it, all of them")
    elif verb == "detach":
        parser.add_argument("name", help="a mount that hangs")
    parser.add_argument("--run-dir", default=places.RUN, help="where the agent keeps its socket (%(default)s)")
    options = parser.parse_args(argv)
    response = ask(places.control_socket(options.run_dir), Request(verb, getattr(options, "name", None)))
    if response.problem is None:
        print(f"{verb}: {response.done}")
        return Exit.OK
    problem = response.problem
    complain(f"{problem.observed} [{problem.code}]", CATALOGUE[problem.code].remedy)
    return {"no-agent": Exit.NO_AGENT, "unknown-mount": Exit.USAGE}.get(problem.code, Exit.NOT_OK)


def ask(path: str, request: Request) -> Response:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_PATIENCE_S)
        try:
            connection.connect(path)
            connection.sendall(msgspec.json.encode(request) + b"\n")
            return _decode(_line(connection))
        except PermissionError:
            return _failed("not-allowed", f"the agent's socket {path} is root's")
        except (FileNotFoundError, ConnectionRefusedError):
            return _failed("no-agent", f"no agent listens at {path}")
        except socket.timeout:
            return _failed("no-agent", f"the agent gave no answer within {_PATIENCE_S:.0f} s")
        except OSError as error:
            return _failed("no-agent", f"{path}: {error.strerror}")


def _line(connection: socket.socket) -> bytes:
    heard = b""
    while b"\n" not in heard:
        more = connection.recv(65536)
        if not more:
            break
        heard += more
    return heard


def _decode(line: bytes) -> Response:
    if not line:
        return _failed("no-agent", "the agent ended before it answered")
    try:
        return msgspec.json.decode(line, type=Response)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return _failed("bad-request", f"the agent's answer makes no sense: {error}")


def _failed(code: str, observed: str, done: Optional[str] = None) -> Response:
    return Response(done or "", Problem(code, observed, temporary=False))
