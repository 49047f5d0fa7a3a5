"""The exit statuses of the command; the man page lists the same."""

import enum


class Exit(enum.IntEnum):
    OK = 0
    NOT_OK = 1  # degraded or failed; a configuration with errors; an answer of no
    USAGE = 2
    NO_AGENT = 3  # no agent, or its news is old
