"""`fsmount doctor [NAME...]`: walk the chain from the configuration to the file, and name the first broken link."""

import os
import sys
from collections.abc import Sequence
from typing import Optional

from .. import instance, places, settings
from ..doctor import rounds
from ..doctor.chain import Chain, name_servers
from ..doctor.page import page
from ..doctor.steps import Here, Outcome, Result
from ..doctor.subjects import Found, chosen, of_file, of_report
from ..errors import FsmountError, Permanent
from ..exits import Exit
from ..jobs.answers import Answer, Failed
from ..jobs.orders import Trust
from . import here
from .complain import complain
from .news import read, unknown_name
from .parser import Parser
from .table import Style
from .terminal import terminal

_RESOLVER = "/etc/resolv.conf"


def main(verb: str, argv: list[str]) -> int:
    parser = Parser(verb, "Step by step from name to file: which link is broken. Exit status: 0 none, 1 some, 3 no agent.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these mounts")
    parser.add_argument("--json", action="store_true", help="the findings, for programs")
    parser.add_argument("--config", default=places.CONFIG, help="what is read where there is no agent (%(default)s)")
    parser.add_argument("--run-dir", default=places.RUN, help="where the agent keeps its status (%(default)s)")
    options = parser.parse_args(argv)
    found, agent = _found(options.run_dir, options.config)
    known = [subject.name for subject in found.subjects]
    unknown = unknown_name(options.names, known)
    if unknown and (agent or known):
        complain(unknown)
        return Exit.USAGE
    asked, where = _name_servers(), _here()
    chains = [Chain(number, subject, asked, where) for number, subject in enumerate(chosen(found.subjects, options.names))]
    rounds.examine(chains, _nobody if options.json else _Teller(found.configuration, chains).tell)
    well = agent and _well(found.configuration, chains, options.names)
    if options.json:
        _print_document(found.configuration, chains, well)
    return Exit.OK if well else Exit.NOT_OK if agent else Exit.NO_AGENT


def _found(run: str, config: str) -> tuple[Found, bool]:
    """What to examine, and whether a living agent said so."""
    news = read(run)
    if news.report is None:
        return of_file(config, news.doubt, _file(config)), False
    return of_report(news.report, news.doubt), news.doubt is None


def _file(config: str) -> Answer:
    try:
        pinned = here.agents()
    except Permanent as error:
        return Failed(error.problem)
    return rounds.fetch(config, Trust(instance=pinned.instance, policy=pinned.policy), pinned.region)


def _well(configuration: Result, chains: Sequence[Chain], names: Sequence[str]) -> bool:
    """As for `fsmount status`: whoever asks for some mounts is told of those."""
    return all(chain.broken is None for chain in chains) and (bool(names) or configuration.outcome is Outcome.OK)


def _name_servers() -> tuple[str, ...]:
    try:
        with open(_RESOLVER, encoding="utf-8", errors="replace") as file:
            return name_servers(file.read(65536))
    except OSError:
        return ()


def _here() -> Here:
    """As the daemon knows it: what the lifecycle script pins goes before what the platform wrote."""
    try:
        pinned = settings.read().region
    except FsmountError:  # the agent says so; this is no reason not to examine what can be
        pinned = ""
    found = instance.read()
    return Here(found.name if found else "", pinned or (found.region if found else ""), places.ADDRESSES)


def _nobody() -> None:
    """A program is told at the end."""


def _print_document(configuration: Result, chains: Sequence[Chain], well: bool) -> None:
    import msgspec

    from ..doctor.document import document

    print(msgspec.json.format(msgspec.json.encode(document(configuration, chains, well)), indent=2).decode())


class _Teller:
    """Prints what is known by now, up to the first line that is not."""

    def __init__(self, configuration: Result, chains: Sequence[Chain]) -> None:
        width, is_terminal = terminal()
        self._lines = page(configuration, chains, Style(width, is_terminal and "NO_COLOR" not in os.environ))

    def tell(self) -> None:
        line: Optional[str]
        for line in self._lines:
            if line is None:
                break
            print(line)
        sys.stdout.flush()
