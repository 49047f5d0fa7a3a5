"""The status as tags: what they may hold, what they say, and how seldom they are written."""

from __future__ import annotations

import logging
import random
import re
import string
import sys
import unicodedata
from collections.abc import Callable

import botocore.session
import msgspec
import pytest
from fsmount import entry as entries
from fsmount.daemon.tagging import REMOVALS_MOST, Tagging
from fsmount.entry import Entry
from fsmount.instance import Instance
from fsmount.jobs.orders import Kind, Publish
from fsmount.model import Config, Health, Phase, Problem, Word
from fsmount.problems import CATALOGUE
from fsmount.tags import MOUNT, STATUS, dated, ours, tags_of

from .fakehost import Driver, FakeHost, entry, spec

HOUR = 3600.0
WALL = 1_795_449_720.0  # 2026-11-23T16:02Z
INSTANCE = Instance("team-a-nb", "arn:aws:sagemaker:eu-west-1:123456789012:notebook-instance/team-a-nb", "aws", "eu-west-1", "1")
THROTTLED, DENIED = Problem("aws-throttled", "the tags of nb: slow down"), Problem("aws-denied", "the tags of nb: no")


def a_mount(name: str, health: Health | None = Health.HEALTHY, code: str = "", **fields: object) -> Entry:
    phase = Phase.MOUNTED if health else Phase.WAITING
    problem = Problem(code, "a secret of somebody's, {100 %}, and more") if code else None
    made = Entry(spec=spec(name), since_at=WALL - 60, phase=phase, health=health, tried=True, problem=problem)
    return msgspec.structs.replace(made, **fields)


# -- what they may hold


def translated(pattern: str) -> re.Pattern[str]:
    """The model's pattern, whose classes of characters (\\p{L}) Python's expressions do not know."""
    known: dict[str, list[str]] = {}
    for number in range(sys.maxunicode + 1):
        known.setdefault(unicodedata.category(chr(number))[0], []).append(re.escape(chr(number)))
    return re.compile(re.sub(r"\\p\{(\w)\}", lambda found: "".join(known[str(found[1])]), pattern))


def limits(shape: str) -> tuple[re.Pattern[str], int, int]:
    model = botocore.session.get_session().get_service_model("sagemaker").shape_for(shape)
    return translated(model.metadata["pattern"]), model.metadata["min"], model.metadata["max"]


def anything(dice: random.Random) -> str:
    return "".join(dice.choice(string.printable + "äß漢\u2028\x00") for _ in range(dice.randrange(1, 400)))


def test_hundreds_of_tags_are_within_what_the_service_s_own_model_allows() -> None:
    key_pattern, key_least, key_most = limits("TagKey")
    value_pattern, value_least, value_most = limits("TagValue")
    assert not value_pattern.fullmatch("100 %, {x}"), "the pattern is read rightly"
    assert value_pattern.fullmatch("é 漢 1")
    dice, seen = random.Random(4), 0
    for _ in range(300):
        mounts = [
            a_mount(
                anything(dice) if dice.random() < 0.3 else f"m-{number}",
                dice.choice([*(health for health in Health if health is not Health.MISSING), None]),
                dice.choice([*CATALOGUE, anything(dice), ""]),
                phase=dice.choice(list(Phase)),
                since_at=dice.uniform(0, 4e9),
            )
            for number in range(dice.randrange(0, 40))
        ]
        problem = Problem(dice.choice([*CATALOGUE]), anything(dice)) if dice.random() < 0.3 else None
        tags = dated(tags_of(dice.choice(list(Word)), mounts, dice.choice(["", "1a2b" * 16]), problem), dice.uniform(0, 4e9))
        assert 1 <= len(tags) <= 6
        assert len({key for key, _ in tags}) == len(tags), "two values for one key are refused"
        for key, value in tags:
            assert key_pattern.fullmatch(key), key
            assert value_pattern.fullmatch(value), value
            assert key_least <= len(key) <= key_most
            assert value_least <= len(value) <= value_most
            assert ours(key)
            seen += 1
    assert seen > 500


def test_the_longest_names_lose_nothing() -> None:
    name = "n" * 63
    status, (key, value) = tags_of(Word.FAILED, [a_mount(name, Health.DISCONNECTED, "disconnected")], "f" * 64)
    assert key == f"fsmount:mount:{name}"
    assert value == "disconnected disconnected since 2026-11-23T16:01Z"
    assert len(status[1]) < 200


