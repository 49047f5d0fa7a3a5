"""What the agent does about mounts that have died, over time, on a host that lives in memory."""

from __future__ import annotations

import random

import msgspec
import pytest
from fsmount.jobs.orders import Kind
from fsmount.model import Care, Health, OnHang, Phase
from fsmount.observe.mountstats import Counters

from .fakehost import Driver, FakeHost, entry, mounts_of, spec

DETACH = Care(on_hang=OnHang.DETACH)


def hung_since(driver: Driver, name: str, seconds: float = 60) -> None:
    driver.run(seconds, until=lambda: entry(driver, name).health is Health.HUNG)
    assert entry(driver, name).health is Health.HUNG


def test_a_stale_mount_is_mounted_anew_at_once(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.stale("a.test")
    driver.run(40, until=lambda: entry(driver, "a").health is Health.STALE)
    host.revive("a.test")
    driver.run(2)
    assert entry(driver, "a").health is Health.HEALTHY
    assert mounts_of(host, "a") == 2


def test_a_stale_mount_that_is_busy_is_detached_and_mounted_anew(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.busy.add("/mnt/a")
    host.stale("a.test")
    driver.run(40, until=lambda: not host.rows["/mnt/a"])
    assert not host.rows["/mnt/a"]
    host.revive("a.test")
    driver.run(5)
    assert entry(driver, "a").health is Health.HEALTHY
    assert not entry(driver, "a").detached


def test_a_busy_one_that_is_well_again_before_the_second_try_is_left_alone(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.busy.add("/mnt/a")
    host.stale("a.test")
    driver.run(40, until=lambda: entry(driver, "a").failures == 1)
    host.revive("a.test")
    driver.run(60)
    assert mounts_of(host, "a") == 1
    assert entry(driver, "a").health is Health.HEALTHY
    assert entry(driver, "a").failures == 0


def test_a_mount_that_may_be_written_to_waits_for_its_server(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.hang("a.test")
    driver.run(900, step=1)
    assert host.rows["/mnt/a"]
    assert entry(driver, "a").health is Health.HUNG


def test_one_that_hangs_too_long_is_detached_where_the_configuration_says_so_and_returns(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a", read_only=True, care=DETACH))
    driver.run(2)
    host.hang("a.test")
    hung_since(driver, "a")
    driver.run(110)
    assert host.rows["/mnt/a"], "it is given two minutes"
    driver.run(20)
    assert not host.rows["/mnt/a"]
    assert entry(driver, "a").detached
    driver.run(400, step=1)
    host.revive("a.test")
    driver.run(4)
    assert entry(driver, "a").health is Health.HEALTHY, "back as soon as the server answers, whatever the backoff"
    assert not entry(driver, "a").detached


def test_somebody_may_detach_what_hangs_and_nothing_else(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"), spec("b"))
    driver.run(2)
    host.hang("a.test")
    hung_since(driver, "a")
    _, problem = driver.agent.detach("b")
    assert problem is not None
    assert problem.code == "not-hung"
    _, problem = driver.agent.detach("c")
    assert problem is not None
    assert problem.code == "unknown-mount"
    assert driver.agent.detach("a") == (["a"], None)
    driver.run(2)
    assert not host.rows["/mnt/a"]
    assert host.rows["/mnt/b"]


def test_dead_servers_are_knocked_at_by_one_job_until_they_answer(driver: Driver, host: FakeHost) -> None:
    driver.load(*(spec(name) for name in "abc"))
    driver.run(2)
    host.hang("a.test")
    host.hang("b.test")
    hung_since(driver, "a")
    hung_since(driver, "b")
    driver.run(2)
    assert host.count(Kind.KNOCK) == 1
    host.revive("a.test")
    driver.run(3)
    assert entry(driver, "a").health is Health.HEALTHY
    assert entry(driver, "b").health is Health.HUNG
    host.revive("b.test")
    driver.run(3)
    assert entry(driver, "b").health is Health.HEALTHY
    driver.run(2)
    assert host.count(Kind.KNOCK) == 0


def test_requests_without_an_answer_are_looked_into_at_once(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(12)
    host.counters[b"/mnt/a"] = Counters(100, 100)
    driver.run(8)
    host.hang("a.test")
    host.counters[b"/mnt/a"] = Counters(101, 100)
    hung_since(driver, "a", 15)
    assert entry(driver, "a").health is Health.HUNG


def test_a_server_that_is_busy_and_answers_is_not_suspected(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(5)
    probes = sum(key.kind is Kind.PROBE for key in host.started)
    for turn in range(15):
        host.counters[b"/mnt/a"] = Counters(100 + turn * 50, 90 + turn * 50)
        driver.run(1)
    assert sum(key.kind is Kind.PROBE for key in host.started) == probes


def test_one_slow_answer_is_no_alarm(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.slow("a.test")
    driver.run(60, until=lambda: entry(driver, "a").doubts == 1)
    assert entry(driver, "a").health is Health.HEALTHY
    driver.run(60, until=lambda: entry(driver, "a").health is Health.SLOW)
    assert entry(driver, "a").health is Health.SLOW
    host.revive("a.test")
    driver.run(20, until=lambda: entry(driver, "a").doubts == 1)
    assert entry(driver, "a").health is Health.SLOW
    driver.run(20)
    assert entry(driver, "a").health is Health.HEALTHY
    assert entry(driver, "a").problem is None


def test_what_worked_before_is_tried_again_whatever_the_problem(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.deny("a.test")
    host.unmount("/mnt/a")
    driver.run(5)
    assert entry(driver, "a").phase is not Phase.BLOCKED
    host.revive("a.test")
    driver.run(300, step=1)
    assert entry(driver, "a").health is Health.HEALTHY


def test_a_change_of_care_remounts_nothing(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    driver.load(msgspec.structs.replace(spec("a"), care=Care(warn_at=30)), digest="d2")
    driver.run(40)
    assert mounts_of(host, "a") == 1
    assert [warning.code for warning in entry(driver, "a").warnings] == ["nearly-full"]


def test_at_most_eight_probes_run_at_a_time(driver: Driver, host: FakeHost) -> None:
    driver.load(*(spec(f"m{i}") for i in range(20)))
    dice = random.Random(1)
    most, oldest = 0, 0.0
    for turn in range(1000):
        host.dice = dice.random()
        driver.run(0.1 if turn < 300 else 0.2)
        if turn == 300:
            for i in range(19):
                host.hang(f"m{i}.test")
        if turn < 100:
            continue
        most = max(most, host.count(Kind.PROBE))
        oldest = max(oldest, host.wall - (entry(driver, "m19").probed_at or 0))
    assert most <= 8
    assert oldest <= 35
    assert entry(driver, "m19").health is Health.HEALTHY


@pytest.mark.parametrize("name", ["a"])
def test_a_hung_mount_that_left_the_configuration_is_not_knocked_at_for_ever(driver: Driver, host: FakeHost, name: str) -> None:
    driver.load(spec(name))
    driver.run(2)
    host.hang(f"{name}.test")
    hung_since(driver, name)
    host.unmount(f"/mnt/{name}")
    driver.load(digest="d2")
    driver.run(40)
    assert host.count(Kind.KNOCK) == 0


def test_a_server_that_has_another_address_is_followed(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.move("a.test", "10.0.1.99")
    hung_since(driver, "a")
    driver.run(10)
    assert entry(driver, "a").health is Health.HEALTHY
    assert entry(driver, "a").address == "10.0.1.99"
    assert mounts_of(host, "a") == 1, "nothing was unmounted"


def test_where_the_kernel_cannot_follow_it_is_mounted_anew_as_soon_as_it_is_idle(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.cannot_lead = True
    host.busy.add("/mnt/a")
    host.move("a.test", "10.0.1.99")
    hung_since(driver, "a")
    driver.run(10, until=lambda: entry(driver, "a").unmovable)
    problem = entry(driver, "a").problem
    assert problem is not None
    assert problem.code == "address-changed"
    driver.run(60)
    assert mounts_of(host, "a") == 1, "it is in use"
    host.busy.clear()
    driver.run(400, step=1, until=lambda: entry(driver, "a").health is Health.HEALTHY)
    assert entry(driver, "a").health is Health.HEALTHY
    assert mounts_of(host, "a") == 2


def test_a_turn_that_has_nothing_to_do_is_not_followed_by_another_at_once(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"), spec("b", care=DETACH), spec("c", host="10.0.0.9"))
    driver.run(2)
    for name in ("a.test", "b.test", "10.0.0.9"):
        host.hang(name)
    for _ in range(2000):
        driver.run(0.1)
        due = driver.agent.turn()
        assert due is None or due > host.monotonic


def test_a_server_that_is_back_is_seen_before_its_mount_is_taken_away(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a", read_only=True, care=Care(on_hang=OnHang.FORCE)))
    driver.run(2)
    host.hang("a.test")
    hung_since(driver, "a")
    driver.run(119.5)
    host.knocks_heard = False
    host.revive("a.test")
    driver.run(20)
    assert entry(driver, "a").health is Health.HEALTHY
    assert mounts_of(host, "a") == 1


def test_being_asked_to_detach_ends_with_the_outage(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.hang("a.test")
    hung_since(driver, "a")
    host.no_fork = True
    driver.agent.detach("a")
    driver.run(1)
    host.no_fork = False
    host.revive("a.test")
    driver.run(30, until=lambda: entry(driver, "a").health is Health.HEALTHY)
    assert not entry(driver, "a").detach_asked


def test_a_stale_mount_in_use_is_looked_at_again_before_it_is_detached(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.busy.add("/mnt/a")
    host.stale("a.test")
    driver.run(40, until=lambda: entry(driver, "a").busy_at > 0)
    host.revive("a.test")
    driver.run(60)
    assert mounts_of(host, "a") == 1
    assert entry(driver, "a").health is Health.HEALTHY


def test_what_is_lost_again_and_again_gets_ever_longer_pauses(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    for _ in range(600):
        if host.rows["/mnt/a"]:
            host.unmount("/mnt/a")
        driver.run(0.2)
    assert 10 < mounts_of(host, "a") < 25


def test_one_answer_of_the_name_server_moves_nothing(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.hang("a.test")
    hung_since(driver, "a", 60)
    driver.run(19)
    there = host.address_of("a.test")
    host.resolves_to["a.test"] = "10.66.66.66"
    driver.run(3)
    host.resolves_to["a.test"] = there
    driver.run(100)
    assert not any(key.kind is Kind.MOVE for key in host.started)
    assert mounts_of(host, "a") == 1


def test_a_request_that_never_gets_its_answer_is_suspicious_once(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    host.counters[b"/mnt/a"] = Counters(1001, 1000)
    driver.run(60)
    before = sum(key.kind is Kind.PROBE for key in host.started)
    driver.run(270)
    assert sum(key.kind is Kind.PROBE for key in host.started) - before <= 12


def test_a_mount_that_hangs_and_whose_settings_changed_can_be_detached_too(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.hang("a.test")
    hung_since(driver, "a")
    driver.load(spec("a", host="b.test"), digest="d2")
    driver.run(2)
    driver.agent.detach("a")
    driver.run(40)
    assert entry(driver, "a").health is Health.HEALTHY
    assert entry(driver, "a").spec.host == "b.test"
