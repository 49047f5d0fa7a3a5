"""An error as a person sees it: what is wrong, then what to do, on stderr; and sentences. Wrapped where a terminal shows them."""

import sys
from typing import TextIO


def complain(wrong: str, remedy: str = "") -> None:
    for text, first in ((f"fsmount: {wrong}", ""), (remedy, "  ")):
        if text:
            _show(text, first, sys.stderr)


def warn(text: str) -> None:
    _show(f"fsmount: warning: {text}", "", sys.stderr)


def say(text: str) -> None:
    _show(text, "", sys.stdout)


def _show(text: str, first: str, stream: TextIO) -> None:
    print(_wrapped(text, first) if stream.isatty() else first + text, file=stream)


def _wrapped(text: str, first: str) -> str:
    import shutil
    import textwrap

    width = max(40, shutil.get_terminal_size().columns - 1)
    return textwrap.fill(
        text, width, initial_indent=first, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
    )
