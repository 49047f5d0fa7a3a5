"""Mounting through helpers, with stand-ins for them on disk: real processes, real mounts, real locks."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from fsmount.jobs import in_place, lustre_targets, remote_path
from fsmount.jobs.answers import Answer, Failed, Installed, Mounted, Overdue, Probed, Resolved, Unmounted
from fsmount.jobs.orders import Install, Key, Kind, MountOrder, Probe, Unmount
from fsmount.linux import mount8, pin, process
from fsmount.model import CreatePath, Spec
from fsmount.observe import mountinfo

from . import test_agent_process
from .realjobs import RealJobs
from .test_agent_process import Agent, until

PROGRAMS = Path(__file__).parents[1] / "programs"
LUSTRE, EFS = Path("/run/lustre-standin"), Path("/run/efs-standin")
FS = "fs-0123456789abcdef0"
agent = test_agent_process.agent  # a fixture


def run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)


@pytest.fixture(scope="module", autouse=True)
def machine(own_mount_namespace: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The stand-ins where the real ones would be, in this ring's own view of the machine; /run and /mnt are its own, too."""
    above = tmp_path_factory.mktemp("above")
    run("mount", "-t", "tmpfs", "above", str(above))
    for folder in ("bin", "sbin"):
        upper, work = above / folder, above / f"{folder}.work"
        upper.mkdir()
        work.mkdir()
        run("mount", "-t", "overlay", "-o", f"lowerdir=/usr/{folder},upperdir={upper},workdir={work}", "o", f"/usr/{folder}")
    for place in ("/run", "/mnt"):
        run("mount", "-t", "tmpfs", "-o", "mode=755", "own", place)
    yield
    for place in ("/mnt", "/run", "/usr/sbin", "/usr/bin", str(above)):
        run("umount", "-l", place)


@pytest.fixture(autouse=True)
def programs() -> Iterator[None]:
    """Anew for each test, with nothing left behind by the one before."""
    for name in ("mount.lustre", "mount.efs"):
        shutil.copy(PROGRAMS / name, f"/usr/sbin/{name}")
    shutil.copy(PROGRAMS / "mount.efs", "/usr/sbin/mount.s3files")
    for folder in (LUSTRE, EFS):
        folder.mkdir(mode=0o700)
        (folder / "log").touch()
    (EFS / "tmpfs").touch()
    yield
    for row in list(mountinfo.read().rows()):
        if row.mountpoint.startswith(("/mnt/", "/run/")):
            subprocess.run(["umount", "-l", row.mountpoint], capture_output=True, check=False)
    for file in Path("/run/efs").glob("*fs-*"):
        end(msgspec.json.decode(file.read_bytes())["pid"])
    for folder in (LUSTRE, EFS, Path("/run/efs"), Path("/run/fsmount")):
        shutil.rmtree(folder, ignore_errors=True)
    for path in Path("/mnt").iterdir():
        shutil.rmtree(path, ignore_errors=True)


def end(pid: int) -> None:
    if pid > 1:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


@pytest.fixture
def servers() -> Iterator[None]:
    """Something that takes connections, at the ports of Lustre and NFS."""
    with socket.create_server(("127.0.0.1", 988)), socket.create_server(("127.0.0.1", 2049)):
        yield


def lustre(**changes: object) -> Spec:
    fields = {"name": "a", "type": "lustre", "host": "127.0.0.1", "fsname": "fsx0abcd", "path": "/", "mountpoint": "/mnt/a"}
    return Spec(**{**fields, **changes})  # type: ignore[arg-type]


def efs(**changes: object) -> Spec:
    fields = {"name": "a", "type": "efs", "host": "127.0.0.1", "id": FS, "tls": True, "path": "/", "mountpoint": "/mnt/a"}
    return Spec(**{**fields, **changes})  # type: ignore[arg-type]


def order(spec: Spec, **located: object) -> MountOrder:
    found = Resolved(("127.0.0.1",), **located) if located else None  # type: ignore[arg-type]
    return MountOrder(spec, "127.0.0.1", f"/run/fsmount/stage/{spec.name}", found)


def attempt(what: MountOrder, jobs: RealJobs | None = None) -> Answer:
    jobs = jobs or RealJobs()
    assert jobs.start(Key(Kind.MOUNT, what.spec.mountpoint), what) is None
    ((_, answer),) = jobs.wait(20)
    return answer


