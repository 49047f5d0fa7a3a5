"""Trials of configurations where more than the push goes wrong: servers, clocks, volumes, and people in the way."""

from __future__ import annotations

import pytest
from fsmount.daemon.trial import SURE_S, TRIAL_S
from fsmount.jobs.answers import Answer, Overdue, Recalled
from fsmount.jobs.orders import Key, Kind, Order
from fsmount.model import Care, Config, Health, OnHang, Phase, Problem

from .fakehost import Driver, FakeHost, entry, spec
from .test_generations import KEPT, ORIGIN, A, B, code, good, in_force, push


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


@pytest.fixture
def driver(host: FakeHost) -> Driver:
    return Driver(host, origin=ORIGIN, kept=KEPT)


def proved(driver: Driver) -> None:
    driver.run(SURE_S + 40, until=lambda: driver.agent.configuration.good is not None)
    assert driver.agent.configuration.good is not None


def kept_of_both(refused: tuple[str, ...] = ()) -> Recalled:
    return Recalled(Config("g1", (A, B)), "token of g1", 1.0, ("a", "b"), refused)


def test_a_mount_that_was_broken_before_the_push_is_not_the_push_s_fault(host: FakeHost, driver: Driver) -> None:
    push(host, "g1", A)
    proved(driver)
    driver.run(5)
    host.deny("a.test")
    host.unmount("/mnt/a")
    driver.run(3600, step=0.5)
    push(host, "g2", A, spec("c"))
    driver.run(400, step=0.5)
    assert (in_force(driver), code(driver)) == ("g2", "")


@pytest.mark.parametrize("read_only", [False, True])
def test_the_rescue_from_a_dead_server_is_not_taken_back(host: FakeHost, driver: Driver, read_only: bool) -> None:
    care = Care(on_hang=OnHang.DETACH) if read_only else Care()
    push(host, "g1", spec("a", read_only=read_only, care=care))
    proved(driver)
    host.busy.add("/mnt/a")  # a reader that is stuck
    host.hang("a.test")
    driver.run(100, step=0.5)
    assert entry(driver, "a").health is Health.HUNG
    push(host, "g2", spec("a", host="new.test", read_only=read_only, care=care))
    driver.run(600, step=0.5)
    assert (in_force(driver), code(driver)) == ("g2", "")


def test_the_old_server_may_die_after_the_push_that_leads_away_from_it(host: FakeHost, driver: Driver) -> None:
    good(host, driver)
    host.busy.add("/mnt/a")
    push(host, "g2", spec("a", host="new.test"), B)
    driver.run(70, until=lambda: in_force(driver) == "g2")
    host.hang("a.test")
    driver.run(600, step=0.5)
    assert (in_force(driver), code(driver)) == ("g2", "")


def test_at_a_start_a_mount_that_is_still_on_its_way_is_protected_too(host: FakeHost, driver: Driver) -> None:
    host.kept = kept_of_both()
    host.origin_hangs = True
    host.hang("b.test")  # it needs a while to be mounted, as with TLS or Lustre
    driver.run(4.5)
    assert entry(driver, "a").health is Health.HEALTHY
    assert entry(driver, "b").phase is Phase.MOUNTING
    host.deny("wrong.test")
    push(host, "g2", A, spec("b", host="wrong.test"))
    host.origin_hangs = False
    driver.run(2, until=lambda: in_force(driver) == "g2")
    assert in_force(driver) == "g2"
    host.revive("b.test")
    driver.run(TRIAL_S + 300, step=0.5, until=lambda: in_force(driver) == "g1")
    assert (in_force(driver), code(driver)) == ("g1", "config-returned")


@pytest.mark.parametrize("step", [-86400.0, 86400.0], ids=["back", "forward"])
def test_a_step_of_the_wall_clock_moves_no_verdict(host: FakeHost, driver: Driver, step: float) -> None:
    good(host, driver)
    host.hang("elsewhere.test")
    push(host, "g2", spec("a", host="elsewhere.test"), B)
    driver.run(60, until=lambda: in_force(driver) == "g2")
    driver.run(30)
    host.wall += step
    driver.run(TRIAL_S - 35, step=0.5)
    assert in_force(driver) == "g2"
    driver.run(30, step=0.5, until=lambda: in_force(driver) == "g1")
    assert in_force(driver) == "g1"


def test_what_the_user_does_to_the_way_is_no_reason_to_return(host: FakeHost, driver: Driver) -> None:
    """Whoever owns a directory above a mount point could otherwise refuse every configuration there will ever be."""
    good(host, driver)
    push(host, "g2", A, B, spec("c"))
    driver.run(70, until=lambda: in_force(driver) == "g2")
    host.covered.add("/mnt/a")
    driver.run(2 * TRIAL_S, step=0.5)
    problem = entry(driver, "a").problem
    assert problem is not None
    assert problem.code == "mountpoint-unreachable"
    assert in_force(driver) == "g2"


