"""The status as people read it, for a terminal of any width; 80 columns is the one that it is made for. Pure."""

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from ..report import MountReport, ProblemReport, Report
from .words import safe, size, span

_HOME = "/home/ec2-user"
_COLOURS = {"ok": "32", "pending": "33", "degraded": "33", "failed": "31"}


class Style(NamedTuple):
    width: int
    colour: bool

    def paint(self, text: str, word: str) -> str:
        return f"\033[{_COLOURS.get(word, '0')}m{text}\033[0m" if self.colour else text

    def dim(self, text: str) -> str:
        return f"\033[2m{text}\033[0m" if self.colour else text


def render(report: Report, mounts: Sequence[MountReport], now: float, style: Style, doubt: str = "") -> str:
    """`doubt`: why the report is not to be believed any more."""
    lines = [_headline(report, style, doubt), ""]
    if mounts:
        lines += [*_rows(mounts, now, style), ""]
    for subject, problem, more in _troubles(report, mounts, now):
        lines += _trouble(subject, problem, more, style)
    return "\n".join(lines).rstrip() + "\n"


def _headline(report: Report, style: Style, doubt: str) -> str:
    good = sum(mount.word == "ok" for mount in report.mounts)
    counts = f"{good} of {len(report.mounts)} mounts ok" if report.mounts else "no mounts"
    where = f" on {safe(report.instance)}" if report.instance else ""
    if doubt:
        return f"fsmount{where}: {style.paint('no agent', 'failed')} (it last knew: {counts})"
    code = report.problem.code if report.problem else ""
    refused = ", configuration refused" if code in ("config-invalid", "config-untrusted") else ""
    return f"fsmount{where}: {style.paint(report.word, report.word)} ({counts}{refused})"


def state(mount: MountReport) -> str:
    """One word: how it is when it is mounted, else what the agent is doing."""
    if mount.phase == "mounted" and mount.leaving:
        return "leaving"
    return mount.health or mount.phase if mount.phase == "mounted" else mount.phase


def short(path: str) -> str:
    return "~" + path[len(_HOME) :] if path.startswith(_HOME + "/") else path


def _cells(mount: MountReport, now: float) -> tuple[str, ...]:
    usage = mount.usage
    figures = (size(usage.size), size(usage.used), size(usage.available)) if usage else ("-", "-", "-")
    access = " (ro)" if mount.access == "ro" else ""
    return (
        safe(mount.name),
        state(mount),
        span(now - mount.since_at),
        *figures,
        safe(short(mount.mountpoint)) + access,
        safe(mount.source),
    )


def _rows(mounts: Sequence[MountReport], now: float, style: Style) -> list[str]:
    """One line a mount where the source fits beside the rest, else a second line below each."""
    heads = ("NAME", "STATE", "SINCE", "SIZE", "USED", "AVAIL", "MOUNT POINT", "SOURCE")
    cells = [_cells(mount, now) for mount in mounts]
    widths = [max(len(row[i]) for row in [heads, *cells]) for i in range(len(heads))]
    one_line = sum(widths) + 2 * (len(widths) - 1) <= style.width
    shown = len(heads) if one_line else len(heads) - 1
    lines = [style.dim(_line(heads[:shown], widths))]
    for mount, row in zip(mounts, cells):
        padded = _line(row[:shown], widths)
        start = widths[0] + 2
        lines.append(padded[:start] + style.paint(row[1], mount.word) + padded[start + len(row[1]) :])
        if not one_line:
            lines.append("  " + style.dim(f"from {row[-1]}"))
    return lines


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    right = {2, 3, 4, 5}
    return "  ".join(c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(cells, widths))).rstrip()


def _troubles(report: Report, mounts: Sequence[MountReport], now: float) -> list[tuple[str, ProblemReport, str]]:
    """What is wrong, each with whose it is and what comes next."""
    found = [(_subject(report.problem), report.problem, "")] if report.problem else []
    found += [(_subject(warning), warning, "") for warning in report.warnings]
    for mount in mounts:
        name = safe(mount.name)
        if mount.problem:
            found.append((name, mount.problem, _next(mount, now)))
        found += [(name, warning, "") for warning in mount.warnings]
    return found


def _subject(problem: ProblemReport) -> str:
    if problem.code == "history-not-written":
        return "history"
    return "tags" if problem.code.startswith("tags-") else "configuration"


def _next(mount: MountReport, now: float) -> str:
    if mount.next_attempt_at is None:
        return ""
    failures = f"{mount.failures} attempt{'s' if mount.failures > 1 else ''} failed"
    wait = mount.next_attempt_at - now
    return f"{failures}; the next one comes " + (f"in {span(wait)}." if wait >= 1 else "now.")


def _trouble(subject: str, problem: ProblemReport, more: str, style: Style) -> list[str]:
    lines = wrapped(f"{subject}: {safe(problem.observed)} [{problem.code}]", "", style)
    lines += wrapped(problem.remedy, "  ", style)
    if more:
        lines += wrapped(more, "  ", style)
    return [*lines, ""]


def wrapped(text: str, indent: str, style: Style) -> list[str]:
    """In lines of the terminal's width, from the second on indented, and no word broken."""
    width = max(40, min(style.width, 100))
    return textwrap.wrap(
        text, width - 1, initial_indent=indent, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
    )
