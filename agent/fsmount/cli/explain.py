"""`fsmount explain CODE`: what a problem means and what to do."""

import textwrap

from ..exits import Exit
from ..problems import CATALOGUE
from .complain import complain
from .parser import Parser

# What the status calls a mount, and the code under which it says why.
_STATES = {
    "hung": "not-answering",
    "denied": "access-withdrawn",
    "read-only": "write-refused",
    "wrong-source": "mountpoint-taken",
}


def main(verb: str, argv: list[str]) -> int:
    parser = Parser(verb, "What a problem code means and what to do.")
    parser.add_argument("code", nargs="?", help="a code as `fsmount status` shows it")
    parser.add_argument("--list", action="store_true", help="all codes, a line each")
    options = parser.parse_args(argv)
    if options.list or options.code is None:
        width = max(map(len, CATALOGUE)) + 2
        for code, entry in sorted(CATALOGUE.items()):
            print(f"{code:<{width}}{entry.title}")
        return Exit.OK
    code = options.code.strip("[]").lower()
    code = _STATES.get(code, code)
    if code not in CATALOGUE:
        from difflib import get_close_matches

        close = get_close_matches(code, CATALOGUE, n=1)
        hint = f"did you mean '{close[0]}'?" if close else "`fsmount explain --list` shows all"
        complain(f"no such problem code: {code!a}; {hint}")
        return Exit.USAGE
    entry = CATALOGUE[code]
    print(f"{code}: {entry.title}")
    for paragraph in (entry.meaning, "What to do: " + entry.remedy):
        print("\n" + textwrap.fill(paragraph, 79, break_on_hyphens=False, break_long_words=False))
    return Exit.OK
