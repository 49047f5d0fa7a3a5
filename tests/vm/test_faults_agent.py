"""What happens to the agent itself: killed, stopped, started twice, without processes, memory, room or the right time."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from .aws import Aws
from .frame import NEIGHBOUR_MOUNTS, all_ok, gauge, undisturbed, wait_until, with_neighbours, words
from .image import Image
from .notebook import NotebookInstance
from .product import CONFIG, SAGEMAKER, a_mount, mounts_yaml, put_config, status
from .standard import LIB, a_running_notebook, wait_problem, wait_word

LIMITED = "systemctl set-property --runtime fsmount"


@pytest.fixture(scope="module")
def running(image: Image, aws: Aws) -> Iterator[NotebookInstance]:
    yield from a_running_notebook("faults-agent", image, aws)


@pytest.fixture
def notebook(running: NotebookInstance) -> Iterator[NotebookInstance]:
    with_neighbours(running, a_mount("third", 3))
    yield running
    running.restore()


def is_kept(notebook: NotebookInstance, name: str, server: int) -> None:
    """A mount that dies now is named, and is back when its server is: the agent is at work."""
    notebook.servers[server - 1].black_hole()
    wait_word(notebook, name, "failed", 40)
    notebook.servers[server - 1].restore()
    wait_word(notebook, name, "ok", 90)  # one that is called slow, on a busy machine, is looked at again after 30 s


def test_killed_at_50_random_moments_while_mounts_come_and_go_it_loses_none_and_mounts_none_twice(
    notebook: NotebookInstance,
) -> None:
    machine, seed = notebook.machine, random.randrange(10**6)
    print(f"seed {seed}")
    third = a_mount("third", 3)
    come = [a_mount(f"come{i}", i + 4) for i in range(4)]
    for number, mounts in enumerate(([*come], come[:1], [], come[2:])):
        machine.copy_to(mounts_yaml(*NEIGHBOUR_MOUNTS, third, *mounts).encode(), f"/run/config{number}")
    files = " ".join(f"/run/config{number}" for number in range(4))
    with undisturbed(notebook, neighbours=("near", "beside", "third"), same_agent=False):
        killing = f"python3 -IS /usr/local/share/killing.py {LIB} {seed} 50 {CONFIG} {files}"
        busy = int(machine.succeed(killing, timeout=540))
        machine.wait_until_succeeds("fsmount status", timeout=60)
        put_config(notebook, mounts_yaml(*NEIGHBOUR_MOUNTS, third, *come))
        assert wait_until(lambda: len(words(notebook)) == 7 and all_ok(notebook), 90), words(notebook)
        assert [len(ids) for ids in gauge(notebook).ids(*(mount["name"] for mount in come))] == [1, 1, 1, 1]
        put_config(notebook, mounts_yaml(*NEIGHBOUR_MOUNTS, third))
        assert wait_until(lambda: len(words(notebook)) == 3, 60), words(notebook)
    print(f"{busy} of 50 kills hit while a helper was at work")
    assert busy > 5


def test_stopped_by_sigstop_past_the_watchdog_it_is_replaced_and_no_mount_is_touched(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    with undisturbed(notebook, neighbours=("near", "beside", "third"), stall_ms=None, same_agent=False):
        before = machine.succeed("systemctl show -P MainPID fsmount").strip()
        machine.succeed("systemctl kill --kill-who=main -s STOP fsmount")
        # 60 s until systemd misses the beat, and 5 s more until it ends what does not hear SIGABRT.
        machine.wait_until_succeeds(
            f'pid=$(systemctl show -P MainPID fsmount); [ "$pid" != {before} ] && [ "$pid" != 0 ]', timeout=100
        )
        machine.wait_until_succeeds("fsmount status --wait 10", timeout=30)
    assert machine.succeed("journalctl -u fsmount -o cat | grep -c 'Watchdog timeout'").strip() == "1"


def test_a_second_agent_refuses_clearly_and_changes_nothing(notebook: NotebookInstance) -> None:
    with undisturbed(notebook, neighbours=("near", "beside", "third")):
        said = notebook.machine.fail("fsmount run", timeout=20)
        assert "another agent is running" in said
        assert all_ok(notebook)


def test_a_clock_set_back_and_forward_by_an_hour_changes_no_verdict_and_no_news_is_called_old(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    with undisturbed(notebook, neighbours=("near", "beside"), stall_ms=None):
        for direction in ("-", "+", "+", "-"):
            machine.succeed(f"date -s @$(( $(date +%s) {direction} 3600 ))")
            assert machine.execute("fsmount status", user="ec2-user", timeout=20)[0] == 0
        machine.succeed("date -s @$(( $(date +%s) - 3600 ))")
        is_kept(notebook, "third", 3)
        machine.succeed("date -s @$(( $(date +%s) + 3600 ))")
        assert all_ok(notebook)


def test_a_full_run_is_said_and_costs_no_mount_and_a_death_meanwhile_is_told_when_there_is_room(
    notebook: NotebookInstance,
) -> None:
    machine = notebook.machine
    with undisturbed(notebook):
        machine.succeed("for size in 64k 512; do dd if=/dev/zero bs=$size >>/run/filler 2>/dev/null || true; done")
        notebook.servers[2].black_hole()
        machine.wait_until_succeeds("journalctl -u fsmount -o cat | grep -q 'status.json: .*No space'", timeout=60)
        machine.succeed("rm /run/filler")
        wait_word(notebook, "third", "failed", 40)
        notebook.servers[2].restore()
        wait_word(notebook, "third", "ok", 40)


FULL = f"""
fallocate -l $(($(stat -f -c '%f * %S' {SAGEMAKER}))) {SAGEMAKER}/filler || true
for size in 64k 512; do dd if=/dev/zero bs=$size >>{SAGEMAKER}/filler 2>/dev/null || true; done
"""


@pytest.mark.parametrize(
    ("fault", "make", "undo"),
    [
        ("full", FULL, f"rm {SAGEMAKER}/filler"),
        ("read-only", f"mount -o remount,ro {SAGEMAKER}", f"mount -o remount,rw {SAGEMAKER}"),
    ],
    ids=["full", "read-only"],
)
def test_a_volume_that_cannot_be_written_to_is_said_of_new_mounts_alone_and_they_come_when_it_can(
    notebook: NotebookInstance, fault: str, make: str, undo: str
) -> None:
    machine, name = notebook.machine, f"new-{fault}"
    put_config(notebook, mounts_yaml(*NEIGHBOUR_MOUNTS, a_mount("third", 3), a_mount(name, 4)), reload=False)
    with undisturbed(notebook, neighbours=("near", "beside", "third"), comes=(name,)):
        try:
            machine.succeed(make, timeout=120)
            machine.fail(f"mkdir {SAGEMAKER}/probe")
            machine.succeed("fsmount reload")
            wait_problem(notebook, name, "mountpoint-not-made", 20)
        finally:
            machine.succeed(undo)
        wait_word(notebook, name, "ok", 40)


def test_where_no_process_can_be_started_it_is_said_and_all_is_well_when_one_can(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    try:
        with undisturbed(notebook):
            machine.succeed(f"{LIMITED} TasksMax=1")
            machine.succeed(f"umount -l {SAGEMAKER}/third")
            wait_problem(notebook, "third", "no-process", 40)
            machine.succeed(f"{LIMITED} TasksMax=infinity")
            wait_word(notebook, "third", "ok", 40)
            assert wait_until(lambda: all_ok(notebook), 60), words(notebook)
    finally:
        machine.succeed(f"{LIMITED} TasksMax=infinity")


def test_a_configuration_for_which_the_memory_does_not_suffice_ends_its_helper_and_not_the_agent(
    notebook: NotebookInstance,
) -> None:
    machine = notebook.machine
    third = a_mount("third", 3)
    large = f"version: 1\nmounts: [{'a,' * 400_000}]\n"  # takes some 50 MiB to read
    try:
        with undisturbed(notebook, neighbours=("near", "beside", "third")):
            stat = machine.read_file("/sys/fs/cgroup/system.slice/fsmount.service/memory.stat").decode().split()
            used = sum(int(stat[stat.index(what) + 1]) for what in ("anon", "kernel"))
            # Room for two usual helpers at once, which need 3 to 5 MiB each, and for the pages of the code. With less than
            # that, a helper may meet the limit in the moment of its birth, when it is still marked like the agent.
            machine.succeed(f"{LIMITED} MemoryMax={used + 12 * 2**20} MemorySwapMax=0")
            put_config(notebook, large, reload=False)
            assert "[job-failed]" in machine.fail("fsmount reload", timeout=30)
            assert status(notebook)["problem"]["code"] == "job-failed"
            assert len(words(notebook)) == 3
            put_config(notebook, mounts_yaml(*NEIGHBOUR_MOUNTS, third), reload=False)
            machine.succeed(f"{LIMITED} MemoryMax=infinity")
            machine.wait_until_succeeds("fsmount reload", timeout=60)  # a try of the large one may be under way
            assert wait_until(lambda: status(notebook)["word"] == "ok", 20)
    finally:
        machine.succeed(f"{LIMITED} MemoryMax=infinity")
        put_config(notebook, mounts_yaml(*NEIGHBOUR_MOUNTS, third), reload=False)


def test_with_less_memory_than_the_agent_needs_no_mount_is_touched_and_it_is_back_when_there_is_more(
    notebook: NotebookInstance,
) -> None:
    machine = notebook.machine
    try:
        with undisturbed(notebook, neighbours=("near", "beside", "third"), same_agent=False):
            machine.succeed(f"systemctl kill -s KILL fsmount; {LIMITED} MemoryMax=6M MemorySwapMax=0")
            machine.wait_until_succeeds("dmesg | grep -c 'Memory cgroup out of memory.*(fsmount)'", timeout=30)
            assert machine.execute("fsmount status", user="ec2-user", timeout=20)[0] == 3
            machine.succeed(f"{LIMITED} MemoryMax=infinity")
            machine.wait_until_succeeds("fsmount status --wait 20", timeout=60)
    finally:
        machine.succeed(f"{LIMITED} MemoryMax=infinity")
