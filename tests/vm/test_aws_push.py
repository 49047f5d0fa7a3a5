"""Configurations pushed to S3: applied within a minute, returned from where they break mounts, and what tags say of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import pytest

from .aws import Aws
from .conftest import Instances
from .frame import gauge, wait_until
from .image import SUITES, Image
from .notebook import NotebookInstance
from .product import BUCKET, SAGEMAKER, a_mount, build_bundle, hooks, mount_of, mounts_yaml, status, upload
from .standard import PROGRAMS, ids, wait_word

KEY = "aws/mounts.yaml"
ONE, TWO = a_mount("one", 1), a_mount("two", 2)
RESIDENT_KIB = 25 * 1024


@pytest.fixture(scope="module")
def notebook(image: Image, aws: Aws) -> Iterator[NotebookInstance]:
    bundle = build_bundle(SUITES[image.suite].python)
    origin = aws.put_object(BUCKET, KEY, mounts_yaml(ONE, TWO, tags="on").encode())
    instances = Instances(image, aws)
    instance = instances("aws-push", servers=8, **hooks(upload(aws, bundle), bundle.digest, origin=origin, wait=60))
    for program in PROGRAMS.iterdir():
        instance.machine.copy_to(program, f"/usr/local/share/{program.name}")
    yield instance
    instances.close()


def push(notebook: NotebookInstance, text: str) -> float:
    """When it was there, on this computer's monotonic clock."""
    notebook.aws.put_object(BUCKET, KEY, text.encode())
    return time.monotonic()


def are_well(notebook: NotebookInstance, names: set[str]) -> bool:
    return {mount["name"] for mount in status(notebook)["mounts"] if mount["word"] == "ok"} == names


def settled(notebook: NotebookInstance) -> bool:
    generation = status(notebook)["generation"]
    return bool(generation) and generation["state"] == "good"


def problem(notebook: NotebookInstance) -> str:
    found = status(notebook)["problem"]
    return str(found["code"]) if found else ""


def tags(notebook: NotebookInstance) -> dict[str, str]:
    return {key: value for key, value in notebook.aws.tags(notebook.arn).items() if key.startswith("fsmount:")}


def test_the_status_is_in_the_instance_s_tags_and_nothing_else_is_touched(notebook: NotebookInstance) -> None:
    """A stale one of ours is removed, one of somebody else's stays; what changes back within a minute costs no write."""
    sagemaker = notebook.aws.client("sagemaker")
    assert wait_until(lambda: tags(notebook).get("fsmount:status", "").startswith("ok 2/2"), 60), tags(notebook)
    sagemaker.add_tags(
        ResourceArn=notebook.arn,
        Tags=[{"Key": "Owner", "Value": "me"}, {"Key": "fsmount:mount:gone", "Value": "hung not-answering"}],
    )
    notebook.machine.succeed("systemctl restart fsmount")
    assert wait_until(lambda: "fsmount:mount:gone" not in tags(notebook), 90), tags(notebook)
    assert notebook.aws.tags(notebook.arn)["Owner"] == "me"
    assert set(tags(notebook)) == {"fsmount:status"}


def test_a_push_is_in_force_within_70_s_and_touches_no_other_mount(notebook: NotebookInstance) -> None:
    before, took = ids(notebook, "one", "two"), []
    for extra in ([a_mount("three", 3)], [a_mount("three", 3), a_mount("four", 4)], []):
        began = push(notebook, mounts_yaml(ONE, TWO, *extra, tags="on"))
        wanted = {"one", "two", *(str(mount["name"]) for mount in extra)}
        assert wait_until(partial(are_well, notebook, wanted), 100, 0.3), status(notebook)
        took.append(time.monotonic() - began)
    print(f"from the push to its mounts: {', '.join(f'{seconds:.0f}' for seconds in took)} s")
    assert ids(notebook, "one", "two") == before
    assert max(took) < 75  # the poll's 57 s at most, boto3 on an emulated processor, and the mount


