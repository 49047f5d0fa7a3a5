"""Generations: accepted, tried, kept or returned from; polled cheaply; and what the volume holds where AWS is silent."""

from __future__ import annotations

import pytest
from fsmount.daemon.trial import SURE_S, TRIAL_S, Trial, Verdict, verdict
from fsmount.entry import Entry, Now
from fsmount.jobs.answers import Recalled
from fsmount.jobs.orders import Key, Kind
from fsmount.model import Config, Health, Phase, Problem, Spec

from .fakehost import Driver, FakeHost, entry, spec

ORIGIN, KEPT = "s3://bucket/mounts.yaml", "/volume/generation.json"
A, B = spec("a"), spec("b")


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


@pytest.fixture
def driver(host: FakeHost) -> Driver:
    return Driver(host, origin=ORIGIN, kept=KEPT)


def push(host: FakeHost, digest: str, *specs: Spec) -> None:
    host.config = Config(digest, specs)


def good(host: FakeHost, driver: Driver) -> None:
    """The generation g1 with a and b, tried and kept."""
    push(host, "g1", A, B)
    driver.run(SURE_S + 40, until=lambda: driver.agent.configuration.good is not None)
    driver.run(2)
    assert host.kept is not None
    assert host.kept.config == host.config


def in_force(driver: Driver) -> str:
    generation = driver.agent.configuration.generation
    return generation.config.digest if generation else ""


def code(driver: Driver) -> str:
    problem = driver.agent.configuration.problem
    return problem.code if problem else ""


def fetches(host: FakeHost) -> int:
    return sum(key.kind is Kind.FETCH for key in host.started)


def test_a_push_is_applied_within_a_minute(host: FakeHost, driver: Driver) -> None:
    good(host, driver)
    push(host, "g2", A)
    driver.run(60, until=lambda: in_force(driver) == "g2")
    assert in_force(driver) == "g2"
    driver.run(5)
    assert "/mnt/b" not in driver.agent.entries


def test_nothing_new_transfers_nothing_and_writes_nothing(host: FakeHost, driver: Driver) -> None:
    good(host, driver)
    kept, before, asked = host.keeps, len(host.started), len(host.fetches)
    driver.run(3600, step=1)
    later = host.fetches[asked:]
    assert 50 < len(later) < 85
    assert all(order.known == "g1" and order.token == "token of g1" for order in later)
    assert host.keeps == kept
    assert {key.kind for key in host.started[before:]} <= {Kind.FETCH, Kind.PROBE, Kind.RESOLVE}


def test_one_that_breaks_a_mount_for_good_is_returned_from_as_soon_as_that_is_sure(host: FakeHost, driver: Driver) -> None:
    good(host, driver)
    host.deny("wrong.test")
    push(host, "g2", spec("a", host="wrong.test"), B)
    driver.run(60, until=lambda: in_force(driver) == "g2")
    driver.run(SURE_S + 10, until=lambda: in_force(driver) == "g1")
    assert in_force(driver) == "g1"
    assert code(driver) == "config-returned"
    driver.run(20)
    assert entry(driver, "a").health is Health.HEALTHY
    assert host.kept is not None
    assert host.kept.refused == ("g2",)


def test_one_that_names_a_server_that_is_silent_is_returned_from_after_two_minutes(host: FakeHost, driver: Driver) -> None:
    good(host, driver)
    host.hang("elsewhere.test")
    push(host, "g2", spec("a", host="elsewhere.test"), B)
    driver.run(60, until=lambda: in_force(driver) == "g2")
    host.config = None  # AWS is cut off right after the push
    driver.run(TRIAL_S - 10)
    assert in_force(driver) == "g2"
    driver.run(40, until=lambda: in_force(driver) == "g1" and entry(driver, "a").health is Health.HEALTHY)
    assert in_force(driver) == "g1"
    assert entry(driver, "a").health is Health.HEALTHY
    assert code(driver) == "config-returned"


