"""Faults that need no NFS server, under the whole agent: a FUSE server that never answers, or dies, and a thousand mounts.

Where each row of the list of faults is tried is said in tests/vm/test_faults_servers.py.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from fsmount.jobs.answers import Failed, Unmounted
from fsmount.jobs.orders import How, Key, Kind, Probe, Unmount
from fsmount.observe import mountinfo

from .realjobs import RealJobs
from .test_agent_process import Agent, until

MOUNT = '  - {{name: {name}, type: nfs, source: "127.0.0.1:/", mountpoint: {place}, options: [port=1]}}\n'


def mounts_yaml(places: dict[str, str]) -> str:
    """Mounts of a server that refuses: it is named at once, and nothing of NFS is asked of the kernel."""
    return "version: 1\nmounts:\n" + "".join(MOUNT.format(name=name, place=place) for name, place in places.items())


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Agent]:
    """An agent that is not started yet."""
    agent = Agent(tmp_path)
    yield agent
    if agent.process and agent.process.poll() is None:
        agent.process.kill()
        agent.process.wait(10)


@pytest.fixture
def stuck(place: str) -> Iterator[subprocess.Popen[str]]:
    """A FUSE server at `place` that takes requests and answers none."""
    program = Path(__file__).with_name("stuckfuse.py")
    server = subprocess.Popen([sys.executable, "-IS", str(program), place, "120"], stdout=subprocess.PIPE, text=True)
    assert server.stdout
    ready, _, _ = select.select([server.stdout], [], [], 10)
    assert ready, "the FUSE server did not come up"
    assert server.stdout.readline() == "mounted\n"
    yield server
    server.kill()
    server.wait(10)
    server.stdout.close()


def problem_of(agent: Agent, name: str) -> str | None:
    mounts: Any = agent.report()["mounts"]
    (found,) = [mount for mount in mounts if mount["name"] == name]
    return found["problem"]["code"] if found["problem"] else None


def stuck_jobs(agent: Agent) -> int:
    about: Any = agent.report()["agent"]
    return int(about["stuck_jobs"])


def leftovers(agent: Agent) -> tuple[int, int]:
    """Descriptors of the agent, and its children."""
    assert agent.process
    pid = agent.process.pid
    return len(os.listdir(f"/proc/{pid}/fd")), len(psutil.Process(pid).children())


def test_a_fuse_server_that_never_answers_fails_the_mount_below_it_by_name_and_no_other(
    quick: Agent, stuck: subprocess.Popen[str], place: str, tmp_path: Path
) -> None:
    """Whoever looks for the mount point is in D state and SIGKILL does not end it."""
    quick.config.write_text(mounts_yaml({"other": str(tmp_path / "other")}))
    process = quick.start()
    until(lambda: bool(quick.report()["settled"]))
    until(lambda: leftovers(quick)[1] == 0)
    before, _ = leftovers(quick)
    quick.config.write_text(mounts_yaml({"below": f"{place}/below", "other": str(tmp_path / "other")}))
    began = time.monotonic()
    assert quick.command("reload").returncode == 0
    until(lambda: problem_of(quick, "other") == "server-refused", 5)
    until(lambda: problem_of(quick, "below") == "mount-timeout", 35)
    assert time.monotonic() - began < 35
    assert stuck_jobs(quick) == 1
    shown = quick.command("status", "below")
    assert shown.returncode == 1
    assert "[mount-timeout]" in shown.stdout
    assert quick.command("retry", "other").returncode == 0
    until(lambda: problem_of(quick, "other") == "server-refused", 5)
    time.sleep(3)  # more attempts would have begun by now
    assert leftovers(quick)[1] <= 2, "no second attempt waits behind the one that is stuck"

    stuck.kill()
    stuck.wait(10)
    until(lambda: stuck_jobs(quick) == 0, 15)
    assert quick.command("retry").returncode == 0
    until(lambda: problem_of(quick, "below") == "mountpoint-not-made", 15)
    subprocess.run(["/usr/bin/umount", "-l", place], check=True, timeout=10)
    assert quick.command("retry").returncode == 0
    until(lambda: problem_of(quick, "below") == "server-refused", 15)
    quick.config.write_text(mounts_yaml({"other": str(tmp_path / "other")}))
    assert quick.command("reload").returncode == 0
    until(lambda: leftovers(quick)[1] == 0 and leftovers(quick)[0] <= before, 20)
    began = time.monotonic()
    process.terminate()
    assert process.wait(10) == 0
    assert time.monotonic() - began < 2


def test_an_agent_with_an_unkillable_helper_stops_at_once(quick: Agent, stuck: subprocess.Popen[str], place: str) -> None:
    quick.config.write_text(mounts_yaml({"below": f"{place}/below"}))
    process = quick.start()
    until(lambda: "mounting" in str(quick.report()["mounts"]) and leftovers(quick)[1] == 1)
    began = time.monotonic()
    process.terminate()
    assert process.wait(10) == 0
    assert time.monotonic() - began < 2
    stuck.kill()


def test_a_fuse_server_that_dies_fails_the_mount_below_it_by_name_until_it_is_gone(
    quick: Agent, stuck: subprocess.Popen[str], place: str, tmp_path: Path
) -> None:
    """Its mount stays, and every call on it says ENOTCONN."""
    stuck.kill()
    stuck.wait(10)
    with pytest.raises(OSError, match="Transport endpoint is not connected"):
        os.listdir(place)
    quick.config.write_text(mounts_yaml({"below": f"{place}/below", "other": str(tmp_path / "other")}))
    quick.start()
    until(lambda: bool(quick.report()["settled"]))
    assert (problem_of(quick, "below"), problem_of(quick, "other")) == ("mountpoint-not-made", "server-refused")
    assert "not connected" in quick.command("status", "below").stdout
    subprocess.run(["/usr/bin/umount", "-l", place], check=True, timeout=10)
    until(lambda: problem_of(quick, "below") == "server-refused", 15)


def test_a_look_at_a_mount_whose_fuse_server_died_says_disconnected_and_it_is_unmounted_at_once(
    stuck: subprocess.Popen[str], place: str
) -> None:
    row = mountinfo.read().at(place)
    assert row is not None
    stuck.kill()
    stuck.wait(10)
    jobs, key = RealJobs(), Key(Kind.PROBE, place, row.mount_id)
    jobs.start(key, Probe(place, row.mount_id))
    ((_, answer),) = jobs.wait(5)
    assert isinstance(answer, Failed)
    assert answer.problem.code == "disconnected"
    jobs.start(Key(Kind.UNMOUNT, place), Unmount(place, row.mount_id, How.IDLE))
    assert jobs.wait(5) == [(Key(Kind.UNMOUNT, place), Unmounted(detached=False))]
    assert mountinfo.read().at(place) is None


def test_a_mount_whose_fuse_server_never_answers_is_detached_although_a_caller_cannot_be_killed(
    stuck: subprocess.Popen[str], place: str
) -> None:
    row = mountinfo.read().at(place)
    assert row is not None
    caller = subprocess.Popen(["/usr/bin/ls", place], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: psutil.Process(caller.pid).status() in (psutil.STATUS_DISK_SLEEP, psutil.STATUS_SLEEPING))
    jobs, key = RealJobs(), Key(Kind.UNMOUNT, place)
    jobs.start(key, Unmount(place, row.mount_id, How.DETACH))
    assert jobs.wait(5) == [(key, Unmounted(detached=True))]
    assert mountinfo.read().at(place) is None
    assert os.listdir(place) == []
    stuck.kill()
    caller.wait(10)


def test_1000_mounts_in_the_configuration_are_each_named_and_nothing_of_them_is_left(quick: Agent, tmp_path: Path) -> None:
    few = {"one": str(tmp_path / "one")}
    quick.config.write_text(mounts_yaml(few))
    process = quick.start()
    until(lambda: bool(quick.report()["settled"]))
    until(lambda: leftovers(quick)[1] == 0)
    before, _ = leftovers(quick)
    many = {f"m{i}": str(tmp_path / f"m{i}") for i in range(999)}
    quick.config.write_text(mounts_yaml({**few, **many}))
    began = time.monotonic()
    assert quick.command("reload").returncode == 0

    def named() -> int:
        mounts: Any = quick.report()["mounts"]
        return sum(bool(mount["problem"] and mount["problem"]["code"] == "server-refused") for mount in mounts)

    until(lambda: named() == 1000, 60)
    about: Any = quick.report()["agent"]
    print(f"1000 mounts named after {time.monotonic() - began:.1f} s, longest stall {about['longest_stall_ms']} ms")
    quick.config.write_text(mounts_yaml(few))
    assert quick.command("reload").returncode == 0
    until(lambda: isinstance(quick.report()["mounts"], list) and len(quick.report()["mounts"]) == 1, 60)  # type: ignore[arg-type]
    until(lambda: leftovers(quick)[1] == 0 and leftovers(quick)[0] <= before, 20)
    process.terminate()
    assert process.wait(10) == 0