def code(answer: Answer) -> str:
    assert isinstance(answer, Failed), answer
    return answer.problem.code


def calls(folder: Path) -> list[str]:
    return (folder / "log").read_text().splitlines()


def stage_row() -> mountinfo.Mount | None:
    return mountinfo.read().at("/run/fsmount/stage/a")


# -- Lustre


def test_lustre_is_mounted_at_the_stage_and_attached_to_the_mount_point(servers: None) -> None:
    answer = attempt(order(lustre(read_only=True)))
    row = mountinfo.read().at("/mnt/a")
    assert row is not None
    assert answer == Mounted(row.mount_id, False, "127.0.0.1@tcp:/fsx0abcd", row.fstype)
    assert {"ro", "nosuid", "nodev"} <= set(row.options)
    assert stage_row() is None
    (said,) = calls(LUSTRE)
    assert "/run/fsmount/stage/a" in said
    assert {"relatime", "flock", "ro"} <= set(said.split(" -o ")[1].split(","))
    assert os.stat("/run/fsmount/stage").st_mode & 0o777 == 0o700


def test_a_name_for_which_mountinfo_shows_an_address_is_the_same_server(servers: None) -> None:
    (LUSTRE / "shows").write_text("address")
    answer = attempt(order(lustre(host="localhost")))
    assert isinstance(answer, Mounted)
    assert answer.source == "127.0.0.1@tcp:/fsx0abcd"


def test_what_only_aws_knows_is_taken_from_what_was_found_out(servers: None) -> None:
    answer = attempt(order(lustre(host=FS, fsname=""), host="localhost", fsname="abcd1234", by="api"))
    assert isinstance(answer, Mounted)
    assert answer.source == "localhost@tcp:/abcd1234"


@pytest.mark.parametrize(
    ("knob", "value", "changes", "wanted"),
    [
        ("names", "other", {}, "path-not-found"),
        ("folders", "x", {"path": "/y"}, "path-not-found"),
        ("modules", "missing", {}, "lustre-missing"),
        ("server", "lost", {}, "server-lost"),
        ("server", "up", {"options": ("frobnicate",)}, "option-refused"),
        ("server", "up", {"fsname": "morethan8letters"}, "path-not-found"),
        ("server", "up", {"host": "nowhere.invalid"}, "name-not-resolved"),
    ],
    ids=["name", "folder", "modules", "lost", "option", "long", "host"],
)
def test_a_lustre_mount_that_fails_says_why(
    servers: None, knob: str, value: str, changes: dict[str, object], wanted: str
) -> None:
    (LUSTRE / knob).write_text(value)
    assert code(attempt(order(lustre(**changes)))) == wanted
    assert stage_row() is None


def test_a_server_that_does_not_answer_at_its_port_is_never_left_to_mount_lustre() -> None:
    began = time.monotonic()
    assert code(attempt(order(lustre()))) == "server-refused"
    assert time.monotonic() - began < 3
    assert not calls(LUSTRE)


def test_a_missing_client_is_named() -> None:
    os.unlink("/usr/sbin/mount.lustre")
    assert code(attempt(order(lustre()))) == "lustre-missing"


def write_program(path: str, text: str) -> None:
    Path(path).write_text(text)
    os.chmod(path, 0o755)


def test_versions_that_do_not_fit_are_named_before_the_mount_is_tried(servers: None) -> None:
    write_program("/usr/sbin/modinfo", "#!/bin/sh\necho 2.15.8\n")
    answer = attempt(order(lustre(), version="2.10"))
    assert code(answer) == "lustre-version"
    assert isinstance(answer, Failed)
    assert not answer.problem.temporary
    assert not calls(LUSTRE)
    assert isinstance(attempt(order(lustre(), version="2.12")), Mounted)


def given_up(jobs: RealJobs) -> None:
    """An attempt that is killed at its deadline; the helper's worker, as the kernel would have it, survives that."""
    key = Key(Kind.MOUNT, "/mnt/a")
    assert jobs.start(key, order(lustre())) is None
    for _ in range(300):
        if calls(LUSTRE):
            break
        time.sleep(0.02)
    time.sleep(0.3)
    (said,) = jobs.running.expire(time.monotonic() + 61)
    assert isinstance(said[1], Overdue)
    jobs.wait(5, answers=0)
    assert not jobs.lives(key)


