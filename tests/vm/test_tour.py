"""A tour of the main job, on any user land: `IMAGE=bullseye` is Python 3.9 and systemd 247."""

from __future__ import annotations

import time

from .aws import Aws
from .conftest import NotebookFactory
from .image import SUITES, Image
from .product import BUCKET, SAGEMAKER, a_mount, build_bundle, hooks, mount_of, mounted, mounts_yaml, status, upload

CONFIG = mounts_yaml(*(a_mount(f"m{i}", i) for i in (1, 2, 3)))


def test_from_create_to_stop_and_start_with_every_fault_on_the_way(notebook: NotebookFactory, image: Image, aws: Aws) -> None:
    bundle = build_bundle(SUITES[image.suite].python)
    url = upload(aws, bundle)
    origin = aws.put_object(BUCKET, f"tour-{image.suite}.yaml", CONFIG.encode())
    instance = notebook("tour", **hooks(url, bundle.digest, origin=origin, wait=60))
    machine = instance.machine
    assert "every mount is up" in instance.log("LifecycleConfigOnStart")
    assert machine.succeed("/usr/bin/python3 --version").startswith(f"Python {SUITES[image.suite].python}.")
    assert "ok (3 of 3 mounts ok)" in machine.succeed("fsmount status", user="ec2-user")

    machine.succeed(f"umount {SAGEMAKER}/m1")
    machine.wait_until_succeeds(f"grep ' {SAGEMAKER}/m1 ' /proc/mounts", timeout=5)

    instance.servers[1].black_hole()
    wait_word(instance, "m2", "failed")
    assert mount_of(instance, "m1")["word"] == "ok"
    before = machine.succeed("grep SageMaker/m /proc/self/mountinfo | cut -d' ' -f1")
    machine.succeed("systemctl kill -s KILL fsmount")
    machine.wait_until_succeeds("fsmount status --wait 20 m1", timeout=40)
    assert machine.succeed("grep SageMaker/m /proc/self/mountinfo | cut -d' ' -f1") == before
    instance.restore()
    wait_word(instance, "m2", "ok", 240)
    assert "m2" in machine.succeed("journalctl -u fsmount --no-pager -n 100")

    instance.stop()
    instance.start()
    assert len(mounted(instance)) == 3
    assert status(instance)["word"] == "ok"


def wait_word(instance: object, name: str, word: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while (mount := mount_of(instance, name))["word"] != word:  # type: ignore[arg-type]
        assert time.monotonic() < deadline, f"{name} is {mount['word']}, not {word}: {mount}"
        time.sleep(0.3)