def test_a_push_that_is_no_configuration_disturbs_nothing_and_is_said(notebook: NotebookInstance) -> None:
    before = ids(notebook, "one", "two")
    push(notebook, "version: 1\nmounts:\n  - nmae: one\n")
    assert wait_until(lambda: problem(notebook) == "config-invalid", 75)
    assert "s3://" in status(notebook)["problem"]["observed"]
    assert wait_until(lambda: "problem config-invalid" in tags(notebook)["fsmount:status"], 90), tags(notebook)
    push(notebook, mounts_yaml(ONE, TWO, tags="on"))
    assert wait_until(lambda: problem(notebook) == "", 75)
    assert ids(notebook, "one", "two") == before


def test_a_push_that_breaks_a_mount_is_returned_from_though_aws_is_cut_off_after_it(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    assert wait_until(lambda: settled(notebook), 150)
    good = status(notebook)["generation"]["digest"]
    two, elsewhere = ids(notebook, "two"), {**ONE, "source": "10.9.1.77:/d0"}  # an address at which nobody is
    pushed = push(notebook, mounts_yaml(elsewhere, TWO, tags="on"))
    assert wait_until(lambda: status(notebook)["generation"]["digest"] != good, 75, 0.3)
    applied = time.monotonic()
    notebook.aws.cut()
    assert wait_until(lambda: problem(notebook) == "config-returned", 150, 0.3), status(notebook)
    wait_word(notebook, "one", "ok", 30)
    back = time.monotonic()
    print(f"applied {applied - pushed:.0f} s after the push, back {back - applied:.0f} s after that")
    assert back - applied < 150
    assert status(notebook)["generation"]["digest"] == good
    assert ids(notebook, "two") == two
    assert machine.succeed(f"cat {SAGEMAKER}/one/hello", timeout=10)
    notebook.aws.restore()
    time.sleep(70)  # it is polled again, and not tried again
    assert (problem(notebook), status(notebook)["generation"]["digest"]) == ("config-returned", good)
    push(notebook, mounts_yaml(ONE, TWO, a_mount("three", 3), tags="on"))
    assert wait_until(lambda: problem(notebook) == "", 75)
    wait_word(notebook, "three", "ok", 20)


def test_boto3_never_enters_the_daemon_and_it_is_no_larger_than_one_without_aws(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    with_aws = gauge(notebook).resident_kib
    machine.succeed(f"cp {SAGEMAKER}/.fsmount/generation.json /run/aside")
    machine.succeed("mv /etc/fsmount/settings.json /run/settings.json; systemctl restart fsmount")
    machine.copy_to(mounts_yaml(ONE, TWO, a_mount("three", 3)).encode(), f"{SAGEMAKER}/.fsmount/mounts.yaml")
    machine.succeed("fsmount reload")
    time.sleep(60)
    without = gauge(notebook).resident_kib
    machine.succeed(f"rm {SAGEMAKER}/.fsmount/mounts.yaml; mv /run/settings.json /etc/fsmount/settings.json")
    machine.succeed("systemctl restart fsmount")
    print(f"resident: {with_aws} KiB with S3 and tags, {without} KiB with a file and none")
    assert with_aws < RESIDENT_KIB
    assert with_aws - without < 1024


def test_without_aws_from_the_start_the_mounts_come_up_from_the_volume_as_fast_as_with_it(notebook: NotebookInstance) -> None:
    assert wait_until(lambda: settled(notebook), 150)
    took = []
    for cut_off in (False, True):
        notebook.stop()
        notebook.start(cut_off=cut_off)
        assert {mount["name"]: mount["word"] for mount in status(notebook)["mounts"]} == {"one": "ok", "two": "ok", "three": "ok"}
        began = float(notebook.machine.succeed("systemctl show -P ExecMainStartTimestampMonotonic fsmount")) / 1e6
        up = float(notebook.machine.succeed("systemctl show -P ActiveEnterTimestampMonotonic fsmount")) / 1e6
        took.append(up - began)
    print(f"all mounts up {took[0]:.1f} s after the agent's start with AWS, {took[1]:.1f} s without")
    assert took[1] < took[0] * 1.25 + 1
    notebook.restore()
    assert mount_of(notebook, "one")["mounted_by"] == "fsmount"