# -- what they say


def test_the_status_is_the_word_with_counts_generation_and_time() -> None:
    mounts = [
        a_mount("a"),
        a_mount("b"),
        a_mount("c"),
        a_mount("slow", Health.SLOW, "slow"),
        a_mount("d", None, "server-timeout"),
    ]
    tags = dated(tags_of(Word.DEGRADED, mounts, "1a2b3c4d5e6f" + "0" * 52), WALL)
    assert tags == (
        (STATUS, "degraded 3/5 gen 1a2b3c4d5e6f at 2026-11-23T16:02Z"),
        (MOUNT + "d", "missing server-timeout since 2026-11-23T16:01Z"),
        (MOUNT + "slow", "slow slow since 2026-11-23T16:01Z"),
    )


def test_what_is_wrong_with_the_configuration_is_named_by_its_code_alone() -> None:
    problem = Problem("config-invalid", "mounts.yaml:3: the password is hunter2")
    assert tags_of(Word.DEGRADED, [], "", problem) == ((STATUS, "degraded 0/0 gen none problem config-invalid"),)


def test_at_most_five_mounts_the_worst_first_and_how_many_more() -> None:
    mounts = [a_mount(f"slow{number}", Health.SLOW, "slow") for number in range(5)]
    mounts += [a_mount("gone", None, "server-refused"), a_mount("hung", Health.HUNG, "not-answering")]
    (_, status), *ailing = tags_of(Word.FAILED, mounts, "ab" * 32)
    assert status == "failed 0/7 gen abababababab and 2 more mounts"
    assert [key for key, _ in ailing] == [MOUNT + name for name in ("hung", "gone", "slow0", "slow1", "slow2")]


def test_nothing_that_a_server_or_a_file_has_said_is_in_them() -> None:
    mounts = [a_mount("a", health, "mount-failed") for health in (Health.HUNG, None)]
    assert "secret" not in str(tags_of(Word.FAILED, mounts, "ab" * 32))


@pytest.mark.parametrize("phase", [Phase.WAITING, Phase.RESOLVING, Phase.MOUNTING])
def test_the_phases_of_one_more_attempt_say_the_same(phase: Phase) -> None:
    value = dict(tags_of(Word.FAILED, [a_mount("a", None, "server-timeout", phase=phase)], ""))[MOUNT + "a"]
    assert value == "missing server-timeout since 2026-11-23T16:01Z"


def test_one_that_nobody_tries_any_more_says_so() -> None:
    tags = tags_of(Word.FAILED, [a_mount("a", None, "access-denied", phase=Phase.BLOCKED)], "")
    assert dict(tags)[MOUNT + "a"].startswith("blocked access-denied since ")


def test_a_mount_that_leaves_while_another_of_its_name_comes_is_one_tag() -> None:
    leaves, comes = a_mount("a", Health.HEALTHY, "busy", wanted=False), a_mount("a", None, "server-timeout")
    assert [key for key, _ in tags_of(Word.FAILED, [leaves, comes], "")] == [STATUS, MOUNT + "a"]


@pytest.mark.parametrize(
    ("key", "is_ours"),
    [(STATUS, True), (MOUNT + "x", True), ("fsmount:owner", False), ("fsmount:status2", False), ("Project", False), ("", False)],
)
def test_only_what_the_agent_writes_is_its_own(key: str, is_ours: bool) -> None:
    assert ours(key) is is_ours


# -- when they are written