def test_no_second_attempt_begins_while_the_first_outlives_sigkill(servers: None) -> None:
    (LUSTRE / "server").write_text("down")
    (LUSTRE / "seconds").write_text("4")
    jobs = RealJobs()
    given_up(jobs)
    assert code(attempt(order(lustre()), jobs)) == "attempt-not-over"
    assert len(calls(LUSTRE)) == 1
    other = lustre(name="b", fsname="other", mountpoint="/mnt/b")
    (LUSTRE / "server").write_text("up")
    assert isinstance(attempt(order(other), jobs), Mounted), "another source may be tried"
    time.sleep(4)
    assert isinstance(attempt(order(lustre()), jobs), Mounted), "the first one has ended"


def test_an_attempt_that_succeeds_late_is_used_and_not_mounted_again(servers: None) -> None:
    (LUSTRE / "server").write_text("late")
    (LUSTRE / "seconds").write_text("1.5")
    jobs = RealJobs()
    given_up(jobs)
    time.sleep(2)
    late = stage_row()
    assert late is not None
    answer = attempt(order(lustre()), jobs)
    row = mountinfo.read().at("/mnt/a")
    assert isinstance(answer, Mounted)
    assert row is not None
    assert row.device == late.device
    assert stage_row() is None
    assert len(calls(LUSTRE)) == 1


def test_something_else_on_the_stage_is_cleared_away(servers: None) -> None:
    os.makedirs("/run/fsmount/stage/a", mode=0o700)
    run("mount", "-t", "tmpfs", "10.0.0.9@tcp:/other", "/run/fsmount/stage/a")
    answer = attempt(order(lustre()))
    assert isinstance(answer, Mounted)
    assert answer.source == "127.0.0.1@tcp:/fsx0abcd"


