"""Servers that die and return: how long programs are stuck with the agent, and with the kernel alone, in the same run."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from .aws import Aws
from .image import Image
from .notebook import NotebookInstance
from .product import SAGEMAKER, a_mount, mounts_yaml, put_config
from .standard import a_running_notebook, wait_word

KERNEL = "vers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,retrans=2,noresvport,retry=0"
OUTAGES_S = tuple(int(seconds) for seconds in os.environ.get("OUTAGES", "10 20 45 90").split())  # at most 4


@pytest.fixture(scope="module")
def notebook(image: Image, aws: Aws) -> Iterator[NotebookInstance]:
    yield from a_running_notebook("outage", image, aws)


def the_time(notebook: NotebookInstance) -> float:
    return float(notebook.machine.succeed("date +%s.%N"))


def back_after(notebook: NotebookInstance, number: int, restored: float) -> float | None:
    times = [float(line) for line in notebook.machine.read_file(f"/run/read.{number}").decode().split()]
    after = [moment for moment in times if moment > restored]
    return after[0] - restored if after else None


def outages(notebook: NotebookInstance, seconds: tuple[int, ...]) -> tuple[list[float], list[float]]:
    """All at once: servers 1 to 4 under the agent's care, 5 to 8 mounted by mount(8) and left to the kernel.

    How long after its server each reader was back: with the agent, and with the kernel alone.
    """
    machine, count = notebook.machine, len(seconds)
    put_config(notebook, mounts_yaml(*(a_mount(f"m{i}", i + 1) for i in range(count))))
    machine.wait_until_succeeds("fsmount status --wait 30", timeout=60)
    for i in range(count):
        machine.succeed(f"mkdir -p /mnt/alone{i} && mount -t nfs4 -o {KERNEL} fs{i + 5}.test:/d0 /mnt/alone{i}")
    ours, alone = [f"{SAGEMAKER}/m{i}" for i in range(count)], [f"/mnt/alone{i}" for i in range(count)]
    machine.succeed("rm -f /run/stop /run/stop-writers")
    background = "</dev/null >/dev/null 2>&1 &"
    machine.succeed(
        f"setsid python3 /usr/local/share/reader.py /run/stop {' '.join(f'{p}/hello' for p in ours + alone)} {background}"
    )
    written = [f"{place}/checked" for place in ours]
    machine.succeed(f"setsid python3 /usr/local/share/checked_writer.py /run/stop-writers {' '.join(written)} {background}")
    time.sleep(10)  # so that what died just now was seen alive
    for server in notebook.servers:
        server.black_hole()
    began, restored = time.monotonic(), []
    for i, outage in enumerate(seconds):
        time.sleep(max(0.0, began + outage - time.monotonic()))
        notebook.servers[i].restore()
        notebook.servers[i + 4].restore()
        restored.append(the_time(notebook))
    found: dict[int, float] = {}
    deadline = time.monotonic() + 150
    while len(found) < 2 * count and time.monotonic() < deadline:
        for number in {*range(2 * count)} - found.keys():
            took = back_after(notebook, number, restored[number % count])
            if took is not None:
                found[number] = took
        time.sleep(1)
    machine.succeed("touch /run/stop /run/stop-writers")
    machine.wait_until_succeeds("! pgrep -f 'share/[rc][eh]'", timeout=60)
    for path in written:
        lines = machine.succeed(f"python3 /usr/local/share/checked_writer.py --check {path}")
        assert int(lines) > 50
    for place in alone:
        machine.succeed(f"umount {place}")
    never = 150.0
    return [found.get(i, never) for i in range(count)], [found.get(i + count, never) for i in range(count)]


def test_a_stuck_reader_is_back_within_five_seconds_of_its_server_and_no_write_is_lost(notebook: NotebookInstance) -> None:
    with_agent, alone = outages(notebook, OUTAGES_S)
    for outage, agent, kernel in zip(OUTAGES_S, with_agent, alone):
        print(f"outage of {outage} s: back after {agent:.1f} s with the agent, {kernel:.1f} s with the kernel alone")
    for i in range(len(OUTAGES_S)):
        wait_word(notebook, f"m{i}", "ok", 40)
    assert max(with_agent) < 5
