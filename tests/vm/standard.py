"""A notebook with fsmount delivered to it and three mounts up: what the tests of a module share."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .aws import Aws
from .conftest import Instances
from .image import SUITES, Image
from .notebook import NotebookInstance
from .product import SAGEMAKER, a_mount, build_bundle, hooks, mount_of, mounts_yaml, put_config, upload

PROGRAMS = Path(__file__).parent / "programs"
LIB = "/opt/fsmount/current/lib"
STANDARD = (a_mount("one", 1), a_mount("two", 2, access="ro"), a_mount("three", 3, options=["noatime"]))
PLACES = [f"{SAGEMAKER}/{name}" for name in ("one", "two", "three")]


def a_running_notebook(name: str, image: Image, aws: Aws, **settings: Any) -> Iterator[NotebookInstance]:
    """A notebook whose hooks have run, without a configuration yet, and with the programs of the tests."""
    bundle = build_bundle(SUITES[image.suite].python)
    instances = Instances(image, aws)
    notebook = instances(name, servers=8, **hooks(upload(aws, bundle), bundle.digest, wait=0), **settings)
    notebook.machine.succeed("systemctl start fsmount")  # the start waited for nothing: until the agent is ready
    for program in PROGRAMS.iterdir():
        notebook.machine.copy_to(program, f"/usr/local/share/{program.name}")
    yield notebook
    instances.close()


def with_the_standard_mounts(running: NotebookInstance) -> Iterator[NotebookInstance]:
    """Three mounts up, whatever the test before did."""
    running.restore()
    running.machine.succeed("systemctl start fsmount")
    put_config(running, mounts_yaml(*STANDARD))
    running.machine.succeed("fsmount retry")
    running.machine.wait_until_succeeds("fsmount status --wait 60", timeout=90)
    yield running
    running.restore()


def ids(notebook: NotebookInstance, *names: str) -> list[str]:
    """The kernel's mount ids: another id is another mount."""
    table = notebook.machine.read_file("/proc/self/mountinfo").decode().splitlines()
    rows = {line.split()[4]: line.split()[0] for line in table}
    return [rows.get(f"{SAGEMAKER}/{name}", "not mounted") for name in names]


def wait_word(notebook: NotebookInstance, name: str, word: str, seconds: float = 60) -> dict[str, object]:
    deadline = time.monotonic() + seconds
    while (mount := mount_of(notebook, name))["word"] != word:
        assert time.monotonic() < deadline, f"{name} is {mount['word']}, not {word}: {mount}"
        time.sleep(0.3)
    return mount


def wait_problem(notebook: NotebookInstance, name: str, code: str, seconds: float = 60) -> dict[str, object]:
    deadline = time.monotonic() + seconds
    while not (mount := mount_of(notebook, name))["problem"] or mount["problem"]["code"] != code:
        assert time.monotonic() < deadline, f"{name} has no {code}: {mount}"
        time.sleep(0.3)
    return mount
