"""The command. Each verb is a module of this folder, imported only when it is called: start-up time is what a user
feels of `fsmount status`."""

import os
import sys
from typing import Callable, NamedTuple

from ..exits import Exit


class Verb(NamedTuple):
    module: str
    summary: str


VERBS: dict[str, Verb] = {
    "status": Verb("status", "what is mounted, how it is, what is wrong and what to do"),
    "history": Verb("history", "what happened, and when, also before the last stop"),
    "doctor": Verb("doctor", "step by step from name to file: which link is broken, and what to do"),
    "plan": Verb("plan", "what the agent would do now, doing nothing"),
    "check": Verb("check", "every problem of a configuration file"),
    "push": Verb("push", "check a configuration, sign it, and put it where notebooks fetch it"),
    "reload": Verb("ask", "read the configuration again (root)"),
    "retry": Verb("ask", "try at once what waits or is blocked (root)"),
    "detach": Verb("ask", "take a mount that hangs out of sight (root)"),
    "explain": Verb("explain", "what a problem code means and what to do"),
    "run": Verb("run", "the agent itself; systemd starts it"),
    "let-go": Verb("letgo", "systemd's, when the machine stops: by force, what a dead server holds up"),
}


def main(argv: list[str]) -> int:
    """`argv` without the program's name. Returns the exit status."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    try:
        status = _main(argv)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # The reader (head, less) has seen enough; without this, Python complains once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return Exit.OK
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        print(f"fsmount: the output could not be written: {error.strerror}", file=sys.stderr)
        return Exit.NOT_OK
    except KeyboardInterrupt:
        return 130


def command() -> int:
    """The entry point of an installed package."""
    return main(sys.argv[1:])


def _main(argv: list[str]) -> int:
    if argv and argv[0] in VERBS:
        return _work(argv[0])(argv[0], argv[1:])
    if argv and argv[0] in ("--version", "-V"):
        from .. import __version__

        print(f"fsmount {__version__}")
        return Exit.OK
    if argv and argv[0] in ("--help", "-h", "help"):
        print(usage())
        return Exit.OK
    print(usage() if not argv else f"fsmount: no such command: {argv[0]!a}{_near(argv[0])}", file=sys.stderr)
    return Exit.USAGE


def _work(verb: str) -> Callable[[str, list[str]], int]:
    from importlib import import_module

    work: Callable[[str, list[str]], int] = import_module(f".{VERBS[verb].module}", __name__).main
    return work


def usage() -> str:
    people_s = {name: verb for name, verb in VERBS.items() if verb.module != "letgo"}
    rows = "\n".join(f"  {name:<8} {verb.summary}" for name, verb in people_s.items())
    more = "`fsmount COMMAND --help` says more; `man fsmount` says all."
    return f"usage: fsmount COMMAND ...\n\n{rows}\n\n{more}"


def _near(word: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, VERBS, n=1)
    return f"; did you mean '{close[0]}'?" if close else "; `fsmount --help` lists them"
