"""`fsmount check FILE`: every problem of a configuration, file:line:, or what it says."""

import sys

from ..config.document import LIMIT_BYTES
from ..config.findings import Invalid
from ..config.load import load
from ..exits import Exit
from .parser import Parser


def main(verb: str, argv: list[str]) -> int:
    parser = Parser(verb, "Validate a configuration file. Exit status 0 if it is good, 1 if not.")
    parser.add_argument("file", nargs="?", help="mounts.yaml, or - for standard input")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema for editors instead")
    options = parser.parse_args(argv)
    if options.schema:
        from ..config.schema import json_schema

        print(json_schema(), end="")
        return Exit.OK
    file = options.file
    if file is None:
        parser.error("say which file, or - for standard input")
    try:
        content = _content(file)
    except OSError as error:
        print(f"fsmount: {file}: {error.strerror}", file=sys.stderr)
        return Exit.USAGE
    shown = "<stdin>" if file == "-" else file
    try:
        config = load(content)
    except Invalid as invalid:
        for finding in invalid.findings:
            print(finding.text(shown))
        count = len(invalid.findings)
        print(f"{shown}: {count} problem{'s' if count > 1 else ''}; such a file is refused as a whole", file=sys.stderr)
        return Exit.NOT_OK
    print(f"{shown}: good, {len(config.mounts)} mount{'' if len(config.mounts) == 1 else 's'}")
    return Exit.OK


def _content(file: str) -> bytes:
    """One byte more than allowed is enough to know that it is too large."""
    if file == "-":
        return sys.stdin.buffer.read(LIMIT_BYTES + 1)
    with open(file, "rb") as stream:
        return stream.read(LIMIT_BYTES + 1)
