"""What people and programs on the notebook do to mount points, to the configuration and to the agent's own files."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from .aws import Aws
from .frame import NEIGHBOUR_MOUNTS, all_ok, gauge, undisturbed, wait_until, with_neighbours, words
from .image import Image
from .notebook import NotebookInstance
from .product import CONFIG, SAGEMAKER, a_mount, mount_of, mounts_yaml, put_config, status
from .standard import a_running_notebook, ids, wait_problem, wait_word

THIRD = a_mount("third", 3)
PLACE = f"{SAGEMAKER}/third"
ALL = mounts_yaml(*NEIGHBOUR_MOUNTS, THIRD)


@pytest.fixture(scope="module")
def running(image: Image, aws: Aws) -> Iterator[NotebookInstance]:
    yield from a_running_notebook("faults-people", image, aws)


@pytest.fixture
def notebook(running: NotebookInstance) -> Iterator[NotebookInstance]:
    with_neighbours(running, THIRD)
    yield running
    running.restore()


def gone(notebook: NotebookInstance, name: str = "third") -> bool:
    return ids(notebook, name) == ["not mounted"]


def test_a_shell_in_a_mount_that_leaves_the_configuration_keeps_it_and_is_named_until_it_leaves(
    notebook: NotebookInstance,
) -> None:
    machine = notebook.machine
    with undisturbed(notebook):
        machine.succeed(f"cd {PLACE}; setsid bash -c 'sleep 600; true' </dev/null >/dev/null 2>&1 & echo $! >/run/shell")
        put_config(notebook, mounts_yaml(*NEIGHBOUR_MOUNTS))
        mount = wait_problem(notebook, "third", "busy", 20)
        shell = machine.read_file("/run/shell").decode().strip()
        assert f"bash (process {shell})" in mount["problem"]["observed"]  # type: ignore[index]
        machine.succeed(f"cat {PLACE}/hello", timeout=10)
        machine.succeed(f"kill -- -{shell}")
        assert wait_until(lambda: gone(notebook), 60)
        put_config(notebook, ALL)
        wait_word(notebook, "third", "ok", 20)


def test_something_else_mounted_where_it_was_is_named_and_kept_and_it_comes_back_after_that(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    with undisturbed(notebook, same_agent=False):
        machine.succeed(f"systemctl stop fsmount; umount {PLACE}; mount -t tmpfs theirs {PLACE}; systemctl start fsmount")
        wait_problem(notebook, "third", "mountpoint-taken", 30)
        assert machine.succeed(f"grep -c ' {PLACE} ' /proc/mounts").strip() == "1"
        machine.succeed(f"umount {PLACE}")
        wait_word(notebook, "third", "ok", 20)


@pytest.mark.parametrize("how", ["mount -t tmpfs theirs", "mount --bind /etc"], ids=["mounted", "bind-mounted"])
def test_something_over_it_is_named_within_10_s_and_neither_taken_away_nor_covered(notebook: NotebookInstance, how: str) -> None:
    machine = notebook.machine
    with undisturbed(notebook):
        before = gauge(notebook).ids("third")
        machine.succeed(f"{how} {PLACE}")
        wait_problem(notebook, "third", "mountpoint-taken", 10)
        assert len(gauge(notebook).ids("third")[0]) == 2
        machine.succeed(f"umount {PLACE}")
        wait_word(notebook, "third", "ok", 20)
        assert gauge(notebook).ids("third") == before, "what was below is still ours"


@pytest.mark.parametrize(
    ("replace", "code"),
    [
        ("rmdir {0}", None),
        ("rmdir {0}; touch {0}", "mountpoint-not-a-directory"),
        ("rmdir {0}; ln -s /etc {0}", "mountpoint-link"),
    ],
    ids=["deleted", "replaced by a file", "replaced by a link"],
)
def test_a_mount_point_that_is(notebook: NotebookInstance, replace: str, code: str | None) -> None:
    """... deleted is made anew; one that is replaced by a file or a link is named, and mounted when it is one again."""
    machine = notebook.machine
    with undisturbed(notebook, same_agent=False, stall_ms=None):
        machine.succeed(f"systemctl stop fsmount; umount {PLACE}; {replace.format(PLACE)}; systemctl start fsmount")
        if code is not None:
            assert wait_problem(notebook, "third", code, 30)["phase"] == "blocked"
            assert gone(notebook)
            machine.succeed(f"test $(grep -c fs3.test /proc/mounts) = 0 && rm {PLACE} && fsmount retry third")
        wait_word(notebook, "third", "ok", 30)


def test_a_mount_point_deleted_in_another_mount_namespace_is_mounted_anew(notebook: NotebookInstance) -> None:
    """Where a directory is a mount point, only another namespace can delete it (rename and rmdir since Linux 3.18)."""
    with undisturbed(notebook):
        notebook.machine.succeed(f"unshare --mount --propagation private bash -c 'umount -l {PLACE}; rmdir {PLACE}'")
        notebook.machine.succeed("fsmount retry third")
        assert wait_until(lambda: not gone(notebook) and all_ok(notebook), 60), mount_of(notebook, "third")


def test_a_configuration_replaced_100_times_in_10_s_ends_with_the_last_one_and_touches_no_other_mount(
    notebook: NotebookInstance,
) -> None:
    machine = notebook.machine
    with undisturbed(notebook):
        for number, mounts in enumerate(([], [a_mount("come4", 4)], [a_mount("come5", 5), a_mount("come4", 4)])):
            machine.copy_to(mounts_yaml(*NEIGHBOUR_MOUNTS, THIRD, *mounts).encode(), f"/run/turn{number}")
        pid, files = machine.succeed("systemctl show -P MainPID fsmount").strip(), "/run/turn0 /run/turn1 /run/turn2"
        took = machine.succeed(f"python3 -IS /usr/local/share/replacing.py {pid} {CONFIG} {files}", timeout=60)
        assert float(took) < 15
        put_config(notebook, ALL)
        assert wait_until(lambda: set(words(notebook)) == {"near", "beside", "third"} and all_ok(notebook), 60), words(notebook)


BOMB = "version: 1\na0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)
)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        ("head -c 100000 /dev/urandom >{0}", "config-invalid"),
        (": >{0}", "config-invalid"),
        ("rm -f {0}; truncate -s 1G {0}", "config-invalid"),
        ("cp /run/bomb {0}", "config-invalid"),
    ],
    ids=["garbage", "an empty file", "a 1 GB file", "an alias bomb"],
)
def test_it_is_refused_within_5_s_and_touches_no_mount(notebook: NotebookInstance, make: str, code: str) -> None:
    machine = notebook.machine
    machine.copy_to(BOMB.encode(), "/run/bomb")
    before = gauge(notebook).ids("third")
    with undisturbed(notebook):
        machine.succeed(make.format(CONFIG))
        began = time.monotonic()
        assert f"[{code}]" in machine.fail("fsmount reload", timeout=20)
        took = time.monotonic() - began
        assert status(notebook)["problem"]["code"] == code
        assert set(words(notebook)) == {"near", "beside", "third"}
        machine.succeed(f"rm -f {CONFIG}")
        put_config(notebook, ALL)
        assert all_ok(notebook)
    assert gauge(notebook).ids("third") == before
    assert took < 5


@pytest.mark.parametrize("file", ["status.json", "ledger.json", "samples.json"])
@pytest.mark.parametrize("damage", ["from a newer version", "truncated"])
def test_its_own_file_that_is_damaged_costs_no_mount(notebook: NotebookInstance, file: str, damage: str) -> None:
    machine, path = notebook.machine, f"/run/fsmount/{file}"
    with undisturbed(notebook, neighbours=("near", "beside", "third"), same_agent=False, stall_ms=None):
        machine.wait_until_succeeds(f"test -s {path}", timeout=75)  # samples are written at a beat
        machine.succeed("systemctl stop fsmount")
        content = machine.read_file(path)
        if damage == "truncated":
            content = content[: len(content) // 2]
        else:
            content = json.dumps({**json.loads(content), "version": 99, "unheard-of": [1]}).encode()
        machine.copy_to(content, path)
        done = machine.run("fsmount status", user="ec2-user", timeout=20)
        assert done.status == 3
        assert "Traceback" not in done.output
        machine.succeed("systemctl start fsmount")
        machine.wait_until_succeeds("fsmount status --wait 20", timeout=40)
        assert all(mount["health"] == "healthy" for mount in status(notebook)["mounts"])
    # Without a ledger they are somebody else's mounts, which are looked after and never unmounted: made anew for the next test.
    for name in ("near", "beside", "third"):
        if mount_of(notebook, name)["mounted_by"] != "fsmount":
            machine.succeed(f"umount {SAGEMAKER}/{name}")