class Bench:
    """An agent with two mounts that are well, and its tagging, on a clock that only these tests move."""

    def __init__(self, host: FakeHost, instance: Instance | None = INSTANCE, *, tags: bool = True) -> None:
        self.host, self.driver = host, Driver(host)
        self.tagging = Tagging(host, instance)
        self.driver.load(spec("a"), spec("b"))
        self.configure(tags=tags)
        self.driver.run(2)
        assert self.driver.agent.looked
        self.well = entry(self.driver, "a")

    def configure(self, digest: str = "d1", *, tags: bool) -> None:
        assert self.host.config is not None
        self.host.config = msgspec.structs.replace(self.host.config, digest=digest, tags=tags)
        self.driver.agent.reload()

    def pass_time(self, seconds: float, meanwhile: Callable[[], None] = lambda: None, every: float = 1e9) -> None:
        """From one wake to the next, as the loop goes; nothing new is heard of the mounts but what `meanwhile` does."""
        end, again = self.host.monotonic + seconds, self.host.monotonic + every
        while True:
            wake = self.tagging.turn(self.driver.agent, self.host.now())
            if self.host.lives(self.tagging.key):
                wake = self.host.monotonic + 0.1
            assert wake is None or wake > self.host.monotonic, "it would spin"
            if self.host.monotonic >= end:
                return
            step = min(end, again, wake or end) - self.host.monotonic
            for key, answer in self.host.tick(step):
                if key == self.tagging.key:
                    self.tagging.answered(answer, self.host.now())
            if self.host.monotonic >= again:
                again += every
                meanwhile()

    def live(self, seconds: float) -> None:
        """The agent lives as well: it looks at its mounts and mounts them again."""
        for _ in range(round(seconds / 0.1)):
            for key, answer in self.host.tick(0.1):
                if key == self.tagging.key:
                    self.tagging.answered(answer, self.host.now())
                else:
                    self.driver.agent.answered(key, answer)
                    self.driver.agent.ended(key)
            self.driver.agent.mounts_changed()
            self.driver.agent.turn()
            self.tagging.turn(self.driver.agent, self.host.now())

    def hang(self) -> None:
        now = self.host.now()
        self.set(entries.looked(self.well, Health.HUNG, Problem("not-answering", "no answer"), now))

    def heal(self) -> None:
        self.set(self.well)

    def flap(self) -> None:
        if self.driver.agent.entries["/mnt/a"] is self.well:
            self.hang()
        else:
            self.heal()

    def set(self, changed: Entry) -> None:
        self.driver.agent.entries[changed.spec.mountpoint] = changed

    @property
    def orders(self) -> list[Publish]:
        return [order for _, order in self.host.published]

    @property
    def last(self) -> Publish:
        return self.orders[-1]


@pytest.fixture
def bench(host: FakeHost) -> Bench:
    return Bench(host)


def test_a_start_writes_once_and_only_when_the_first_pass_is_over(host: FakeHost) -> None:
    host.hang("b.test")
    driver, tagging = Driver(host), Tagging(host, INSTANCE)
    driver.load(spec("a"), spec("b"))
    for _ in range(150):
        driver.run(0.1)
        assert tagging.turn(driver.agent, host.now()) is None
    assert not driver.agent.settled
    host.revive("b.test")
    for _ in range(600):
        driver.run(0.1)
        tagging.turn(driver.agent, host.now())
    (written,) = [order for _, order in host.published]
    assert (written.arn, written.region, written.first) == (INSTANCE.arn, "eu-west-1", True)
    assert re.fullmatch(r"ok 2/2 gen d1 at 20..-..-..T..:..Z", dict(written.tags)[STATUS])


@pytest.mark.parametrize("dice", [0.0, 0.01, 0.5, 0.999])
def test_a_day_of_nothing_new_is_four_heartbeats(host: FakeHost, dice: float) -> None:
    host.dice = dice
    bench = Bench(host)
    bench.pass_time(60)
    assert len(bench.orders) == 1
    bench.pass_time(24 * HOUR)
    assert len(bench.orders) == 5
    assert [order.first for order in bench.orders] == [True, False, False, False, False], "a heartbeat is one call"
    gaps = [after - before for (before, _), (after, _) in zip(host.published, host.published[1:])]
    assert max(gaps) <= 6 * HOUR + 1, "an older time means that nobody writes"
    assert len({dict(order.tags)[STATUS] for order in bench.orders}) == 5, "each has its own time"


def test_the_heartbeats_of_a_fleet_that_started_together_are_spread_over_six_hours(host: FakeHost) -> None:
    beats = []
    for dice in (0.1, 0.5, 0.9):
        one = FakeHost()
        one.dice = dice
        bench = Bench(one)
        bench.pass_time(6 * HOUR + 60)
        beats.append(one.published[1][0] - one.published[0][0])
    assert max(beats) - min(beats) > 4 * HOUR


