"""The history on a running notebook: an outage, a stop and a start, and who may read what became of it."""

from __future__ import annotations

import json
import re
import time

from .aws import Aws
from .conftest import NotebookFactory
from .image import SUITES, Image
from .notebook import NotebookInstance
from .product import BUCKET, SAGEMAKER, a_mount, build_bundle, hooks, mounts_yaml, upload

CONFIG = mounts_yaml(*(a_mount(f"m{i}", i) for i in (1, 2)))


def events(instance: NotebookInstance, *argv: str) -> list[dict[str, object]]:
    document = json.loads(instance.machine.succeed(f"fsmount history --json {' '.join(argv)}", user="ec2-user"))
    assert document["version"] == 1
    assert document["skipped"] == 0
    found = document["events"]
    assert isinstance(found, list)
    return found


def wait_said(instance: NotebookInstance, name: str, said: str, seconds: float) -> dict[str, object]:
    deadline = time.monotonic() + seconds
    while True:
        found = [event for event in events(instance, name) if event["said"] == said]
        if found:
            return found[-1]
        assert time.monotonic() < deadline, events(instance)
        time.sleep(1)


def test_an_outage_and_a_restart_are_remembered_and_the_user_can_read_them(
    notebook: NotebookFactory, image: Image, aws: Aws
) -> None:
    bundle = build_bundle(SUITES[image.suite].python)
    url = upload(aws, bundle)
    origin = aws.put_object(BUCKET, f"history-{image.suite}.yaml", CONFIG.encode())
    instance = notebook("history", **hooks(url, bundle.digest, origin=origin, wait=60))
    machine = instance.machine
    wait_said(instance, "m1", "mounted", 20)

    began = time.monotonic()
    instance.servers[1].black_hole()
    died = wait_said(instance, "m2", "healthy -> hung", 90)
    assert died["code"] == "not-answering"
    instance.restore()
    back = wait_said(instance, "m2", "hung -> healthy", 240)
    lasted = back["lasted_s"]
    assert isinstance(lasted, float)
    assert 0 < lasted < time.monotonic() - began
    assert not [event for event in events(instance, "m1") if event["said"] != "mounted"]

    machine.succeed(f"umount {SAGEMAKER}/m1")
    instance.stop()  # in the same second
    instance.start()
    shown = machine.succeed("fsmount history", user="ec2-user")
    print(shown)
    assert max(map(len, shown.splitlines())) <= 80
    assert "m2" in shown
    assert re.search("hung for .* -> healthy", shown)
    wait_said(instance, "m2", "mounted", 20)
    agents = [event["said"] for event in events(instance) if event["what"] == "agent"]
    assert agents == ["started", "stopped", "started"]
    assert [event for event in events(instance, "m1") if event["said"] == "unmounted by somebody"]
    folder = f"{SAGEMAKER}/.fsmount/history"
    assert machine.succeed(f"stat -c '%U %a' {folder} {folder}/events.0").splitlines() == ["root 755", "root 644"]
    machine.fail(f"touch {folder}/x {folder}/events.0", user="ec2-user")

    machine.succeed("systemctl kill -s KILL fsmount")
    machine.wait_until_succeeds("fsmount history | grep 'a crash or a kill'", timeout=30)
