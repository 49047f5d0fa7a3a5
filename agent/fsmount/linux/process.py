"""The one door to other programs: argv lists, an absolute argv[0], cwd /, a built environment, no stdin, capped output."""

from typing import NamedTuple

from ..errors import Temporary

_OUTPUT_MOST = 64 * 1024
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


class Ran(NamedTuple):
    status: int
    output: str  # stdout and stderr as they came


def run(argv: list[str]) -> Ran:
    """Run a program to its end. Only inside a Job, whose deadline ends the whole session with it.

    Raises Temporary("no-process") where it cannot be started, FileNotFoundError where it is not installed.
    """
    import subprocess  # only the few who come here need it, and it is a tenth of a Job's time

    assert argv[0].startswith("/"), argv
    try:
        process = subprocess.Popen(
            argv, cwd="/", env=_ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Temporary("no-process", f"{argv[0]}: {error.strerror}") from None
    assert process.stdout
    with process.stdout as stream:
        output = stream.read(_OUTPUT_MOST)
        while stream.read(_OUTPUT_MOST):
            pass
    return Ran(process.wait(), output.decode(errors="replace").strip())