def test_a_server_that_dies_meanwhile_is_no_reason_to_return(host: FakeHost, driver: Driver) -> None:
    good(host, driver)
    push(host, "g2", A, B, spec("c"))
    driver.run(60, until=lambda: in_force(driver) == "g2")
    host.hang("a.test")
    driver.run(TRIAL_S + 60, step=0.5)
    assert entry(driver, "a").health is Health.HUNG
    assert in_force(driver) == "g2"
    assert code(driver) == ""


def test_what_was_refused_is_not_tried_again_until_somebody_asks(host: FakeHost, driver: Driver) -> None:
    good(host, driver)
    host.deny("wrong.test")
    push(host, "g2", spec("a", host="wrong.test"), B)
    driver.run(120, until=lambda: code(driver) == "config-returned")
    driver.run(600, step=0.5)
    assert in_force(driver) == "g1"
    assert code(driver) == "config-returned"
    host.revive("wrong.test")
    driver.agent.reload()
    driver.run(5)
    assert in_force(driver) == "g2"
    driver.run(TRIAL_S + 5, step=0.5)
    assert in_force(driver) == "g2"
    assert driver.agent.configuration.refused == ()


def test_a_new_one_after_the_refused_one_is_tried(host: FakeHost, driver: Driver) -> None:
    good(host, driver)
    host.deny("wrong.test")
    push(host, "g2", spec("a", host="wrong.test"), B)
    driver.run(120, until=lambda: code(driver) == "config-returned")
    push(host, "g3", A, B, spec("c"))
    driver.run(60, until=lambda: in_force(driver) == "g3")
    assert (in_force(driver), code(driver)) == ("g3", "")


def test_a_bad_configuration_disturbs_no_mount_and_passes_when_the_origin_is_right_again(host: FakeHost, driver: Driver) -> None:
    good(host, driver)
    config, host.config = host.config, None
    host.config_problem = Problem("config-invalid", "mounts.yaml:3: no", False)
    before = len([key for key in host.started if key.kind in (Kind.MOUNT, Kind.UNMOUNT)])
    driver.run(90, step=0.5)
    assert code(driver) == "config-invalid"
    host.config = config
    driver.run(90, step=0.5)
    assert code(driver) == ""
    assert before == len([key for key in host.started if key.kind in (Kind.MOUNT, Kind.UNMOUNT)])


def test_without_aws_from_the_start_the_kept_one_is_mounted_at_once(host: FakeHost, driver: Driver) -> None:
    host.kept = Recalled(Config("g1", (A, B)), "token of g1", 1.0, ("a", "b"), ("g0",))
    host.origin_hangs = True
    driver.run(2)
    assert in_force(driver) == "g1"
    assert driver.agent.settled
    assert entry(driver, "a").phase is Phase.MOUNTED
    driver.run(600, step=0.5)
    warning = driver.agent.configuration.warning
    assert warning is not None
    assert code(driver) == "", "a silent origin is no reason to call the mounts degraded"
    assert host.keeps == 0


def test_a_new_one_at_the_start_is_held_against_what_was_well_before_the_stop(host: FakeHost, driver: Driver) -> None:
    host.kept = Recalled(Config("g1", (A, B)), "token of g1", 1.0, ("a", "b"), ())
    host.deny("wrong.test")
    push(host, "g2", spec("a", host="wrong.test"), B)
    driver.run(60, until=lambda: code(driver) == "config-returned")
    assert in_force(driver) == "g1"
    driver.run(10)
    assert entry(driver, "a").health is Health.HEALTHY


