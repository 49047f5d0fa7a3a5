"""The history: what counts as a change, what a line is, and when the daemon has it written."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from fsmount import entry as entries
from fsmount.cli.chronicle import chronicle, text
from fsmount.cli.since import since
from fsmount.cli.table import Style
from fsmount.daemon.diary import APART_S, PENDING_MOST, Diary
from fsmount.entry import Entry, Now
from fsmount.history.changes import Seen, changes, of_configuration
from fsmount.history.event import Event, State, What
from fsmount.history.lines import SEGMENT_MOST, Head, line, past, segment
from fsmount.jobs.orders import Kind
from fsmount.model import Health, Phase, Problem, Usage

from .fakehost import Driver, FakeHost, spec

WALL = 1_700_000_000.0
TIMEOUT, REFUSED = Problem("server-timeout", "no answer"), Problem("server-refused", "refused")
DENIED, HUNG = Problem("access-denied", "denied", False), Problem("not-answering", "no answer within 5 s")
ODD = Problem("probe-failed", "Input/output error")
BUSY = Problem("busy", "in use")
USAGE = Usage(100, 40, 60)
Step = Callable[[Entry, Now], "Entry | None"]


def at(seconds: float) -> Now:
    """The wall clock is set back by an hour after 50 s: no length of time may show it."""
    return Now(seconds, WALL + seconds - (3600 if seconds > 50 else 0), 0.5)


def fresh() -> Entry:
    return Entry(spec=spec("a"), since_at=WALL)


def turned(phase: Phase) -> Step:
    return lambda entry, now: entries.turned(entry, phase, now)


def up(mount_id: int = 7) -> Step:
    return lambda entry, now: entries.mounted(entry, mount_id, now)


def fail(problem: Problem) -> Step:
    return lambda entry, now: entries.failed(entry, problem, now)


def unwell(problem: Problem) -> Step:
    seen = Health.HUNG if problem is HUNG else Health.UNKNOWN
    return lambda entry, now: entries.looked(entry, seen, problem, now)


def well(entry: Entry, now: Now) -> Entry:
    return entries.measured(entries.looked(entry, Health.HEALTHY, None, now), USAGE, 0.01, (), now)


def retry(entry: Entry, now: Now) -> Entry:
    return entries.again(entry)


def leave(entry: Entry, now: Now) -> Entry:
    return msgspec.structs.replace(entry, wanted=False)


def still_up(entry: Entry, now: Now) -> Entry:
    return entries.still_mounted(entry, BUSY, now)


def gone(entry: Entry, now: Now) -> None:
    return None


TRYING = (turned(Phase.RESOLVING), turned(Phase.MOUNTING))
MOUNTED = (*TRYING, up(), well)
OUTAGE = (*TRYING, fail(TIMEOUT)) * 50


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        pytest.param(TRYING, [], id="nothing is told of what only begins"),
        pytest.param(MOUNTED, ["mounted after 3 s"], id="mounted, and the first look is no news"),
        pytest.param((*MOUNTED, well, well), ["mounted after 3 s"], id="what is well every time is told once"),
        pytest.param((up(), well), ["found mounted after 1 s"], id="found"),
        pytest.param(OUTAGE, ["waiting [server-timeout]"], id="a retry loop is told once"),
        pytest.param(
            (*OUTAGE, *MOUNTED), ["waiting [server-timeout]", "mounted after 2 min, 51 attempts"], id="an outage has an end"
        ),
        pytest.param(
            (*OUTAGE[:4], fail(REFUSED), *OUTAGE, fail(REFUSED)),
            ["waiting [server-timeout]", "waiting [server-refused]"],
            id="each cause once, however they alternate",
        ),
        pytest.param(
            (*OUTAGE, retry, *OUTAGE, retry, *MOUNTED),
            ["waiting [server-timeout]", "mounted after 5 min, 101 attempts"],
            id="a retry begins no new outage",
        ),
        pytest.param(
            (fail(DENIED), retry, *MOUNTED),
            ["waiting for 1 s -> blocked [access-denied]", "blocked for 1 s -> waiting", "mounted after 3 s, 2 attempts"],
            id="blocked until somebody says retry",
        ),
        pytest.param(
            (*MOUNTED, unwell(HUNG), unwell(HUNG), well),
            ["mounted after 3 s", "healthy for 2 s -> hung [not-answering]", "hung for 2 s -> healthy"],
            id="hung and well again",
        ),
        pytest.param(
            (*MOUNTED, unwell(ODD), unwell(ODD), well),
            ["mounted after 3 s", "healthy for 3 s -> unknown [probe-failed]", "unknown for 1 s -> healthy"],
            id="a probe that failed, and the next",
        ),
        pytest.param(
            (*TRYING, up(), unwell(HUNG)),
            ["mounted after 3 s", "unknown for 1 s -> hung [not-answering]"],
            id="hung at the first look",
        ),
        pytest.param(
            (*MOUNTED, lambda e, now: entries.turned(entries.lost(e, now), Phase.MOUNTING, now), up(8), well),
            ["mounted after 3 s", "unmounted by somebody after 2 s", "mounted after 1 s"],
            id="unmounted by hand",
        ),
        pytest.param(
            (*MOUNTED, unwell(HUNG), turned(Phase.UNMOUNTING), entries.detached, *MOUNTED),
            [
                "mounted after 3 s",
                "healthy for 2 s -> hung [not-answering]",
                "detached after 2 s [detached]",
                "mounted after 3 s, 2 attempts",
            ],
            id="detached because it hung",
        ),
        pytest.param((*MOUNTED, up(9), well), ["mounted after 3 s", "another mount took its place after 2 s"], id="replaced"),
        pytest.param(
            (*MOUNTED, leave, *(turned(Phase.UNMOUNTING), still_up) * 20, turned(Phase.UNMOUNTING), gone),
            ["mounted after 3 s", "left the configuration", "healthy [busy]", "unmounted after 44 s"],
            id="leaving, and busy for a while",
        ),
        pytest.param((*TRYING, gone), ["left the configuration after 3 s"], id="left before it was ever up"),
        pytest.param((leave, gone), ["left the configuration"], id="left, and nothing was mounted"),
    ],
)
def test_what_is_told_of_what_happens(steps: tuple[Step, ...], told: list[str]) -> None:
    entry: Entry | None = fresh()
    events, traces = changes({}, {"/mnt/a": fresh()}, at(0))
    for second, step in enumerate(steps, 1):
        assert entry is not None
        entry = step(entry, at(second))
        more, traces = changes(traces, {"/mnt/a": entry} if entry else {}, at(second))
        events += more
    assert [text(event) for event in events] == told
    assert {(event.name, event.mountpoint) for event in events} <= {("a", "/mnt/a")}


def test_what_a_former_agent_left_mounted_is_no_change_and_a_problem_at_first_sight_is_one() -> None:
    mounted = entries.mounted(fresh(), 7, at(0))
    assert changes({}, {"/mnt/a": mounted}, at(0))[0] == []
    (event,), _ = changes({}, {"/mnt/a": entries.failed(fresh(), DENIED, at(0))}, at(0))
    assert (event.said, event.code) == ("blocked", "access-denied")


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([("", 0, None)], []),
        ([("d1", 2, None)] * 3, ["accepted: 2 mounts, generation d1"]),
        ([("d1", 1, None), ("d1", 1, BUSY), ("d1", 1, BUSY)], ["accepted: 1 mount, generation d1", "refused [busy]"]),
        ([("d1", 1, BUSY), ("d1", 1, None)], ["refused [busy]", "accepted: 1 mount, generation d1"]),
        ([("", 0, BUSY), ("d2", 0, None)], ["refused [busy]", "accepted: 0 mounts, generation d2"]),
    ],
)  # fmt: skip
def test_generations(steps: list[tuple[str, int, Problem | None]], told: list[str]) -> None:
    seen, events = Seen(), []
    for digest, mounts, problem in steps:
        seen, event = of_configuration(seen, digest, mounts, problem, at(1))
        events += [event] if event else []
    assert [text(event) for event in events] == told


def test_looking_at_a_thousand_mounts_of_which_none_changed_costs_microseconds(tmp_path: Path) -> None:
    host = FakeHost()
    driver = Driver(host)
    driver.load(*(spec(f"m{i}", host="one.test") for i in range(1000)))
    driver.run(10)
    diary = Diary("/history", str(tmp_path / "left"), host, host.now())
    diary.turn(driver.agent, host.now())
    began = time.perf_counter()
    for _ in range(100):
        diary.turn(driver.agent, host.now())
    assert (time.perf_counter() - began) / 100 < 0.001


# -- lines


def an_event(number: int, **fields: object) -> Event:
    event = Event(at=WALL + number, what=What.MOUNT, said="healthy -> hung", name=f"m{number}", mountpoint=f"/mnt/m{number}")
    return msgspec.structs.replace(event, **fields)


def test_whatever_ends_in_the_middle_of_a_write_costs_that_write_alone() -> None:
    before = line(Head(1)) + b"".join(line(an_event(i)) for i in range(5))
    batch = b"".join(line(an_event(i)) for i in range(5, 10))
    for cut in range(len(batch) + 1):
        found = past([before + batch[:cut]])
        whole = batch[:cut].count(b"\n")
        assert found.events == tuple(an_event(i) for i in range(5 + whole))
        assert found.skipped == (not (before + batch[:cut]).endswith(b"\n"))


@pytest.mark.parametrize(
    "garbage",
    [
        b"\n", b"\x00" * 4096, b"\xff\xfe\n\n\r\n", b"1 00000000 {}\n", b"1 ", b"2 deadbeef {}\n", b"[" * 100000 + b"\n",
        line(Head(9))[:-5], b"1 a\n" * 1000, line(an_event(1)).replace(b"hung", b"hang"), b"x" * (2 * SEGMENT_MOST),
    ],
)  # fmt: skip
def test_garbage_is_skipped_and_counted(garbage: bytes) -> None:
    good = line(Head(3)) + line(an_event(1))
    assert segment(garbage).number == 0
    found = past([garbage, good])
    assert found.events == (an_event(1),)
    assert found.skipped >= 1
    found = past([good + garbage])
    assert found.events == (an_event(1),)
    assert found.skipped >= 1


def test_any_bytes_at_all_are_read_without_an_exception() -> None:
    dice = random.Random(5)
    good = line(Head(3)) + b"".join(line(an_event(i)) for i in range(20))
    for _ in range(500):
        broken = bytearray(good)
        for _ in range(dice.randrange(1, 8)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        found = past([bytes(broken)])
        assert len(found.events) >= 10
        assert set(found.events) <= {an_event(i) for i in range(20)}


def test_the_newer_segment_comes_last_and_what_was_written_twice_is_told_once() -> None:
    older = line(Head(9)) + line(an_event(1)) + line(an_event(2))
    newer = line(Head(10)) + line(an_event(2)) + line(an_event(3))
    assert past([newer, older]).events == tuple(an_event(i) for i in (1, 2, 3))


# -- the diary


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


@pytest.fixture
def kept(host: FakeHost, tmp_path: Path) -> Iterator[Kept]:
    yield Kept(host, tmp_path / "left")


class Kept:
    """An agent and its diary on the fake host, driven as the loop drives them."""

    def __init__(self, host: FakeHost, left: Path) -> None:
        self.host, self.driver, self.left = host, Driver(host), left
        self.diary = Diary("/history", str(left), host, host.now())

    def run(self, seconds: float, step: float = 0.1) -> None:
        for _ in range(round(seconds / step)):
            for key, answer in self.host.tick(step):
                self.hear(key, answer)
            self.driver.agent.mounts_changed()
            self.driver.agent.turn()
            self.diary.turn(self.driver.agent, self.host.now())

    def hear(self, key: object, answer: object) -> None:
        if key.kind is Kind.RECORD:  # type: ignore[attr-defined]
            self.diary.answered(answer, self.host.now())  # type: ignore[arg-type]
        else:
            self.driver.agent.answered(key, answer)  # type: ignore[arg-type]
            self.driver.agent.ended(key)  # type: ignore[arg-type]

    def end(self, seconds: float = 0.5) -> None:
        while self.diary.close(self.host.now()) and seconds > 0:
            for key, answer in self.host.tick(0.05):
                self.hear(key, answer)
            seconds -= 0.05
        self.diary.hand_over()
        self.host.kill_all()

    @property
    def told(self) -> list[str]:
        return [f"{event.name} {text(event)}".strip() for event in self.host.history]

    @property
    def writes(self) -> int:
        return sum(key.kind is Kind.RECORD for key in self.host.started)


def test_what_happens_is_on_the_volume_within_a_second(kept: Kept, host: FakeHost) -> None:
    kept.driver.load(spec("a"), spec("b"))
    kept.run(2)
    assert kept.told[:2] == ["started", "accepted: 2 mounts, generation d1"]
    assert [told.split(" after ")[0] for told in kept.told[2:]] == ["a mounted", "b mounted"]
    kept.run(60)
    before = len(kept.told)
    assert kept.writes <= 2, "nothing is written when nothing changes"
    host.unmount("/mnt/a")
    kept.run(1)
    assert kept.told[before].startswith("a unmounted by somebody")


def test_a_thousand_mounts_that_flap_are_written_every_five_seconds_at_most(kept: Kept, host: FakeHost) -> None:
    kept.driver.load(*(spec(f"m{i}", host="one.test") for i in range(100)))
    kept.run(20)
    before = kept.writes
    for _ in range(20):
        for i in range(100):
            if host.rows[f"/mnt/m{i}"]:
                host.unmount(f"/mnt/m{i}")
        kept.run(1, 0.2)
    assert kept.writes - before <= 20 / APART_S + 1


def test_a_full_volume_is_said_once_and_loses_nothing_that_memory_can_hold(
    kept: Kept, host: FakeHost, caplog: pytest.LogCaptureFixture
) -> None:
    host.volume_problem = Problem("history-not-written", "/history: No space left on device")
    kept.driver.load(spec("a"))
    kept.run(120)
    assert kept.diary.problem == host.volume_problem
    assert sum("No space left" in record.message for record in caplog.records) == 1
    assert host.history == []
    assert 3 < kept.writes < 15
    host.volume_problem = None
    kept.run(61)
    assert kept.diary.problem is None
    assert kept.told[0] == "started"
    assert kept.told[-1].startswith("a mounted")


def test_what_memory_cannot_hold_is_counted_and_the_loss_is_told(kept: Kept, host: FakeHost) -> None:
    host.volume_is_slow = True
    kept.driver.load(*(spec(f"m{i}", host="one.test") for i in range(PENDING_MOST)))
    kept.run(60, 0.5)
    assert host.history == []
    host.volume_is_slow = False
    kept.run(80, 0.5)
    assert host.history[0].what is What.LOSS
    assert host.history[0].said == "2 changes could not be kept"
    assert len(host.history) == PENDING_MOST + 1


def test_a_place_without_a_history_is_no_problem(kept: Kept, host: FakeHost, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "fsmount")
    host.volume_problem = Problem("history-off", "/kept does not exist", False)
    kept.driver.load(spec("a"))
    kept.run(300)
    assert kept.diary.problem is None
    assert sum("no history is kept" in record.message for record in caplog.records) == 1


def test_the_last_seconds_before_a_stop_are_written_or_left_for_the_next_agent(kept: Kept, host: FakeHost) -> None:
    kept.driver.load(spec("a"))
    kept.run(20)
    host.unmount("/mnt/a")
    kept.run(0.1)
    kept.end()
    assert kept.told[-1] == "stopped"
    assert kept.told[-2].startswith("a unmounted by somebody")
    second = Kept(host, kept.left)
    host.volume_is_slow = True
    second.run(20)
    second.end()
    host.volume_is_slow = False
    assert kept.told[-1] == "stopped"
    third = Kept(host, kept.left)
    third.run(10)
    agents = [event.said for event in host.history if event.what is What.AGENT]
    assert agents == ["started", "stopped", "started again", "stopped", "started again"]


def test_an_agent_that_was_killed_is_told_of_by_the_next_and_a_crash_loop_fills_nothing(kept: Kept, host: FakeHost) -> None:
    kept.driver.load(spec("a"))
    kept.run(10)
    for _ in range(100):
        Kept(host, kept.left).run(4)
    starts = [told for told in kept.told if "started" in told]
    assert starts[1] == "started again after a crash or a kill"
    assert len(starts) <= 6
    host.tick(600)
    Kept(host, kept.left).run(4)
    assert "starts before it are not told" in kept.told[-1]


# -- what people see


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("2h", 7200), ("30min", 1800), ("30 min", 1800), ("3d", 259200), ("1w", 604800), ("90s", 90), ("5m ago", 300), ("0s", 0),
        ("2023-11-14T22:13:20Z", 0), ("2023-11-14 22:13:20+00:00", 0), ("2023-11-14T23:13:10+01:00", 10),
    ],
)  # fmt: skip
def test_since(given: str, seconds: float) -> None:
    assert since(given, WALL) == WALL - seconds


def test_since_a_day_is_since_its_local_midnight() -> None:
    today = since("today", WALL)
    assert time.localtime(today)[3:6] == (0, 0, 0)
    assert 0 <= WALL - today < 90000
    assert 82000 < today - since("yesterday", WALL) < 91000
    assert since(time.strftime("%Y-%m-%d", time.localtime(WALL)), WALL) == today


@pytest.mark.parametrize("given", ["", "soon", "-2h", "2y", "99999999999999h", "2026-13-01", "٣h", "0001-01-01T00:00:00Z x", "h"])
def test_since_what_is_no_time(given: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        since(given, WALL)


EVENTS = (
    Event(at=WALL, what=What.AGENT, said="started again after a crash or a kill"),
    Event(at=WALL, what=What.GENERATION, said="accepted", digest="d" * 64, mounts=3),
    an_event(
        1,
        name="datasets",
        state=State(Phase.MOUNTED, Health.HUNG),
        before=State(Phase.MOUNTED, Health.HEALTHY),
        lasted_s=10800.0,
        code="not-answering",
    ),
    an_event(2, name="n" * 200, code="\x1b[2J", said="bad\x1b[2J"),
    Event(at=1e300, what=What.LOSS, said="7 changes could not be kept"),
    Event(at=float("nan"), what=What.LOSS, said="1 changes could not be kept"),
)


@pytest.mark.parametrize("events", [EVENTS[:3], (*EVENTS[:3], msgspec.structs.replace(EVENTS[3], name="n" * 40), *EVENTS[4:])])
def test_a_line_an_event_within_eighty_columns(events: tuple[Event, ...]) -> None:
    shown = chronicle(events, Style(80, False))
    assert max(map(len, shown.splitlines())) <= 80
    assert "\x1b" not in shown
    assert "datasets" in shown
    assert "healthy for 3 h -> hung [not-answering]" in " ".join(shown.split())


def test_colours_change_no_text() -> None:
    import re

    coloured = chronicle(EVENTS, Style(80, True))
    assert re.sub(r"\033\[\d+m", "", coloured) == chronicle(EVENTS, Style(80, False))
    assert "\033[31m" in coloured