def test_the_lock_of_a_source_is_beside_its_stage() -> None:
    mount8.make("/run/fsmount/stage/a")
    first = mount8.stage_lock("/run/fsmount/stage/a", "x@tcp:/y")
    assert first == mount8.stage_lock("/run/fsmount/stage/b", "x@tcp:/y") != mount8.stage_lock("/run/fsmount/stage/a", "z")
    file = os.open(first, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(file)


LCTL = """#!/bin/sh
[ "$*" = "get_param -n osc.fsx0abcd-*.import mdc.fsx0abcd-*.import" ] || exit 2
for target in OST0000 OST0001; do
  printf 'import:\\n    name: fsx0abcd-%s-osc\\n' $target
  printf '    target: fsx0abcd-%s_UUID\\n    state: %s\\n' $target "$(cat /run/$target)"
done
"""


def test_a_data_server_that_is_gone_is_seen_though_everything_answers(servers: None) -> None:
    mounted = attempt(order(lustre()))
    assert isinstance(mounted, Mounted)
    write_program("/usr/sbin/lctl", LCTL)
    Path("/run/OST0000").write_text("FULL")
    Path("/run/OST0001").write_text("IDLE")
    jobs, key = RealJobs(), Key(Kind.PROBE, "/mnt/a", mounted.mount_id)
    for state, wanted in (("IDLE", ""), ("DISCONN", "lustre-target-down"), ("FULL", "")):
        Path("/run/OST0001").write_text(state)
        assert jobs.start(key, Probe("/mnt/a", mounted.mount_id, helper="lustre")) is None
        ((_, answer),) = jobs.wait(5)
        assert isinstance(answer, Probed)
        assert (answer.trouble.code if answer.trouble else "") == wanted
        assert not wanted or (answer.trouble and "fsx0abcd-OST0001 (DISCONN)" in answer.trouble.observed)


def test_a_connection_that_comes_about_a_moment_later_is_no_trouble(servers: None) -> None:
    assert isinstance(attempt(order(lustre())), Mounted)
    write_program("/usr/sbin/lctl", LCTL)
    Path("/run/OST0000").write_text("FULL")
    Path("/run/OST0001").write_text("CONNECTING")
    later = subprocess.Popen(["/bin/sh", "-c", "sleep 0.3; printf FULL > /run/OST0001"])
    assert lustre_targets.gone("/mnt/a") is None
    later.wait(5)


def test_what_was_mounted_by_a_helper_is_unmounted_as_any_other(servers: None) -> None:
    mounted = attempt(order(lustre()))
    assert isinstance(mounted, Mounted)
    jobs = RealJobs()
    jobs.start(Key(Kind.UNMOUNT, "/mnt/a"), Unmount("/mnt/a", mounted.mount_id, helper="lustre"))
    ((_, answer),) = jobs.wait(5)
    assert answer == Unmounted()
    assert mountinfo.read().at("/mnt/a") is None


# -- EFS with TLS, S3 Files


def test_efs_with_tls_is_mounted_in_place_by_its_helper(servers: None) -> None:
    spec = efs(iam=True, access_point="fsap-0123456789abcdef0", read_only=True, path="/data", options=("nconnect=4",))
    answer = attempt(order(spec)._replace(region="eu-west-1"))
    row = mountinfo.read().at("/mnt/a")
    assert row is not None
    assert answer == Mounted(row.mount_id, False, "127.0.0.1:/data", row.fstype)
    (said,) = calls(EFS)
    assert said.startswith(f"{FS}:/data /mnt/a ")
    options = set(said.split(" -o ")[1].split()[0].split(","))
    wanted = {"tls", "iam", "accesspoint=fsap-0123456789abcdef0", "region=eu-west-1", "noresvport", "nconnect=4", "ro"}
    assert wanted <= options
    assert not [option for option in options if option.startswith("mounttargetip")]
    (state,) = Path("/run/efs").iterdir()
    assert state.name == f"{FS}.mnt.a.2049"
    proxy = msgspec.json.decode(state.read_bytes())["pid"]
    assert Path(f"/proc/{proxy}/oom_score_adj").read_text() == "0\n", "it lives as long as the mount does"


@pytest.mark.parametrize(("by", "told"), [("dns", False), ("api", True), ("kept", True)])
def test_the_helper_is_told_the_address_only_where_the_name_does_not_resolve(servers: None, by: str, told: bool) -> None:
    assert isinstance(attempt(order(efs(), by=by)), Mounted)
    assert ("mounttargetip=127.0.0.1" in calls(EFS)[0]) is told


def test_an_older_helper_is_not_told_the_region(servers: None) -> None:
    (EFS / "version").write_text("2.0.4")
    assert isinstance(attempt(order(efs())._replace(region="eu-west-1")), Mounted)
    assert "region" not in calls(EFS)[0]


def test_s3_files_come_by_their_own_helper(servers: None) -> None:
    assert isinstance(attempt(order(efs(type="s3files", tls=False))), Mounted)
    assert "tls" not in calls(EFS)[0].split(" -o ")[1].split(",")


def test_a_missing_helper_comes_with_the_command_that_installs_it(servers: None) -> None:
    os.unlink("/usr/sbin/mount.efs")
    answer = attempt(order(efs()))
    assert code(answer) == "efs-utils-missing"
    assert isinstance(answer, Failed)
    assert "sudo dnf install -y amazon-efs-utils" in answer.problem.observed


def test_a_helper_that_fails_is_named_by_what_it_says(servers: None) -> None:
    (EFS / "fail").write_text("32 b'mount.nfs4: access denied by server while mounting 127.0.0.1:/'")
    answer = attempt(order(efs()))
    assert code(answer) == "access-denied"
    assert mountinfo.read().at("/mnt/a") is None


def test_a_helper_that_ends_well_without_a_mount_has_failed(servers: None) -> None:
    (EFS / "nothing").touch()
    assert code(attempt(order(efs()))) == "mount-failed"


def test_what_a_helper_mounted_elsewhere_is_taken_back(servers: None) -> None:
    """The directory was swapped while the helper was at it."""
    os.mkdir("/mnt/other")
    (EFS / "elsewhere").write_text("/mnt/other")
    answer = attempt(order(efs()))
    assert code(answer) == "mountpoint-moved"
    assert mountinfo.read().at("/mnt/other") is None


def test_what_somebody_else_mounts_meanwhile_is_left_alone(servers: None) -> None:
    os.mkdir("/mnt/other")
    write_program("/usr/sbin/mount.efs", "#!/bin/sh\nmount -t tmpfs 127.0.0.1:/ /mnt/other\necho no >&2\nexit 1\n")
    assert code(attempt(order(efs()))) == "mount-failed"
    assert mountinfo.read().at("/mnt/other") is not None


# -- where a helper may mount


def owned(path: str, uid: int, mode: int = 0o755) -> str:
    os.makedirs(path, exist_ok=True)
    os.chown(path, uid, uid)
    os.chmod(path, mode)
    return path


NOBODY = 65534
SUDO = """#!/bin/sh
[ "$*" = "-n -l -U nobody" ] || exit 1
echo "User nobody may run the following commands on here:"
echo "    {}"
"""


def test_below_root_s_own_directories_a_helper_may_mount() -> None:
    os.makedirs("/mnt/fsmount/x")
    in_place.demand("/mnt/fsmount/x")


@pytest.mark.parametrize(
    ("rule", "may"),
    [
        ("(ALL) NOPASSWD: ALL", True),
        ("(ALL : ALL) NOPASSWD: ALL", True),
        ("(root) NOPASSWD: ALL", True),
        ("(ALL) NOPASSWD: SETENV: ALL", True),
        ("(ALL) ALL", False),
        ("(ALL) NOPASSWD: /usr/bin/systemctl", False),
        ("(ec2-user) NOPASSWD: ALL", False),
        ("(ALL, !root) NOPASSWD: ALL", False),
    ],
)
def test_below_a_user_s_directory_a_helper_may_mount_only_where_the_user_is_as_good_as_root(rule: str, may: bool) -> None:
    owned("/mnt/home", NOBODY)
    write_program("/usr/bin/sudo", SUDO.format(rule))
    assert in_place.has_root_access(NOBODY) is may
    spec = efs(mountpoint="/mnt/home/a")
    with socket.create_server(("127.0.0.1", 2049)):
        answer = attempt(order(spec))
    assert isinstance(answer, Mounted) is may
    assert may or code(answer) == "mountpoint-unsafe"
    assert may or not calls(EFS)


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775])
def test_where_anybody_may_write_no_helper_mounts(mode: int) -> None:
    owned("/mnt/all", 0, mode)
    os.chown("/mnt/all", 0, 100)
    assert code(attempt(order(efs(mountpoint="/mnt/all/a")))) == "mountpoint-unsafe"