def test_a_trial_that_an_open_file_prolongs_blames_nothing_else_later(host: FakeHost, driver: Driver) -> None:
    good(host, driver)
    host.busy.add("/mnt/a")
    push(host, "g2", spec("a", read_only=True), B, spec("c"))
    driver.run(70, until=lambda: in_force(driver) == "g2")
    driver.run(3600, step=2)
    assert driver.agent.configuration.trial is not None
    host.deny("b.test")
    host.unmount("/mnt/b")
    driver.run(60, step=0.5)
    assert (in_force(driver), code(driver)) == ("g2", "")


def test_what_somebody_asked_for_is_not_taken_back_by_what_was_refused_before(host: FakeHost) -> None:
    host.kept = kept_of_both(refused=("g2",))
    push(host, "g2", A, B, spec("c"))
    driver = Driver(host, origin=ORIGIN, kept=KEPT)
    driver.agent.configuration._recalling._at = host.monotonic + 5
    driver.run(1)
    driver.agent.reload()
    driver.run(30)
    assert in_force(driver) == "g2"
    driver.run(TRIAL_S)
    assert host.kept.config is not None
    assert (host.kept.config.digest, host.kept.refused) == ("g2", ())


@pytest.mark.parametrize("recalled_after_s", [0.0, 2.0], ids=["kept first", "origin first"])
def test_what_was_refused_is_better_than_nothing_where_what_was_kept_cannot_be_used(
    host: FakeHost, recalled_after_s: float
) -> None:
    """A policy was pinned since, say, and the kept one is outside it."""
    host.kept = Recalled(None, "", 1.0, ("a", "b"), ("g2",), Problem("config-invalid", "the policy says no", False))
    push(host, "g2", A, B)
    first = Driver(host, origin=ORIGIN, kept=KEPT)
    if recalled_after_s:
        first.agent.configuration._recalling._at = host.monotonic + recalled_after_s
    first.run(300, step=0.5)
    assert (in_force(first), code(first)) == ("g2", "")
    second = Driver(host, origin=ORIGIN, kept=KEPT)
    second.run(300, step=0.5)
    assert (in_force(second), code(second)) == ("g2", "")


def test_what_proved_nothing_before_the_stop_is_on_trial_after_it(host: FakeHost) -> None:
    host.deny("a.test")
    push(host, "g1", A)
    Driver(host, origin=ORIGIN, kept=KEPT).run(10)
    host.origin_hangs = True
    later = Driver(host, origin=ORIGIN, kept=KEPT)
    later.run(60)
    assert in_force(later) == "g1"
    assert later.agent.configuration.trial is not None


def test_a_volume_that_can_never_be_read_holds_up_no_trial(host: FakeHost, driver: Driver) -> None:
    host.kept = kept_of_both()
    host.slow_recalls = 10**9
    push(host, "g2", A, B)
    driver.run(1800, step=1)
    assert driver.agent.configuration.good is not None
    assert driver.agent.configuration.trial is None


def test_a_keep_that_failed_and_is_not_needed_any_more_is_no_warning(host: FakeHost, driver: Driver) -> None:
    good(host, driver)
    host.volume_problem = Problem("generation-not-kept", "No space left on device")
    push(host, "g2", A)
    driver.run(200, step=0.5, until=lambda: driver.agent.configuration.warning is not None)
    assert driver.agent.configuration.warning is not None
    push(host, "g1", A, B)  # what the volume holds
    driver.run(300, step=0.5)
    assert driver.agent.configuration.warning is None


class StuckVolume(FakeHost):
    """Its Job that recalls is in the kernel, where no signal ends it."""

    stuck_recall: Key | None = None

    def lives(self, key: Key) -> bool:
        return key == self.stuck_recall or super().lives(key)

    def _answer(self, key: Key, order: Order, ran: float) -> Answer | None:
        if key.kind is not Kind.RECALL:
            return super()._answer(key, order, ran)
        self.stuck_recall = key if ran >= 10 else None
        return Overdue(ran) if self.stuck_recall else None


def test_a_recall_that_no_signal_ends_does_not_keep_the_loop_awake() -> None:
    host = StuckVolume()
    push(host, "g1", A)
    driver = Driver(host, origin=ORIGIN, kept=KEPT)
    in_the_past = 0
    for _ in range(1200):
        for key, answer in host.tick(0.1):
            driver.agent.answered(key, answer)
            if key.kind is not Kind.RECALL:
                driver.agent.ended(key)
        for _ in range(20):
            due = driver.agent.turn()
            if due is None or due > host.monotonic:
                break
            in_the_past += 1
    assert in_force(driver) == "g1"
    assert in_the_past < 100
