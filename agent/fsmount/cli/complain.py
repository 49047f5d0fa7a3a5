"""An error as a person sees it: what is wrong, then what to do, on stderr; wrapped where a terminal shows it."""

import sys


def complain(wrong: str, remedy: str = "") -> None:
    for text, first in ((f"fsmount: {wrong}", ""), (remedy, "  ")):
        if text:
            print(_wrapped(text, first) if sys.stderr.isatty() else first + text, file=sys.stderr)


def _wrapped(text: str, first: str) -> str:
    import shutil
    import textwrap

    width = max(40, shutil.get_terminal_size().columns - 1)
    return textwrap.fill(
        text, width, initial_indent=first, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
    )
