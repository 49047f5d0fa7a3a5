"""What is wrong in a configuration, and where: file:line:column, the key's path, a sentence, what to write instead."""

from typing import NamedTuple


class Finding(NamedTuple):
    line: int  # counted from 1
    column: int
    where: str  # "mounts[1].source", or "" for the whole file
    message: str

    def text(self, file: str) -> str:
        where = f"{self.where}: " if self.where else ""
        return f"{file}:{self.line}:{self.column}: {where}{self.message}"


class Invalid(Exception):
    """The configuration as a whole is refused; `findings` holds every reason, in the order of the file."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(f"{len(findings)} finding(s)")
        self.findings = sorted(findings)


def shown(value: object, limit: int = 60) -> str:
    """A value from a file, safe for a terminal and not longer than `limit`."""
    text = ascii(value) if not isinstance(value, bool) else str(value).lower()
    return text if len(text) <= limit else text[: limit - 3] + "..."
