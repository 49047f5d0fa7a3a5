"""The agent's decisions over time, on a host that lives in memory."""

import msgspec
import pytest
from fsmount.jobs.answers import Failed
from fsmount.jobs.orders import Key, Kind
from fsmount.ledger import Record
from fsmount.model import Config, Health, Phase, Problem, Word

from .fakehost import Driver, FakeHost, entry, mounts_of, spec


def test_every_mount_of_the_configuration_comes_up(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"), spec("b"))
    driver.run(2)
    assert {e.phase for e in driver.agent.entries.values()} == {Phase.MOUNTED}
    assert driver.agent.settled
    assert driver.agent.looked
    assert entry(driver, "a").usage is not None
    assert [record.mount_id for record in host.ledger] == [host.rows["/mnt/a"][0][0], host.rows["/mnt/b"][0][0]]


def test_one_dead_server_costs_the_others_nothing(driver: Driver, host: FakeHost) -> None:
    host.hang("dead.test")
    driver.load(spec("dead"), spec("b"))
    driver.run(1)
    assert entry(driver, "b").phase is Phase.MOUNTED
    assert not driver.agent.settled, "the first pass includes the failed attempt"
    driver.run(25)
    assert driver.agent.settled
    assert entry(driver, "dead").problem == Problem("mount-timeout", "dead.test:/data: no end after 20 s")


def test_on_a_machine_so_slow_that_a_turn_has_no_time_for_jobs_one_is_started_all_the_same(
    driver: Driver, host: FakeHost
) -> None:
    host.each_look_at_the_clock_s = 0.2
    driver.load(*(spec(name) for name in "abcdef"))
    driver.run(4)
    assert {e.phase for e in driver.agent.entries.values()} == {Phase.MOUNTED}


def test_a_temporary_failure_is_tried_for_ever_and_ever_more_slowly(driver: Driver, host: FakeHost) -> None:
    host.refuse("a.test")
    driver.load(spec("a"))
    driver.run(60, step=0.5)
    first_minute = mounts_of(host, "a")
    driver.run(3600, step=1)
    later = (mounts_of(host, "a") - first_minute) / 60
    assert first_minute > 3
    assert 0 < later < first_minute / 4
    host.revive("a.test")
    driver.run(301, step=1)
    assert entry(driver, "a").phase is Phase.MOUNTED
    assert entry(driver, "a").problem is None


def test_a_permanent_failure_blocks_until_someone_says_retry(driver: Driver, host: FakeHost) -> None:
    host.deny("a.test")
    driver.load(spec("a"))
    driver.run(600, step=1)
    assert mounts_of(host, "a") == 1
    assert entry(driver, "a").phase is Phase.BLOCKED
    host.revive("a.test")
    assert driver.agent.retry("a") == (["a"], None)
    driver.run(2)
    assert entry(driver, "a").phase is Phase.MOUNTED
    assert driver.agent.retry("a") == ([], None), "there is nothing to try"


def test_a_changed_configuration_unblocks(driver: Driver, host: FakeHost) -> None:
    host.deny("a.test")
    driver.load(spec("a"))
    driver.run(5)
    host.revive("a.test")
    driver.load(spec("a", path="/other"), digest="d2")
    driver.run(5)
    assert host.rows["/mnt/a"][-1][1] == "a.test:/other"


def test_a_mount_unmounted_by_hand_comes_back_at_once(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.unmount("/mnt/a")
    driver.run(0.3)
    assert entry(driver, "a").phase is Phase.MOUNTED
    assert len(host.rows["/mnt/a"]) == 1


def test_what_somebody_else_mounted_is_neither_covered_nor_unmounted(driver: Driver, host: FakeHost) -> None:
    host.mount_foreign("/mnt/a")
    driver.load(spec("a"))
    driver.run(400, step=1)
    problem = entry(driver, "a").problem
    assert problem is not None
    assert problem.code == "mountpoint-taken"
    assert {key.kind for key in host.started} == {Kind.FETCH}
    driver.load(digest="d2")
    driver.run(2)
    assert len(host.rows["/mnt/a"]) == 1
    assert not driver.agent.entries


def test_a_foreign_mount_that_goes_makes_room(driver: Driver, host: FakeHost) -> None:
    host.mount_foreign("/mnt/a")
    driver.load(spec("a"))
    driver.run(2)
    host.unmount("/mnt/a")
    driver.run(1)
    assert entry(driver, "a").phase is Phase.MOUNTED


def test_the_right_file_system_mounted_by_somebody_else_is_good_enough(driver: Driver, host: FakeHost) -> None:
    host.mount_foreign("/mnt/a", "a.test:/data", "nfs4")
    driver.load(spec("a"))
    driver.run(2)
    assert entry(driver, "a").theirs
    assert mounts_of(host, "a") == 0
    driver.load(digest="d2")
    driver.run(2)
    assert len(host.rows["/mnt/a"]) == 1, "it was not ours to unmount"


def test_a_difference_is_carried_out_and_nothing_else_is_touched(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("keep"), spec("change"), spec("drop"))
    driver.run(2)
    kept = host.rows["/mnt/keep"][0][0]
    driver.load(spec("keep"), spec("change", read_only=True), spec("new"), digest="d2")
    driver.run(3)
    assert host.rows["/mnt/keep"][0][0] == kept
    assert mounts_of(host, "change") == 2
    assert host.rows["/mnt/drop"] == []
    assert host.rows["/mnt/new"]
    assert {e.spec.name for e in driver.agent.entries.values()} == {"keep", "change", "new"}


def test_a_new_name_alone_remounts_nothing(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    driver.load(msgspec.structs.replace(spec("a"), name="renamed"), digest="d2")
    driver.run(2)
    assert mounts_of(host, "a") == 1
    assert entry(driver, "renamed").phase is Phase.MOUNTED


def test_a_busy_mount_that_left_is_kept_and_tried_again(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.busy.add("/mnt/a")
    driver.load(digest="d2")
    driver.run(5)
    assert host.rows["/mnt/a"]
    assert entry(driver, "a").problem == Problem("busy", "/mnt/a is in use")
    assert entry(driver, "a").word is Word.DEGRADED
    host.busy.clear()
    driver.run(300, step=1)
    assert host.rows["/mnt/a"] == []
    assert not driver.agent.entries


def test_a_busy_mount_that_comes_back_into_the_configuration_is_simply_kept(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.busy.add("/mnt/a")
    driver.load(digest="d2")
    driver.run(5)
    driver.load(spec("a"), digest="d3")
    driver.run(5)
    assert entry(driver, "a").word is Word.OK
    assert mounts_of(host, "a") == 1


def test_a_bad_configuration_touches_nothing(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.config, host.config_problem = None, Problem("config-invalid", "line 3", False)
    answers: list[object] = []
    driver.agent.reload(lambda problem, sentence: answers.append(problem))
    driver.run(2)
    assert answers == [Problem("config-invalid", "line 3", False)]
    assert entry(driver, "a").phase is Phase.MOUNTED
    assert driver.agent.configuration.problem is not None


def test_a_mount_whose_directory_was_renamed_is_unmounted_there_and_made_anew_where_it_belongs(
    driver: Driver, host: FakeHost
) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.busy.add("/mnt/renamed")
    host.rename("/mnt/a", "/mnt/renamed")
    driver.run(2)
    assert len(host.rows["/mnt/a"]) == 1
    assert host.rows["/mnt/renamed"], "it is in use"
    host.busy.clear()
    driver.run(300, step=1)
    assert host.rows["/mnt/renamed"] == []
    assert list(driver.agent.entries) == ["/mnt/a"]


@pytest.mark.parametrize("new", ["/mnt/a", "/mnt/theirs"])
def test_what_somebody_mounts_and_the_kernel_gives_our_old_id_is_never_taken_for_ours(
    driver: Driver, host: FakeHost, new: str
) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.mount_in_its_stead("/mnt/a", new)
    driver.run(60, step=1)
    assert [source for _, source, _ in host.rows[new]] == ["tmpfs"]
    assert list(driver.agent.entries) == ["/mnt/a"]
    problem = entry(driver, "a").problem
    assert (problem.code if problem else None) == ("mountpoint-taken" if new == "/mnt/a" else None)


def test_every_reload_is_answered_and_sees_what_was_there_when_it_was_asked(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    answers: list[str] = []
    driver.run(0.1, step=0.05)
    host.config = Config("d2", (spec("b"),))
    driver.agent.reload(lambda problem, sentence: answers.append(sentence))
    driver.run(2)
    assert len(answers) == 1
    assert answers[0].startswith("1 mount, generation d2")
    assert {e.spec.name for e in driver.agent.entries.values()} == {"b"}


def test_the_next_agent_adopts_what_the_ledger_and_mountinfo_agree_on(host: FakeHost) -> None:
    first = Driver(host)
    first.load(spec("a"), spec("b"))
    first.run(2)
    before = dict(host.rows)
    host.started.clear()
    second = Driver(host, {record.spec.mountpoint: record for record in host.ledger})
    second.load(spec("a"), spec("b"))
    second.run(2)
    assert host.rows == before
    assert not [key for key in host.started if key.kind in (Kind.MOUNT, Kind.UNMOUNT)]
    assert second.agent.looked


def test_an_attempt_that_outlived_its_agent_is_adopted_by_the_next(host: FakeHost) -> None:
    mount_id = host.mount_foreign("/mnt/a", "a.test:/data", "nfs4")
    driver = Driver(host, {"/mnt/a": Record(spec("a"))})
    driver.load(spec("a"))
    driver.run(2)
    assert not entry(driver, "a").theirs
    assert host.ledger == [Record(spec("a"), mount_id, "a.test:/data", "nfs4")]


def test_a_restart_into_a_broken_configuration_keeps_and_repairs_what_the_ledger_holds(host: FakeHost) -> None:
    first = Driver(host)
    first.load(spec("a"))
    first.run(2)
    host.config = None
    second = Driver(host, {record.spec.mountpoint: record for record in host.ledger})
    second.agent.reload()
    second.run(2)
    assert entry(second, "a").phase is Phase.MOUNTED
    host.unmount("/mnt/a")
    second.run(2)
    assert entry(second, "a").phase is Phase.MOUNTED


def test_a_mount_that_left_while_no_agent_ran_is_unmounted(host: FakeHost) -> None:
    first = Driver(host)
    first.load(spec("a"))
    first.run(2)
    second = Driver(host, {record.spec.mountpoint: record for record in host.ledger})
    second.load(digest="d2")
    second.run(2)
    assert host.rows["/mnt/a"] == []


def test_a_server_that_hangs_after_the_mount_is_named_and_then_answers_again(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.hang("a.test")
    driver.run(40)
    assert entry(driver, "a").health is Health.HUNG
    assert entry(driver, "a").word is Word.FAILED
    assert host.rows["/mnt/a"], "a hung mount is left alone"
    host.revive("a.test")
    driver.run(35)
    assert entry(driver, "a").word is Word.OK
    assert entry(driver, "a").problem is None


def test_a_probe_that_could_not_start_is_forgotten_when_the_next_one_answers(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.no_fork = True
    driver.run(35)
    assert entry(driver, "a").problem is None, "one look that could not be taken is no news"
    driver.run(20)
    problem = entry(driver, "a").problem
    assert problem is not None
    assert problem.code == "no-process"
    host.no_fork = False
    driver.run(35)
    assert entry(driver, "a").problem is None
    assert entry(driver, "a").word is Word.OK


def test_a_rename_that_raises_no_event_is_noticed_by_the_probe_that_fails(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.rename("/mnt/a", "/mnt/renamed")
    probe = Key(Kind.PROBE, "/mnt/a", entry(driver, "a").mount_id)
    driver.agent.answered(probe, Failed(Problem("probe-failed", "something else")))
    driver.agent.turn()
    driver.run(2)
    assert len(host.rows["/mnt/a"]) == 1


def test_a_first_fetch_that_could_not_start_is_tried_again(driver: Driver, host: FakeHost) -> None:
    host.no_fork = True
    driver.load(spec("a"))
    driver.run(1)
    host.no_fork = False
    driver.run(30)
    assert entry(driver, "a").phase is Phase.MOUNTED


def test_dead_servers_do_not_starve_the_living_one_behind_them(driver: Driver, host: FakeHost) -> None:
    for number in range(100):
        host.hang(f"dead{number}.test")
    driver.load(*(spec(f"dead{number}") for number in range(100)), spec("good"))
    driver.run(70, step=0.5)
    assert entry(driver, "good").phase is Phase.MOUNTED


def test_retry_of_a_mount_point_that_is_taken_changes_nothing(driver: Driver, host: FakeHost) -> None:
    host.mount_foreign("/mnt/a")
    driver.load(spec("a"))
    driver.run(2)
    driver.agent.retry("a")
    driver.run(2)
    assert entry(driver, "a").phase is Phase.BLOCKED


def test_mounts_of_one_server_share_the_resolving(driver: Driver, host: FakeHost) -> None:
    driver.load(*(spec(f"m{i}", host="one.test") for i in range(20)))
    driver.run(2)
    assert sum(key.kind is Kind.RESOLVE for key in host.started) == 1
    assert all(e.phase is Phase.MOUNTED for e in driver.agent.entries.values())


def test_a_name_that_does_not_resolve_fails_every_mount_of_it_once_per_lookup(driver: Driver, host: FakeHost) -> None:
    host.forget_name("one.test")
    driver.load(*(spec(f"m{i}", host="one.test") for i in range(20)))
    driver.run(1)
    assert driver.agent.settled
    assert all(e.failures >= 1 for e in driver.agent.entries.values())
    assert sum(key.kind is Kind.RESOLVE for key in host.started) <= 3


def test_an_address_needs_no_name_server(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a", host="10.1.2.3"), spec("b", host="fd00::1"))
    driver.run(2)
    assert not [key for key in host.started if key.kind is Kind.RESOLVE]
    assert host.rows["/mnt/b"][0][1] == "[fd00::1]:/data"


def test_no_process_to_be_had_is_a_temporary_problem(driver: Driver, host: FakeHost) -> None:
    driver.load(spec("a"))
    driver.run(2)
    host.no_fork = True
    host.unmount("/mnt/a")
    driver.run(5)
    problem = entry(driver, "a").problem
    assert problem is not None
    assert problem.code == "no-process"
    host.no_fork = False
    driver.run(300, step=1)
    assert entry(driver, "a").phase is Phase.MOUNTED


def test_a_ledger_that_cannot_be_written_is_said_and_mounts_are_made_all_the_same(driver: Driver, host: FakeHost) -> None:
    host.ledger_full = True
    driver.load(spec("a"))
    driver.run(2)
    assert entry(driver, "a").phase is Phase.MOUNTED
    assert driver.agent.book.problem is not None
    host.ledger_full = False
    driver.run(1)
    assert driver.agent.book.problem is None
    assert host.ledger


def test_a_thousand_mounts_never_have_more_than_48_jobs(driver: Driver, host: FakeHost) -> None:
    driver.load(*(spec(f"m{i}", host="10.0.0.1") for i in range(1000)))
    most = 0
    for _ in range(60):
        driver.run(0.1)
        most = max(most, host.count())
    assert most <= 48
    assert all(e.phase is Phase.MOUNTED for e in driver.agent.entries.values())
