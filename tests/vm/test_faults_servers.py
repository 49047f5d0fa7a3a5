"""Servers that fail in eight ways at once, each under a mount of its own: what is said of each, how soon, and what is repaired.

Where each row of the list of faults is tried; `links` stands for test_faults_links.py here, and so on:

| row | test (its name, shortened) |
|---|---|
| server black-holed before, during the mount | links: ..._black_holed_before_the_mount_..., ..._during_the_mount_... |
| server black-holed after the mount | servers: ..._black_holed_after_the_mount_...; test_outage.py: how soon programs go on |
| connection refused | servers: ..._refuses_connections_after_the_mount_...; test_main_job.py: before it |
| server reboots, with its state | links: ..._reboots_with_its_state_... |
| server reboots, without its state | servers: ..._reboots_without_its_state_... |
| export removed, permission withdrawn | servers: an_export_that_is_removed_..., permission_that_is_withdrawn_... |
| ESTALE | servers: a_directory_that_was_replaced_on_the_server_... (idle; in use) |
| FUSE server that never answers, or dies | tests/system/test_faults.py: a_fuse_server_that_...; test_jobs.py: single Jobs |
| slow server (2 s per call) | servers: ..._takes_2_s_a_call_... |
| flapping link, link down | links: a_link_that_flaps_..., a_link_that_goes_down_... |
| 20 mounts with 19 dead | many: with_19_of_20_mounts_dead_... |
| agent killed at 50 random moments | agent: killed_at_50_random_moments_... |
| agent stopped past the watchdog | agent: stopped_by_sigstop_past_the_watchdog_... |
| two agents at once | agent: a_second_agent_refuses_... |
| clock set back and forward by an hour | agent: a_clock_set_back_and_forward_... |
| `/run` full | agent: a_full_run_...; tests/system/test_agent_process.py: a_full_run_directory_... |
| EBS volume full or read-only | agent: a_volume_that_cannot_be_written_to_... |
| fork fails (pids limit) | agent: where_no_process_can_be_started_... |
| memory limit | agent: a_configuration_for_which_the_memory_..., with_less_memory_than_the_agent_needs_... |
| user sits in a mount that leaves | people: a_shell_in_a_mount_that_leaves_... |
| user mounts something else there, or over it, or binds | people: something_else_mounted_..., something_over_it_... |
| mount point deleted, replaced by a file, by a link | people: a_mount_point_that_is[...], a_mount_point_deleted_... |
| configuration replaced 100 times in 10 s | people: a_configuration_replaced_100_times_... |
| 1,000 mounts in the configuration | many: with_1000_mounts_...; tests/system/test_faults.py: 1000_mounts_... |
| garbage, empty file, 1 GB file, alias bomb | people: it_is_refused_within_5_s_...[...] |
| status file or ledger truncated or newer | people: its_own_file_that_is_damaged_...[...] |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from .aws import Aws
from .frame import Recording, Timeline, all_ok, gauge, undisturbed, wait_until, with_neighbours, words
from .image import Image
from .notebook import NotebookInstance
from .product import SAGEMAKER, a_mount
from .standard import a_running_notebook

MOUNTS = {
    "silent": a_mount("silent", 3),
    "slow": a_mount("slow", 4),
    "removed": a_mount("removed", 5),
    "excluded": a_mount("excluded", 6),
    "refused": a_mount("refused", 7),
    "forgotten": a_mount("forgotten", 8),
    "stale": a_mount("stale", 2, "fresh1"),
    "held": a_mount("held", 2, "fresh2"),
}
HOLDER = f"cd {SAGEMAKER}/held; setsid sleep 900 </dev/null >/dev/null 2>&1 & echo $! >/run/holder"


@dataclass(frozen=True)
class Story:
    timeline: Timeline
    made: float
    undone: float
    before: dict[str, list[str]]  # mount ids by name
    after: dict[str, list[str]]


@pytest.fixture(scope="module")
def notebook(image: Image, aws: Aws) -> Iterator[NotebookInstance]:
    yield from a_running_notebook("faults-servers", image, aws)


@pytest.fixture(scope="module")
def story(notebook: NotebookInstance) -> Story:
    """All faults at once; undone when each was noticed, or after 75 s; then 120 s to become well."""
    machine, servers = notebook.machine, notebook.servers
    # The generation of an inode that mke2fs made is 0, which the server takes for any: these have one of their own.
    machine.succeed(f"cd {servers[1].folder} && cp -a d1 fresh1 && cp -a d2 fresh2")
    with_neighbours(notebook, *MOUNTS.values())
    machine.succeed(HOLDER)
    ids = dict(zip(MOUNTS, gauge(notebook).ids(*MOUNTS)))
    with undisturbed(notebook):
        recording = Recording(notebook)
        made = recording.now()
        servers[2].black_hole()
        servers[3].slow(2000)
        servers[4].deny()
        servers[5].exclude()
        servers[6].refuse()
        servers[7].forget()
        servers[1].replace("fresh1")
        servers[1].replace("fresh2")
        noticed = {"silent", "slow", "removed", "excluded", "refused"}
        wait_until(lambda: all(words(notebook)[name] != "ok" for name in noticed), 75)
        undone = recording.now()
        for number in (3, 4, 5, 6, 7):
            servers[number - 1].restore()
        wait_until(lambda: all_ok(notebook), 120)
        machine.succeed("kill $(cat /run/holder)")
        timeline = recording.end()
    return Story(timeline, made, undone, ids, dict(zip(MOUNTS, gauge(notebook).ids(*MOUNTS))))


def test_a_server_black_holed_after_the_mount_is_said_to_hang_within_35_s_and_is_well_when_it_answers(story: Story) -> None:
    assert story.timeline.first("silent", story.made, lambda seen: seen[:3] == ("failed", "hung", "not-answering")) < 35
    assert story.timeline.first("silent", story.undone, lambda seen: seen[0] == "ok") < 35
    assert story.after["silent"] == story.before["silent"]


def test_a_server_that_takes_2_s_a_call_is_said_to_be_slow_and_nothing_worse(story: Story) -> None:
    # Two looks that speak of it are asked for, the second 15 s after the first.
    assert story.timeline.first("slow", story.made, lambda seen: seen[:3] == ("degraded", "slow", "slow")) < 60
    assert story.timeline.words("slow", story.made) == {"ok", "degraded"}
    assert story.timeline.first("slow", story.undone, lambda seen: seen[0] == "ok") < 60
    assert story.after["slow"] == story.before["slow"]


def test_an_export_that_is_removed_is_said_within_35_s_and_is_back_when_it_is_given_back(story: Story) -> None:
    noticed = story.timeline.first("removed", story.made, lambda seen: seen[0] == "failed")
    back = story.timeline.first("removed", story.undone, lambda seen: seen[0] == "ok")
    print(f"removed: noticed after {noticed:.1f} s, back {back:.1f} s after it was given back")
    assert noticed < 35
    assert back < 90


def test_permission_that_is_withdrawn_is_said_within_35_s_and_is_over_when_it_is_granted(story: Story) -> None:
    assert story.timeline.first("excluded", story.made, lambda seen: seen[:2] == ("failed", "denied")) < 35
    assert story.timeline.first("excluded", story.undone, lambda seen: seen[0] == "ok") < 35
    assert story.after["excluded"] == story.before["excluded"]


def test_a_server_that_refuses_connections_after_the_mount_is_said_to_hang_and_is_well_when_it_takes_them(story: Story) -> None:
    assert story.timeline.first("refused", story.made, lambda seen: seen[:2] == ("failed", "hung")) < 35
    assert story.timeline.first("refused", story.undone, lambda seen: seen[0] == "ok") < 35
    assert story.after["refused"] == story.before["refused"]


def test_a_server_that_reboots_without_its_state_keeps_its_mount_and_is_well_within_45_s(
    story: Story, notebook: NotebookInstance
) -> None:
    last = max(at for at, _ in story.timeline.rows)
    assert story.timeline.rows[-1][1]["forgotten"][0] == "ok", last
    assert story.timeline.first("forgotten", story.made + 45, lambda seen: True) < 5
    assert story.timeline.words("forgotten", story.made + 45) == {"ok"}
    assert story.after["forgotten"] == story.before["forgotten"]
    notebook.machine.succeed(f"cd {SAGEMAKER}/forgotten && echo again >new && cat new hello && rm new", timeout=20)


@pytest.mark.parametrize("name", ["stale", "held"], ids=["which is idle", "in which somebody sits"])
def test_a_directory_that_was_replaced_on_the_server_is_stale_and_mounted_anew_within_60_s(
    story: Story, notebook: NotebookInstance, name: str
) -> None:
    noticed = story.timeline.first(name, story.made, lambda seen: seen[0] != "ok")
    back = story.timeline.first(name, story.made + noticed, lambda seen: seen[0] == "ok")
    print(f"{name}: noticed after {noticed:.1f} s, mounted anew {back:.1f} s later")
    assert noticed < 35
    assert back < 25
    assert len(story.after[name]) == 1
    fresh = f"{notebook.servers[1].folder}/{MOUNTS[name]['source'].rpartition('/')[2]}"
    seen, there = notebook.machine.succeed(f"stat -c %i {SAGEMAKER}/{name} {fresh}", timeout=20).split()
    assert seen == there, "it is the new directory"