def test_what_changes_is_written_within_seconds_and_what_healed_is_removed(bench: Bench) -> None:
    bench.pass_time(120)
    bench.hang()
    bench.pass_time(11)
    assert re.fullmatch("failed 1/2 gen d1 at .*", dict(bench.last.tags)[STATUS])
    assert dict(bench.last.tags)[MOUNT + "a"].startswith("hung not-answering since ")
    assert bench.last.first, "there is one more than before: is there room?"
    bench.heal()
    bench.pass_time(70)
    assert (bench.last.gone, bench.last.first) == ((MOUNT + "a",), False)
    assert [key for key, _ in bench.last.tags] == [STATUS]
    assert len(bench.orders) == 3


def test_what_changes_back_within_a_minute_costs_nothing(bench: Bench) -> None:
    bench.pass_time(20)
    assert len(bench.orders) == 1
    for _ in range(2):
        bench.hang()
        bench.pass_time(10)
        bench.heal()
        bench.pass_time(5)
    bench.pass_time(300)
    assert len(bench.orders) == 1


@pytest.mark.parametrize("every", [1.0, 7.0, 61.0])
def test_a_mount_that_flaps_for_an_hour_is_at_most_sixty_one_writes(bench: Bench, every: float) -> None:
    bench.pass_time(HOUR, bench.flap, every)
    assert len(bench.orders) <= 61
    times = [at for at, _ in bench.host.published]
    assert all(after - before > 59.99 for before, after in zip(times, times[1:]))


def test_an_attempt_that_fails_again_for_the_same_reason_is_no_news(bench: Bench) -> None:
    bench.live(20)
    bench.host.refuse("a.test")
    bench.host.unmount("/mnt/a")
    bench.live(600)
    assert entry(bench.driver, "a").failures > 3
    assert len(bench.orders) == 2
    assert dict(bench.last.tags)[MOUNT + "a"].startswith("missing server-refused since ")


def test_a_mount_that_was_unmounted_by_hand_and_is_back_at_once_is_no_news(bench: Bench) -> None:
    bench.live(100)
    bench.host.unmount("/mnt/a")
    bench.live(100)
    assert entry(bench.driver, "a").health is Health.HEALTHY
    assert len(bench.orders) == 1


