"""What helpers mount, as the pure stages see it: whose a row is, what fits what, which Job does what for how long."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from fsmount import ledger, lustre_versions
from fsmount.daemon.errands import CLIENT, errand, together, urgency
from fsmount.daemon.setup import Setup
from fsmount.entry import Entry
from fsmount.jobs.answers import Overdue, Probed, Resolved
from fsmount.jobs.deadlines import deadline_of
from fsmount.jobs.mount_helper import named as helper_named
from fsmount.jobs.mount_lustre import named as lustre_named
from fsmount.jobs.mount_lustre import same_source, source_of
from fsmount.jobs.orders import Key, Kind, MountOrder, Unmount
from fsmount.judge import Known, Standing, judge
from fsmount.ledger import Record
from fsmount.linux import process
from fsmount.linux.process import Ran
from fsmount.model import Health, Phase, Problem, Spec, Usage
from fsmount.observe import efs_state
from fsmount.observe.mountinfo import Mount, parse_row
from fsmount.plan import Action, Verb, plan
from fsmount.settle import after

from .fakehost import Driver, FakeHost, entry, spec

EFS, OTHER_EFS = "fs-0123456789abcdef0", "fs-0fedcba9876543210"


def efs(name: str = "a", **changes: object) -> Spec:
    return spec(name, **{"type": "efs", "tls": True, "id": EFS, "path": "/", **changes})


def lustre(name: str = "a", **changes: object) -> Spec:
    return spec(name, **{"type": "lustre", "fsname": "fsx0abcd", "path": "/", "host": "10.9.0.1", **changes})


def a_row(source: str, fstype: str, **fields: object) -> Mount:
    return msgspec.structs.replace(Mount(7, 1, "0:40", "/", "/mnt/a", ("rw",), fstype, source), **fields)


PROXIED = a_row("127.0.0.1:/", "nfs4", settings="rw,port=20049,addr=127.0.0.1")
ONE = a_row("10.9.0.1@tcp:/fsx0abcd", "lustre")
ZFS = spec("a", type="openzfs", host=EFS, id=EFS, path="/fsx")

JUDGED: dict[str, tuple[Spec, Mount, Record | None, Known, Standing]] = {
    "through a proxy, by us": (efs(), PROXIED, Record(efs(), 7, "127.0.0.1:/", "nfs4"), Known(), Standing.OURS),
    "through a proxy, with other settings": (
        efs(iam=True),
        PROXIED,
        Record(efs(), 7, "127.0.0.1:/", "nfs4"),
        Known(),
        Standing.OUTDATED,
    ),
    "through a proxy, an intent": (efs(), PROXIED, Record(efs()), Known(EFS), Standing.OURS),
    "through a proxy, an intent, another file system": (efs(), PROXIED, Record(efs()), Known(OTHER_EFS), Standing.OTHER),
    "through a proxy, by somebody else": (efs(), PROXIED, None, Known(EFS), Standing.THEIRS),
    "through a proxy, another directory": (efs(path="/x"), PROXIED, None, Known(EFS), Standing.OTHER),
    "through a proxy, another file system": (efs(), PROXIED, None, Known(OTHER_EFS), Standing.OTHER),
    "through a proxy, and nobody says which": (efs(), PROXIED, None, Known(), Standing.OTHER),
    "plain NFS is wanted, and it goes through a proxy": (efs(tls=False), PROXIED, None, Known(EFS), Standing.OTHER),
    "lustre, by us": (lustre(), ONE, Record(lustre(), 7, ONE.source, "lustre"), Known(), Standing.OURS),
    "lustre, by us, by a name": (
        lustre(host="mgs.test"),
        ONE,
        Record(lustre(host="mgs.test"), 7, ONE.source, "lustre"),
        Known(),
        Standing.OURS,
    ),
    "lustre, our id given to another": (
        lustre(),
        a_row("10.9.0.2@tcp:/fsx0abcd", "lustre"),
        Record(lustre(), 7, ONE.source, "lustre"),
        Known(),
        Standing.OTHER,
    ),
    "lustre, an intent": (lustre(host="mgs.test"), ONE, Record(lustre(host="mgs.test")), Known(), Standing.OURS),
    "lustre, an intent whose name only AWS knows": (lustre(fsname=""), ONE, Record(lustre(fsname="")), Known(), Standing.OURS),
    "lustre, an intent, another directory": (
        lustre(),
        a_row("10.9.0.1@tcp:/fsx0abcd/x", "lustre"),
        Record(lustre()),
        Known(),
        Standing.OTHER,
    ),
    "lustre, by somebody else": (lustre(), ONE, None, Known(), Standing.THEIRS),
    "lustre, by somebody else, by the address of our name": (
        lustre(host="mgs.test"),
        ONE,
        None,
        Known(address="10.9.0.1"),
        Standing.THEIRS,
    ),
    "lustre, of another server": (lustre(host="mgs.test"), ONE, None, Known(address="10.9.0.2"), Standing.OTHER),
    "lustre, a part of it": (lustre(), msgspec.structs.replace(ONE, root="/x"), None, Known(), Standing.OTHER),
    "a tmpfs with that source": (lustre(), a_row(ONE.source, "tmpfs"), None, Known(), Standing.OTHER),
    "openzfs, by us": (ZFS, a_row(f"{EFS}:/fsx", "nfs4"), Record(ZFS, 7, f"{EFS}:/fsx", "nfs4"), Known(), Standing.OURS),
    "openzfs, by us in the older way": (
        ZFS,
        a_row("10.9.0.3:/fsx", "nfs4"),
        Record(ZFS, 7, "10.9.0.3:/fsx", "nfs4"),
        Known(),
        Standing.OURS,
    ),
    "openzfs, by somebody else": (ZFS, a_row("10.9.0.3:/fsx", "nfs4"), None, Known(address="10.9.0.3"), Standing.THEIRS),
    "openzfs, another server": (ZFS, a_row("10.9.0.4:/fsx", "nfs4"), None, Known(address="10.9.0.3"), Standing.OTHER),
}


@pytest.mark.parametrize(("wanted", "row", "record", "known", "standing"), JUDGED.values(), ids=JUDGED.keys())
def test_what_stands_there(wanted: Spec, row: Mount, record: Record | None, known: Known, standing: Standing) -> None:
    assert judge(wanted, row, record, known) is standing


def test_a_ledger_of_an_older_agent_is_read(tmp_path: Path) -> None:
    file = tmp_path / "ledger.json"
    ledger.write(str(file), [Record(spec("a"), 7)])
    old = json.loads(file.read_bytes())
    for record in old["records"]:
        del record["source"], record["fstype"]
        for key in ("tls", "iam", "id", "access_point", "fsname", "create_path", "install_client"):
            del record["spec"][key]
    file.write_text(json.dumps(old))
    assert ledger.read(str(file)) == {"/mnt/a": Record(spec("a"), 7)}


@pytest.mark.parametrize(
    ("client", "server", "fits"),
    [
        ("2.15.8", "2.15", True),
        ("2.15.8", "2.12", True),
        ("2.15.8", "2.10", False),
        ("2.17.0", "2.10", False),
        ("2.12.8_8_g1", "2.10", True),
        ("2.10.8", "2.15", False),
        ("2.10.8", "2.12", True),
        ("2.15.8", "2.17", True),
        ("", "2.10", True),
        ("2.15.8", "", True),
        ("1.8", "2.10", True),
    ],
)
def test_which_lustre_client_mounts_which_file_system(client: str, server: str, fits: bool) -> None:
    objection = lustre_versions.objection(client, server)
    assert (objection is None) is fits
    assert objection is None or server in objection


ENDED = {
    "wrong name": (2, "mount.lustre: mount 10.9.0.1@tcp:/nope at /x failed: No such file or directory", "path-not-found"),
    "no modules": (19, "mount.lustre: mount 10.9.0.1@tcp:/a at /x failed: No such device", "lustre-missing"),
    "no name in the source": (19, "mount.lustre: 10.9.0.1 has not been formatted with mkfs.lustre", "path-not-found"),
    "unknown option": (
        22,
        "mount.lustre: mount failed: Invalid argument\nThis may have multiple causes.",
        "option-refused",
    ),
    "host name": (22, "mount.lustre: Can't parse NID 'mgs@tcp:/a'", "name-not-resolved"),
    "long name": (36, "mount.lustre: mount at /x failed: File name too long", "path-not-found"),
    "no program": (32, "mount: /x: unknown filesystem type 'lustre'.", "lustre-missing"),
    "dead": (110, "mount.lustre: mount at /x failed: Connection timed out", "server-timeout"),
    "lost": (5, "mount.lustre: mount at /x failed: Input/output error\nIs the MGS running?", "server-lost"),
    "port": (5, "LNetError: Can't create socket: port 988 already in use", "port-taken"),
    "anything else": (77, "", "mount-failed"),
}


@pytest.mark.parametrize(("status", "output", "code"), ENDED.values(), ids=ENDED.keys())
def test_what_mount_lustre_ends_with_has_a_name(status: int, output: str, code: str) -> None:
    problem = lustre_named("10.9.0.1@tcp:/a", Ran(status, output)).problem
    assert problem.code == code
    assert "10.9.0.1@tcp:/a" in problem.observed


SAID = {
    "denied": (32, "b'mount.nfs4: access denied by server while mounting 127.0.0.1:/'", "access-denied", False),
    "name": (1, 'Failed to resolve "fs-0123.efs.eu-west-1.amazonaws.com" - check', "name-not-resolved", True),
    "timeout": (32, "Mount attempt 1/3 failed due to timeout after 15 sec\nb'Connection timed out'", "server-timeout", True),
    "path": (32, "mounting 127.0.0.1:/x failed, reason given by server: No such file or directory", "path-not-found", False),
    "proxy": (1, "Failed to initialize tunnel for fs-0123, please check mount.log", "tunnel-failed", True),
    "credentials": (1, "AWS Access Key ID and Secret Access Key are not found in", "aws-credentials", True),
    "option": (32, "mount.nfs4: an incorrect mount option was specified", "option-refused", False),
    "no helper": (32, "mount: /x: unknown filesystem type 's3files'.", "efs-utils-missing", True),
    "killed": (-9, "", "mount-timeout", True),
    "silent": (1, "", "mount-failed", True),
}


@pytest.mark.parametrize(("status", "output", "code", "temporary"), SAID.values(), ids=SAID.keys())
def test_what_a_helper_says_has_a_name(status: int, output: str, code: str, temporary: bool) -> None:
    problem = helper_named(MountOrder(efs(), "10.0.0.1", "/stage/a"), Ran(status, output)).problem
    assert (problem.code, problem.temporary) == (code, temporary)


def test_nothing_secret_and_nothing_long_is_passed_on() -> None:
    secrets = "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY token=abc"
    said = process.first_line(f"failed: {secrets} " + "x y " * 1000)
    assert said.startswith("failed: *** *** ***")
    assert len(said) <= 300
    path = "/home/ec2-user/SageMaker/averylongdirectorynamewithoutadash/andanotheronethatislong"
    assert process.first_line(f"mount: {path}: no") == f"{path}: no"


def test_a_lustre_source_is_made_of_what_is_known() -> None:
    located = Resolved(("10.9.0.1",), host="fs-1.fsx.test", fsname="abcd1234")
    assert source_of(MountOrder(lustre(path="/x/"), "10.9.0.1", "/s")) == "10.9.0.1@tcp:/fsx0abcd/x"
    assert source_of(MountOrder(lustre(host="fs-1", fsname=""), "10.9.0.1", "/s", located)) == "fs-1.fsx.test@tcp:/abcd1234"


@pytest.mark.parametrize(
    ("shown", "same"),
    [
        ("localhost@tcp:/abcd", True),
        ("127.0.0.1@tcp:/abcd", True),
        ("127.0.0.2@tcp:/abcd", False),
        ("localhost@tcp:/abce", False),
        ("localhost@tcp:/abcd/x", False),
        ("localhost:/abcd", False),
    ],
)
def test_mountinfo_may_show_an_address_for_a_name(shown: str, same: bool) -> None:
    assert same_source(shown, "localhost@tcp:/abcd") is same


def state_file(folder: Path, name: str, **content: object) -> None:
    folder.mkdir(mode=0o750, exist_ok=True)
    (folder / name).write_text(json.dumps({"pid": 1, "cmd": [], "files": [], **content}))


def proxied(place: str = "/mnt/a.b", settings: str = "rw,port=20049") -> Mount:
    return a_row("127.0.0.1:/", "nfs4", mountpoint=place, settings=settings)


def test_the_file_system_behind_a_proxy_is_found(tmp_path: Path) -> None:
    run = tmp_path / "efs"
    assert efs_state.file_system(proxied(), str(run)) == "", "there is no amazon-efs-utils"
    state_file(run, f"{OTHER_EFS}.mnt.a.b.20050", mountpoint="/mnt/a.b")
    state_file(run, f"{OTHER_EFS}.mnt.a.b.20049", mountpoint="/mnt/a/b")
    (run / f"{OTHER_EFS}.mnt.a.b.20049+").mkdir()
    (run / f"stunnel-config.{OTHER_EFS}.mnt.a.b.20049").write_text("")
    assert efs_state.file_system(proxied(), str(run)) == "", "another port, another mount point"
    state_file(run, f"~{EFS}.mnt.a.b.20049", mountpoint="/mnt/a.b")
    assert efs_state.file_system(proxied(), str(run)) == EFS, "the helper has not ended yet"
    (run / f"~{EFS}.mnt.a.b.20049").rename(run / f"{EFS}.mnt.a.b.20049")
    state_file(run, f"~{OTHER_EFS}.mnt.a.b.20049", mountpoint="/mnt/a.b")
    assert efs_state.file_system(proxied(), str(run)) == EFS
    assert efs_state.ports(EFS, "/mnt/a.b", str(run)) == {"20049"}
    row = msgspec.structs.replace(proxied(), source="10.0.0.1:/")
    assert efs_state.file_system(row, str(run)) == "", "it needs no explanation"


def test_a_state_file_that_makes_no_sense_says_nothing(tmp_path: Path) -> None:
    run = tmp_path / "efs"
    state_file(run, f"{EFS}.mnt.a.b.20049", mountpoint=["/mnt/a.b"])
    assert efs_state.file_system(proxied(), str(run)) == ""
    (run / f"{EFS}.mnt.a.b.20049").write_text("{")
    assert efs_state.file_system(proxied(), str(run)) == ""
    (run / f"{EFS}.mnt.a.b.20049").unlink()
    (run / f"{EFS}.mnt.a.b.20049").symlink_to("/dev/zero")
    assert efs_state.file_system(proxied(), str(run)) == ""


def test_mountinfo_s_settings_can_be_asked_for() -> None:
    row = parse_row(b"36 25 0:45 / /mnt/a rw,nosuid - nfs4 127.0.0.1:/ rw,vers=4.1,rsize=1048576,port=20049,addr=127.0.0.1")
    assert (row.setting("port"), row.setting("rsize"), row.setting("size"), row.server) == ("20049", "1048576", "", "127.0.0.1")


def test_mounts_through_helpers_share_no_job_and_have_more_time() -> None:
    entries = [Entry(spec=s, since_at=0.0, address="10.9.0.1") for s in (efs("a"), efs("b"), lustre("c"), spec("d"), spec("e"))]
    errands = [errand(e, Action(Verb.MOUNT, ""), None, "/stage", Setup("file:/mounts.yaml")) for e in entries]
    assert sorted(len(group) for group in together(errands)) == [1, 1, 1, 2]
    assert [deadline_of(Kind.MOUNT, one.order) for one in errands] == [60, 60, 60, 20, 20]
    assert deadline_of(Kind.UNMOUNT, Unmount("/mnt/a", 7, helper="lustre")) == 45
    assert deadline_of(Kind.UNMOUNT, Unmount("/mnt/a", 7)) == 10


def test_lustre_is_mounted_before_nfs() -> None:
    entries = [Entry(spec=s, since_at=0.0) for s in (spec("a"), lustre("b"), spec("c"))]
    assert [e.spec.name for e in sorted(entries, key=urgency)] == ["b", "a", "c"]


LACKS = {"problem": Problem("lustre-missing", ""), "phase": Phase.WAITING, "not_before": 200.0, "address": "10.9.0.1"}


def test_a_client_that_is_missing_is_installed_where_that_is_wanted() -> None:
    def verb(install: bool, busy: frozenset[Kind]) -> Verb:
        e = Entry(spec=lustre(install_client=install), since_at=0.0, **LACKS)  # type: ignore[arg-type]
        return plan(e, Standing.ABSENT, None, busy, 100.0).verb

    assert verb(True, frozenset()) is Verb.INSTALL
    assert verb(True, frozenset({Kind.INSTALL})) is Verb.NOTHING
    assert verb(False, frozenset()) is Verb.NOTHING


def test_one_job_installs_it_for_all_and_then_they_are_mounted() -> None:
    host = FakeHost()
    host.no_lustre = True
    driver = Driver(host)
    driver.load(lustre("a", install_client=True), lustre("b", install_client=True), lustre("c"))
    driver.run(1.0)
    assert host.started.count(CLIENT) == 1
    assert [entry(driver, name).phase for name in "ab"] == [Phase.MOUNTED] * 2
    driver.run(5.0)
    assert entry(driver, "c").phase is Phase.MOUNTED, "it finds the client when its own time comes"


def test_a_client_that_is_installed_and_yet_missing_is_not_installed_again_and_again() -> None:
    """Its modules do not fit the kernel, say."""
    host = FakeHost()
    host.no_lustre = host.no_modules = True
    driver = Driver(host)
    driver.load(lustre("a", install_client=True))
    driver.run(120.0)
    assert 2 <= host.started.count(CLIENT) <= 8


def test_a_client_that_cannot_be_installed_is_tried_again_later_and_named() -> None:
    host = FakeHost()
    host.no_lustre = True
    host.install_problem = Problem("client-not-installed", "lustre-client: no network")
    driver = Driver(host)
    driver.load(lustre("a", install_client=True))
    driver.run(60.0)
    found = entry(driver, "a").problem
    assert found is not None
    assert found.code in ("client-not-installed", "lustre-missing")
    assert 2 <= host.started.count(CLIENT) <= 8, "with pauses between"
    host.install_problem = None
    driver.run(300.0)
    assert entry(driver, "a").phase is Phase.MOUNTED


def test_what_helpers_mounted_is_known_again_after_a_restart() -> None:
    host = FakeHost()
    first = Driver(host)
    first.load(efs("a"), lustre("b"))
    first.run(3.0)
    assert {(r.source, r.fstype) for r in host.ledger} == {("127.0.0.1:/", "nfs4"), ("10.9.0.1@tcp:/fsx0abcd", "lustre")}
    host.started.clear()
    second = Driver(host, {record.spec.mountpoint: record for record in host.ledger})
    second.load(efs("a"), lustre("b"))
    second.run(3.0)
    assert not [key for key in host.started if key.kind in (Kind.MOUNT, Kind.UNMOUNT)]
    assert not [name for name in "ab" if entry(second, name).theirs]


def test_a_dead_server_behind_a_proxy_is_not_looked_for_elsewhere() -> None:
    """What the kernel speaks to is this machine; where the proxy goes is the proxy's to know."""
    host = FakeHost()
    driver = Driver(host)
    driver.load(efs("a"))
    driver.run(3.0)
    host.hang("127.0.0.1")
    driver.run(40.0)
    assert entry(driver, "a").health is Health.HUNG
    host.started.clear()
    driver.run(120.0)
    assert not [key for key in host.started if key.kind in (Kind.RESOLVE, Kind.MOVE)]


def test_a_missing_part_of_lustre_degrades_and_takes_nothing_away() -> None:
    from fsmount.entry import Now

    e = Entry(spec=lustre(), since_at=0.0, phase=Phase.MOUNTED, mount_id=7, health=Health.HEALTHY)
    trouble = Problem("lustre-target-down", "/mnt/a: no connection to fsx0abcd-OST0000 (DISCONN)")
    key = Key(Kind.PROBE, "/mnt/a", 7)
    for moment in (100.0, 130.0):
        e = after(key, e, Probed(Usage(100, 40, 60), 0.01, trouble=trouble), Now(moment, moment, 0.5))
    assert (e.health, e.problem, e.word.value) == (Health.SLOW, trouble, "degraded")


def test_the_sentence_about_a_late_mount_names_its_own_limit() -> None:
    from fsmount.entry import Now

    late = after(Key(Kind.MOUNT, "/mnt/a"), Entry(spec=lustre(), since_at=0.0), Overdue(60.1), Now(1.0, 1.0, 0.5))
    assert late.problem is not None
    assert "60 s" in late.problem.observed
