"""From what single looks see to a verdict, and what capacity is worth a warning: as tables."""

from __future__ import annotations

import pytest
from fsmount import capacity
from fsmount.cli.detail import sparkline
from fsmount.health import Verdict, weigh
from fsmount.model import Care, Health, Usage

from .fakehost import spec

H, S, U, X, R = Health.HEALTHY, Health.SLOW, Health.UNKNOWN, Health.HUNG, Health.READ_ONLY

# What the looks see, one after the other, and the verdict after each.
COURSES = {
    "well from the start": ([H, H], [H, H]),
    "slow from the start": ([S], [S]),
    "one slow answer is no alarm": ([H, S, H], [H, H, H]),
    "two are": ([H, S, S], [H, H, S]),
    "slow, and one quick answer is no all-clear": ([H, S, S, H, S], [H, H, S, S, S]),
    "slow, and two quick ones are": ([S, H, H], [S, S, H]),
    "silence is an alarm at once": ([H, X], [H, X]),
    "any answer after silence is news": ([H, X, H], [H, X, H]),
    "a slow answer after silence, too": ([H, X, S], [H, X, S]),
    "an error is an alarm at once": ([H, Health.STALE], [H, Health.STALE]),
    "read-only at once, and back at once": ([H, R, H], [H, R, H]),
    "from one error to another": ([Health.STALE, Health.DISCONNECTED], [Health.STALE, Health.DISCONNECTED]),
    "a look that could not be taken is no news": ([H, U, H], [H, H, H]),
    "two are: nobody knows": ([H, U, U], [H, H, U]),
    "a look that could not be taken ends no alarm": ([X, U], [X, X]),
    "after not knowing, the first look counts": ([U, X], [U, X]),
    "a slow answer and a failed look add up to doubt": ([H, S, U], [H, H, U]),
}


@pytest.mark.parametrize(("seen", "verdicts"), COURSES.values(), ids=COURSES.keys())
def test_the_course_of_a_verdict(seen: list[Health], verdicts: list[Health]) -> None:
    verdict: Verdict | None = None
    got = []
    for look in seen:
        verdict = weigh(verdict.health if verdict else None, verdict.doubts if verdict else 0, look)
        got.append(verdict.health)
    assert got == verdicts


@pytest.mark.parametrize(
    ("usage", "warn_at", "observed"),
    [
        (Usage(100, 94, 6), 95, []),
        (Usage(100, 95, 5), 95, ["95 % of its space"]),
        (Usage(100, 90, 0), 95, ["100 % of its space"]),  # as df counts: what is reserved for root is not available
        (Usage(100, 50, 50), 40, ["50 % of its space"]),
        (Usage(2**63, 2**63 - 2, 1), 95, []),  # EFS
        (Usage(100, 10, 90, 1000, 20), 95, ["98 % of its inodes"]),
        (Usage(100, 99, 1, 1000, 20), 95, ["99 % of its space", "98 % of its inodes"]),
        (Usage(0, 0, 0), 95, []),
    ],
)
def test_capacity_is_warned_of_where_it_means_something(usage: Usage, warn_at: int, observed: list[str]) -> None:
    found = capacity.warnings(spec("a", care=Care(warn_at=warn_at)), usage)
    assert [warning.code for warning in found] == ["nearly-full"] * len(observed)
    assert all(text in warning.observed for text, warning in zip(observed, found))


def test_a_sparkline_has_a_bar_for_each_value() -> None:
    assert sparkline([0, 1, 2, 4], 4) == "▁▃▅█"
    assert sparkline([0, 0], 0) == "▁▁"
