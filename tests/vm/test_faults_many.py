"""Twenty mounts of which nineteen are dead, and a thousand in the configuration: the living ones are looked after."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import pytest

from .aws import Aws
from .frame import (
    NEIGHBOUR_MOUNTS,
    Recording,
    all_ok,
    at_rest,
    gauge,
    in_force,
    undisturbed,
    wait_until,
    with_neighbours,
    words,
)
from .image import Image
from .notebook import NotebookInstance
from .product import a_mount, mounts_yaml, put_config, status
from .standard import a_running_notebook

WINDOW_S = 100
RESIDENT_KIB = 25 * 1024


@pytest.fixture(scope="module")
def notebook(image: Image, aws: Aws) -> Iterator[NotebookInstance]:
    yield from a_running_notebook("faults-many", image, aws)


def test_with_19_of_20_mounts_dead_the_20th_is_looked_at_every_35_s_and_the_agent_idles(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    dead = [a_mount(f"dead{i}", i % 7 + 2, f"d{i // 7}") for i in range(19)]
    in_force(notebook, NEIGHBOUR_MOUNTS[0], *dead)
    with undisturbed(notebook, neighbours=("near",)):
        for server in notebook.servers[1:]:
            server.black_hole()
        assert wait_until(lambda: sum(word == "failed" for word in words(notebook).values()) == 19, 75)
        recording = Recording(notebook)
        before = gauge(notebook)
        # The bound is on what happens in this window, so it has to pass.
        deadline = time.monotonic() + WINDOW_S
        resident, bare = [], []  # a bare Python's start, in between: what else this computer does changes from minute to minute
        while time.monotonic() < deadline:
            resident.append(gauge(notebook).resident_kib)
            assert sum(word == "failed" for word in words(notebook).values()) == 19
            bare.append(float(machine.succeed("python3 -IS /usr/local/share/timed.py python3 -IS -c pass")))
            time.sleep(10)
        after = gauge(notebook)
        ages = recording.end().ages("near", before.uptime)
        notebook.restore()
        undone = time.monotonic()
        assert wait_until(lambda: all_ok(notebook), 120), words(notebook)
        back = time.monotonic() - undone
    window = after.uptime - before.uptime
    cpu, start = after.cpu_s - before.cpu_s, statistics.median(bare)
    per_minute = cpu / start / window * 60
    print(
        f"19 of 20 dead, {window:.0f} s: oldest look at the living {max(ages):.1f} s; longest stall {after.stall_ms} ms (before "
        f"{before.stall_ms}); the agent's CPU {cpu:.2f} s, {cpu / window:.2%} (a bare Python start here takes {start:.2f} s, "
        f"so {per_minute:.1f} of those a minute); resident {max(resident)} KiB; all well {back:.1f} s after the servers"
    )
    assert max(ages) < 35
    assert max(resident) <= RESIDENT_KIB
    # A bare start takes 15 ms on a real processor, and 0.5 % of a minute are 300 ms: 20 of them. Measured here: 19.5, of a
    # start that is itself measured only in emulation; so this bound catches what costs half as much again.
    assert per_minute < 30
    assert back < 60


def test_with_1000_mounts_in_the_configuration_the_good_ones_are_up_and_kept_and_each_bad_one_is_named(
    notebook: NotebookInstance,
) -> None:
    machine = notebook.machine
    with_neighbours(notebook)
    notebook.servers[7].refuse()
    many = [a_mount(f"m{i}", 8, f"d{i % 8}") for i in range(998)]
    # To plan for a thousand, write them in the ledger and report them is one turn: measured 1,112 ms on a processor that is
    # 8 times as slow as a real one, so 139 ms. Twice what is asked of the loop otherwise, and no more.
    with undisturbed(notebook, stall_ms=200):
        put_config(notebook, mounts_yaml(*NEIGHBOUR_MOUNTS, *many))
        asked = time.monotonic()
        refused = "server-refused"
        assert wait_until(lambda: _named(notebook, refused) == 998, 300, pause=3), _named(notebook, refused)
        print(f"998 mounts that are refused are named {time.monotonic() - asked:.0f} s after they were asked for")
        assert machine.succeed("fsmount status near beside", user="ec2-user", timeout=20)
        # By SIGHUP, which waits for no answer: the thousand are tried again just now, and an emulated processor has little
        # left for the helper that reads the configuration. A real one answers (tests/system/test_faults.py).
        put_config(notebook, mounts_yaml(*NEIGHBOUR_MOUNTS), reload=False)
        machine.succeed("systemctl kill --kill-who=main -s HUP fsmount")
        assert wait_until(lambda: len(status(notebook)["mounts"]) == 2, 180, pause=2)
        notebook.restore()
    at_rest(notebook)


def _named(notebook: NotebookInstance, code: str) -> int:
    return sum(bool(mount["problem"] and mount["problem"]["code"] == code) for mount in status(notebook)["mounts"])
