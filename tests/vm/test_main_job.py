"""The main job on a running notebook: real kernel, real systemd, real NFS servers."""

from __future__ import annotations

import io
import json
import statistics
import tarfile
import time
from collections.abc import Iterator

import pytest

from tests.unit.malformed import CORPUS

from .aws import Aws
from .image import Image
from .notebook import NotebookInstance
from .product import CONFIG, SAGEMAKER, a_mount, mount_of, mounted, mounts_yaml, put_config, status
from .standard import LIB, PLACES, STANDARD, a_running_notebook, ids, wait_problem, wait_word, with_the_standard_mounts


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, image: Image, aws: Aws) -> Iterator[NotebookInstance]:
    name = request.module.__name__.rpartition(".test_")[2].replace("_", "-")  # main-job, and that of whoever shares this
    yield from a_running_notebook(name, image, aws)


@pytest.fixture
def notebook(running: NotebookInstance) -> Iterator[NotebookInstance]:
    yield from with_the_standard_mounts(running)


def test_the_mounts_are_there_with_the_options_of_efs(notebook: NotebookInstance) -> None:
    assert mounted(notebook) == {PLACES[0]: "fs1.test:/d0", PLACES[1]: "fs2.test:/d0", PLACES[2]: "fs3.test:/d0"}
    lines = notebook.machine.read_file("/proc/self/mounts").decode().splitlines()
    options = {line.split()[1]: set(line.split()[3].split(",")) for line in lines}
    efs = {"vers=4.1", "hard", "timeo=600", "retrans=2", "noresvport", "nosuid", "nodev", "proto=tcp"}
    for place in PLACES:
        assert efs <= options[place], options[place]
    assert "ro" in options[PLACES[1]]
    assert "noatime" in options[PLACES[2]]


