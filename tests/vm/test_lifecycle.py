"""The lifecycle scripts on a notebook that is created, stopped, started, attached to, and met by every mishap."""

from __future__ import annotations

import base64

import pytest

from .aws import Aws
from .conftest import NotebookFactory
from .image import SUITES, Image
from .notebook import content
from .product import BUCKET, SAGEMAKER, Bundle, a_mount, build_bundle, hooks, mounted, mounts_yaml, put_config, status, upload

THREE = mounts_yaml(*(a_mount(f"m{i}", i) for i in (1, 2, 3)))
START = "LifecycleConfigOnStart"


@pytest.fixture(scope="module")
def bundle(image: Image) -> Bundle:
    return build_bundle(SUITES[image.suite].python)


@pytest.fixture(scope="module")
def url(aws: Aws, bundle: Bundle) -> str:
    return upload(aws, bundle)


@pytest.fixture
def origin(aws: Aws, url: str) -> str:
    """A configuration in S3."""
    return aws.put_object(BUCKET, "mounts.yaml", THREE.encode())


def before_it(hook: str, lines: str) -> str:
    """The same hook with something that has happened to the machine before."""
    script = base64.b64decode(hook).decode()
    shebang, _, rest = script.partition("\n")
    return content(f"{shebang}\n{lines}\n{rest}")


def test_created_stopped_and_started_the_mounts_are_there_each_time(
    notebook: NotebookFactory, url: str, bundle: Bundle, origin: str
) -> None:
    instance = notebook("first-day", **hooks(url, bundle.digest, origin=origin, wait=60))
    created, started = instance.log("LifecycleConfigOnCreate"), instance.log(START)
    assert "bundle kept on the volume" in created
    assert "the kept bundle is the pinned one" in started
    assert "every mount is up" in started
    assert "ok (3 of 3 mounts ok)" in started
    assert len(mounted(instance)) == 3
    instance.machine.succeed(f"echo kept >{SAGEMAKER}/m1/from-first-day")
    stopped = instance.stop()
    assert stopped < 30
    instance.start()
    assert len(mounted(instance)) == 3
    assert instance.machine.succeed(f"cat {SAGEMAKER}/m1/from-first-day").strip() == "kept"
    assert instance.log("LifecycleConfigOnCreate") == created, "on-create ran once"


def test_with_the_way_to_aws_cut_off_the_mounts_come_up_from_what_the_volume_holds(
    notebook: NotebookFactory, url: str, bundle: Bundle, origin: str
) -> None:
    instance = notebook("island", **hooks(url, bundle.digest, origin=origin, wait=60))
    with_aws = instance.start_seconds
    instance.stop()
    instance.start(cut_off=True)
    said = instance.log(START).split("on-start:")[-1]
    assert len(mounted(instance)) == 3, said
    print(f"start with AWS {with_aws:.1f} s, without {instance.start_seconds:.1f} s")


def test_attached_to_an_instance_that_exists_it_bootstraps_from_on_start_alone(
    notebook: NotebookFactory, url: str, bundle: Bundle, origin: str
) -> None:
    instance = notebook("old-timer")
    instance.machine.succeed(f"echo mine >{SAGEMAKER}/notes", user="ec2-user")
    instance.stop()
    instance.attach(**hooks(url, bundle.digest, origin=origin, wait=60))
    instance.start()
    assert instance.log("LifecycleConfigOnCreate") == ""
    assert len(mounted(instance)) == 3
    assert instance.machine.succeed(f"cat {SAGEMAKER}/notes").strip() == "mine"


def test_without_sudo_the_data_scientist_sees_everything_and_changes_nothing(
    notebook: NotebookFactory, url: str, bundle: Bundle, origin: str
) -> None:
    instance = notebook("no-root", root_access=False, **hooks(url, bundle.digest, origin=origin, wait=60))
    machine = instance.machine
    machine.fail("sudo -n true", user="ec2-user")
    assert "ok (3 of 3 mounts ok)" in machine.succeed("fsmount status", user="ec2-user")
    assert "not-allowed" in machine.fail("fsmount reload", user="ec2-user")
    assert machine.succeed("fsmount explain server-timeout; fsmount --version", user="ec2-user")
    assert "not-allowed" in machine.fail("fsmount plan", user="ec2-user")  # what the origin gave is root's alone


def test_a_dead_server_delays_the_start_by_no_more_than_the_wait_that_was_granted(
    notebook: NotebookFactory, aws: Aws, url: str, bundle: Bundle
) -> None:
    aws.put_object(BUCKET, "dead.yaml", mounts_yaml(a_mount("m1", 1), a_mount("dead", 2)).encode())
    rendered = hooks(url, bundle.digest, origin=f"s3://{BUCKET}/dead.yaml", wait=10)
    instance = notebook("patient", **rendered)
    instance.stop()
    instance.start()
    all_up = instance.start_seconds
    instance.stop()
    instance.attach(on_start=before_it(rendered["on_start"], "/usr/lib/fsmount-vm/servers.sh black_hole 2"))
    instance.start()
    report = status(instance)
    assert {mount["name"]: mount["word"] for mount in report["mounts"]} == {"m1": "ok", "dead": "failed"}
    assert "server-timeout" in instance.log(START)
    print(f"a start with both servers up {all_up:.1f} s; with one dead, 10 s of wait granted: {instance.start_seconds:.1f} s")
    assert instance.start_seconds < all_up + 10 + 5


