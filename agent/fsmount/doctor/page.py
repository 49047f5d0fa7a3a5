"""The examination as people read it: a line a step as it ends, in the chain's order; then the first broken link. Pure."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Optional

from ..cli.table import Style, short, wrapped
from ..cli.words import safe
from .chain import Chain
from .document import trouble
from .steps import STEPS, Outcome, Result, Subject, broken

_WORDS = {Outcome.OK: "ok", Outcome.FAILED: "FAILED", Outcome.SKIPPED: "skipped", Outcome.UNKNOWN: "unknown"}
_PAINT = {Outcome.OK: "ok", Outcome.FAILED: "failed", Outcome.SKIPPED: "", Outcome.UNKNOWN: "degraded"}
_TEXT = 25  # the column in which what was observed begins


def page(configuration: Result, chains: Sequence[Chain], style: Style) -> Iterator[Optional[str]]:
    """Line by line; None where the next line is not known yet."""
    yield from _step(configuration, style)
    if configuration.outcome is not Outcome.OK:
        yield from _verdict("", configuration, None, style)
    for chain in chains:
        yield ""
        yield from _headline(chain.subject, style)
        for step in STEPS:
            while step not in chain.results:
                yield None
            yield from _step(chain.results[step], style)
        first = broken(chain.results)
        if first:
            yield from _verdict(chain.subject.name, first, chain.subject, style)
    yield ""
    yield from wrapped(_sum(configuration, chains), "", style)


def _headline(subject: Subject, style: Style) -> list[str]:
    access = " (ro)" if subject.read_only else ""
    return wrapped(f"{safe(subject.name)}: {safe(subject.source)} on {safe(short(subject.mountpoint))}{access}", "", style)


def _step(result: Result, style: Style) -> list[str]:
    """ok      name           10.9.1.2 (name server 10.9.0.2)               0.1 s"""
    took = f"{result.seconds:.1f} s" if result.seconds >= 0.05 else ""
    room = max(40, min(style.width, 100)) - 1 - _TEXT
    texts = _texts(safe(result.observed), room)
    word = _WORDS[result.outcome]
    mark = style.paint(word, _PAINT[result.outcome]) if _PAINT[result.outcome] else style.dim(word)
    if took:
        at = next((at for at, text in enumerate(texts) if len(text) + len(took) < room), len(texts))
        texts[at:] = [(texts[at] if at < len(texts) else "").ljust(room - len(took)) + took, *texts[at + 1 :]]
    first = f"  {mark}{' ' * (9 - len(word))}{result.step.value:<14}{texts[0]}"
    return [first, *(" " * _TEXT + text for text in texts[1:])]


def _texts(observed: str, room: int) -> list[str]:
    """Wrapped with a margin for the time, which a long host name may use up before it is broken."""
    wrapped = textwrap.wrap(observed, room - 8, break_on_hyphens=False, break_long_words=False) or [""]
    if max(map(len, wrapped)) <= room:
        return wrapped
    return textwrap.wrap(observed, room, break_on_hyphens=False)


def _verdict(name: str, result: Result, subject: Optional[Subject], style: Style) -> list[str]:
    whose = f"{safe(name)}: " if name else ""
    code = f" [{result.code}]" if result.code else ""
    unsure = result.outcome is Outcome.UNKNOWN
    link = "the first link that could not be examined" if unsure else "the first broken link"
    lines = ["", *wrapped(f"{whose}{link} is {result.step.value}: {safe(result.observed)}{code}", "", style)]
    known = trouble(result, subject)
    if known:
        lines += wrapped(f"Usual cause: {known.cause}", "  ", style)
        lines += wrapped(f"What to do: {known.cure}", "  ", style)
    return lines


def _sum(configuration: Result, chains: Sequence[Chain]) -> str:
    bad = [f"{safe(chain.subject.name)} ({chain.broken.step.value})" for chain in chains if chain.broken]
    count = len(chains)
    if not count and configuration.outcome is Outcome.OK:
        return "All is well, but no mounts are configured."
    if not bad and configuration.outcome is Outcome.OK:
        return f"All is well: {count} mount{'' if count == 1 else 's'}, every link."
    if not bad:
        return f"No link of {'the mount' if count == 1 else 'the mounts'} is broken." if count else "No mount could be examined."
    return f"{len(bad)} of {count} mount{'' if count == 1 else 's'} not well: {', '.join(bad)}."
