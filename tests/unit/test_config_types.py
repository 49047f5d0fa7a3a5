"""mounts.yaml for the types of AWS: ids, the keys and options that go with a type, names of the instance, other instances."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import botocore
import pytest
from fsmount.cli import main
from fsmount.config import helper_options, lustre_options, nfs_options, partitions
from fsmount.config.findings import Invalid
from fsmount.config.load import load, load_all
from fsmount.instance import Instance
from fsmount.model import CreatePath, Metrics, Spec

ROOT = Path(__file__).parents[2]
NOTEBOOK = Instance("Team-A-7", "", "aws", "us-east-1", "123456789012")
CHINESE = Instance("team-b-1", "", "aws-cn", "cn-north-1", "210987654321")
ID, SVM, FSAP = "fs-0123456789abcdef0", "svm-0123456789abcdef0", "fsap-0123456789abcdef0"


def mounts(*entries: str) -> bytes:
    """Each entry is what comes after `{name: ..., ` in a flow mapping."""
    rows = "".join(f"  - {{name: m{i}, {entry}}}\n" for i, entry in enumerate(entries))
    return f"version: 1\nmounts:\n{rows}".encode()


def one(entry: str, instance: Instance | None = NOTEBOOK, region: str = "") -> Spec:
    (spec,) = load(mounts(f"mountpoint: /mnt/a, {entry}"), instance, region).mounts
    return spec


def findings(content: bytes, instance: Instance | None = NOTEBOOK, region: str = "") -> list[str]:
    with pytest.raises(Invalid) as caught:
        load(content, instance, region)
    return [finding.text("f") for finding in caught.value.findings]


@pytest.mark.parametrize(
    ("entry", "host", "path", "id", "fsname", "source"),
    [
        (f"type: efs, source: {ID}", f"{ID}.efs.us-east-1.amazonaws.com", "/", ID, "", None),
        ("type: efs, source: fs-01234567", "fs-01234567.efs.us-east-1.amazonaws.com", "/", "fs-01234567", "", None),
        (f"type: efs, source: '{ID}:/a//b/'", f"{ID}.efs.us-east-1.amazonaws.com", "/a/b", ID, "", None),
        (f"type: efs, source: {ID}, path: /a", f"{ID}.efs.us-east-1.amazonaws.com", "/a", ID, "", None),
        (
            f"type: efs, source: '{ID}.efs.eu-west-1.amazonaws.com.:/a'",
            f"{ID}.efs.eu-west-1.amazonaws.com",
            "/a",
            ID,
            "",
            None,
        ),
        (f"type: openzfs, source: '{ID}:/fsx/v'", ID, "/fsx/v", ID, "", f"{ID}:/fsx/v"),
        (f"type: ontap, source: {SVM}, path: /v", SVM, "/v", SVM, "", f"{SVM}:/v"),
        (f"type: ontap, source: {ID}", ID, "/", ID, "", f"{ID}:/"),
        (f"type: s3files, source: {ID}", ID, "/", ID, "", f"{ID}:/"),
        (f"type: lustre, source: {ID}, path: /d", ID, "/d", ID, "", f"{ID}:/d"),
        ("type: lustre, source: 'fs1.test@tcp:/fsx'", "fs1.test", "/", "", "fsx", "fs1.test@tcp:/fsx"),
        ("type: lustre, source: 'fs1@tcp:/12345678/d/e/'", "fs1", "/d/e", "", "12345678", "fs1@tcp:/12345678/d/e"),
        ("type: lustre, source: '10.9.1.1@tcp:/f-x_', path: /d", "10.9.1.1", "/d", "", "f-x_", "10.9.1.1@tcp:/f-x_/d"),
    ],
)
def test_a_source_is_an_id_or_a_server_by_its_type(
    entry: str, host: str, path: str, id: str, fsname: str, source: str | None
) -> None:
    spec = one(entry)
    assert (spec.host, spec.path, spec.id, spec.fsname) == (host, path, id, fsname)
    assert source is None or spec.source == source


def test_an_efs_name_ends_as_its_region_s_partition_does() -> None:
    assert one(f"type: efs, source: {ID}", CHINESE).host == f"{ID}.efs.cn-north-1.amazonaws.com.cn"
    assert one(f"type: efs, source: {ID}", CHINESE, "us-gov-west-1").host == f"{ID}.efs.us-gov-west-1.amazonaws.com"
    assert one(f"type: efs, source: {ID}", None, "us-isob-east-1").host == f"{ID}.efs.us-isob-east-1.sc2s.sgov.gov"


def test_the_partitions_are_those_that_botocore_knows() -> None:
    known = json.loads((Path(botocore.__file__).parent / "data/partitions.json").read_text())
    for partition in known["partitions"]:
        regions = [region for region in partition["regions"] if not region.endswith("-global")]
        assert regions
        for region in regions:
            assert partitions.is_region(region)
            assert partitions.of(region) == (partition["id"], partition["outputs"]["dnsSuffix"])


@pytest.mark.parametrize(
    ("service", "shape"), [("efs", "FileSystemId"), ("efs", "AccessPointId"), ("fsx", "StorageVirtualMachineId")]
)
def test_ids_are_such_as_the_api_takes(service: str, shape: str) -> None:
    import re

    (model,) = (Path(botocore.__file__).parent / "data" / service).glob("*/service-2.json.gz")
    pattern = json.loads(gzip.decompress(model.read_bytes()))["shapes"][shape]["pattern"]
    assert re.search(pattern, {"FileSystemId": ID, "AccessPointId": FSAP, "StorageVirtualMachineId": SVM}[shape])


def test_without_a_region_an_efs_id_says_what_is_missing() -> None:
    (text,) = findings(mounts(f"type: efs, source: {ID}, mountpoint: /mnt/a"), None)
    assert "mounts[0].source" in text
    assert "no notebook instance" in text
    assert "the lifecycle script names no region" in text
    (text,) = findings(mounts(f"type: efs, source: {ID}, mountpoint: /mnt/a"), None, "us-east")
    assert "'us-east' is not a region's name" in text


def test_an_efs_name_and_fsx_ids_need_no_region() -> None:
    assert one(f"type: efs, source: {ID}.efs.eu-west-1.amazonaws.com", None).id == ID
    assert one(f"type: openzfs, source: {ID}", None).id == ID


def test_the_keys_of_a_type_become_the_spec_s() -> None:
    spec = one(f"type: efs, source: {ID}, tls: true, iam: true, access_point: {FSAP}")
    assert (spec.tls, spec.iam, spec.access_point, spec.helper) == (True, True, FSAP, "efs")
    spec = one(f"type: s3files, source: {ID}, access_point: {FSAP}, options: [nodirects3read]")
    assert (spec.tls, spec.access_point, spec.helper) == (False, FSAP, "s3files")
    assert one("type: lustre, source: 'a@tcp:/b', install_client: true").install_client
    spec = one("type: nfs, source: fs1")
    assert (spec.tls, spec.iam, spec.access_point, spec.create_path, spec.install_client) == (False, False, "", None, False)


@pytest.mark.parametrize(
    ("mode", "number"), [("", 0o750), (', mode: "2770"', 0o2770), (', mode: "755"', 0o755), (", mode: 0700", 0o700)]
)
def test_a_path_is_made_with_an_owner_a_group_and_a_mode(mode: str, number: int) -> None:
    spec = one(f"type: efs, source: '{ID}:/homes/{{instance}}', create_path: {{owner: 1000, group: 0{mode}}}")
    assert spec.create_path == CreatePath(owner=1000, group=0, mode=number)
    assert spec.path == "/homes/Team-A-7"


def test_names_of_the_instance_are_replaced_wherever_a_place_is_named() -> None:
    content = mounts(
        "type: nfs, source: 'fs.{region}.test', path: '/{account}/{instance}', mountpoint: '/mnt/{instance}-{region}'"
    )
    (spec,) = load(content, NOTEBOOK).mounts
    assert (spec.host, spec.path) == ("fs.us-east-1.test", "/123456789012/Team-A-7")
    assert spec.mountpoint == "/mnt/Team-A-7-us-east-1"
    assert load(content, CHINESE, "eu-west-1").mounts[0].host == "fs.eu-west-1.test"
    assert load(content, NOTEBOOK).digest == load(content, CHINESE).digest == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ("source: fs1, path: '/{instance}'", "{instance} cannot be replaced: the name of the instance is not known here"),
        ("source: fs1, path: '/{account}'", "{account} cannot be replaced: the account is not known here"),
        ("source: 'fs.{region}.test'", "{region} cannot be replaced: the region is not known here"),
        ("source: fs1, when: {instance: a}", "cannot be decided: the name of the instance is not known here"),
    ],
)
def test_on_a_machine_that_is_no_notebook_instance_a_name_of_it_is_a_finding(entry: str, word: str) -> None:
    (text,) = findings(mounts(f"type: nfs, mountpoint: /mnt/a, {entry}"), None)
    assert word in text


def test_a_pinned_region_is_enough_for_what_needs_the_region_alone() -> None:
    assert one("type: nfs, source: 'fs.{region}.test'", None, "eu-west-1").host == "fs.eu-west-1.test"


@pytest.mark.parametrize(
    ("when", "wanted"),
    [
        ("team-a-*", True),
        ("TEAM-a-?", True),
        ("team-b-*", False),
        ("team-a", False),
        ("[team-b-*, team-a-7]", True),
        ("[team-b-*]", False),
        ('"team-[!b]-*"', True),
    ],
)
def test_when_says_on_which_instances_a_mount_is_wanted(when: str, wanted: bool) -> None:
    content = mounts(f"type: nfs, source: fs1, mountpoint: /mnt/a, when: {{instance: {when}}}")
    loaded = load_all(content, NOTEBOOK)
    assert [spec.name for spec in loaded.config.mounts] == (["m0"] if wanted else [])
    assert loaded.elsewhere == (() if wanted else ("m0",))


def test_mounts_for_different_instances_may_share_a_place() -> None:
    content = mounts(
        "type: nfs, source: fs1, mountpoint: /mnt/a, when: {instance: team-a-*}",
        "type: nfs, source: fs2, mountpoint: /mnt/a, when: {instance: team-b-*}",
        "type: nfs, source: fs3, mountpoint: /mnt/a/x, when: {instance: team-c-*}",
    )
    assert [spec.host for spec in load(content, NOTEBOOK).mounts] == ["fs1"]
    assert [spec.host for spec in load(content, CHINESE).mounts] == ["fs2"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{instance: team-a-*}", "{instance: '*-7'}"),
        ("{instance: other}", "{instance: [other]}"),
        ("{instance: [x, y]}", "{instance: [y, x]}"),
    ],
    ids=["both here", "the same elsewhere", "the same in another order"],
)
def test_mounts_that_meet_on_an_instance_may_not(first: str, second: str) -> None:
    content = mounts(
        f"type: nfs, source: fs1, mountpoint: /mnt/a, when: {first}",
        f"type: nfs, source: fs2, mountpoint: /mnt/a, when: {second}",
    )
    (text,) = findings(content)
    assert text.startswith("f:4:")
    assert "/mnt/a is the mount point of 'm0' already (line 3)" in text


@pytest.mark.parametrize(
    ("line", "tags", "metrics"),
    [
        ("", True, Metrics.OFF),
        ("tags: off", False, Metrics.OFF),
        ("tags: on", True, Metrics.OFF),
        ("tags: false", False, Metrics.OFF),
        ("tags: true", True, Metrics.OFF),
        ("metrics: journal", True, Metrics.JOURNAL),
        ("metrics: on", True, Metrics.ON),
        ("metrics: true", True, Metrics.ON),
        ("metrics: false", True, Metrics.OFF),
    ],
)
def test_tags_and_metrics(line: str, tags: bool, metrics: Metrics) -> None:
    config = load(f"version: 1\nmounts: []\n{line}\n".encode())
    assert (config.tags, config.metrics) == (tags, metrics)


def test_lustre_s_defaults_are_aws_s_and_the_user_s_options_replace_them() -> None:
    assert lustre_options.merged((), False) == ("relatime", "flock", "nosuid", "nodev")
    assert lustre_options.merged(("noatime", "localflock", "user_xattr", "nosuid"), True) == (
        "ro", "noatime", "localflock", "user_xattr", "nosuid", "nodev",
    )  # fmt: skip


def test_openzfs_speaks_4_2_and_every_nfs_keeps_noresvport() -> None:
    assert dict(nfs_options.merged((), "openzfs"))["vers"] == "4.2"
    assert dict(nfs_options.merged(("vers=4.1",), "openzfs"))["vers"] == "4.1"
    for type in ("nfs", "efs", "openzfs", "ontap"):
        options = nfs_options.merged(("hard", "nfsvers=4.1", "sharecache"), type)
        assert ("noresvport", None) in options


def test_every_type_refuses_what_would_take_port_988_or_give_away_root() -> None:
    for option in ("suid", "dev", "ro", "rw", "resvport", "bg", "nofail"):
        assert nfs_options.objection(option, True)
        assert lustre_options.objection(option, True)
        assert helper_options.objection(option, True, "efs")
        assert helper_options.objection(option, True, "s3files")


def test_the_helper_s_own_switches_pass() -> None:
    for option in ("ocsp", "noocsp", "stunnel", "tlsport=20049", "timeo=300", "noatime", "rsize=65536"):
        assert helper_options.objection(option, False, "efs") is None
    assert helper_options.objection("nos3readcache", False, "s3files") is None
    assert "contradict" in findings(mounts(f"type: efs, source: {ID}, mountpoint: /mnt/a, tls: true, options: [ocsp, noocsp]"))[0]


def test_check_reads_for_the_instance_that_it_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mounts.yaml"
    file.write_bytes(
        mounts(
            f"type: efs, source: '{ID}:/{{instance}}', mountpoint: /mnt/a",
            "type: nfs, source: fs1, mountpoint: '/mnt/{account}', when: {instance: team-a-*}",
        )
    )
    assert main(["check", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: good, 1 mount (m1: for other instances, see `fsmount check --instance`)\n"
    assert main(["check", str(file), "--instance", "team-a-1", "--region", "cn-north-1", "--account", "210987654321"]) == 0
    assert capsys.readouterr().out == f"{file}: good, 2 mounts\n"


@pytest.mark.parametrize(
    ("option", "value"),
    [("--instance", "team_a"), ("--region", "us-east1"), ("--region", "REGION"), ("--account", "1234"), ("--instance", "a/../b")],
)
def test_check_knows_what_can_be_no_instance(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", str(ROOT / "config/mounts.example.yaml"), option, value])
    assert ended.value.code == 2
    assert value in capsys.readouterr().err


def test_reading_every_key_leaves_the_process_whole() -> None:
    """msgspec 0.22 overwrites memory for some choices of types, which shows when the process ends."""
    argv = [sys.executable, "-m", "fsmount", "check", "--instance", "team-a-1", str(ROOT / "config/mounts.example.yaml")]
    env = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (0, f"{argv[-1]}: good, 8 mounts\n"), done.stderr


def test_mounts_that_meet_on_an_instance_elsewhere_are_found_far_from_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is alone on the instance that `check` reads for; on team-b-x they want the same mount point."""
    file = tmp_path / "mounts.yaml"
    file.write_bytes(
        mounts(
            "type: nfs, source: fs1, mountpoint: /mnt/c, when: {instance: team-*}",
            "type: nfs, source: fs2, mountpoint: /mnt/c, when: {instance: team-b-*}",
        )
    )
    assert main(["check", str(file)]) == 1
    assert "/mnt/c is the mount point of" in (said := capsys.readouterr().out)
    assert "(on an instance named team-b-x)" in said
    assert main(["check", str(file), "--instance", "team-a-1"]) == 0


def test_what_is_small_in_the_file_and_huge_with_its_names_filled_in_is_refused() -> None:
    """The daemon is told of each mount with them, and takes no answer without an end."""
    row = "- {{name: m{0}, type: nfs, source: h, path: '/" + "{{instance}}" * 40 + "', mountpoint: /mnt/m{0}}}\n"
    text = "version: 1\nmounts:\n" + "".join(row.format(i) for i in range(1900))
    with pytest.raises(Invalid) as refused:
        load(text.encode(), Instance("a" * 63, "", "aws", "eu-west-1", "1" * 12))
    assert [one.message for one in refused.value.findings] == ["larger than 1024 KiB with the names filled in"]
