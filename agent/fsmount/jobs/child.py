"""The child's side of a Job: from fork to exit it carries out its order and answers with one JSON line.

It is in a session of its own, so that a deadline ends what it started, too, and it dies with the agent: an attempt that
nobody waits for must not finish later behind the next agent's back. Several orders (the mounts of one server) are
carried out in a thread each, so that one which hangs holds up none of the others.
"""

import gc
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Callable, NoReturn, Optional

import msgspec

from ..errors import FsmountError
from ..linux import syscalls
from ..model import Problem
from .answers import Answer, Failed, Pulse, Said
from .orders import Kind, Order

_RARE = frozenset({Kind.FETCH, Kind.RECALL, Kind.KEEP})

_NOT_URGENT = (Kind.PUBLISH, Kind.KEEP)  # no mount waits for them
_agent: Optional[int] = None  # in a child: the process id of the agent that started it
_answer_to: Optional[int] = None  # in a child: where its answers go


def run(kind: Kind, orders: Sequence[Order], answer_to: int, parent: int, quiet: bool = False) -> NoReturn:
    """Never returns, whatever happens: the caller's stack belongs to the daemon."""
    status = 1
    try:
        gc.disable()  # a collection would touch, and so copy, all the pages that are shared with the daemon
        _leave_the_daemon(kind, answer_to, parent)
        if quiet:
            _let_go_of_the_output()
        _carry_out(kind, orders, answer_to)
        status = 0
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        os._exit(status)


def say_alive() -> None:
    """From a probe (whose Job has one order): the server has answered once."""
    if _answer_to is not None:
        _write(_answer_to, _line(0, Pulse()))


def _leave_the_daemon(kind: Kind, answer_to: int, parent: int) -> None:
    global _agent, _answer_to
    _agent, _answer_to = parent, answer_to
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    stay_with_the_agent()
    if os.getpriority(os.PRIO_PROCESS, 0) < 0:
        os.setpriority(os.PRIO_PROCESS, 0, 0)  # the daemon's loop goes first, its helpers do not
    if kind in _NOT_URGENT:
        os.nice(10)
    _go_first_when_memory_runs_out()
    nothing = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nothing, 0)
    # The daemon's descriptors must not live on in a child that may never end.
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) != answer_to:
            _close(int(name))
    os.umask(0o022)


def _let_go_of_the_output() -> None:
    """Whoever reads a command's output through a pipe waits until the last process that holds it has ended."""
    nothing = os.open("/dev/null", os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.close(nothing)


def _go_first_when_memory_runs_out(score: bytes = b"500") -> None:
    """Where memory runs out, the kernel is to end a helper, which is one Job, and not the agent, which has more of it."""
    try:
        with open("/proc/self/oom_score_adj", "wb", buffering=0) as file:
            file.write(score)
    except OSError:
        pass  # then the kernel chooses by size


def be_spared_as_others_are() -> None:
    """Before a program is started that outlives the Job: what it inherits, it has for good."""
    _go_first_when_memory_runs_out(b"0")


def stay_with_the_agent() -> None:
    """End when the agent ends. The kernel forgets this whenever a thread's credentials change (prctl(2))."""
    syscalls.die_with_parent(signal.SIGKILL)
    if _agent not in (None, os.getppid()):  # it ended before: whoever adopted us says nothing
        os._exit(1)


def _carry_out(kind: Kind, orders: Sequence[Order], answer_to: int) -> None:
    def turn(number: int) -> bytes:
        answer = _answer(kind, orders[number])
        try:
            return _line(number, answer)
        except UnicodeEncodeError as error:  # half a character in somebody's file name
            return _line(number, Failed(Problem("internal-error", f"{kind.value}: an answer that is no text: {error.reason}")))

    if len(orders) == 1:
        _write(answer_to, turn(0))
    else:
        _abreast()(turn, len(orders), lambda line: _write(answer_to, line))


def _line(number: int, answer: Answer) -> bytes:
    return msgspec.json.encode(Said(number, answer)) + b"\n"


def _answer(kind: Kind, order: Order) -> Answer:
    try:
        return _work(kind)(order)
    except FsmountError as error:
        return Failed(error.problem)
    except Exception as error:  # around one mount's turn: whatever it is, it is this mount's alone
        sys.excepthook(type(error), error, error.__traceback__)
        return Failed(Problem("internal-error", f"{type(error).__name__}: {error}"))


def prepare(kind: Kind) -> None:
    """Before the fork: what every Job of the kind would import is imported once. Not for those that are rare, and whose
    YAML and hashes (a few megabytes of libcrypto) are the child's to carry. The daemon only ever loads these modules; it
    calls nothing in them.

    Raises ImportError or OSError where the code is damaged or no descriptor is left to read it with.
    """
    if kind not in _RARE:
        _work(kind)
    if kind is Kind.MOUNT:
        _abreast()


def _work(kind: Kind) -> Callable[[Order], Answer]:
    module = import_module(f".{kind.value}", __package__)
    work: Callable[[Order], Answer] = getattr(module, kind.value)
    return work


def _abreast() -> Callable[[Callable[[int], bytes], int, Callable[[bytes], None]], None]:
    abreast: Callable[[Callable[[int], bytes], int, Callable[[bytes], None]], None]
    abreast = import_module(".abreast", __package__).abreast
    return abreast


def _close(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:
        pass  # the listing's own, closed since


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