def test_a_configuration_that_goes_bad_in_s3_leaves_the_previous_one(
    notebook: NotebookFactory, aws: Aws, url: str, bundle: Bundle, origin: str
) -> None:
    instance = notebook("careful", **hooks(url, bundle.digest, origin=origin, wait=60))
    instance.stop()
    aws.put_object(BUCKET, "mounts.yaml", b"version: 1\nmounts:\n  - {nmae: x}\n")
    instance.start()
    instance.machine.wait_until_succeeds("(fsmount status --json || true) | grep config-invalid", timeout=90)
    assert "s3://fsmount-deploy/mounts.yaml:3:5: mounts[0]" in instance.machine.execute("fsmount status --json")[1]
    assert len(mounted(instance)) == 3


MISHAPS = {
    "no AWS CLI": (f"rm -rf /usr/bin/aws {SAGEMAKER}/.fsmount", "there is no AWS CLI"),
    "no Python": ("mv /usr/bin/python3 /usr/bin/python3.away", "there is no /usr/bin/python3"),
    "/opt is full": ("mkdir -p /opt/fsmount; mount -t tmpfs -o size=1m tiny /opt/fsmount", "could not be unpacked"),
    "a FIFO instead of our folder": (
        f"rm -rf {SAGEMAKER}/.fsmount; mkfifo {SAGEMAKER}/.fsmount",
        "was not a directory of root's alone",
    ),
}


def test_whatever_is_wrong_the_notebook_starts_and_the_log_says_it_clearly(
    notebook: NotebookFactory, aws: Aws, url: str, bundle: Bundle, origin: str
) -> None:
    good = hooks(url, bundle.digest, origin=origin, wait=20)
    cases = {name: (before_it(good["on_start"], lines), said) for name, (lines, said) in MISHAPS.items()}
    aws.put_object(BUCKET, "broken.tar.gz", b"not a bundle")
    broken = hooks(f"s3://{BUCKET}/broken.tar.gz", bundle.digest, origin=origin, wait=20)
    nothing_kept = f"rm -rf {SAGEMAKER}/.fsmount"
    cases["a wrong digest"] = (before_it(broken["on_start"], nothing_kept), "pinned is")
    missing = hooks(f"s3://{BUCKET}/no-such-key", bundle.digest, origin=origin, wait=20)
    cases["no such key"] = (before_it(missing["on_start"], nothing_kept), "did not come from")
    instance = notebook("unlucky")
    for name, (hook, said) in cases.items():
        instance.stop()
        instance.attach(on_start=hook)
        instance.start()
        log = instance.log(START).split("on-start:")[-1]
        assert said in log, (name, log)
        assert "Traceback" not in log, (name, log)


def test_a_full_volume_costs_only_what_would_have_been_kept(notebook: NotebookFactory, url: str, bundle: Bundle) -> None:
    rendered = hooks(url, bundle.digest, wait=20)
    fill = f"fallocate -l 100G {SAGEMAKER}/big || dd if=/dev/zero of={SAGEMAKER}/big bs=1M status=none || true"
    instance = notebook("stuffed", volume_mb=64, start=False, on_create=rendered["on_create"], on_start=rendered["on_start"])
    instance.attach(on_start=before_it(rendered["on_start"], fill))
    instance.start()
    log = instance.log(START)
    assert "could not be kept on the volume" in log or "cannot be used" in log
    assert "agent started" in log
    instance.machine.wait_for_unit("fsmount.service")


def test_a_new_version_replaces_the_old_one_and_the_mounts_stay_in_place(
    notebook: NotebookFactory, aws: Aws, url: str, bundle: Bundle, origin: str
) -> None:
    instance = notebook("upgrader", **hooks(url, bundle.digest, origin=origin, wait=60))
    before = instance.machine.succeed("grep SageMaker/m /proc/self/mountinfo | cut -d' ' -f1")
    put_config(instance, THREE.replace("version: 1", "# by hand\nversion: 1"))
    instance.machine.succeed("rm -rf /opt/fsmount/*; systemctl kill -s KILL fsmount || true")
    script = base64.b64decode(instance.lifecycle.on_start or "")
    instance.machine.copy_to(script, "/root/on-start", mode=0o755)
    instance.machine.succeed("env -i PATH=/usr/bin:/bin /root/on-start", timeout=120)
    instance.machine.succeed("fsmount status --wait 20", timeout=40)
    assert instance.machine.succeed("grep SageMaker/m /proc/self/mountinfo | cut -d' ' -f1") == before
