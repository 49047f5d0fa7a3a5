"""`fsmount push` as an administrator runs it, against moto's server and, for AppConfig's control plane, our stand-in."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from fsmount.signature import public_of, verify

from tests.system import appconfig
from tests.vm.aws import Aws

GOOD = "version: 1\nmounts: []\n"
SEED = bytes(range(32))
REGION = "us-east-1"


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class Administrator:
    """Someone with a shell, a configuration file, a key and credentials."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "HOME": str(home),
            "AWS_ENDPOINT_URL": url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": REGION,
        }
        self.file, self.key = home / "mounts.yaml", home / "key"
        self.file.write_text(GOOD)
        der = bytes.fromhex("302e020100300506032b657004220420") + SEED
        self.key.write_text(f"-----BEGIN PRIVATE KEY-----\n{base64.b64encode(der).decode()}\n-----END PRIVATE KEY-----\n")
        self.key.chmod(0o600)

    def push(self, *argv: str, **environment: str) -> Ran:
        """In `environment`, an empty word takes the variable away."""
        command = [sys.executable, "-m", "fsmount", "push", *argv]
        environment = {name: value for name, value in {**self.environment, **environment}.items() if value}
        done = subprocess.run(
            command, cwd=self.home, env=environment, capture_output=True, text=True, timeout=60
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    """As in this ring's other tests, but moto's server, a child, lives from test to test."""
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) <= before, "a descriptor was left open"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    made = Aws(tmp_path_factory.mktemp("aws") / "moto.log")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def someone(tmp_path: Path, aws: Aws) -> Administrator:
    return Administrator(tmp_path, aws.url)


def digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def stored(aws: Aws, bucket: str, key: str = "mounts.yaml") -> bytes:
    client = aws.client("s3")
    content: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    client.close()
    return content


def bucket(aws: Aws, name: str) -> str:
    client = aws.client("s3")
    client.create_bucket(Bucket=name)
    client.close()
    return f"s3://{name}/mounts.yaml"


def test_a_configuration_goes_to_s3_and_what_was_there_is_said(someone: Administrator, aws: Aws) -> None:
    origin = bucket(aws, "team-a")
    first = someone.push("mounts.yaml", origin)
    assert (first.code, first.err) == (0, "")
    assert first.out.splitlines()[:2] == ["mounts.yaml: good, 0 mounts", f"{origin}: nothing is there yet"]
    assert f"put: generation {digest(GOOD)}, {len(GOOD)} bytes\n" in first.out
    assert "ask every 60 s" in first.out
    assert stored(aws, "team-a") == GOOD.encode()
    again = someone.push("mounts.yaml", origin)
    assert again.code == 0
    assert again.out.endswith(f"{origin}: unchanged, nothing to put\n")
    someone.file.write_text(GOOD + "# new\n")
    changed = someone.push("mounts.yaml", origin)
    assert f"{origin}: there now: generation {digest(GOOD)}\n" in changed.out
    assert f"put: generation {digest(GOOD + '# new' + chr(10))}" in changed.out


