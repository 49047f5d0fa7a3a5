"""`fsmount check FILE`: every problem of a configuration, file:line:, or what it says."""

import re
import sys
from collections.abc import Sequence
from typing import NamedTuple, Optional

import msgspec

from .. import instance
from ..config.document import LIMIT_BYTES
from ..config.findings import Invalid
from ..config.load import Loaded, load_all
from ..errors import Permanent
from ..exits import Exit
from ..problems import CATALOGUE
from . import here
from .complain import complain
from .here import Here
from .parser import Parser

_EACH = re.compile(r"[*?]")  # a pattern becomes a name that fits it
_CHOICE = re.compile(r"[\[\]]")
_OTHERS = 50


def main(verb: str, argv: list[str]) -> int:
    parser = Parser(verb, "Validate a configuration file. Exit status 0 if it is good, 1 if not.")
    parser.add_argument("file", nargs="?", help="mounts.yaml, or - for standard input")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema for editors instead")
    here.add_options(parser)
    options = parser.parse_args(argv)
    if options.schema:
        from ..config.schema import json_schema

        print(json_schema(), end="")
        return Exit.OK
    if options.file is None:
        parser.error("say which file, or - for standard input")
    try:
        where = here.described(options, parser)
    except Permanent as error:
        complain(str(error), CATALOGUE[error.problem.code].remedy)
        return Exit.NOT_OK
    return examine(options.file, where, everywhere=not (options.instance or instance.read())).exit


class Examined(NamedTuple):
    """A file as it was found, which has been said; `loaded` is None if it cannot be used."""

    shown: str
    content: bytes
    loaded: Optional[Loaded]
    exit: Exit


def examine(file: str, where: Here, everywhere: bool = False) -> Examined:
    """`everywhere`: also as on the instances that `when:` names."""
    shown = "<stdin>" if file == "-" else file
    try:
        content = _content(file)
    except OSError as error:
        print(f"fsmount: {file}: {error.strerror}", file=sys.stderr)
        return Examined(shown, b"", None, Exit.USAGE)
    try:
        loaded = load_all(content, *where)
        if everywhere:
            _as_others(content, where, loaded.patterns)
    except Invalid as invalid:
        for finding in invalid.findings:
            print(finding.text(shown))
        count = len(invalid.findings)
        print(f"{shown}: {count} problem{'s' if count > 1 else ''}; such a file is refused as a whole", file=sys.stderr)
        return Examined(shown, content, None, Exit.NOT_OK)
    print(f"{shown}: good, {_count(loaded)}")
    return Examined(shown, content, loaded, Exit.OK)


def _as_others(content: bytes, where: Here, patterns: Sequence[str]) -> None:
    """Mounts that are alone here may meet on another instance: `team-*` and `team-b-*` do on team-b-x. Raises Invalid."""
    names = sorted({_EACH.sub("x", pattern)[:63] for pattern in patterns if not _CHOICE.search(pattern)})
    for name in names[:_OTHERS]:
        if where.instance is not None:
            try:
                load_all(content, msgspec.structs.replace(where.instance, name=name), where.region, where.policy)
            except Invalid as invalid:
                found = (one._replace(message=f"{one.message} (on an instance named {name})") for one in invalid.findings)
                raise Invalid(list(found)) from None


def _count(loaded: Loaded) -> str:
    count = len(loaded.config.mounts)
    more = f" ({', '.join(loaded.elsewhere)}: for other instances, see `fsmount check --instance`)" if loaded.elsewhere else ""
    return f"{count} mount{'' if count == 1 else 's'}{more}"


def _content(file: str) -> bytes:
    """One byte more than allowed is enough to know that it is too large."""
    if file == "-":
        return sys.stdin.buffer.read(LIMIT_BYTES + 1)
    with open(file, "rb") as stream:
        return stream.read(LIMIT_BYTES + 1)