def test_an_agent_that_was_started_anew_asks_the_origin_before_it_falls_back_on_what_is_kept(host: FakeHost) -> None:
    kept = Recalled(Config("g1", (A,)), "token of g1", 1.0, ("a",), ())
    host.kept = kept
    push(host, "g2", A, B)
    driver = Driver(host, origin=ORIGIN, kept=KEPT, hold_s=10)
    driver.run(15)
    assert in_force(driver) == "g2"
    assert not [key for key in host.started if key.kind is Kind.UNMOUNT]
    silent = FakeHost()
    silent.kept, silent.origin_hangs = kept, True
    driver = Driver(silent, origin=ORIGIN, kept=KEPT, hold_s=10)
    driver.run(9)
    assert in_force(driver) == ""
    driver.run(3)
    assert in_force(driver) == "g1"
    failing = FakeHost()
    failing.kept, failing.config_problem = kept, Problem("aws-unreachable", "no")
    driver = Driver(failing, origin=ORIGIN, kept=KEPT, hold_s=10)
    driver.run(2)
    assert in_force(driver) == "g1", "the origin has failed, so nothing more is waited for"


def test_one_that_was_refused_and_is_read_before_what_is_kept_is_returned_from_at_once(host: FakeHost) -> None:
    host.kept = Recalled(Config("g1", (A, B)), "token of g1", 1.0, ("a", "b"), ("g2",))
    push(host, "g2", spec("a", host="wrong.test"), B)
    driver = Driver(host, kept=KEPT)
    driver.agent.configuration._recalling._at = host.monotonic + 5
    driver.run(4)
    assert in_force(driver) == "g2"
    driver.run(4)
    assert (in_force(driver), code(driver)) == ("g1", "config-returned")


def test_one_refused_before_the_stop_is_not_tried_at_the_next_start(host: FakeHost, driver: Driver) -> None:
    host.kept = Recalled(Config("g1", (A, B)), "token of g1", 1.0, ("a", "b"), ("g2",))
    push(host, "g2", spec("a", host="wrong.test"), B)
    driver.run(200, step=0.5)
    assert in_force(driver) == "g1"


def test_without_anything_kept_the_origin_s_answer_ends_the_first_pass(host: FakeHost, driver: Driver) -> None:
    host.config_problem = Problem("aws-denied", "s3://bucket/mounts.yaml: AccessDenied")
    driver.run(5)
    assert driver.agent.settled
    assert code(driver) == "aws-denied"
    push(host, "g1", A)
    driver.run(130, step=0.5, until=lambda: in_force(driver) == "g1")
    assert (in_force(driver), code(driver)) == ("g1", "")


def test_a_full_volume_is_said_once_and_written_later(host: FakeHost, driver: Driver) -> None:
    host.volume_problem = Problem("generation-not-kept", "No space left on device")
    push(host, "g1", A)
    driver.run(SURE_S + 60, step=0.5)
    warning = driver.agent.configuration.warning
    assert warning is not None
    assert warning.code == "generation-not-kept"
    host.volume_problem = None
    driver.run(330, step=0.5)
    assert host.kept is not None
    assert driver.agent.configuration.warning is None


def test_a_second_push_during_a_trial_is_held_against_what_was_well_before_both(host: FakeHost, driver: Driver) -> None:
    good(host, driver)
    host.hang("slow.test")
    push(host, "g2", spec("a", host="slow.test"), B)
    driver.run(60, until=lambda: in_force(driver) == "g2")
    push(host, "g3", spec("a", host="slow.test"), B, spec("c"))
    driver.run(60, until=lambda: in_force(driver) == "g3")
    assert in_force(driver) == "g3"
    driver.run(TRIAL_S + 30, step=0.5, until=lambda: in_force(driver) == "g1")
    assert in_force(driver) == "g1"


def under(**changes: object) -> Entry:
    fields = {"spec": A, "since_at": 0.0, "phase": Phase.MOUNTED, "health": Health.HEALTHY, "tried": True, **changes}
    return Entry(**fields)  # type: ignore[arg-type]


DENIED = Problem("access-denied", "no", False)
SILENT = Problem("server-timeout", "no")
LINK = Problem("mountpoint-link", "no", False)
WAITS: dict[str, object] = {"phase": Phase.WAITING, "health": None}