def test_without_sudo_nobody_is_as_good_as_root() -> None:
    try:
        os.unlink("/usr/bin/sudo")
    except FileNotFoundError:
        pass
    assert not in_place.has_root_access(NOBODY)
    assert not in_place.has_root_access(4_000_000)


# -- installing the client


def test_the_client_is_installed_by_dnf() -> None:
    write_program("/usr/bin/dnf", '#!/bin/sh\necho "$@" > /run/dnf\n')
    assert install() == Installed()
    assert Path("/run/dnf").read_text() == "install -y lustre-client\n"


def test_a_client_that_cannot_be_installed_comes_with_the_last_that_dnf_said() -> None:
    write_program("/usr/bin/dnf", "#!/bin/sh\necho Loading\necho 'Error: Unable to find a match: lustre-client' >&2\nexit 1\n")
    answer = install()
    assert code(answer) == "client-not-installed"
    assert isinstance(answer, Failed)
    assert "Unable to find a match" in answer.problem.observed


def test_without_dnf_nothing_is_installed() -> None:
    Path("/usr/bin/dnf").unlink(missing_ok=True)
    assert code(install()) == "client-not-installed"


def install() -> Answer:
    jobs = RealJobs()
    jobs.start(Key(Kind.INSTALL, "lustre-client"), Install("lustre-client"))
    ((_, answer),) = jobs.wait(10)
    return answer


# -- the whole agent

NAME = f"{FS}.efs.us-east-1.amazonaws.com"
CONFIG = f"""\
version: 1
mounts:
  - {{name: one, type: lustre, source: "127.0.0.1@tcp:/fsx0abcd", mountpoint: /mnt/one, install_client: true}}
  - {{name: two, type: efs, source: {NAME}, tls: true, mountpoint: /mnt/two}}
"""


@pytest.fixture
def named(tmp_path: Path) -> Iterator[None]:
    hosts = tmp_path / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {NAME}\n")
    run("mount", "--bind", str(hosts), "/etc/hosts")
    yield
    run("umount", "-l", "/etc/hosts")


