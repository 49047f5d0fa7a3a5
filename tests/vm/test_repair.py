"""What the agent does about mounts whose server has died, and what becomes of those who use them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from .aws import Aws
from .conftest import NotebookFactory
from .image import SUITES, Image
from .notebook import NotebookInstance
from .product import SAGEMAKER, a_mount, build_bundle, hooks, mount_of, mounts_yaml, put_config, upload
from .standard import PROGRAMS, a_running_notebook, ids, wait_word, with_the_standard_mounts

BACKGROUND = "</dev/null >/dev/null 2>&1 &"


@pytest.fixture(scope="module")
def running(image: Image, aws: Aws) -> Iterator[NotebookInstance]:
    yield from a_running_notebook("repair", image, aws)


@pytest.fixture
def notebook(running: NotebookInstance) -> Iterator[NotebookInstance]:
    yield from with_the_standard_mounts(running)


def wait_health(notebook: NotebookInstance, name: str, health: str, seconds: float) -> float:
    """How long it took."""
    began = time.monotonic()
    while (mount := mount_of(notebook, name))["health"] != health:
        assert time.monotonic() - began < seconds, f"{name} is {mount['health']}, not {health}: {mount}"
        time.sleep(0.3)
    return time.monotonic() - began


def listing(notebook: NotebookInstance) -> int:
    return notebook.machine.execute(f"timeout 10 ls -l {SAGEMAKER}", timeout=20)[0]


def stuck(notebook: NotebookInstance, command: str) -> None:
    """A program that will hang, and its process id in /run/stuck."""
    notebook.machine.succeed(f"setsid {command} {BACKGROUND} echo $! >/run/stuck; sleep 0.5")


def test_a_dead_server_is_reported_within_15_seconds_with_traffic_and_within_35_without(notebook: NotebookInstance) -> None:
    put_config(notebook, mounts_yaml(a_mount("busy", 4), a_mount("quiet", 5)))
    notebook.machine.wait_until_succeeds("fsmount status --wait 20", timeout=40)
    notebook.machine.succeed("rm -f /run/stop")
    notebook.machine.succeed(f"setsid python3 /usr/local/share/reader.py /run/stop {SAGEMAKER}/busy/hello {BACKGROUND} sleep 8")
    notebook.servers[3].black_hole()
    notebook.servers[4].black_hole()
    with_traffic = wait_health(notebook, "busy", "hung", 15)
    without = with_traffic + wait_health(notebook, "quiet", "hung", 35 - with_traffic)
    print(f"a dead server is reported after {with_traffic:.1f} s with traffic, {without:.1f} s without")
    notebook.restore()
    print(f"and its return after {wait_health(notebook, 'busy', 'healthy', 15):.1f} s")
    notebook.machine.succeed("touch /run/stop")


def test_a_read_only_mount_that_hangs_is_detached_and_returns_with_its_server(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    # Without actimeo the listing goes on from the cache for up to a minute.
    books = a_mount("books", 4, access="ro", on_hang_after=30, options=["actimeo=1"])
    put_config(notebook, mounts_yaml(books, a_mount("other", 5)))
    machine.wait_until_succeeds("fsmount status --wait 20", timeout=40)
    other = ids(notebook, "other")
    notebook.servers[3].black_hole()
    stuck(notebook, f"cat {SAGEMAKER}/books/hello-nobody-knows")
    wait_health(notebook, "books", "hung", 35)
    assert listing(notebook) == 124, "the dead mount freezes whoever lists the directory that holds it"
    wait_health(notebook, "books", "missing", 50)
    assert listing(notebook) == 0
    assert "[detached]" in machine.execute("fsmount status books", user="ec2-user")[1]
    machine.fail(f"touch {SAGEMAKER}/books/by-accident", user="ec2-user")
    machine.succeed("ps -o stat= -p $(cat /run/stuck) | grep D")  # who was stuck stays stuck
    notebook.servers[3].restore()
    wait_health(notebook, "books", "healthy", 20)
    began = time.monotonic()
    machine.succeed(f"cat {SAGEMAKER}/books/hello", timeout=10)
    assert time.monotonic() - began < 5, "the new mount does not wait for the old one's dead connection"
    machine.wait_until_succeeds("! kill -0 $(cat /run/stuck)", timeout=30)  # and goes on when the server is back
    assert ids(notebook, "other") == other


def test_one_that_may_be_written_to_is_detached_on_demand_only(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    put_config(notebook, mounts_yaml(a_mount("results", 4, on_hang_after=30), a_mount("other", 5)))
    machine.wait_until_succeeds("fsmount status --wait 20", timeout=40)
    assert "[not-hung]" in machine.fail("fsmount detach results")
    notebook.servers[3].black_hole()
    stuck(notebook, f"cat {SAGEMAKER}/results/hello-nobody-knows")
    wait_health(notebook, "results", "hung", 35)
    time.sleep(32)
    assert mount_of(notebook, "results")["health"] == "hung", "without being asked to, it waits"
    shown = machine.execute("fsmount status results", user="ec2-user")[1]
    assert "sudo fsmount detach results" in " ".join(shown.split()), shown  # wherever the line is broken
    assert "[not-allowed]" in machine.fail("fsmount detach results", user="ec2-user")
    machine.succeed("fsmount detach results")
    wait_health(notebook, "results", "missing", 10)
    assert listing(notebook) == 0
    machine.succeed("kill -9 $(cat /run/stuck)")
    machine.wait_until_succeeds("! kill -0 $(cat /run/stuck)", timeout=10)  # a reader can be killed
    notebook.servers[3].restore()
    wait_health(notebook, "results", "healthy", 20)
    machine.succeed(f"touch {SAGEMAKER}/results/again && rm {SAGEMAKER}/results/again", timeout=10)


def test_by_force_those_who_hang_get_an_error_and_the_mount_returns(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    put_config(notebook, mounts_yaml(a_mount("forced", 4, on_hang="force", on_hang_after=30), a_mount("other", 5)))
    machine.wait_until_succeeds("fsmount status --wait 20", timeout=40)
    notebook.servers[3].black_hole()
    stuck(notebook, f"sh -c 'exec cat {SAGEMAKER}/forced/hello-nobody-knows 2>/run/said'")
    wait_health(notebook, "forced", "missing", 80)
    machine.wait_until_succeeds("! kill -0 $(cat /run/stuck)", timeout=10)
    # The kernel's word for it: EIO, or where the call was being made anew, its own ERESTARTSYS, which cat cannot name.
    said = machine.succeed("cat /run/said")
    assert "Input/output error" in said or "Unknown error 512" in said, said
    notebook.servers[3].restore()
    wait_health(notebook, "forced", "healthy", 20)


def test_a_server_with_another_address_is_followed_without_an_unmount(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    put_config(notebook, mounts_yaml(a_mount("moved", 8)))
    machine.wait_until_succeeds("fsmount status --wait 20", timeout=40)
    before = ids(notebook, "moved")
    machine.succeed("rm -f /run/stop")
    machine.succeed(f"setsid python3 /usr/local/share/reader.py /run/stop {SAGEMAKER}/moved/hello {BACKGROUND} sleep 5")
    elsewhere = "ip -n fs8 addr flush dev e0 scope global; ip -n fs8 addr add {new}/24 dev e0; sed -i 's/{old}/{new}/' /etc/hosts"
    try:
        machine.succeed(elsewhere.format(old="10.9.8.2", new="10.9.8.3"))
        began = time.monotonic()
        wait_health(notebook, "moved", "hung", 35)
        wait_health(notebook, "moved", "healthy", 90)
        print(f"followed to its new address after {time.monotonic() - began:.1f} s")
        assert ids(notebook, "moved") == before
        assert mount_of(notebook, "moved")["address"] == "10.9.8.3"
        seen = len(machine.succeed("cat /run/read.0").split())
        machine.wait_until_succeeds(f'[ "$(wc -l </run/read.0)" -gt {seen} ]', timeout=20)  # the reader goes on
    finally:
        machine.succeed("touch /run/stop")
        machine.succeed(elsewhere.format(old="10.9.8.3", new="10.9.8.2"))
        put_config(notebook, mounts_yaml())
    wait_gone(notebook, "moved")


def wait_gone(notebook: NotebookInstance, name: str) -> None:
    notebook.machine.wait_until_succeeds(f"! grep -q ' {SAGEMAKER}/{name} ' /proc/mounts", timeout=120)


def test_the_machine_stops_within_20_seconds_with_eight_dead_servers_and_a_stuck_writer_on_each(
    notebook_with_hooks: NotebookInstance,
) -> None:
    notebook = notebook_with_hooks
    machine = notebook.machine
    machine.succeed("systemctl start fsmount")  # the start waited for nothing: until the agent is ready
    put_config(notebook, mounts_yaml(*(a_mount(f"m{i}", i + 1) for i in range(8))))
    machine.wait_until_succeeds("fsmount status --wait 30", timeout=60)
    machine.copy_to(PROGRAMS / "checked_writer.py", "/usr/local/share/checked_writer.py")
    paths = " ".join(f"{SAGEMAKER}/m{i}/w" for i in range(8))
    machine.succeed(f"setsid python3 /usr/local/share/checked_writer.py /run/stop {paths} {BACKGROUND} sleep 3")
    for server in notebook.servers:
        server.black_hole()
    for i in range(8):
        wait_word(notebook, f"m{i}", "failed", 40)
    took = notebook.stop(timeout=240)
    print(f"with eight dead servers and a stuck writer on each, the machine stops in {took:.1f} s")
    assert took < 30  # 20 on a quiet machine; without help more than 200


@pytest.fixture
def notebook_with_hooks(notebook_factory: NotebookFactory, image: Image, aws: Aws) -> NotebookInstance:
    bundle = build_bundle(SUITES[image.suite].python)
    return notebook_factory("stops", servers=8, **hooks(upload(aws, bundle), bundle.digest, wait=0))