def test_the_data_scientist_reads_and_writes_and_sees_the_status_without_sudo(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    assert machine.succeed(f"cat {PLACES[0]}/hello", user="ec2-user")
    machine.fail(f"touch {PLACES[1]}/x", user="ec2-user")
    shown = machine.succeed("fsmount status", user="ec2-user")
    assert "ok (3 of 3 mounts ok)" in shown
    assert max(map(len, shown.splitlines())) <= 80
    size, used, available = machine.succeed(f"df -B1 --output=size,used,avail {PLACES[0]} | tail -n 1").split()
    usage = mount_of(notebook, "one")["usage"]
    assert usage["size"] == int(size)
    assert abs(usage["available"] - int(available)) < 2**24
    assert abs(usage["used"] - int(used)) < 2**24


def test_the_mount_point_belongs_to_its_owner_and_the_remote_root_is_left_as_it_was(notebook: NotebookInstance) -> None:
    remote = notebook.machine.succeed(f"stat -c '%u:%g %a' {notebook.servers[0].folder}/d0").strip()
    assert notebook.machine.succeed(f"stat -c '%u:%g %a' {PLACES[0]}").strip() == remote
    put_config(notebook, mounts_yaml())
    notebook.machine.wait_until_succeeds(f"! grep -q ' {PLACES[0]} ' /proc/mounts")
    notebook.machine.wait_until_succeeds(f"[ \"$(stat -c '%U %a' {PLACES[0]})\" = 'ec2-user 755' ]", timeout=20)


def test_an_unmount_by_hand_is_repaired_within_a_second_and_one_mount(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    took = [float(line) for line in machine.succeed(f"python3 /usr/local/share/watch_unmount.py {PLACES[0]} 5").split()]
    machine.succeed("mkdir -p /mnt/by-hand")
    by_hand = []
    for _ in range(3):
        began = time.monotonic()
        machine.succeed("mount -t nfs4 -o vers=4.1,noresvport fs1.test:/d0 /mnt/by-hand")
        by_hand.append(time.monotonic() - began)
        machine.succeed("umount /mnt/by-hand")
    print(f"repaired after {took} s; one mount(8) {by_hand} s")
    assert statistics.median(took) < 1 + statistics.median(by_hand)


def test_the_difference_is_carried_out_and_nothing_else_is_touched(notebook: NotebookInstance) -> None:
    before = ids(notebook, "one", "two", "three")
    put_config(notebook, mounts_yaml(STANDARD[0], a_mount("two", 2), a_mount("four", 4)))
    notebook.machine.wait_until_succeeds(f"grep ' {SAGEMAKER}/four ' /proc/mounts && ! grep ' {PLACES[2]} ' /proc/mounts")
    notebook.machine.wait_until_succeeds(f"grep ' {PLACES[1]} ' /proc/mounts | grep 'rw,'")
    after = ids(notebook, "one", "two", "three")
    assert after[0] == before[0]
    assert after[2] == "not mounted"


def test_a_mount_in_use_that_leaves_is_kept_until_it_is_idle(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    machine.succeed(f"cd {PLACES[0]}; setsid sleep 300 </dev/null >/dev/null 2>&1 & echo $! >/run/holder")
    put_config(notebook, mounts_yaml(*STANDARD[1:]))
    mount = wait_problem(notebook, "one", "busy")
    assert mount["leaving"]
    assert PLACES[0] in mounted(notebook)
    machine.succeed("kill $(cat /run/holder)")
    machine.wait_until_succeeds(f"! grep -q ' {PLACES[0]} ' /proc/mounts", timeout=60)


def test_killed_restarted_and_stopped_it_loses_no_mount_and_a_writer_misses_no_line(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    put_config(notebook, mounts_yaml(*(a_mount(f"w{i}", i + 1) for i in range(4))))
    machine.wait_until_succeeds("fsmount status --wait 30", timeout=60)
    names = [f"w{i}" for i in range(4)]
    before = ids(notebook, *names)
    files = [f"{SAGEMAKER}/{name}/lines" for name in names]
    machine.succeed(f"rm -f /run/stop-writer {' '.join(files)}")
    machine.succeed(
        f"setsid python3 /usr/local/share/writer.py /run/stop-writer {' '.join(files)} </dev/null >/run/writer.log 2>&1 & echo ok"
    )
    for _ in range(3):
        machine.succeed("systemctl kill -s KILL fsmount")
        machine.wait_until_succeeds("fsmount status --wait 20", timeout=40)
    machine.succeed("systemctl restart fsmount")
    machine.wait_until_succeeds("fsmount status --wait 20", timeout=40)
    machine.succeed("systemctl stop fsmount")
    time.sleep(2)
    machine.succeed("systemctl start fsmount")
    machine.wait_until_succeeds("fsmount status --wait 20", timeout=40)
    assert ids(notebook, *names) == before
    machine.succeed("touch /run/stop-writer")
    machine.wait_until_succeeds("! pgrep -f [w]riter.py")
    assert machine.succeed("cat /run/writer.log") == ""
    for file in files:
        lines = [line.split() for line in machine.read_file(file).decode().splitlines()]
        assert [int(number) for number, _ in lines] == list(range(len(lines)))
        assert len(lines) > 50
        times = [float(moment) for _, moment in lines]
        assert max(b - a for a, b in zip(times, times[1:])) < 2


def test_one_dead_server_is_named_and_the_others_do_not_notice(notebook: NotebookInstance) -> None:
    before = ids(notebook, "two", "three")
    notebook.servers[0].black_hole()
    mount = wait_word(notebook, "one", "failed", 60)
    assert mount["health"] == "hung"
    assert status(notebook)["word"] == "failed"
    for name in ("two", "three"):
        assert mount_of(notebook, name)["word"] == "ok"
        notebook.machine.succeed(f"cat {SAGEMAKER}/{name}/hello", timeout=10)
    assert ids(notebook, "two", "three") == before
    assert ids(notebook, "one") != ["not mounted"], "a hung mount is left alone"
    notebook.servers[0].restore()
    wait_word(notebook, "one", "ok", 180)


def test_a_server_that_was_dead_before_is_named_after_three_seconds_and_mounted_when_it_comes(notebook: NotebookInstance) -> None:
    notebook.servers[4].black_hole()
    put_config(notebook, mounts_yaml(*STANDARD, a_mount("five", 5)))
    began = time.monotonic()
    mount = wait_problem(notebook, "five", "server-timeout", 20)
    assert time.monotonic() - began < 8
    assert "10.9.5.2" in str(mount["problem"])
    assert notebook.machine.execute("fsmount status five", user="ec2-user")[0] == 1
    notebook.servers[4].restore()
    wait_word(notebook, "five", "ok", 60)


def test_a_server_that_refuses_is_told_from_one_that_is_silent(notebook: NotebookInstance) -> None:
    notebook.servers[4].refuse()
    put_config(notebook, mounts_yaml(*STANDARD, a_mount("five", 5)))
    assert wait_problem(notebook, "five", "server-refused", 20)["phase"] == "waiting"
    notebook.servers[4].restore()
    wait_word(notebook, "five", "ok", 60)
    assert f"{SAGEMAKER}/five" in mounted(notebook)


def test_a_link_that_is_down_is_told_as_unreachable_or_silent(notebook: NotebookInstance) -> None:
    notebook.servers[4].link_down()
    put_config(notebook, mounts_yaml(*STANDARD, a_mount("five", 5)))
    mount = wait_word(notebook, "five", "failed", 20)
    # Which of them depends on where the route goes when its link is gone.
    assert mount["problem"]["code"] in ("server-unreachable", "server-timeout", "server-refused")  # type: ignore[index]
    notebook.servers[4].restore()
    wait_word(notebook, "five", "ok", 60)


def test_a_directory_that_is_not_there_blocks_until_retry(notebook: NotebookInstance) -> None:
    machine, folder = notebook.machine, notebook.servers[0].folder
    machine.succeed(f"rm -rf {folder}/later")
    put_config(notebook, mounts_yaml(*STANDARD, a_mount("later", 1, "later")))
    mount = wait_problem(notebook, "later", "path-not-found", 20)
    assert mount["phase"] == "blocked"
    assert "sudo fsmount retry" in machine.execute("fsmount status later", user="ec2-user")[1]
    machine.succeed(f"mkdir {folder}/later && fsmount retry later")
    wait_word(notebook, "later", "ok", 20)


def test_a_server_that_denies_blocks_with_what_to_do(notebook: NotebookInstance) -> None:
    notebook.servers[5].deny()
    put_config(notebook, mounts_yaml(*STANDARD, a_mount("six", 6)))
    mount = wait_word(notebook, "six", "failed", 30)
    assert mount["problem"]["code"] in ("access-denied", "path-not-found")  # type: ignore[index]
    notebook.servers[5].restore()
    notebook.machine.succeed("fsmount retry six")
    wait_word(notebook, "six", "ok", 60)


def test_a_name_that_does_not_exist_is_named(notebook: NotebookInstance) -> None:
    typo = {**a_mount("typo", 1), "source": "fs99.test:/d0"}
    put_config(notebook, mounts_yaml(*STANDARD, typo))
    mount = wait_word(notebook, "typo", "failed", 30)
    assert mount["problem"]["code"] in ("name-not-resolved", "name-server-down")  # type: ignore[index]


def test_an_option_that_the_kernel_refuses_is_shown_in_the_kernel_s_words(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    krb5 = a_mount("krb", 1, "d3", options=["sec=krb5"])
    put_config(notebook, mounts_yaml(*STANDARD, krb5))
    mount = wait_word(notebook, "krb", "failed", 60)
    assert mount["problem"], machine.execute("journalctl -u fsmount -n 20 --no-pager")[1]


def test_what_somebody_else_mounted_is_neither_covered_nor_unmounted(notebook: NotebookInstance) -> None:
    machine, place = notebook.machine, f"{SAGEMAKER}/taken"
    machine.succeed(f"mkdir -p {place} && mount -t tmpfs theirs {place}")
    put_config(notebook, mounts_yaml(*STANDARD, a_mount("taken", 4)))
    wait_problem(notebook, "taken", "mountpoint-taken", 20)
    assert machine.succeed(f"grep -c ' {place} ' /proc/mounts").strip() == "1"
    machine.succeed(f"umount {place}")
    wait_word(notebook, "taken", "ok", 20)


def test_a_link_on_the_way_to_the_mount_point_is_refused(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    machine.succeed(f"rm -rf {SAGEMAKER}/way; ln -s /etc {SAGEMAKER}/way", user="ec2-user")
    trap = {**a_mount("trap", 4), "mountpoint": f"{SAGEMAKER}/way/mnt"}
    put_config(notebook, mounts_yaml(*STANDARD, trap))
    mount = wait_problem(notebook, "trap", "mountpoint-link", 20)
    assert mount["phase"] == "blocked"
    machine.fail("test -e /etc/mnt")
    machine.succeed(f"rm {SAGEMAKER}/way")


def test_files_below_a_mount_point_are_warned_of_by_name(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    machine.succeed(f"mkdir -p {SAGEMAKER}/full && touch {SAGEMAKER}/full/precious", user="ec2-user")
    put_config(notebook, mounts_yaml(*STANDARD, a_mount("full", 4)))
    wait_word(notebook, "full", "ok", 20)
    shown = machine.succeed("fsmount status full", user="ec2-user")
    assert "[mountpoint-not-empty]" in shown
    assert f"{SAGEMAKER}/full" in shown


def test_the_journal_has_fields(notebook: NotebookInstance, image: Image) -> None:
    machine = notebook.machine
    notebook.servers[4].refuse()
    put_config(notebook, mounts_yaml(*STANDARD, a_mount("five", 5)))
    wait_problem(notebook, "five", "server-refused", 20)
    if image.suite == "bookworm":  # with systemd-python; without it lines go to the journal as text
        line = machine.wait_until_succeeds("journalctl MOUNT=five PROBLEM=server-refused -o json -n 1 | grep .")
        assert "server-refused" in json.loads(line)["MESSAGE"]
    assert "five" in machine.succeed("journalctl -u fsmount -n 50 --no-pager")
    shown = machine.succeed("systemctl show -P StatusText fsmount")
    assert "3 of 4 mounts ok; five server-refused" in shown


def test_status_does_not_slow_down_and_the_agent_stops_when_every_server_is_dead(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    put_config(notebook, mounts_yaml(*(a_mount(f"m{i}", i + 1) for i in range(8))))
    machine.wait_until_succeeds("fsmount status --wait 30", timeout=60)
    timed = "python3 /usr/local/share/timed.py fsmount status"
    usual = [float(machine.succeed(timed, user="ec2-user")) for _ in range(7)]
    for server in notebook.servers:
        server.black_hole()
    wait_word(notebook, "m0", "failed", 60)
    dead = [float(machine.succeed(timed, user="ec2-user", timeout=20)) for _ in range(7)]
    ratio = statistics.median(dead) / statistics.median(usual)
    stops = []
    for _ in range(3):
        stops.append(float(machine.succeed("python3 /usr/local/share/timed.py systemctl stop fsmount", timeout=30)))
        machine.succeed("systemctl start --no-block fsmount; sleep 8")
    print(f"status: {statistics.median(usual):.2f} s usual, {ratio:.2f} times that with all dead; stop {stops} s")
    assert ratio < 1.5
    assert statistics.median(stops) < 2
    notebook.restore()
    machine.wait_until_succeeds("fsmount status", timeout=240)


def test_malformed_configurations_disturb_no_mount(notebook: NotebookInstance) -> None:
    """Every fifth of the corpus; the system ring gives the agent more than two hundred, but it has no mounts."""
    machine = notebook.machine
    before = ids(notebook, "one", "two", "three")
    # One is too long only where the instance's name is.
    files = [content for name, (content, _) in CORPUS.items() if name != "a directory that becomes too long"][::5]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for number, content in enumerate(files):
            entry = tarfile.TarInfo(f"{number:03}.yaml")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    machine.copy_to(packed.getvalue(), "/run/malformed.tar.gz")
    machine.succeed("mkdir -p /run/malformed && tar -C /run/malformed -xzf /run/malformed.tar.gz")
    refused = machine.succeed(f"python3 -IS /usr/local/share/reloads.py {LIB} {CONFIG} /run/malformed", timeout=200)
    assert int(refused) == len(files) > 20
    assert ids(notebook, "one", "two", "three") == before
    assert machine.succeed("systemctl show -P NRestarts fsmount").strip() == "0"
    assert status(notebook)["problem"]["code"] == "config-invalid"


def test_a_thousand_nfs_mounts_against_a_swapped_link_never_land_outside(notebook: NotebookInstance) -> None:
    counts = notebook.machine.succeed(f"python3 -IS /usr/local/share/race.py {LIB} 1000", timeout=540)
    print(counts)
    assert "landed=" in counts
    assert "mountpoint-link=" in counts


def test_the_older_way_through_mount_8_makes_the_same_mount(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    older = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from fsmount.jobs.mount import mount_the_older_way\n"
        "from fsmount.jobs.orders import MountOrder\n"
        "from fsmount.linux.pin import pin\n"
        "from fsmount.model import Spec\n"
        "spec = Spec(name='older', type='nfs', host='fs4.test', path='/d1', mountpoint='/mnt/older')\n"
        "print(mount_the_older_way(MountOrder(spec, '10.9.4.2', '/run/fsmount/stage/older'), pin(spec.mountpoint, make=True)))\n"
    )
    machine.copy_to(older.encode(), "/usr/local/share/older.py")
    mount_id = machine.succeed(f"python3 -IS /usr/local/share/older.py {LIB}").strip()
    row = machine.succeed("grep ' /mnt/older ' /proc/self/mountinfo")
    assert row.startswith(f"{mount_id} ")
    for option in ("nosuid", "nodev", "vers=4.1", "noresvport", "fs4.test:/d1"):
        assert option in row
    assert machine.succeed("grep -c fs4.test:/d1 /proc/self/mountinfo").strip() == "1", "the stage is taken away"
    machine.succeed("umount /mnt/older")


def test_what_a_job_has_mounted_is_not_busy_while_the_job_lives_on(notebook: NotebookInstance) -> None:
    notebook.machine.succeed(f"python3 -IS /usr/local/share/not_busy.py {LIB}")


def test_the_bundle_s_boto3_speaks_to_aws_and_to_nothing_else(notebook: NotebookInstance) -> None:
    program = (
        f"import sys; sys.path.insert(0, '{LIB}'); import boto3; print(boto3.client('s3').list_buckets()['Buckets'][0]['Name'])"
    )
    assert notebook.machine.succeed(f'HOME=/root python3 -I -S -c "{program}"', timeout=120).strip()


def test_reload_and_retry_are_root_s_and_say_so(notebook: NotebookInstance) -> None:
    assert "[not-allowed]" in notebook.machine.fail("fsmount reload", user="ec2-user")
    assert "[not-allowed]" in notebook.machine.fail("fsmount retry one", user="ec2-user")


def test_plan_says_what_it_would_do_without_root(notebook: NotebookInstance) -> None:
    shown = notebook.machine.succeed("fsmount plan", user="ec2-user")
    assert shown.count("keep") == 3
    put_config(notebook, mounts_yaml(*STANDARD[:2], a_mount("four", 4)), reload=False)
    shown = notebook.machine.succeed("fsmount plan", user="ec2-user")
    assert "unmount     three" in shown
    assert "mount       four" in shown


def test_a_configuration_that_ec2_user_wrote_is_not_believed(notebook: NotebookInstance) -> None:
    machine = notebook.machine
    machine.succeed(f"chown ec2-user {CONFIG}")
    assert "[config-untrusted]" in machine.fail("fsmount reload")
    machine.succeed(
        f"chown root {CONFIG} && mv {SAGEMAKER}/.fsmount {SAGEMAKER}/.away && cp -r {SAGEMAKER}/.away {SAGEMAKER}/.fsmount"
    )
    machine.succeed(f"chown -R ec2-user {SAGEMAKER}/.fsmount")
    assert "[config-untrusted]" in machine.fail("fsmount reload")
    machine.succeed(f"rm -r {SAGEMAKER}/.fsmount && mv {SAGEMAKER}/.away {SAGEMAKER}/.fsmount && fsmount reload")
    assert len(mounted(notebook)) == 3
