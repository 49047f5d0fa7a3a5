"""`fsmount doctor` on a running notebook, as the data scientist calls it: which link it names, and how soon."""

from __future__ import annotations

import json
import time
from typing import Any

from .notebook import NotebookInstance
from .product import SAGEMAKER, a_mount, mounts_yaml, put_config
from .standard import wait_word
from .test_main_job import notebook, running

__all__ = ["notebook", "running"]

BOUND_S = 30.0


def findings(notebook: NotebookInstance, *names: str, user: str = "ec2-user") -> tuple[int, list[dict[str, Any]], float]:
    """The exit status, the mounts, and how long it took."""
    began = time.monotonic()
    status, text = notebook.machine.execute(f"fsmount doctor --json {' '.join(names)}", user=user, timeout=60)
    took = time.monotonic() - began
    assert text.startswith("{"), text
    mounts = json.loads(text)["mounts"]
    print(f"doctor {' '.join(names)}: {took:.1f} s; {[(mount['name'], mount['broken']) for mount in mounts]}")
    return status, mounts, took


def step(mount: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [step for step in mount["steps"] if step["step"] == name]
    assert isinstance(found, dict)
    return found


def test_all_is_well_and_said_in_a_line(notebook: NotebookInstance) -> None:
    put_config(notebook, mounts_yaml(a_mount("shared", 1, "shared"), a_mount("read", 2, access="ro")))
    notebook.machine.wait_until_succeeds("fsmount status --wait 20", timeout=40)
    shown = notebook.machine.succeed("fsmount doctor", user="ec2-user")
    assert shown.endswith("\nAll is well: 2 mounts, every link.\n"), shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "ec2-user can make and remove a file" in " ".join(shown.split())
    status, (mount, read), _ = findings(notebook)
    assert status == 0
    assert {some["outcome"] for some in mount["steps"]} == {"ok"}
    assert step(read, "writable")["outcome"] == "skipped"
    assert "10.9.1.2" in step(mount, "name")["observed"]
    assert "10.9.1.1" in step(mount, "route")["observed"]
    folder = notebook.servers[0].folder
    notebook.machine.wait_until_succeeds(f"! ls -A {folder}/shared | grep .", timeout=10)


def test_a_black_hole_is_a_security_group_also_where_the_mount_hangs(notebook: NotebookInstance) -> None:
    put_config(notebook, mounts_yaml(a_mount("one", 1), a_mount("shared", 2, "shared")))
    notebook.machine.wait_until_succeeds("fsmount status --wait 20", timeout=40)
    notebook.servers[0].black_hole()
    status, (dead, well), took = findings(notebook)
    assert (status, dead["broken"], well["broken"]) == (1, "port", None)
    problem = step(dead, "port")["problem"]
    assert problem["code"] == "server-timeout"
    assert "security group" in problem["cause"]
    assert step(dead, "readable")["problem"]["code"] == "not-answering"
    assert took < BOUND_S
    shown = notebook.machine.fail("fsmount doctor one", user="ec2-user", timeout=60)
    assert "one: the first broken link is port: " in shown
    wait_word(notebook, "one", "failed", 60)


def test_with_every_server_dead_it_takes_no_longer(notebook: NotebookInstance) -> None:
    put_config(notebook, mounts_yaml(*(a_mount(f"m{i}", i + 1) for i in range(8))))
    notebook.machine.wait_until_succeeds("fsmount status --wait 30", timeout=60)
    for server in notebook.servers:
        server.black_hole()
    status, mounts, took = findings(notebook)
    assert (status, [mount["broken"] for mount in mounts]) == (1, ["port"] * 8)
    assert took < BOUND_S


def test_a_server_that_refuses(notebook: NotebookInstance) -> None:
    notebook.servers[4].refuse()
    put_config(notebook, mounts_yaml(a_mount("five", 5)))
    wait_word(notebook, "five", "failed", 20)
    _, (mount,), _ = findings(notebook)
    assert step(mount, "port")["problem"]["code"] == "server-refused"
    assert mount["broken"] == "port"


def test_a_server_that_denies_answers_the_null_call_and_the_agent_says_why(notebook: NotebookInstance) -> None:
    notebook.servers[5].deny()
    put_config(notebook, mounts_yaml(a_mount("six", 6)))
    wait_word(notebook, "six", "failed", 30)
    _, (mount,), _ = findings(notebook)
    assert mount["broken"] == "mount", mount
    assert step(mount, "export")["outcome"] == "ok"
    assert step(mount, "mount")["problem"]["code"] in ("access-denied", "path-not-found")


def test_a_name_that_does_not_resolve(notebook: NotebookInstance) -> None:
    put_config(notebook, mounts_yaml({**a_mount("typo", 1), "source": "fs99.test:/d0"}))
    wait_word(notebook, "typo", "failed", 40)
    status, (mount,), took = findings(notebook)
    assert (status, mount["broken"]) == (1, "name")
    assert step(mount, "name")["problem"]["code"] in ("name-not-resolved", "name-server-down")
    assert step(mount, "port")["outcome"] == "skipped"
    assert took < BOUND_S


def test_a_directory_that_belongs_to_root_is_not_writable_whoever_asks(notebook: NotebookInstance) -> None:
    put_config(notebook, mounts_yaml(a_mount("fresh", 1, "rooted")))
    notebook.machine.wait_until_succeeds("fsmount status --wait 20", timeout=40)
    for user in ("ec2-user", "root"):
        status, (mount,), _ = findings(notebook, "fresh", user=user)
        assert (status, mount["broken"]) == (1, "writable")
        assert step(mount, "writable")["problem"]["code"] == "not-writable"
        assert "1000" in step(mount, "writable")["problem"]["cure"]


def test_without_an_agent_that_is_the_finding_and_the_mounts_are_examined_all_the_same(notebook: NotebookInstance) -> None:
    put_config(notebook, mounts_yaml(a_mount("shared", 1, "shared")))
    notebook.machine.wait_until_succeeds("fsmount status --wait 20", timeout=40)
    notebook.machine.succeed("systemctl stop fsmount && rm -f /run/fsmount/status.json")
    status, (mount,), _ = findings(notebook)
    assert (status, mount["broken"], mount["mountpoint"]) == (3, None, f"{SAGEMAKER}/shared")
