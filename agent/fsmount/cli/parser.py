"""argparse with our exit status, and the same help for every verb."""

import argparse

from ..exits import Exit


class Parser(argparse.ArgumentParser):
    def __init__(self, verb: str, description: str) -> None:
        super().__init__(prog=f"fsmount {verb}", description=description, allow_abbrev=False)

    def error(self, message: str) -> "None":  # type: ignore[override]
        self.exit(Exit.USAGE, f"fsmount: {message}; `{self.prog} --help` shows the options\n")