def test_an_agent_installs_mounts_and_knows_its_own_again_after_a_crash(servers: None, named: None, agent: Agent) -> None:
    shutil.move("/usr/sbin/mount.lustre", "/run/mount.lustre")
    write_program("/usr/bin/dnf", "#!/bin/sh\nsleep 0.5\necho once >> /run/installed\ncp /run/mount.lustre /usr/sbin/\n")
    agent.config.write_text(CONFIG)
    agent.start()
    until(lambda: agent.report()["word"] == "ok", 30)
    assert Path("/run/installed").read_text() == "once\n"
    before = {place: mountinfo.read().stack(place) for place in ("/mnt/one", "/mnt/two")}
    assert all(len(rows) == 1 for rows in before.values())
    assert agent.process
    agent.process.kill()
    agent.process.wait(10)
    (agent.run / "status.json").unlink()
    agent.start()
    until(lambda: agent.report()["word"] == "ok", 30)
    assert {place: mountinfo.read().stack(place) for place in before} == before
    assert (len(calls(LUSTRE)), len(calls(EFS))) == (1, 1)
    agent.config.write_text("version: 1\nmounts: []\n")
    agent.process.send_signal(signal.SIGHUP)
    until(lambda: not any(mountinfo.read().at(place) for place in before))


# -- the directory on the server


@pytest.fixture
def export() -> Iterator[int]:
    os.mkdir("/mnt/export")
    descriptor = pin.pin("/mnt/export")
    yield descriptor
    os.close(descriptor)


WISH = CreatePath(owner=1000, group=1001, mode=0o2750)


def facts(path: str) -> tuple[int, int, int]:
    found = os.stat(path, follow_symlinks=False)
    return found.st_uid, found.st_gid, found.st_mode & 0o7777


def test_the_remote_directory_is_made_and_given_away(export: int) -> None:
    remote_path.make(export, "/homes/team/ada", WISH)
    assert facts("/mnt/export/homes") == facts("/mnt/export/homes/team") == (0, 0, 0o755)
    assert facts("/mnt/export/homes/team/ada") == (1000, 1001, 0o2750)


def test_what_exists_is_never_touched(export: int) -> None:
    owned("/mnt/export/homes", 7, 0o711)
    owned("/mnt/export/homes/ada", 8, 0o700)
    remote_path.make(export, "/homes/ada", WISH)
    assert facts("/mnt/export/homes") == (7, 7, 0o711)
    assert facts("/mnt/export/homes/ada") == (8, 8, 0o700)


@pytest.mark.parametrize("path", ["/link/ada", "/link"])
def test_no_link_is_followed_on_the_server(export: int, path: str) -> None:
    os.mkdir("/mnt/elsewhere")
    os.symlink("/mnt/elsewhere", "/mnt/export/link")
    try:
        remote_path.make(export, path, WISH)
    except Exception as refused:
        assert "path-not-made" in str(refused)
        assert "link" in str(refused)
    assert os.listdir("/mnt/elsewhere") == []
    assert facts("/mnt/elsewhere") == (0, 0, 0o755)


def test_on_a_read_only_export_nothing_is_made() -> None:
    os.mkdir("/mnt/export")
    run("mount", "-t", "tmpfs", "-o", "ro", "export", "/mnt/export")
    descriptor = pin.pin("/mnt/export")
    with pytest.raises(Exception, match="the export is read-only"):
        remote_path.make(descriptor, "/ada", WISH)
    os.close(descriptor)


# -- the door to programs


def test_a_program_that_leaves_something_behind_is_not_waited_for() -> None:
    began = time.monotonic()
    ran = process.run(["/bin/sh", "-c", "sleep 3 & echo said; exit 3"])
    assert (ran.status, ran.output) == (3, "said")
    assert time.monotonic() - began < 1.5


def test_a_program_is_ended_when_its_time_is_over() -> None:
    began = time.monotonic()
    ran = process.run(["/bin/sh", "-c", "(sh -c 'sleep 1.5; touch /run/late'; :) & echo first; wait"], within_s=0.5)
    assert (ran.status, ran.output) == (-9, "first")
    assert time.monotonic() - began < 1.4
    time.sleep(1.5)
    assert not os.path.exists("/run/late"), "what it had started was ended as well"
