"""`fsmount status`: reads the status file and nothing else, so it never blocks and never needs root."""

import os
import sys
import time
from argparse import Namespace
from collections.abc import Sequence

from .. import places
from ..exits import Exit
from ..report import MountReport, Report
from .complain import complain
from .news import News, read, unknown_name
from .parser import Parser
from .terminal import terminal

_LOOK_EVERY_S = 0.2


def main(verb: str, argv: list[str]) -> int:
    parser = Parser(verb, "What is mounted, how it is, what is wrong and what to do. Exit status: 0 ok, 1 not ok, 3 no agent.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these mounts")
    parser.add_argument("-v", "--verbose", action="store_true", help="also how long looks took, and how full it was, over time")
    parser.add_argument("--json", action="store_true", help="the whole report, for programs")
    parser.add_argument("--wait", type=_seconds, metavar="S", help="until the first pass is over, at most S seconds")
    parser.add_argument("--watch", action="store_true", help="again every 2 s, until Ctrl-C")
    parser.add_argument("--run-dir", default=places.RUN, help="where the agent keeps its status (%(default)s)")
    options = parser.parse_args(argv)
    news = _waited(options.run_dir, options.wait or 0.0)
    if options.watch:
        return _watch(news, options)
    return _show(news, options)


def _watch(news: News, options: Namespace) -> int:
    """Until Ctrl-C, which is the way out and no failure."""
    try:
        while True:
            sys.stdout.write("\033[H\033[2J" if sys.stdout.isatty() else "")
            _show(news, options)
            sys.stdout.flush()
            time.sleep(2.0)
            news = read(options.run_dir)
    except KeyboardInterrupt:
        print()
        return Exit.OK


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 86400:
        raise ValueError(text)
    return seconds


def _waited(run: str, patience: float) -> News:
    """The news as soon as the first pass is over, or as it stands when the patience ends."""
    end = time.monotonic() + patience
    while True:
        news = read(run)
        settled = news.report is not None and news.report.settled and news.doubt is None
        if settled or time.monotonic() >= end:
            return news
        time.sleep(min(_LOOK_EVERY_S, max(0.0, end - time.monotonic())))


def _show(news: News, options: Namespace) -> int:
    report, names = news.report, options.names
    if report is None:
        _complain_of_old_news(news)
        return Exit.NO_AGENT
    unknown = unknown_name(names, [mount.name for mount in report.mounts])
    if unknown:
        complain(unknown)
        return Exit.USAGE
    chosen = [mount for mount in report.mounts if not names or mount.name in names]
    _print(report, chosen, options, news.doubt or "")
    if news.doubt:
        _complain_of_old_news(news)
        return Exit.NO_AGENT
    good = all(mount.word == "ok" for mount in chosen) if names else report.word == "ok"
    return Exit.OK if good else Exit.NOT_OK


def _print(report: Report, chosen: Sequence[MountReport], options: Namespace, doubt: str) -> None:
    if options.json:
        import msgspec

        part = msgspec.structs.replace(report, mounts=tuple(chosen))
        print(msgspec.json.format(msgspec.json.encode(part), indent=2).decode())
        return
    from .table import Style, render

    width, is_terminal = terminal()
    style = Style(width, is_terminal and "NO_COLOR" not in os.environ)
    print(render(report, chosen, time.time(), style, doubt), end="")
    if options.verbose and chosen:
        from .. import samples
        from .detail import details

        print("\n" + details(chosen, samples.read(places.samples_file(options.run_dir)), time.time()), end="")


def _complain_of_old_news(news: News) -> None:
    from ..problems import CATALOGUE

    complain(f"{news.doubt} [no-agent]", CATALOGUE["no-agent"].remedy)