@pytest.mark.parametrize(
    ("now", "found", "expected"),
    [
        (10.0, under(), Verdict.RUNNING),
        (30.0, under(), Verdict.GOOD),
        (30.0, under(health=Health.UNKNOWN), Verdict.RUNNING),
        (30.0, under(**WAITS, problem=DENIED), Verdict.BROKEN),
        (30.0, under(**WAITS, problem=SILENT), Verdict.RUNNING),
        (130.0, under(**WAITS, problem=SILENT), Verdict.GOOD),
        (130.0, under(**WAITS, problem=SILENT, spec=spec("a", host="other.test")), Verdict.BROKEN),
        (130.0, under(**WAITS, problem=Problem("mount-failed", "no")), Verdict.BROKEN),
        (130.0, under(health=Health.HUNG), Verdict.GOOD),
        (130.0, under(health=Health.READ_ONLY), Verdict.BROKEN),
        (130.0, under(health=Health.SLOW), Verdict.GOOD),
        (130.0, under(wanted=False, health=Health.STALE), Verdict.GOOD),
        (130.0, under(spec=spec("new"), **WAITS, problem=DENIED), Verdict.GOOD),
        (130.0, under(spec=spec("new", mountpoint="/mnt/a", host="other.test"), **WAITS, problem=DENIED), Verdict.BROKEN),
        (130.0, under(spec=spec("a", tls=True), **WAITS, problem=Problem("mount-timeout", "no")), Verdict.BROKEN),
        (130.0, under(spec=spec("a", path="/other"), **WAITS, problem=SILENT), Verdict.GOOD),
        (130.0, under(spec=spec("a", read_only=True), **WAITS, problem=LINK), Verdict.GOOD),
        (130.0, under(**WAITS, problem=Problem("mount-failed", "no"), since=120.0), Verdict.RUNNING),
    ],
    ids=[
        "too early", "all well", "not looked at yet", "denied", "silent, early", "silent, the same server",
        "silent, another server", "failing", "hung", "read-only", "slow", "gone", "new and denied", "renamed and denied",
        "its own settings fail", "silent, another path", "the user put a link there", "on its way",
    ],
)  # fmt: skip
def test_the_verdict(now: float, found: Entry, expected: Verdict) -> None:
    assert verdict(Trial(0.0, {"a": A}), [found], lambda entry: True, Now(now, 1000.0, 0.0))[0] is expected


@pytest.mark.parametrize(
    "code", ["link", "not-a-directory", "moved", "taken", "not-made", "unsafe", "unreachable"]
)  # fmt: skip
def test_what_the_user_can_do_to_a_mount_point_is_no_word_against_a_configuration(code: str) -> None:
    found = under(**WAITS, problem=Problem(f"mountpoint-{code}", "his", False), spec=spec("a", path="/other"))
    assert verdict(Trial(0.0, {"a": A}), [found], lambda entry: True, Now(130.0, 1000.0, 0.0))[0] is Verdict.GOOD


@pytest.mark.parametrize("now", [30.0, 130.0, 7200.0])
def test_what_is_mounted_with_older_settings_proves_nothing_yet(now: float) -> None:
    assert verdict(Trial(0.0, {"a": A}), [under()], lambda entry: False, Now(now, 1000.0, 0.0))[0] is Verdict.RUNNING


def test_the_fetch_s_key_is_its_origin(host: FakeHost, driver: Driver) -> None:
    driver.run(1)
    assert Key(Kind.FETCH, ORIGIN) in host.started


def test_a_volume_that_is_slow_for_once_costs_neither_what_was_good_nor_what_was_refused(host: FakeHost, driver: Driver) -> None:
    host.kept = Recalled(Config("g1", (A, B)), "token of g1", 1.0, ("a", "b"), ("g2",))
    host.slow_recalls = 2
    host.deny("wrong.test")
    push(host, "g2", spec("a", host="wrong.test"), B)
    driver.run(60, until=lambda: in_force(driver) == "g1")
    assert (in_force(driver), code(driver)) == ("g1", "config-returned")
    assert host.kept.config is not None
    assert host.kept.config.digest == "g1"