def test_a_bad_configuration_is_shown_whole_and_not_sent(someone: Administrator, aws: Aws) -> None:
    origin = bucket(aws, "team-b")
    someone.file.write_text("version: 2\nmounts: 7\n")
    ran = someone.push("mounts.yaml", origin, AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert ran.code == 1
    assert "mounts.yaml:1:" in ran.out
    assert "mounts.yaml:2:" in ran.out
    assert "such a file is refused as a whole" in ran.err


def test_it_is_signed_and_a_later_one_without_a_signature_is_warned_of(someone: Administrator, aws: Aws) -> None:
    origin = bucket(aws, "team-c")
    ran = someone.push("mounts.yaml", origin, "--sign", "key")
    assert ran.code == 0
    assert f"signed; the public key to pin is {public_of(SEED)}" in ran.out
    verify(stored(aws, "team-c"), public_of(SEED))
    assert someone.push("mounts.yaml", origin, "--sign", "key").out.endswith("unchanged, nothing to put\n")
    bare = someone.push("mounts.yaml", origin)
    assert bare.code == 1
    assert "what is there bears a signature, this does not" in bare.err
    assert "[config-unsigned]" in bare.err
    verify(stored(aws, "team-c"), public_of(SEED))
    assert someone.push("mounts.yaml", origin, "--unsigned").code == 0
    assert stored(aws, "team-c") == GOOD.encode()


def test_a_signed_file_that_was_changed_since_is_not_passed_off_as_signed(someone: Administrator, aws: Aws) -> None:
    origin = bucket(aws, "team-changed")
    assert someone.push("mounts.yaml", origin, "--sign", "key").code == 0
    signed = stored(aws, "team-changed")
    someone.file.write_bytes(b"# changed\n" + signed)
    ran = someone.push("mounts.yaml", origin, "--public-key", public_of(SEED))
    assert (ran.code, "[config-signature-wrong]" in ran.err) == (1, True)
    assert stored(aws, "team-changed") == signed
    assert "not checked without --public-key" in someone.push("mounts.yaml", origin, "--dry-run").err
    someone.file.write_bytes(signed)
    assert someone.push("mounts.yaml", bucket(aws, "team-copy"), "--public-key", public_of(SEED)).code == 0
    assert someone.push("mounts.yaml", origin, "--public-key", "none.pub").code == 2


def test_a_key_that_others_can_read_signs_nothing(someone: Administrator, aws: Aws) -> None:
    someone.key.chmod(0o644)
    ran = someone.push("mounts.yaml", "s3://team-none/mounts.yaml", "--sign", "key")
    assert ran.code == 2
    assert "can be read by others (mode 0644)" in ran.err
    assert "[key-invalid]" in ran.err
    assert someone.push("mounts.yaml", "s3://team-none/mounts.yaml", "--sign", "nokey").code == 2


def test_a_dry_run_puts_nothing(someone: Administrator, aws: Aws) -> None:
    origin = bucket(aws, "team-d")
    ran = someone.push("mounts.yaml", origin, "--dry-run")
    assert ran.code == 0
    assert f"would put: generation {digest(GOOD)}" in ran.out
    assert f"{origin}: nothing is there yet" in someone.push("mounts.yaml", origin, "--dry-run").out


def test_a_bucket_that_every_notebook_may_write_to_is_warned_of(someone: Administrator, aws: Aws) -> None:
    ran = someone.push("mounts.yaml", bucket(aws, "my-sagemaker-things"))
    assert ran.code == 0
    assert "'sagemaker' in its name" in ran.err


def test_versions_of_a_bucket_are_named(someone: Administrator, aws: Aws) -> None:
    origin = bucket(aws, "team-v")
    client = aws.client("s3")
    client.put_bucket_versioning(Bucket="team-v", VersioningConfiguration={"Status": "Enabled"})
    ran = someone.push("mounts.yaml", origin)
    version = client.list_object_versions(Bucket="team-v")["Versions"][0]["VersionId"]
    client.close()
    assert f", version {version}\n" in ran.out


def test_something_huge_that_is_there_is_not_loaded(someone: Administrator, aws: Aws) -> None:
    aws.put_object("team-h", "mounts.yaml", bytes(3 << 20))
    ran = someone.push("mounts.yaml", "s3://team-h/mounts.yaml")
    assert ran.code == 0
    assert "something larger than a configuration" in ran.out


@pytest.mark.parametrize(
    ("size", "tier"),
    [(4096, "Standard"), (4097, "Advanced"), (8192, "Advanced")],
)
def test_a_parameter_gets_the_tier_of_its_size(size: int, tier: str, someone: Administrator, aws: Aws) -> None:
    content = (GOOD + "#" * 9000)[: size - 1] + "\n"
    someone.file.write_text(content)
    ran = someone.push("mounts.yaml", f"ssm:///sized/s{size}")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[2] == f"put: generation {digest(content)}, {size} bytes, version 1"
    ssm = aws.client("ssm")
    described = ssm.describe_parameters(Filters=[{"Key": "Name", "Values": [f"/sized/s{size}"]}])["Parameters"][0]
    assert (described["Tier"], described["Type"]) == (tier, "String")
    assert ssm.get_parameter(Name=f"/sized/s{size}")["Parameter"]["Value"] == content
    ssm.close()


def test_what_no_parameter_holds_is_refused_and_s3_is_named(someone: Administrator, aws: Aws) -> None:
    someone.file.write_text(GOOD + "#" * 9000 + "\n")
    ran = someone.push("mounts.yaml", "ssm:///team/mounts", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert ran.code == 1
    assert "a parameter holds 8192 at most [parameter-too-large]" in ran.err
    assert "s3://" in ran.err


def test_a_parameter_that_is_there_keeps_its_type(someone: Administrator, aws: Aws) -> None:
    ssm = aws.client("ssm")
    ssm.put_parameter(Name="/secret", Value="old", Type="SecureString", Tier="Advanced", KeyId="alias/team")
    ran = someone.push("mounts.yaml", "ssm:///secret")
    assert f"ssm:///secret: there now: generation {digest('old')}, version 1\n" in ran.out
    assert ", version 2\n" in ran.out
    read = ssm.get_parameter(Name="/secret", WithDecryption=True)["Parameter"]
    described = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": ["/secret"]}])["Parameters"][0]
    assert described["KeyId"] == "alias/team", "another key, which notebooks may not use"
    ssm.close()
    assert (read["Value"], read["Type"]) == (GOOD, "SecureString")


def test_a_file_is_replaced_whole_and_never_through_a_link(someone: Administrator) -> None:
    folder = someone.home / "etc"
    folder.mkdir(mode=0o755)
    origin = f"file:{folder}/mounts.yaml"
    ran = someone.push("mounts.yaml", origin)
    assert (ran.code, ran.err) == (0, "")
    assert "`sudo fsmount reload`" in ran.out
    assert (folder / "mounts.yaml").read_text() == GOOD
    assert (folder / "mounts.yaml").stat().st_mode & 0o777 == 0o644
    assert someone.push("mounts.yaml", origin).out.endswith("unchanged, nothing to put\n")
    assert os.listdir(folder) == ["mounts.yaml"]
    folder.chmod(0o777)
    someone.file.write_text(GOOD + "# new\n")
    refused = someone.push("mounts.yaml", origin)
    assert refused.code == 1
    assert "can be written by others" in refused.err
    assert (folder / "mounts.yaml").read_text() == GOOD
    (someone.home / "link").symlink_to(folder)
    assert someone.push("mounts.yaml", f"file:{someone.home}/link/mounts.yaml").code == 1
    missing = someone.push("mounts.yaml", f"file:{someone.home}/none/mounts.yaml")
    assert missing.code == 1
    assert "[file-not-written]" in missing.err


def test_what_makes_no_sense_is_a_mistake_of_usage(someone: Administrator) -> None:
    for argv in (["mounts.yaml"], ["mounts.yaml", "bucket/key"], ["none.yaml", "s3://team/key"], []):
        ran = someone.push(*argv)
        assert ran.code == 2, argv
        assert ran.err.startswith("fsmount: ")
        assert "Traceback" not in ran.err
    assert "[origin-invalid]" in someone.push("mounts.yaml", "s3://team").err


@pytest.mark.parametrize(
    ("origin", "environment", "says"),
    [
        ("s3://no-such-bucket-here/key", {}, "NoSuchBucket"),
        ("s3://team/key", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "[aws-unreachable]"),
        ("s3://team/key", {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "[aws-credentials]"),
        ("s3://team/key", {"AWS_PROFILE": "nobody"}, "[aws-failed]"),
        ("ssm:///team", {"AWS_DEFAULT_REGION": ""}, "[aws-no-region]"),
    ],
    ids=["no-bucket", "offline", "no-credentials", "no-profile", "no-region"],
)
def test_what_aws_refuses_is_named(origin: str, environment: dict[str, str], says: str, someone: Administrator) -> None:
    ran = someone.push("mounts.yaml", origin, **environment)
    assert ran.code == 1
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_the_region_is_found_where_the_aws_cli_finds_it(someone: Administrator) -> None:
    ran = someone.push("mounts.yaml", "ssm:///by-region", AWS_DEFAULT_REGION="", AWS_REGION=REGION)
    assert (ran.code, ran.err) == (0, "")


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Administrator]:
    """Someone whose AppConfig is the stand-in."""
    with appconfig.running() as url:
        yield Administrator(tmp_path, url)


def control_plane(team: Administrator) -> Any:
    make: Any = boto3.client
    return make(
        "appconfig",
        region_name=REGION,
        endpoint_url=team.environment["AWS_ENDPOINT_URL"],
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )


def test_appconfig_gets_a_version_and_a_deployment(team: Administrator) -> None:
    origin = "appconfig://fsmount/prod/mounts"
    first = team.push("mounts.yaml", origin)
    assert (first.code, first.err) == (0, "")
    assert f"{origin}: nothing is there yet" in first.out
    assert "version 1, deployment 1 (then watched for 10 min)" in first.out
    again = team.push("mounts.yaml", "appconfig://app0002/env0002/prof003")
    assert "generation " + digest(GOOD) + ", version 1\n" in again.out
    assert again.out.endswith("unchanged, nothing to put\n")
    client = control_plane(team)
    deployed = client.list_deployments(ApplicationId="app0002", EnvironmentId="env0002")["Items"][0]
    client.close()
    assert (deployed["ConfigurationProfileId"], deployed["ConfigurationVersion"]) == ("prof003", "1")


def test_appconfig_that_still_watches_the_last_one_is_named(team: Administrator) -> None:
    origin = "appconfig://fsmount/prod/mounts"
    assert team.push("mounts.yaml", origin).code == 0
    team.file.write_text(GOOD + "# new\n")
    busy = team.push("mounts.yaml", origin)
    assert busy.code == 1
    assert "version 2 is made but not deployed, another deployment is under way [appconfig-busy]" in busy.err
    request = urllib.request.Request(team.environment["AWS_ENDPOINT_URL"] + "/bake", method="DELETE")
    urllib.request.urlopen(request, timeout=5).close()
    assert "version 3, deployment 2 " in team.push("mounts.yaml", origin).out


def test_a_strategy_may_be_given_by_its_name(team: Administrator) -> None:
    ran = team.push("mounts.yaml", "appconfig://fsmount/prod/mounts", "--strategy", "no bake time")
    assert ran.code == 0
    assert "version 1, deployment 1\n" in ran.out
    unknown = team.push("-", "appconfig://fsmount/test/mounts", "--strategy", "none such")
    assert unknown.code == 1


@pytest.mark.parametrize(
    ("origin", "says"),
    [
        ("appconfig://none/prod/mounts", "there is no application 'none'; there is fsmount (app0002), other (app0001), twin"),
        ("appconfig://twin/prod/mounts", "there are 2 applications of the name 'twin': write an id (app0003, app0004)"),
        ("appconfig://fsmount/none/mounts", "there is no environment 'none'; there is prod (env0002), test (env0001)"),
        ("appconfig://fsmount/prod/none", "there is no configuration profile 'none'; there is flags (prof001)"),
    ],
    ids=["application", "two-of-a-name", "environment", "profile"],
)
def test_what_appconfig_does_not_have_is_named(origin: str, says: str, team: Administrator) -> None:
    ran = team.push("mounts.yaml", origin)
    assert ran.code == 1
    assert says in ran.err
    assert "[appconfig-not-found]" in ran.err
