"""Servers that are dead before the mount, die during it, come and go, or reboot: side by side, each under its own mount."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from .aws import Aws
from .frame import NEIGHBOUR_MOUNTS, Recording, Timeline, all_ok, gauge, undisturbed, wait_until, with_neighbours, words
from .image import Image
from .notebook import NotebookInstance
from .product import SAGEMAKER, a_mount, mounts_yaml, put_config
from .standard import a_running_notebook

EARLY = {"flapping": a_mount("flapping", 5), "rebooted": a_mount("rebooted", 6), "down": a_mount("down", 7)}
LATE = {"before": a_mount("before", 3), "during": a_mount("during", 4)}
FLAP = (
    "for _ in $(seq 20); do /usr/lib/fsmount-vm/servers.sh link_down 5; sleep 3; /usr/lib/fsmount-vm/servers.sh restore 5; "
    "sleep 3; done; touch /run/flapped"
)
WRITER = "python3 -IS /usr/local/share/checked_writer.py /run/stop-checked"


@dataclass(frozen=True)
class Story:
    timeline: Timeline
    made: float
    asked: float  # when the mounts whose servers are dead were asked for
    undone: float
    flapped: float
    before: dict[str, list[str]]
    after: dict[str, list[str]]
    between: dict[str, list[str]]


@pytest.fixture(scope="module")
def notebook(image: Image, aws: Aws) -> Iterator[NotebookInstance]:
    yield from a_running_notebook("faults-links", image, aws)


@pytest.fixture(scope="module")
def story(notebook: NotebookInstance) -> Story:
    machine, servers = notebook.machine, notebook.servers
    with_neighbours(notebook, *EARLY.values())
    ids = dict(zip(EARLY, gauge(notebook).ids(*EARLY)))
    checked = f"{SAGEMAKER}/rebooted/checked"
    # What is mounted in the end is what was mounted, and the two that came.
    with undisturbed(notebook, comes=tuple(LATE)):
        machine.succeed(f"rm -f /run/stop-checked /run/flapped; setsid {WRITER} {checked} </dev/null >/dev/null 2>&1 &")
        recording = Recording(notebook)
        made = recording.now()
        machine.succeed(f"setsid bash -c '{FLAP}' </dev/null >/dev/null 2>&1 &")
        servers[5].reboot()
        servers[6].link_down()
        servers[2].black_hole()
        servers[3].slow(500)  # so that its end comes in the middle of the mount
        put_config(notebook, mounts_yaml(*NEIGHBOUR_MOUNTS, *EARLY.values(), *LATE.values()))
        asked = recording.now()
        time.sleep(1.5)
        servers[3].black_hole()
        wait_until(lambda: words(notebook)["down"] != "ok" and words(notebook)["during"] == "failed", 60)
        between = dict(zip(LATE, gauge(notebook).ids(*LATE)))
        undone = recording.now()
        for number in (3, 4, 7):
            servers[number - 1].restore()
        machine.wait_until_succeeds("test -e /run/flapped", timeout=180)
        flapped = recording.now()
        wait_until(lambda: all_ok(notebook), 120)
        machine.succeed("touch /run/stop-checked")
        machine.wait_until_succeeds("! pgrep -f [c]hecked_writer", timeout=60)
        timeline = recording.end()
    after = dict(zip([*EARLY, *LATE], gauge(notebook).ids(*EARLY, *LATE)))
    return Story(timeline, made, asked, undone, flapped, ids, after, between)


def test_a_server_black_holed_before_the_mount_is_named_within_10_s_and_mounted_when_it_answers(story: Story) -> None:
    assert story.timeline.first("before", story.asked, lambda seen: seen[0] == "failed" and seen[2] == "server-timeout") < 10
    assert story.between["before"] == []
    # After half a minute of failures the next attempt may be half a minute away.
    assert story.timeline.first("before", story.undone, lambda seen: seen[0] == "ok") < 60
    assert len(story.after["before"]) == 1


def test_a_server_black_holed_during_the_mount_is_named_within_30_s_and_mounted_when_it_answers(story: Story) -> None:
    named = ("mount-timeout", "server-timeout", "server-lost")
    assert story.timeline.first("during", story.asked, lambda seen: seen[0] == "failed" and seen[2] in named) < 30
    assert story.between["during"] == []
    assert story.timeline.first("during", story.undone, lambda seen: seen[0] == "ok") < 60
    assert len(story.after["during"]) == 1


def test_a_link_that_goes_down_after_the_mount_is_said_to_hang_within_35_s_and_is_well_when_it_is_up(story: Story) -> None:
    assert story.timeline.first("down", story.made, lambda seen: seen[:2] == ("failed", "hung")) < 35
    assert story.timeline.first("down", story.undone, lambda seen: seen[0] == "ok") < 35
    assert story.after["down"] == story.before["down"]


def test_a_link_that_flaps_every_3_s_for_2_minutes_costs_no_mount_and_is_well_within_35_s(story: Story) -> None:
    assert story.flapped - story.made > 115
    assert story.after["flapping"] == story.before["flapping"]
    assert story.timeline.first("flapping", story.flapped, lambda seen: seen[0] == "ok") < 35


def test_a_server_that_reboots_with_its_state_keeps_its_mount_and_an_open_file_loses_no_line(
    story: Story, notebook: NotebookInstance
) -> None:
    assert story.after["rebooted"] == story.before["rebooted"]
    assert story.timeline.words("rebooted", story.made + 45) == {"ok"}
    checked = f"python3 -IS /usr/local/share/checked_writer.py --check {SAGEMAKER}/rebooted/checked"
    assert int(notebook.machine.succeed(checked)) > 100
