"""The bundle as built for this interpreter: the same bytes each time, nothing too much, and AWS calls that work."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "packaging"))

import archive  # noqa: E402
import build_bundle  # noqa: E402
import prune  # noqa: E402
from wheels import BuildError, Pin, Target, Wheel, obtain, read_pins  # noqa: E402

REQUIREMENTS = ROOT / "packaging" / "requirements-bundle.txt"
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
TARGET = Target(PYTHON, "linux_x86_64")


@pytest.fixture(scope="session")
def wheels() -> list[Wheel]:
    return obtain(REQUIREMENTS, TARGET, ROOT / "dist" / "wheels")


@pytest.fixture(scope="session")
def bundle(wheels: list[Wheel]) -> build_bundle.Bundle:
    return build_bundle.build(TARGET, wheels)


@pytest.fixture(scope="session")
def members(bundle: build_bundle.Bundle) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(bundle.data)) as tar:
        return tar.getmembers()


@pytest.fixture(scope="session")
def unpacked(bundle: build_bundle.Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack(bundle, tmp_path_factory.mktemp("bundle"))


def unpack(bundle: build_bundle.Bundle, directory: Path) -> Path:
    """Unpack as on-start does."""
    subprocess.run(["/bin/tar", "-xz", "-C", str(directory)], input=bundle.data, timeout=30, check=True)
    return directory


def test_the_same_input_gives_the_same_bytes_wherever_it_is_built(wheels: list[Wheel], tmp_path: Path) -> None:
    digests = set()
    for umask, directory in ((0o077, "a"), (0o000, "b/c")):
        command = [sys.executable, str(ROOT / "packaging" / "build_bundle.py"), "--python", PYTHON]
        command += ["--wheels", str(ROOT / "dist" / "wheels"), "--output", str(tmp_path / directory)]
        (tmp_path / directory).mkdir(parents=True)
        done = subprocess.run(
            ["/bin/sh", "-c", f'umask {umask:o}; exec "$@"', "sh", *command],
            cwd=tmp_path / directory, capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        digest, path = done.stdout.split()
        assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == digest
        assert Path(path + ".sha256").read_text() == f"{digest}  {Path(path).name}\n"
        assert Path(path).stat().st_mode & 0o777 == 0o644
        digests.add(digest)
    assert len(digests) == 1


def test_the_time_of_the_source_may_be_set_and_changes_only_the_times(wheels: list[Wheel]) -> None:
    later = build_bundle.build(TARGET, wheels, mtime_s=1_700_000_000)
    with tarfile.open(fileobj=io.BytesIO(later.data)) as tar:
        assert {member.mtime for member in tar} == {1_700_000_000}


def test_the_gzip_header_holds_no_name_and_no_time(bundle: build_bundle.Bundle) -> None:
    assert bundle.data[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    assert gzip.decompress(bundle.data)[257:262] == b"ustar"


def test_this_python_compresses_as_the_others_do() -> None:
    assert archive.compresses_like_zlib()


def test_it_is_small(bundle: build_bundle.Bundle) -> None:
    assert len(bundle.data) <= 6_000_000
    assert sum(component.size for component in bundle.components) <= 30_000_000


def test_one_too_big_is_refused_with_the_biggest_named(wheels: list[Wheel], tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text('__version__ = "9.9"\n')
    (tmp_path / "big.bin").write_bytes(os.urandom(6_000_000))
    with pytest.raises(BuildError, match=r"bytes packed, over 6000000: prune more \(fsmount 6\.0 MB, "):
        build_bundle.build(TARGET, wheels, tmp_path)


def test_members_are_sorted_plain_and_owned_by_root(members: list[tarfile.TarInfo]) -> None:
    assert all(member.isfile() or member.isdir() for member in members)
    for kind in (tarfile.TarInfo.isdir, tarfile.TarInfo.isfile):
        names = [member.name for member in members if kind(member)]
        assert names == sorted(names)
    assert {(member.uid, member.gid, member.mtime) for member in members} == {(0, 0, 0)}
    wrong = [m.name for m in members if m.mode != (0o755 if m.isdir() or m.name == "bin/fsmount" else 0o644)]
    assert wrong == []
    assert [m.name for m in members if m.name.startswith("/") or ".." in m.name.split("/")] == []


def test_the_layout_is_what_on_start_expects(members: list[tarfile.TarInfo]) -> None:
    names = {member.name for member in members if member.isfile()}
    assert {"bundle.json", "bin/fsmount", "share/fsmount.service", "share/completions/fsmount"} <= names
    assert {name.split("/")[0] for name in names} == {"bundle.json", "bin", "lib", "share"}
    assert "lib/fsmount/__init__.py" in names
    for module in ("msgspec", "yaml", "psutil", "boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3"):
        assert f"lib/{module}/__init__.py" in names
    assert "lib/six.py" in names


def test_nothing_travels_that_nobody_reads(members: list[tarfile.TarInfo]) -> None:
    names = [member.name for member in members]
    surplus = re.compile(r"\.(pyc|pyi|whl)$|/__pycache__/|/tests?/|boto3/(data|examples)/|/RECORD$|/examples-1")
    assert [name for name in names if surplus.search(name)] == []
    services = {name.split("/")[3] for name in names if re.match(r"lib/botocore/data/[^/]+/.", name)}
    assert services == set(prune.SERVICES)


def test_every_dependency_brings_its_licence(members: list[tarfile.TarInfo]) -> None:
    texts = [m.name for m in members if re.search(r"\.dist-info/.*(LICEN[CS]E|NOTICE|COPYING)", m.name)]
    licensed = {name.split("/")[1].split("-")[0].lower() for name in texts}
    assert licensed == {pin.name for pin in read_pins(REQUIREMENTS)}


def test_no_path_of_the_building_machine_is_in_it(bundle: build_bundle.Bundle) -> None:
    own = {f"{path}/".encode() for path in (ROOT, sys.prefix) if str(path) != "/usr"}
    found = [
        (name, path) for component in bundle.components for name, data in component.files.items() for path in own if path in data
    ]
    assert found == []


def test_the_manifest_describes_it_without_a_date(unpacked: Path, wheels: list[Wheel]) -> None:
    manifest = json.loads((unpacked / "bundle.json").read_text())
    assert (manifest["name"], manifest["python"], manifest["platform"]) == ("fsmount", PYTHON, "linux_x86_64")
    assert manifest["version"] == build_bundle.agent_version(build_bundle.AGENT)
    digests = {component["name"]: component.get("wheel_sha256") for component in manifest["components"]}
    assert {wheel.pin.name: wheel.digest for wheel in wheels}.items() <= digests.items()
    assert set(manifest) == {"name", "version", "python", "platform", "components"}


def test_a_wheel_with_another_digest_is_not_believed(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("six==1.17.0 --hash=sha256:" + "0" * 64 + "\n")
    cache = tmp_path / TARGET.tag
    cache.mkdir()
    (cache / "six-1.17.0-py2.py3-none-any.whl").write_bytes(b"not the wheel")
    with pytest.raises(BuildError, match="pip could not fetch"):
        obtain(requirements, TARGET, tmp_path)


@pytest.mark.parametrize("line", ["six", "six>=1", "six==1.17.0", "--index-url x", "six==1 --hash=md5:00"])
def test_a_requirement_without_its_digest_is_refused(line: str, tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text(line + "\n")
    with pytest.raises(BuildError, match="pin it with its digests"):
        read_pins(tmp_path / "r.txt")


def test_pins_are_read_over_continued_lines(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("# why\nPy.Some-Thing==1.0 \\\n    --hash=sha256:" + "a" * 64 + "\n")
    assert read_pins(tmp_path / "r.txt") == [Pin("py_some_thing", "1.0", frozenset(["a" * 64]))]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("botocore/data/s3/2006-03-01/service-2.json.gz", True),
        ("botocore/data/s3/2006-03-01/examples-1.json", False),
        ("botocore/data/ec2/2016-11-15/service-2.json.gz", False),
        ("botocore/data/endpoints.json", True),
        ("botocore/data/partitions.json", True),
        ("botocore/cacert.pem", True),
        ("psutil/_pslinux.py", True),
        ("psutil/_pswindows.py", False),
        ("psutil/tests/test_linux.py", False),
        ("msgspec/_core.cpython-39-x86_64-linux-gnu.so", True),
        ("msgspec/json.pyi", False),
        ("_cffi_backend.cpython-39-x86_64-linux-gnu.so", True),
        ("cffi/api.py", False),
        ("nacl/_sodium.abi3.so", True),
        ("urllib3-2.6.3.dist-info/licenses/LICENSE.txt", True),
        ("boto3-1.42.97.dist-info/METADATA", True),
        ("boto3-1.42.97.dist-info/RECORD", False),
    ],
)
def test_pruning(name: str, kept: bool) -> None:
    assert prune.keeps(name) is kept


def isolated(unpacked: Path, code: str, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """Run `code` as the launcher runs the agent: without site-packages, without the environment's Python settings."""
    head = f"import sys; sys.path.insert(0, {str(unpacked / 'lib')!r})\n"
    command = [sys.executable, "-IS", "-c", head + code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment or {}, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_launcher_finds_its_library_through_a_link_and_nothing_else(unpacked: Path, tmp_path: Path) -> None:
    agent = tmp_path / "agent"
    (agent / "cli").mkdir(parents=True)
    (agent / "__init__.py").write_text('__version__ = "0.0.1"\n')
    (agent / "cli" / "__init__.py").write_text("def main(argv):\n    print(__file__, argv)\n    return 7\n")
    made = build_bundle.build(TARGET, [], agent)
    (tmp_path / "code").mkdir()
    unpack(made, tmp_path / "code")
    (tmp_path / "fsmount").symlink_to(tmp_path / "code" / "bin" / "fsmount")
    done = subprocess.run(
        [sys.executable, "-IS", str(tmp_path / "fsmount"), "status"], cwd="/",
        env={"PYTHONPATH": str(unpacked)}, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.stdout == f"{tmp_path}/code/lib/fsmount/cli/__init__.py ['status']\n"
    assert done.returncode == 7


def test_every_service_has_a_client(unpacked: Path) -> None:
    code = """
import boto3
for service in sys.argv[1:]:
    client = boto3.client(service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    print(service, client.meta.endpoint_url)
"""
    lines = isolated(unpacked, code, *prune.SERVICES).splitlines()
    assert [line.split()[0] for line in lines] == list(prune.SERVICES)
    assert all("eu-west-1" in line for line in lines)


@pytest.fixture(scope="session")
def moto_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("moto.server", reason="moto[server] is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("moto") / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=output, stderr=output
        )
    try:
        for _ in range(200):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, log.read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait(10)


def test_the_pruned_boto3_makes_real_calls(unpacked: Path, moto_url: str) -> None:
    code = """
import boto3
def client(service):
    return boto3.client(service, region_name="us-east-1")
s3 = client("s3")
s3.create_bucket(Bucket="team")
s3.put_object(Bucket="team", Key="mounts.yaml", Body=b"version: 1")
print(s3.get_object(Bucket="team", Key="mounts.yaml")["Body"].read().decode())
s3.download_file("team", "mounts.yaml", sys.argv[1])
print(sum(len(page["Contents"]) for page in s3.get_paginator("list_objects_v2").paginate(Bucket="team")))
try:
    s3.get_object(Bucket="team", Key="none")
except s3.exceptions.NoSuchKey as error:
    print(error.response["Error"]["Code"])
ssm = client("ssm")
ssm.put_parameter(Name="/fsmount/config", Value="version: 1", Type="String")
print(ssm.get_parameter(Name="/fsmount/config")["Parameter"]["Value"])
sagemaker = client("sagemaker")
arn = sagemaker.create_notebook_instance(
    NotebookInstanceName="nb", InstanceType="ml.t3.medium", RoleArn="arn:aws:iam::123456789012:role/r"
)["NotebookInstanceArn"]
sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "fsmount:status", "Value": "ok"}])
print(sagemaker.list_tags(ResourceArn=arn)["Tags"][0]["Value"])
print(client("sts").get_caller_identity()["Account"])
client("cloudwatch").put_metric_data(Namespace="fsmount", MetricData=[{"MetricName": "healthy", "Value": 1}])
print(client("efs").describe_file_systems()["FileSystems"])
"""
    environment = {
        "AWS_ENDPOINT_URL": moto_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "HOME": str(unpacked),
    }
    target = unpacked / "downloaded.yaml"
    lines = isolated(unpacked, code, str(target), environment=environment).splitlines()
    assert lines == ["version: 1", "1", "NoSuchKey", "version: 1", "ok", "123456789012", "[]"]
    assert target.read_text() == "version: 1"


def test_the_daemons_libraries_work_without_site_packages(unpacked: Path) -> None:
    code = """
import msgspec, psutil, yaml
print(yaml.load("a: [1]", Loader=yaml.CSafeLoader), msgspec.json.encode({"b": 1}).decode(), psutil.Process().pid > 0)
"""
    assert isolated(unpacked, code) == "{'a': [1]} {\"b\":1} True\n"


def test_a_signature_is_made_and_verified_without_site_packages(unpacked: Path) -> None:
    code = """
from fsmount import signature
signed = signature.sign(b"version: 1\\n", bytes(32))
signature.verify(signed, signature.public_of(bytes(32)))
print(signed.count(b"\\n"), [name for name in sys.modules if name.startswith(("cffi", "pycparser"))])
"""
    assert isolated(unpacked, code) == "2 []\n"


def complete(*words: str) -> list[str]:
    code = """
source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _fsmount; printf '%s\\n' "${COMPREPLY[@]}"
"""
    command = ["/bin/bash", "-c", code, str(ROOT / "packaging" / "completions" / "fsmount"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.split()


def test_the_completion_offers_every_command(unpacked: Path) -> None:
    verbs = isolated(unpacked, "import fsmount.cli; print(*fsmount.cli.VERBS)").split()
    assert sorted(complete("fsmount", "")) == sorted([*verbs, "--help", "--version"])
    assert complete("fsmount", "st") == ["status"]


@pytest.mark.parametrize("verb", ["status", "check", "push"])
def test_the_completion_offers_the_options_of_a_command(unpacked: Path, verb: str) -> None:
    shown = isolated(unpacked, f"from fsmount.cli import main\nmain([{verb!r}, '--help'])")
    options = set(re.findall(r"(?<![\w-])--[a-z-]+", shown)) - {"--help", "--run-dir"}
    assert set(complete("fsmount", verb, "--")) == options | {"--help"}
