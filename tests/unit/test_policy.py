"""What a lifecycle script's policy lets through, and the sentence for what it does not."""

from __future__ import annotations

import pytest
from fsmount.config.findings import Invalid
from fsmount.config.load import load
from fsmount.config.policy import violations
from fsmount.instance import Instance
from fsmount.model import Spec
from fsmount.settings import Policy

NOTEBOOK = Instance("team-a-7", "", "aws", "us-east-1", "123456789012")
ID = "fs-0123456789abcdef0"
EFS = Spec(name="a", type="efs", id=ID, host=f"{ID}.efs.us-east-1.amazonaws.com", path="/", mountpoint="/mnt/a")


def nfs(host: str = "fs1.test", mountpoint: str = "/mnt/a", options: tuple[str, ...] = ()) -> Spec:
    return Spec(name="a", type="nfs", host=host, path="/", mountpoint=mountpoint, options=options)


def broken(spec: Spec, policy: Policy) -> list[str]:
    return [key for key, _ in violations(spec, policy)]


def test_no_policy_allows_everything() -> None:
    assert broken(EFS, Policy()) == []


@pytest.mark.parametrize(
    ("spec", "patterns", "allowed"),
    [
        (EFS, (ID,), True),
        (EFS, ("fs-0123*",), True),
        (EFS, (f"{ID}.efs.*.amazonaws.com",), True),
        (EFS, ("fs-9*", ID), True),
        (EFS, ("*",), True),
        (EFS, ("fs-9*",), False),
        (EFS, (), False),
        (nfs(EFS.host), (ID,), True),
        (nfs("fs1.test"), ("fs1.test",), True),
        (nfs("FS1.test."), ("fs1.TEST",), True),
        (nfs("fs1.test"), ("*.test",), True),
        (nfs("fs1.test"), ("fs1",), False),
        (nfs("fs1.test"), ("fs?",), False),
        (nfs("fs-1.attacker.example"), ("fs-*",), False),
        (nfs(f"{ID}.efs.us-east-1.amazonaws.com.attacker.example"), ("fs-*",), False),
        (nfs(f"{ID}.efs.us-east-1.attacker.example"), (ID,), False),
        (nfs("10.0.1.2"), ("10.0.*",), True),
        (nfs("10.1.1.2"), ("10.0.*",), False),
        (nfs("10.0.1.2.attacker.example"), ("10.0.*",), False),
        (nfs("fd00::1"), ("fd00:*",), True),
    ],
    ids=lambda value: value.host if isinstance(value, Spec) else str(value),
)
def test_file_systems_are_patterns_of_ids_and_hosts(spec: Spec, patterns: tuple[str, ...], allowed: bool) -> None:
    assert broken(spec, Policy(file_systems=patterns)) == ([] if allowed else ["source"])


@pytest.mark.parametrize(
    ("place", "directories", "allowed"),
    [
        ("/mnt/a", ("/mnt",), True),
        ("/mnt/a", ("/mnt/",), True),
        ("/mnt/a", ("/mnt/a",), True),
        ("/mnt/a/b", ("/srv", "/mnt/a"), True),
        ("/mnt/ab", ("/mnt/a",), False),
        ("/mnt", ("/mnt/a",), False),
        ("/mnt/a", ("/",), True),
        ("/mnt/a", ("mnt",), False),
        ("/mnt/a", ("",), False),
        ("/mnt/a", (), False),
    ],
)
def test_mount_points_lie_in_directories_by_their_components(place: str, directories: tuple[str, ...], allowed: bool) -> None:
    assert broken(nfs(mountpoint=place), Policy(mountpoints=directories)) == ([] if allowed else ["mountpoint"])


@pytest.mark.parametrize(
    ("options", "allowed"),
    [((), ()), (("noatime",), ("noatime",)), (("vers=4.2",), ("nfsvers",)), (("nfsvers=4.2", "noac"), ("vers=4.2", "noac"))],
)
def test_options_that_are_named_pass(options: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    assert broken(nfs(options=options), Policy(options=allowed)) == []


@pytest.mark.parametrize(("options", "allowed"), [(("noatime",), ()), (("noac",), ("ac",)), (("rsize=8192",), ("rsize=4096",))])
def test_options_that_are_not_named_do_not(options: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    assert broken(nfs(options=options), Policy(options=allowed)) == ["options"]


@pytest.mark.parametrize(
    ("type", "tls", "place", "safe"),
    [
        ("efs", True, "/home/ec2-user/SageMaker/a", False),
        ("s3files", False, "/home/ec2-user/SageMaker/a", False),
        ("efs", True, "/tmp/a", False),
        ("efs", True, "/mnt/a", True),
        ("efs", False, "/home/ec2-user/SageMaker/a", True),
        ("lustre", False, "/home/ec2-user/SageMaker/a", True),
    ],
)
def test_where_places_are_pinned_a_helper_mounts_on_no_path_that_a_user_can_turn(
    type: str, tls: bool, place: str, safe: bool
) -> None:
    spec = Spec(name="a", type=type, id=ID, host=ID, path="/", mountpoint=place, tls=tls)
    pinned = Policy(mountpoints=("/home/ec2-user/SageMaker", "/tmp", "/mnt"))
    assert broken(spec, pinned) == ([] if safe else ["mountpoint"])
    assert broken(spec, Policy(file_systems=("*",))) == []


CONTENT = b"""\
version: 1
mounts:
  - name: a
    type: nfs
    source: fs1.test
    mountpoint: /mnt/{instance}
    options: [noatime]
  - name: b
    type: nfs
    source: elsewhere.test
    mountpoint: /srv/b
    when: {instance: team-b-*}
"""


def test_a_violation_has_its_line_and_names_the_rule() -> None:
    policy = Policy(file_systems=("fs-*", "*.example"), mountpoints=("/home/ec2-user/SageMaker",), options=())
    with pytest.raises(Invalid) as caught:
        load(CONTENT, NOTEBOOK, policy=policy)
    whose = "the policy of this notebook's lifecycle script allows"
    assert [finding.text("f") for finding in caught.value.findings] == [
        f"f:5:13: mounts[0].source: {whose} file systems fs-*, *.example only; 'fs1.test' is none of them",
        f"f:6:17: mounts[0].mountpoint: {whose} mount points in /home/ec2-user/SageMaker only",
        f"f:7:14: mounts[0].options: {whose} no options; 'noatime' is none of them",
    ]


def test_a_policy_is_about_what_is_wanted_here_with_its_names_replaced() -> None:
    policy = Policy(file_systems=("fs1.test",), mountpoints=("/mnt/team-a-7",), options=("noatime",))
    assert [spec.name for spec in load(CONTENT, NOTEBOOK, policy=policy).mounts] == ["a"]


def test_a_long_policy_is_said_briefly() -> None:
    policy = Policy(mountpoints=tuple(f"/data/{number}" for number in range(50)))
    ((_, sentence),) = violations(nfs(), policy)
    assert "/data/3 and 46 more only" in sentence