def test_throttled_for_ten_minutes_it_is_said_once_and_asked_ever_more_rarely(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.host.aws_problem = THROTTLED
    with caplog.at_level(logging.INFO, "fsmount"):
        bench.pass_time(600)
        assert 2 <= len(bench.orders) <= 6
        assert bench.tagging.problem == THROTTLED
        bench.host.aws_problem = None
        bench.pass_time(HOUR)
    assert bench.tagging.problem is None
    said = [record.message for record in caplog.records if "tags" in record.message]
    assert said == ["the tags wait: the tags of nb: slow down", "the tags are written again"]
    assert bench.last.first, "what is there was not known any more"


def test_denied_for_a_week_is_a_call_an_hour_at_most_and_one_line_per_kind(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.host.aws_problem = DENIED
    with caplog.at_level(logging.INFO, "fsmount"):
        bench.pass_time(24 * HOUR)
        first_day = len(bench.orders)
        bench.host.aws_problem = msgspec.structs.replace(DENIED, observed="the tags of nb: no (request 2)")
        bench.pass_time(6 * 24 * HOUR)
        assert [r.message for r in caplog.records] == ["the tags wait: the tags of nb: no"]
        bench.host.aws_problem = THROTTLED
        bench.pass_time(2 * HOUR)
        assert len(caplog.records) == 2
    # With a throw of 0.5 the pauses are about half an hour.
    assert first_day < 60
    times = [at for at, _ in bench.host.published]
    assert max(after - before for before, after in zip(times, times[1:])) <= HOUR


def test_the_pauses_after_failures_depend_on_the_throw(host: FakeHost) -> None:
    counts = []
    for dice in (0.0, 0.999):
        one = FakeHost()
        one.aws_problem, one.dice = THROTTLED, dice
        bench = Bench(one)
        bench.pass_time(12 * HOUR)
        counts.append(len(bench.orders))
    assert counts[0] > 2 * counts[1]


def test_a_service_that_never_answers_is_as_one_that_fails(bench: Bench) -> None:
    bench.host.aws_hangs = True
    bench.pass_time(100)
    assert bench.tagging.problem == Problem("aws-unreachable", "the tags: no end after 30 s")
    bench.host.aws_hangs = False
    bench.pass_time(600)
    assert bench.tagging.problem is None
    assert len(bench.orders) == 1


def test_where_no_job_can_be_started_it_is_tried_again(bench: Bench) -> None:
    bench.host.no_fork = True
    bench.pass_time(100)
    assert bench.tagging.problem is not None
    assert bench.tagging.problem.code == "no-process"
    bench.host.no_fork = False
    bench.pass_time(600)
    assert len(bench.orders) == 1


def test_an_instance_with_fifty_tags_is_a_problem_and_not_a_loop(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.host.room_for_tags = 0
    with caplog.at_level(logging.INFO, "fsmount"):
        bench.pass_time(5 * HOUR)
        assert bench.tagging.problem == Problem("tags-full", "the notebook instance has 50 tags: 0 of fsmount's 1 found room")
        assert len(bench.orders) <= 2, "with the heartbeat only"
        bench.hang()
        bench.pass_time(60)
        assert len(bench.orders) <= 3, "or when there is something else to say"
        assert bench.last.first, "it looks whether there is room by now"
        assert len(caplog.records) == 1
    bench.host.room_for_tags = 50
    bench.pass_time(6 * HOUR + 60)
    assert bench.tagging.problem is None


def test_tags_off_removes_what_was_there_once_and_writes_nothing(host: FakeHost) -> None:
    bench = Bench(host, tags=False)
    bench.pass_time(24 * HOUR, bench.flap, 600)
    assert bench.orders == [Publish(INSTANCE.arn, INSTANCE.region, first=True)]
    assert bench.tagging.problem is None


def test_tags_turned_off_are_removed_and_turned_on_again_are_written(bench: Bench) -> None:
    bench.pass_time(60)
    bench.configure("d2", tags=False)
    bench.driver.run(1)
    bench.pass_time(24 * HOUR)
    assert bench.orders[1:] == [Publish(INSTANCE.arn, INSTANCE.region, gone=(STATUS,))]
    bench.configure("d3", tags=True)
    bench.driver.run(1)
    bench.pass_time(60)
    assert dict(bench.last.tags)[STATUS].startswith("ok 2/2 gen d3 at ")


@pytest.mark.parametrize(("problem", "tries"), [(DENIED, 1), (THROTTLED, REMOVALS_MOST)])
def test_tags_that_are_off_and_cannot_be_removed_are_let_be(host: FakeHost, problem: Problem, tries: int) -> None:
    host.aws_problem = problem
    bench = Bench(host, tags=False)
    bench.pass_time(48 * HOUR)
    assert len(bench.orders) == tries
    assert bench.tagging.problem is None, "what is off is no problem"


def test_a_configuration_that_is_refused_is_told_in_the_status(bench: Bench) -> None:
    bench.pass_time(60)
    bench.host.config, bench.host.config_problem = None, Problem("config-invalid", "line 3", False)
    bench.driver.agent.reload()
    bench.driver.run(1)
    bench.pass_time(60)
    assert dict(bench.last.tags)[STATUS].startswith("degraded 2/2 gen d1 problem config-invalid at ")


def test_what_is_wrong_with_the_tags_is_not_told_in_the_tags(bench: Bench) -> None:
    bench.host.aws_problem = THROTTLED
    bench.pass_time(300)
    assert dict(bench.last.tags)[STATUS].startswith("ok 2/2 ")


def test_a_machine_that_is_no_notebook_instance_has_no_tags(host: FakeHost) -> None:
    bench = Bench(host, instance=None)
    bench.pass_time(HOUR, bench.flap, 60)
    assert bench.orders == []


def test_a_thousand_mounts_are_counted_once_a_second_at_most(host: FakeHost) -> None:
    bench = Bench(host)
    bench.pass_time(30)
    asked = 0

    class Counted(dict[str, Entry]):
        def values(self):  # type: ignore[no-untyped-def]
            nonlocal asked
            asked += 1
            return super().values()

    bench.driver.agent.entries = Counted(bench.driver.agent.entries)
    for _ in range(100):
        bench.flap()
        bench.tagging.turn(bench.driver.agent, host.now())
        host.tick(0.1)
    assert asked <= 2 * 11, "the word and the tags are made of them"


def test_the_kind_of_the_job_is_publish(bench: Bench) -> None:
    assert bench.tagging.key.kind is Kind.PUBLISH
    assert Config("d", ()).tags, "tags are on by default"
