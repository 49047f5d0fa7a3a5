"""Jobs: what the daemon may rely on, from the real ones and from the fake that the unit ring uses."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest
from fsmount.jobs.answers import Answer, Failed, Fetched, Overdue, Probed, Resolved
from fsmount.jobs.orders import Fetch, Key, Kind, MountOrder, Order, Probe, Resolve
from fsmount.jobs.running import Running
from fsmount.model import Config, Problem, Spec
from fsmount.observe import mountinfo

from tests.unit.fakehost import FakeHost
from tests.unit.malformed import GOOD

from .realjobs import RealJobs
from .tmpfs import mount_tmpfs


class FakeJobs:
    """The fake host, with the time that passes while one waits."""

    def __init__(self, host: FakeHost) -> None:
        self.host = host

    def start(self, key: Key, order: Order) -> Problem | None:
        return self.start_together({key: order})

    def start_together(self, orders: Mapping[Key, Order]) -> Problem | None:
        return self.host.start(orders, self.host.monotonic)

    def lives(self, key: Key) -> bool:
        return self.host.lives(key)

    def wait(self, seconds: float, answers: int = 1) -> list[tuple[Key, Answer]]:
        said: list[tuple[Key, Answer]] = []
        while seconds > 0 and len(said) < answers:
            said += self.host.tick(0.1)
            seconds -= 0.1
        return said


@pytest.fixture(params=["real", "fake"])
def jobs(request: pytest.FixtureRequest) -> RealJobs | FakeJobs:
    return RealJobs() if request.param == "real" else FakeJobs(FakeHost())


def test_a_job_answers_with_a_value_of_its_kind(jobs: RealJobs | FakeJobs) -> None:
    key = Key(Kind.RESOLVE, "localhost")
    assert jobs.start(key, Resolve("localhost")) is None
    assert jobs.lives(key)
    ((answered, answer),) = jobs.wait(5)
    assert answered == key
    assert isinstance(answer, Resolved)
    assert answer.addresses
    assert not jobs.lives(key)


def test_a_probe_of_a_living_file_system_brings_its_capacity(jobs: RealJobs | FakeJobs, place: str) -> None:
    mount_id = mount_tmpfs(place)
    if isinstance(jobs, FakeJobs):
        jobs.host.rows[place] = [(mount_id, "tmp", "tmpfs")]
    jobs.start(Key(Kind.PROBE, place, mount_id), Probe(place, mount_id))
    ((_, answer),) = jobs.wait(5)
    assert isinstance(answer, Probed)
    assert answer.usage.size >= answer.usage.used + answer.usage.available > 0


def test_the_orders_of_one_job_are_answered_each_by_itself(jobs: RealJobs | FakeJobs) -> None:
    orders: dict[Key, Order] = {Key(Kind.RESOLVE, host): Resolve(host) for host in ("localhost", "127.0.0.1", "::1")}
    assert jobs.start_together(orders) is None
    assert all(map(jobs.lives, orders))
    said = jobs.wait(5, answers=3)
    assert {key for key, _ in said} == orders.keys()
    assert all(isinstance(answer, Resolved) for _, answer in said)
    assert not any(map(jobs.lives, orders))


def test_a_configuration_that_is_missing_is_a_problem_and_not_a_crash(jobs: RealJobs | FakeJobs) -> None:
    jobs.start(Key(Kind.FETCH, "/nonexistent/mounts.yaml"), Fetch("file:/nonexistent/mounts.yaml"))
    ((_, answer),) = jobs.wait(5)
    assert isinstance(answer, Failed)
    assert answer.problem.code == "config-missing"


def test_a_configuration_comes_as_specs(jobs: RealJobs | FakeJobs, tmp_path: Path) -> None:
    file = tmp_path / "mounts.yaml"
    file.write_text(GOOD)
    if isinstance(jobs, FakeJobs):
        jobs.host.config = Config("d", ())
    jobs.start(Key(Kind.FETCH, str(file)), Fetch(f"file:{file}"))
    ((_, answer),) = jobs.wait(5)
    assert isinstance(answer, Fetched)


def test_capacity_is_what_df_and_psutil_say(place: str) -> None:
    mount_id = mount_tmpfs(place)
    (Path(place) / "file").write_bytes(b"x" * 3_000_000)
    jobs = RealJobs()
    jobs.start(Key(Kind.PROBE, place, mount_id), Probe(place, mount_id))
    ((_, answer),) = jobs.wait(5)
    assert isinstance(answer, Probed)
    counted = psutil.disk_usage(place)
    assert (answer.usage.size, answer.usage.used, answer.usage.available) == (counted.total, counted.used, counted.free)
    df = subprocess.run(["/usr/bin/df", "-B1", "--output=size,used,avail", place], capture_output=True, text=True, check=True)
    assert [answer.usage.size, answer.usage.used, answer.usage.available] == list(map(int, df.stdout.splitlines()[1].split()))


def test_a_probe_of_another_mount_than_the_one_meant_says_so(place: str) -> None:
    mount_id = mount_tmpfs(place)
    mount_tmpfs(place)
    jobs = RealJobs()
    jobs.start(Key(Kind.PROBE, place, mount_id), Probe(place, mount_id))
    ((_, answer),) = jobs.wait(5)
    assert isinstance(answer, Failed)
    assert "something else" in answer.problem.observed


def test_a_job_that_is_killed_is_a_problem_with_its_signal() -> None:
    jobs = RealJobs()
    key = Key(Kind.RESOLVE, "slow.invalid")
    jobs.start(key, Resolve("slow.invalid"))
    pid = next(iter(jobs.running._jobs.values())).pid
    os.kill(pid, signal.SIGKILL)
    ((_, answer),) = jobs.wait(5)
    assert answer == Failed(Problem("job-failed", "resolve: the helper process ended with signal 9"))


@pytest.fixture
def stuck(place: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    program = Path(__file__).with_name("stuckfuse.py")
    server = subprocess.Popen([sys.executable, "-IS", str(program), place, "60"], stdout=subprocess.PIPE, text=True)
    assert server.stdout
    ready, _, _ = select.select([server.stdout], [], [], 10)
    assert ready, "the FUSE server did not come up"
    assert server.stdout.readline() == "mounted\n"
    yield place, server
    server.kill()
    server.wait(10)
    server.stdout.close()


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def first_answer(jobs: RealJobs, seconds: float) -> tuple[Key, Answer]:
    end = time.monotonic() + seconds
    said: list[tuple[Key, Answer]] = []
    while not said and time.monotonic() < end:
        for descriptor, _ in jobs.poll.poll(20):
            said += jobs.running.ready(descriptor)
    (answer,) = said
    return answer


def test_an_order_that_hangs_holds_up_none_that_shares_its_job(stuck: tuple[str, subprocess.Popen[str]], tmp_path: Path) -> None:
    place, server = stuck
    row, well = mountinfo.read().at(place), str(tmp_path / "well")
    assert row is not None
    (tmp_path / "well").mkdir()
    well_id = mount_tmpfs(well)
    hangs, works = Key(Kind.PROBE, place, row.mount_id), Key(Kind.PROBE, well, well_id)
    jobs = RealJobs()
    jobs.start_together({hangs: Probe(place, row.mount_id), works: Probe(well, well_id)})
    key, answer = first_answer(jobs, 4)
    assert (key, type(answer)) == (works, Probed), "long before the other's deadline"
    assert (jobs.lives(works), jobs.lives(hangs)) == (False, True), "what is answered may be asked again"
    assert jobs.start(works, Probe(well, well_id)) is None
    said = jobs.wait(6, answers=2)
    assert {key: type(answer) for key, answer in said} == {works: Probed, hangs: Overdue}
    assert jobs.running.stuck() == 1
    server.kill()
    assert jobs.wait(5, answers=0) == []
    assert jobs.running.count() == 0
    subprocess.run(["/usr/bin/umount", well], check=True)


def test_a_failed_attempt_keeps_nothing_open_while_its_job_lives_on(
    stuck: tuple[str, subprocess.Popen[str]], tmp_path: Path
) -> None:
    place, server = stuck
    specs = [
        Spec(name=name, type="nfs", host="127.0.0.1", path="/", mountpoint=f"{where}/m", options=("port=1",))
        for name, where in (("hangs", place), ("fails", str(tmp_path)))
    ]
    hangs, fails = (Key(Kind.MOUNT, spec.mountpoint) for spec in specs)
    jobs = RealJobs()
    jobs.start_together({Key(Kind.MOUNT, spec.mountpoint): MountOrder(spec, "127.0.0.1", "/run/stage") for spec in specs})
    key, answer = first_answer(jobs, 4)
    assert key == fails
    assert isinstance(answer, Failed)
    assert answer.problem.code == "server-refused"
    (pid,) = [job.pid for job in jobs.running._jobs.values()]
    opened = [os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")]
    assert specs[1].mountpoint not in opened
    server.kill()
    assert [key for key, _ in jobs.wait(5)] == [hangs]


def test_a_configuration_served_by_a_user_s_program_is_refused_without_touching_it(
    stuck: tuple[str, subprocess.Popen[str]],
) -> None:
    place, _ = stuck
    jobs = RealJobs()
    began = time.monotonic()
    jobs.start(Key(Kind.FETCH, f"{place}/mounts.yaml"), Fetch(f"file:{place}/mounts.yaml"))
    ((_, answer),) = jobs.wait(5)
    assert isinstance(answer, Failed)
    assert answer.problem.code == "config-untrusted"
    assert "fuse" in answer.problem.observed
    assert time.monotonic() - began < 3


def test_a_job_that_cannot_be_killed_is_abandoned_at_its_deadline_and_reaped_when_it_ends(
    stuck: tuple[str, subprocess.Popen[str]],
) -> None:
    place, server = stuck
    row = mountinfo.read().at(place)
    assert row is not None
    jobs, key = RealJobs(), Key(Kind.PROBE, place, row.mount_id)
    began = time.monotonic()
    jobs.start(key, Probe(place, row.mount_id))
    (pid,) = [job.pid for job in jobs.running._jobs.values()]
    said: list[tuple[Key, Answer]] = []
    longest = 0.0
    while not said and time.monotonic() - began < 10:
        jobs.poll.poll(20)
        before = time.monotonic()
        said += jobs.running.expire(time.monotonic())
        longest = max(longest, time.monotonic() - before)
    took = time.monotonic() - began
    assert isinstance(said[0][1], Overdue)
    assert 4.9 < took < 6, "the verdict comes at the deadline"
    assert longest < 0.1, "giving it waits for nobody"
    time.sleep(0.3)
    assert state_of(pid) == "D", "SIGKILL did not remove it"
    assert Path(f"/proc/{pid}/oom_score_adj").read_text() == "500\n", "where memory runs out, it goes before the agent"
    assert jobs.lives(key), "no second one may start while it is there"
    assert jobs.running.stuck() == 1
    server.kill()
    assert jobs.wait(5, answers=0) == [], "a late end says nothing more"
    assert jobs.running.count() == 0
    assert not Path(f"/proc/{pid}").exists()


def test_the_number_of_a_pipe_that_was_closed_is_not_taken_for_the_next_job_s() -> None:
    """The one before closes its pipe, the next one gets that number for its own, and only then the end is heard of."""
    poll = select.poll()
    jobs = Running(poll)
    first, second = Key(Kind.RESOLVE, "localhost"), Key(Kind.RESOLVE, "127.0.0.1")
    assert jobs.start({first: Resolve("localhost")}, time.monotonic()) is None
    time.sleep(1)
    watched = [descriptor for descriptor, _ in poll.poll(5000)]
    pipe = next(fd for fd in watched if os.readlink(f"/proc/self/fd/{fd}").startswith("pipe:"))
    pidfd = next(fd for fd in watched if fd != pipe)
    assert [key for key, _ in jobs.ready(pipe)] == [first]
    assert jobs.ready(pipe) == [], "its end"
    assert jobs.start({second: Resolve("127.0.0.1")}, time.monotonic()) is None
    assert os.readlink(f"/proc/self/fd/{pipe}").startswith("pipe:"), "the number is the next one's"
    jobs.ready(pidfd)
    deadline = time.monotonic() + 10
    answers: list[tuple[Key, Answer]] = []
    while jobs.lives(second) and time.monotonic() < deadline:
        answers += [answer for descriptor, _ in poll.poll(1000) for answer in jobs.ready(descriptor)]
    assert [(key, type(answer)) for key, answer in answers] == [(second, Resolved)]
