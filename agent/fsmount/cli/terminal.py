"""The terminal that standard output is, if it is one."""

import os
import sys


def terminal() -> tuple[int, bool]:
    """Its width, 80 where there is none, and whether there is one."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80, True
    except (OSError, ValueError):
        return 80, False