def test_what_is_refused_stays_said_after_a_moment_without_aws_and_after_a_restart(host: FakeHost, driver: Driver) -> None:
    good(host, driver)
    config, host.config = host.config, None
    host.config_problem = Problem("config-invalid", "mounts.yaml:3: no", False)
    driver.run(70, until=lambda: code(driver) == "config-invalid")
    host.origin_hangs = True
    driver.run(120, step=0.5)
    host.origin_hangs = False
    driver.run(130, step=0.5)
    assert code(driver) == "config-invalid"
    host.config = config
    driver.run(70, until=lambda: code(driver) == "")
    host.deny("wrong.test")
    push(host, "g2", spec("a", host="wrong.test"), B)
    driver.run(120, until=lambda: code(driver) == "config-returned")
    driver.run(5)
    anew = Driver(host, origin=ORIGIN, kept=KEPT)
    anew.run(70, step=0.5)
    assert (in_force(anew), code(anew)) == ("g1", "config-returned")


def test_nothing_in_force_is_never_ok(host: FakeHost, driver: Driver) -> None:
    host.config_problem = Problem("config-invalid", "mounts.yaml:3: no", False)
    driver.run(5)
    host.origin_hangs = True
    driver.run(60, step=0.5)
    host.origin_hangs = False
    driver.run(400, step=0.5)
    assert code(driver) == "config-invalid"


def test_what_was_found_out_about_one_server_is_not_used_for_the_next(host: FakeHost) -> None:
    driver = Driver(host)
    driver.load(spec("a", host="fs-0123.test"))
    driver.run(5)
    assert entry(driver, "a").located is not None
    driver.load(spec("a", host="10.9.9.9"), digest="d2")
    driver.run(5)
    assert entry(driver, "a").address == "10.9.9.9"
    assert entry(driver, "a").located is None


def test_an_origin_that_is_silent_is_asked_ever_more_slowly_and_said_once(
    host: FakeHost, driver: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    """Ten minutes of throttling, say: the mounts and the generation stay, and the journal is not filled."""
    good(host, driver)
    host.config, host.config_problem = None, Problem("aws-throttled", "Rate exceeded")
    asked, began = len(host.fetches), host.monotonic
    caplog.clear()
    times: list[float] = []
    while host.monotonic < began + 600:
        driver.run(0.5)
        if len(host.fetches) > asked + len(times):
            times.append(host.monotonic)
    said = [record.message for record in caplog.records if "Rate exceeded" in record.message]
    assert len(said) == 1
    pauses = [later - sooner for sooner, later in zip(times, times[1:])]
    assert 4 <= len(times) <= 20
    assert max(pauses[:2]) < 15, "the first tries come soon"
    assert min(pauses[-3:]) > 60, "the later ones do not"
    assert max(pauses) <= 125, "and it is heard of soon when it is over"
    assert (in_force(driver), code(driver)) == ("g1", "")
    assert driver.agent.configuration.warning is not None
    push(host, "g2", A)
    driver.run(125, until=lambda: in_force(driver) == "g2")
    assert in_force(driver) == "g2"
    assert driver.agent.configuration.warning is None


@pytest.mark.parametrize("dice", [0.0, 0.25, 0.5, 0.75, 0.999])
def test_whatever_the_dice_a_push_waits_for_57_s_at_most(host: FakeHost, driver: Driver, dice: float) -> None:
    good(host, driver)
    host.dice = dice
    driver.run(60)
    for number in range(2, 12):
        push(host, f"g{number}", A)
        began = host.monotonic
        driver.run(60, until=lambda digest=f"g{number}": in_force(driver) == digest)  # type: ignore[misc]
        assert in_force(driver) == f"g{number}"
        assert host.monotonic - began < 58
        driver.run(7.3 * number)
