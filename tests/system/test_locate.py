"""From names and ids to addresses, by the real Job: against a name server, AWS and a metadata service that say what the
test wants, or nothing; and against moto for what it has."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fsmount import addressbook, timeouts
from fsmount.addressbook import Entry
from fsmount.jobs.answers import Answer, Failed, Resolved
from fsmount.jobs.orders import Key, Kind, Resolve

from tests.unit.test_people import a_mount
from tests.vm.aws import REGION, ROLE, Aws

from .realjobs import RealJobs
from .test_doctor import Examination, doctor, steps_of
from .test_doctor import code_of as code_at

__all__ = ["doctor"]

NOBODY = 65534
NOTEBOOK = "team-a-nb"
ID = "fs-0123456789abcdef0"
EFS_HOST = f"{ID}.efs.{REGION}.amazonaws.com"
SVM = "svm-0123456789abcdef0"
ROOT = Path(__file__).parents[2]
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/EXAMPLE"}


class Region:
    """What the stand-ins say, and what they were asked."""

    def __init__(self, folder: Path) -> None:
        self._state, self._log = folder / "state.json", folder / "log"
        self._said: dict[str, Any] = {"names": {}, "answers": {}, "zone": None}
        self._log.touch()
        self.says()

    def says(self, **parts: Any) -> None:
        self._said.update(parts)
        fresh = self._state.with_suffix(".new")
        fresh.write_text(json.dumps(self._said))
        fresh.rename(self._state)

    def asked(self) -> list[str]:
        """The operations, in their order; and forget them."""
        words = [line.split()[0] for line in self._log.read_text().splitlines()]
        self._log.write_text("")
        return words

    def start(self, address: str) -> tuple[subprocess.Popen[str], str, str]:
        argv = [sys.executable, "-m", "tests.system.region", str(self._state), str(self._log), address]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert process.stdout
        services, metadata = process.stdout.readline().split()
        return process, f"http://127.0.0.1:{services}", f"http://127.0.0.1:{metadata}"


@pytest.fixture
def region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Region]:
    libc = ctypes.CDLL(None, use_errno=True)
    number = os.getpid() % 60000
    address = f"127.83.{number // 250}.{number % 250 + 1}"
    resolver = tmp_path / "resolv.conf"
    resolver.write_text(f"nameserver {address}\noptions timeout:2 attempts:2\n")
    region = Region(tmp_path)
    process, services, metadata = region.start(address)
    assert libc.mount(str(resolver).encode(), b"/etc/resolv.conf", None, 0x1000, None) == 0, os.strerror(ctypes.get_errno())
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": services, "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata}.items():
        monkeypatch.setenv(name, value)
    yield region
    libc.umount2(b"/etc/resolv.conf", 2)
    process.kill()
    process.communicate()


@pytest.fixture
def book(tmp_path: Path) -> str:
    (tmp_path / "kept").mkdir(mode=0o755)
    return str(tmp_path / "kept/addresses.json")


def ask(order: Resolve, within: float = timeouts.LOCATE_S) -> Answer:
    jobs = RealJobs()
    assert jobs.start(Key(Kind.RESOLVE, "it"), order) is None
    ((_, answer),) = jobs.wait(within)
    return answer


def found(order: Resolve, within: float = timeouts.LOCATE_S) -> Resolved:
    answer = ask(order, within)
    assert isinstance(answer, Resolved), answer
    return answer


def code_of(order: Resolve, within: float = timeouts.LOCATE_S) -> tuple[str, bool, str]:
    answer = ask(order, within)
    assert isinstance(answer, Failed), answer
    return answer.problem.code, answer.problem.temporary, answer.problem.observed


def an_efs(book: str = "", **fields: Any) -> Resolve:
    return Resolve(EFS_HOST, "efs", ID, region=REGION, instance=NOTEBOOK, book=book)._replace(**fields)


def an_fsx(kind: str, about: str = ID, book: str = "", **fields: Any) -> Resolve:
    return Resolve(about, kind, about, region=REGION, instance=NOTEBOOK, book=book)._replace(**fields)


def a_subnet(number: int) -> str:
    return f"subnet-0123456789abcdef{number}"


def a_target(number: int, state: str = "available", **fields: str) -> dict[str, str]:
    return {
        "MountTargetId": f"fsmt-0123456789abcdef{number}",
        "FileSystemId": ID,
        "SubnetId": a_subnet(number),
        "LifeCycleState": state,
        "IpAddress": f"10.0.{number}.5",
        "AvailabilityZoneId": f"use1-az{number}",
        "AvailabilityZoneName": f"us-east-1{'fedcba'[number - 1]}",
        **fields,
    }


def targets(*several: dict[str, str]) -> dict[str, Any]:
    return {"DescribeMountTargets": [{"MountTargets": list(several)}]}


def a_notebook(subnet: str | None) -> dict[str, Any]:
    return {"DescribeNotebookInstance": [{"SubnetId": subnet} if subnet else {"NotebookInstanceName": "team-a-nb"}]}


def a_system(kind: str, state: str = "AVAILABLE", **fields: Any) -> dict[str, Any]:
    host = f"{ID}.fsx.{REGION}.amazonaws.com"
    one = {"FileSystemId": ID, "FileSystemType": kind, "Lifecycle": state, "DNSName": host, **fields}
    return {"DescribeFileSystems": [{"FileSystems": [{key: value for key, value in one.items() if value}]}]}


def written(path: str, **fields: Any) -> Entry:
    entry = msgspec.structs.replace(Entry(("127.0.0.1",), time.time() - 7200), **fields)
    assert addressbook.keep(path, ID, entry, NOTEBOOK)
    return entry


@pytest.fixture
def listener() -> Iterator[int]:
    """Somebody who listens at 127.0.0.1: a file server at an address that is kept."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


# -- EFS


def test_a_name_that_resolves_is_believed_and_aws_not_asked(region: Region, book: str) -> None:
    region.says(names={EFS_HOST: ["10.0.3.9"]}, answers=targets(a_target(1)))
    assert found(an_efs(book)) == Resolved(("10.0.3.9",))
    assert set(region.asked()) == {"dns"}


@pytest.mark.parametrize(
    ("subnet", "zone", "first"),
    [
        pytest.param(a_subnet(2), "use1-az2", "10.0.2.5", id="subnet and zone"),
        pytest.param(a_subnet(3), None, "10.0.3.5", id="the metadata service says nothing"),
        pytest.param(None, "use1-az3", "10.0.3.5", id="SageMaker denies it"),
        pytest.param(None, None, "10.0.1.5", id="neither is known"),
        pytest.param(a_subnet(9), "use1-az3", "10.0.3.5", id="another subnet of the zone"),
    ],
)
def test_the_nearest_mount_target_comes_first(region: Region, subnet: str | None, zone: str | None, first: str) -> None:
    notebook = a_notebook(subnet) if subnet else {"DescribeNotebookInstance": "AccessDeniedException"}
    creating, doubled = a_target(4, "creating"), a_target(2, Ipv6Address="fd00::2")
    region.says(answers={**targets(a_target(1), doubled, a_target(3), creating), **notebook}, zone=zone)
    answer = found(an_efs())
    assert answer.by == "api"
    assert answer.addresses[0] == first
    assert answer.addresses[-1] == "fd00::2"
    assert set(answer.addresses) == {"10.0.1.5", "10.0.2.5", "10.0.3.5", "fd00::2"}
    assert answer.remark is None


def test_a_mount_target_of_ipv6_alone_has_an_address(region: Region) -> None:
    only = a_target(1, Ipv6Address="fd00::1")
    del only["IpAddress"]
    region.says(answers=targets(only), zone="use1-az1")
    assert found(an_efs()).addresses == ("fd00::1",)
    assert "DescribeNotebookInstance" not in region.asked(), "the only one, and it is in this zone"


def test_mount_targets_come_in_pages(region: Region) -> None:
    pages = [{"MountTargets": [a_target(number)]} for number in (1, 2, 3)]
    region.says(answers={"DescribeMountTargets": pages, **a_notebook(a_subnet(3))})
    assert found(an_efs()).addresses == ("10.0.3.5", "10.0.1.5", "10.0.2.5")


def test_a_mount_target_in_another_zone_is_taken_and_that_is_said(region: Region) -> None:
    region.says(answers={**targets(a_target(2)), **a_notebook(a_subnet(1))}, zone="use1-az1")
    answer = found(an_efs())
    assert answer.addresses == ("10.0.2.5",)
    assert answer.remark
    assert answer.remark.code == "mount-target-far"
    assert "use1-az1" in answer.remark.observed
    assert "use1-az2" in answer.remark.observed


def test_a_notebook_outside_any_vpc_is_told_that_it_reaches_none(region: Region) -> None:
    region.says(answers={**targets(a_target(1), a_target(2)), **a_notebook(None)}, zone="use1-az1")
    answer = found(an_efs())
    assert answer.remark
    assert answer.remark.code == "notebook-outside-vpc"


@pytest.mark.parametrize(
    ("answer", "code", "temporary"),
    [
        pytest.param("FileSystemNotFound", "file-system-gone", False, id="gone"),
        pytest.param([{"MountTargets": []}], "no-mount-target", True, id="none"),
        pytest.param([{"MountTargets": [a_target(1, "creating")]}], "no-mount-target", True, id="none that is ready"),
    ],
)
def test_what_aws_says_of_the_file_system_goes_before_what_is_kept(
    region: Region, book: str, listener: int, answer: Any, code: str, temporary: bool
) -> None:
    written(book)
    region.says(answers={"DescribeMountTargets": answer})
    assert code_of(an_efs(book, port=listener))[:2] == (code, temporary)


def test_without_aws_and_without_a_book_the_name_is_the_problem_and_both_are_told(region: Region) -> None:
    region.says(answers={"DescribeMountTargets": "AccessDeniedException"})
    code, temporary, observed = code_of(an_efs())
    assert (code, temporary) == ("name-not-resolved", True)
    assert EFS_HOST in observed
    assert "AccessDeniedException" in observed


@pytest.mark.parametrize("error", ["AccessDeniedException", "ExpiredTokenException", "ThrottlingException"])
def test_where_aws_gives_no_answer_the_kept_address_is_given_with_its_age(region: Region, book: str, error: str) -> None:
    written(book, host="h")
    region.says(answers={"DescribeMountTargets": error})
    answer = found(an_efs(book))
    assert (answer.addresses, answer.by, answer.host) == (("127.0.0.1",), "kept", "h")
    assert 7200 <= answer.age_s < 7260


# -- dead networks


def test_a_kept_address_that_answers_does_not_wait_for_a_black_hole(region: Region, book: str, listener: int) -> None:
    """The endpoint takes connections and never says a word; the name does not exist."""
    written(book)
    region.says(answers={"DescribeMountTargets": None})
    began = time.monotonic()
    assert found(an_efs(book, port=listener)).by == "kept"
    assert time.monotonic() - began < timeouts.AWS_KEPT_S + 3


def test_a_kept_address_that_answers_does_not_wait_for_dead_name_servers_and_aws(
    region: Region, book: str, listener: int
) -> None:
    written(book)
    region.says(names={"*": None}, answers={"DescribeMountTargets": None})
    began = time.monotonic()
    assert found(an_efs(book, port=listener)).by == "kept"
    assert time.monotonic() - began < timeouts.LOOK_UP_KEPT_S + 2
    assert set(region.asked()) == {"dns"}, "AWS has a name, too"


def test_a_kept_address_that_is_dead_is_given_when_all_the_time_is_used_up(region: Region, book: str, closed: int) -> None:
    written(book)
    region.says(names={"*": None}, answers={"DescribeMountTargets": None})
    began = time.monotonic()
    assert found(an_efs(book, port=closed, examining=True)).by == "kept"
    assert time.monotonic() - began < timeouts.RESOLVE_S + 1


def test_a_dead_kept_address_gives_way_to_what_aws_says_however_slow(region: Region, book: str, closed: int) -> None:
    written(book)
    region.says(answers=targets(a_target(1)), zone="use1-az1")
    assert found(an_efs(book, port=closed)).addresses == ("10.0.1.5",)
    kept = addressbook.find(book, ID, NOTEBOOK)
    assert kept
    assert (kept.addresses, kept.age(time.time()) < 60) == (("10.0.1.5",), True)


def test_with_everything_dead_and_nothing_kept_the_job_ends_in_time_with_a_name_for_it(region: Region) -> None:
    region.says(names={"*": None}, answers={"DescribeMountTargets": None})
    code, temporary, observed = code_of(an_efs(), within=timeouts.LOCATE_S)
    assert (code, temporary) == ("name-server-down", True)
    assert "AWS gave no answer" in observed


# -- a plain host


def test_a_plain_host_is_kept_for_the_time_when_no_name_server_answers(region: Region, book: str) -> None:
    order = Resolve("filer.example", book=book)
    region.says(names={"filer.example": ["10.1.2.3", "10.1.2.4"]})
    assert set(found(order).addresses) == {"10.1.2.3", "10.1.2.4"}
    region.says(names={"*": None})
    answer = found(order)
    assert (set(answer.addresses), answer.by) == ({"10.1.2.3", "10.1.2.4"}, "kept")
    assert answer.age_s >= 1
    region.says(names={})
    assert code_of(order)[0] == "name-not-resolved", "a name that does not exist is an answer"


def test_addresses_and_what_the_doctor_finds_are_not_kept(region: Region, book: str) -> None:
    region.says(names={"filer.example": ["10.1.2.3"]})
    found(Resolve("10.1.2.3", book=book))
    found(Resolve("filer.example", book=book, examining=True))
    assert not Path(book).exists()


def test_a_plain_host_costs_no_boto3() -> None:
    program = (
        "import sys; from fsmount.jobs.orders import Resolve; from fsmount.jobs.resolve import resolve;"
        "resolve(Resolve('localhost', book='/nonexistent/book'));"
        "sys.exit(any(name in sys.modules for name in ('boto3', 'botocore', 'http.client')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# -- FSx


def test_lustre_by_its_id_has_host_mount_name_and_version_of_aws_and_its_address_of_the_name(region: Region, book: str) -> None:
    system = a_system("LUSTRE", FileSystemTypeVersion="2.15", LustreConfiguration={"MountName": "abcdefgh"})
    host = f"{ID}.fsx.{REGION}.amazonaws.com"
    region.says(answers=system, names={host: ["10.0.9.9"]})
    answer = found(an_fsx("lustre", book=book))
    assert answer == Resolved(("10.0.9.9",), host, "abcdefgh", "2.15", by="dns")
    region.asked()
    assert found(an_fsx("lustre", book=book)) == answer
    assert set(region.asked()) == {"dns"}, "AWS said so today"
    region.says(names={"*": None}, answers={"DescribeFileSystems": None})
    assert msgspec.structs.replace(found(an_fsx("lustre", book=book)), age_s=0, remark=None) == msgspec.structs.replace(
        answer, by="kept", remark=None
    )


def test_what_aws_said_a_day_ago_is_asked_again_and_kept_where_it_does_not_answer(region: Region, book: str) -> None:
    host = f"{ID}.fsx.{REGION}.amazonaws.com"
    old = time.time() - 90000
    written(book, addresses=("10.0.9.9",), host=host, fsname="abcdefgh", version="2.12", at=old, asked_at=old)
    region.says(names={host: ["10.0.9.9"]}, answers={"DescribeFileSystems": None})
    began = time.monotonic()
    assert found(an_fsx("lustre", book=book)) == Resolved(("10.0.9.9",), host, "abcdefgh", "2.12")
    assert time.monotonic() - began < timeouts.AWS_KEPT_S + 3
    region.says(answers=a_system("LUSTRE", FileSystemTypeVersion="2.15", LustreConfiguration={"MountName": "abcdefgh"}))
    assert found(an_fsx("lustre", book=book)).version == "2.15"
    region.says(answers={"DescribeFileSystems": "FileSystemNotFound"})
    assert found(an_fsx("lustre", book=book)).version == "2.15", "it was asked a moment ago, and the name is there"
    region.says(names={})
    assert code_of(an_fsx("lustre", book=book))[0] == "file-system-gone"


@pytest.mark.parametrize(
    ("kind", "system", "code", "temporary"),
    [
        pytest.param("lustre", a_system("LUSTRE", "CREATING"), "file-system-not-ready", True, id="being made"),
        pytest.param("openzfs", a_system("OPENZFS", "MISCONFIGURED_UNAVAILABLE"), "file-system-not-ready", True, id="down"),
        pytest.param("openzfs", a_system("OPENZFS", "DELETING"), "file-system-gone", False, id="being deleted"),
        pytest.param("openzfs", a_system("OPENZFS", "FAILED"), "file-system-gone", False, id="failed"),
        pytest.param("openzfs", {"DescribeFileSystems": "FileSystemNotFound"}, "file-system-gone", False, id="unknown"),
        pytest.param("openzfs", {"DescribeFileSystems": [{"FileSystems": []}]}, "file-system-gone", False, id="none"),
        pytest.param("openzfs", a_system("LUSTRE"), "file-system-type", False, id="another type"),
        pytest.param("lustre", a_system("LUSTRE"), "file-system-not-ready", True, id="no mount name yet"),
        pytest.param("openzfs", {"DescribeFileSystems": "ThrottlingException"}, "aws-throttled", True, id="throttled"),
        pytest.param("openzfs", a_system("OPENZFS"), "name-not-resolved", True, id="no address"),
        pytest.param("openzfs", a_system("OPENZFS", DNSName=""), "file-system-not-ready", True, id="no name"),
    ],
)
def test_a_file_system_that_cannot_be_mounted_is_told_by_its_state(
    region: Region, kind: str, system: dict[str, Any], code: str, temporary: bool
) -> None:
    region.says(answers=system)
    said = code_of(an_fsx(kind))
    assert said[:2] == (code, temporary)
    assert ID in said[2]


@pytest.mark.parametrize("state", ["AVAILABLE", "UPDATING", "MISCONFIGURED"])
def test_openzfs_has_the_address_of_its_name_or_the_one_that_aws_says(region: Region, state: str) -> None:
    host = f"{ID}.fsx.{REGION}.amazonaws.com"
    region.says(answers=a_system("OPENZFS", state, OpenZFSConfiguration={"EndpointIpAddress": "10.0.7.7"}))
    answer = found(an_fsx("openzfs"))
    assert (answer.addresses, answer.host, answer.by) == (("10.0.7.7",), host, "api")
    region.says(names={host: ["10.0.7.8"]})
    answer = found(an_fsx("openzfs"))
    assert (answer.addresses, answer.by) == (("10.0.7.8",), "dns")


def an_svm(number: int = 0, state: str = "CREATED", **endpoint: Any) -> dict[str, Any]:
    return {
        "StorageVirtualMachineId": f"{SVM[:-1]}{number}",
        "FileSystemId": ID,
        "Name": f"svm{number}",
        "Lifecycle": state,
        "Endpoints": {"Nfs": {"DNSName": f"{SVM}.{ID}.fsx.{REGION}.amazonaws.com", **endpoint}},
    }


def svms(*several: dict[str, Any]) -> dict[str, Any]:
    return {"DescribeStorageVirtualMachines": [{"StorageVirtualMachines": [one]} for one in several] or [
        {"StorageVirtualMachines": []}
    ]}  # fmt: skip


@pytest.mark.parametrize("about", [SVM, ID])
def test_ontap_is_found_by_the_svm_or_by_the_file_system_s_only_one(region: Region, about: str) -> None:
    region.says(answers=svms(an_svm(IpAddresses=["10.0.4.4"]), an_svm(1, "DELETING")) if about == ID else svms(an_svm()))
    region.says(names={} if about == ID else {f"{SVM}.{ID}.fsx.{REGION}.amazonaws.com": ["10.0.4.5"]})
    answer = found(an_fsx("ontap", about))
    assert (answer.addresses, answer.by) == ((("10.0.4.4",), "api") if about == ID else (("10.0.4.5",), "dns"))


def test_of_several_svms_none_is_guessed(region: Region) -> None:
    region.says(answers=svms(an_svm(0), an_svm(1)))
    code, temporary, observed = code_of(an_fsx("ontap"))
    assert (code, temporary) == ("several-svms", False)
    assert f"{SVM[:-1]}0 (svm0), {SVM[:-1]}1 (svm1)" in observed


@pytest.mark.parametrize(
    ("about", "answers", "code"),
    [
        (ID, {**svms(), **a_system("ONTAP")}, "file-system-not-ready"),
        (ID, {**svms(), "DescribeFileSystems": "FileSystemNotFound"}, "file-system-gone"),
        (ID, {**svms(), **a_system("OPENZFS")}, "file-system-type"),
        (SVM, {"DescribeStorageVirtualMachines": "StorageVirtualMachineNotFound"}, "file-system-gone"),
        (SVM, svms(), "file-system-gone"),
        (SVM, svms(an_svm(0, "PENDING")), "file-system-not-ready"),
        (SVM, svms(an_svm(0, "FAILED")), "file-system-gone"),
    ],
)
def test_without_an_svm_the_file_system_says_why(region: Region, about: str, answers: dict[str, Any], code: str) -> None:
    region.says(answers=answers)
    assert code_of(an_fsx("ontap", about))[0] == code


# -- S3 Files


def test_s3_files_has_this_zone_in_its_name_and_the_rest_is_the_helper_s(region: Region, book: str) -> None:
    host = f"use1-az4.{ID}.s3files.{REGION}.on.aws"
    region.says(names={host: ["10.0.6.6"]}, zone="use1-az4")
    assert found(an_fsx("s3files", book=book)) == Resolved(("10.0.6.6",), host)
    region.says(zone=None)
    assert found(an_fsx("s3files", book=book)).addresses == ("10.0.6.6",), "the zone is in the book"
    region.says(names={"*": None})
    assert found(an_fsx("s3files", book=book)).by == "kept"
    region.says(zone="use1-az5")
    assert code_of(an_fsx("s3files", examining=True))[0] == "name-server-down"
    region.says(names={})
    assert found(an_fsx("s3files", book=book)).by == "helper"
    assert found(an_fsx("s3files")).addresses == ("",)


# -- the book


def test_a_day_of_nothing_new_writes_nothing(region: Region, book: str) -> None:
    region.says(names={EFS_HOST: ["10.0.3.9", "10.0.3.8"]})
    found(an_efs(book))
    facts = Path(book).stat()
    assert (facts.st_uid, facts.st_mode & 0o777, facts.st_nlink) == (0, 0o644, 1)
    region.says(names={EFS_HOST: ["10.0.3.8", "10.0.3.9"]})
    found(an_efs(book))
    assert Path(book).stat().st_ino == facts.st_ino
    region.says(names={EFS_HOST: ["10.0.3.8"]})
    found(an_efs(book))
    assert Path(book).stat().st_ino != facts.st_ino
    assert sorted(os.listdir(os.path.dirname(book))) == ["addresses.json", "addresses.json.lock"]


def test_jobs_that_keep_at_the_same_time_lose_nothing(region: Region, book: str) -> None:
    hosts = [f"h{number}.example" for number in range(12)]
    region.says(names={host: [f"10.5.0.{number}"] for number, host in enumerate(hosts)})
    jobs = RealJobs()
    for host in hosts:
        jobs.start(Key(Kind.RESOLVE, host), Resolve(host, book=book))
    assert len(jobs.wait(20, answers=12)) == 12
    for number, host in enumerate(hosts):
        entry = addressbook.find(book, host)
        assert entry
        assert entry.addresses == (f"10.5.0.{number}",)


def test_the_book_is_bounded_and_forgets_the_oldest(book: str) -> None:
    for number in range(addressbook.ENTRIES_MOST + 3):
        assert addressbook.keep(book, f"h{number}", Entry(tuple(f"10.0.{n}.1" for n in range(40)), 1000.0 + number))
    assert addressbook.find(book, "h2") is None
    entry = addressbook.find(book, f"h{addressbook.ENTRIES_MOST + 2}")
    assert entry
    assert len(entry.addresses) == addressbook.ADDRESSES_MOST
    assert not addressbook.keep(book, "h9", Entry(tuple(f"10.0.{n}.1" for n in range(40)), 1009.5)), "the same, cut short"


def test_a_lock_that_somebody_holds_is_not_waited_for_long(book: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert addressbook.keep(book, "a", Entry(("10.0.0.1",), 1.0))
    with open(f"{book}.lock") as lock:
        assert os.stat(lock.fileno()).st_mode & 0o777 == 0o600, "nobody else can open it, and so not lock it"
        fcntl.flock(lock, fcntl.LOCK_EX)
        began = time.monotonic()
        assert not addressbook.keep(book, "b", Entry(("10.0.0.2",), 1.0))
        assert time.monotonic() - began < 2
    assert "is not kept" in capfd.readouterr().err


def _link(book: Path) -> None:
    book.rename(book.with_name("real"))
    book.symlink_to("real")


def _fifo(book: Path) -> None:
    book.unlink()
    os.mkfifo(book, 0o644)


def _folder_link(book: Path) -> None:
    book.parent.rename(book.parent.with_name("elsewhere"))
    book.parent.symlink_to("elsewhere")


UNTRUSTED = {
    "a user's file": lambda book: os.chown(book, NOBODY, NOBODY),
    "writable by all": lambda book: book.chmod(0o666),
    "writable by a group": lambda book: book.chmod(0o664),
    "a hard link": lambda book: os.link(book, book.parent.with_name("second")),
    "a user's directory": lambda book: os.chown(book.parent, NOBODY, NOBODY),
    "a directory that others write to": lambda book: book.parent.chmod(0o777),
    "a symbolic link": _link,
    "a FIFO": _fifo,
    "a directory that is a link": _folder_link,
    "garbage": lambda book: book.write_bytes(b"\x00\xff not JSON"),
    "another version": lambda book: book.write_bytes(book.read_bytes().replace(b'"version":1,"i', b'"version":2,"i')),
    "another shape": lambda book: book.write_bytes(b'{"version": 1, "instance": "team-a-nb", "entries": [1, 2]}'),
    "nested without end": lambda book: book.write_bytes(b'{"version": 1, "instance": "team-a-nb", "entries": ' + b"[" * 100_000),
    "as large as a disk": lambda book: os.truncate(book, 1 << 33),
    "empty": lambda book: book.write_bytes(b""),
    "another instance's": lambda book: book.write_bytes(book.read_bytes().replace(b"team-a-nb", b"team-b-nb")),
}


@pytest.mark.parametrize("spoil", UNTRUSTED.values(), ids=UNTRUSTED.keys())
def test_what_somebody_else_could_have_put_there_is_as_good_as_nothing(region: Region, book: str, spoil: Any) -> None:
    written(book, addresses=("10.6.6.6",))
    assert addressbook.find(book, ID, NOTEBOOK)
    spoil(Path(book))
    assert addressbook.find(book, ID, NOTEBOOK) is None
    region.says(answers={"DescribeMountTargets": "AccessDeniedException"})
    assert code_of(an_efs(book), within=10)[0] == "name-not-resolved"


TRAPS = {name: spoil for name, spoil in UNTRUSTED.items() if "user's d" in name or "directory" in name}


@pytest.mark.parametrize("spoil", TRAPS.values(), ids=TRAPS.keys())
def test_nothing_is_written_where_somebody_else_could_have_made_the_place(book: str, spoil: Any) -> None:
    written(book)
    spoil(Path(book))
    before = sorted(Path(book).parent.iterdir())
    assert not addressbook.keep(book, "new", Entry(("10.0.0.1",), 1.0))
    assert sorted(Path(book).parent.iterdir()) == before


def test_a_file_of_somebody_s_is_replaced_and_not_written_into(book: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    Path(book).symlink_to(target)
    assert addressbook.keep(book, "a", Entry(("10.0.0.1",), 1.0))
    assert target.read_text() == "precious"
    assert not Path(book).is_symlink()
    assert addressbook.find(book, "a")


# -- the doctor


def test_the_doctor_says_what_aws_said(region: Region, doctor: Examination, tmp_path: Path) -> None:
    """In the command's process there is no role and no instance: the region is the one in the host's name."""
    place = str(tmp_path / "place")
    mount = a_mount("m", type="efs", source=f"{EFS_HOST}:/", mountpoint=place, phase="waiting", health=None, address=None)
    doctor.agent_says(mount)
    region.says(answers=targets(a_target(1, IpAddress="127.0.0.9")))
    _, findings = doctor.findings()
    assert steps_of(findings)["name"]["outcome"] == "ok"
    assert "127.0.0.9 (AWS says so" in steps_of(findings)["name"]["observed"]
    region.says(answers={"DescribeMountTargets": [{"MountTargets": []}]})
    _, findings = doctor.findings()
    assert findings["mounts"][0]["broken"] == "name"
    assert code_at(findings, "name") == "no-mount-target"
    region.says(names={"*": None}, answers={"DescribeMountTargets": None})
    began = time.monotonic()
    _, findings = doctor.findings()
    assert time.monotonic() - began < 20
    assert code_at(findings, "name") == "name-server-down"


# -- moto


@pytest.fixture
def moto(region: Region, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """Its process has to be gone before the test's end, as every child."""
    aws = Aws(tmp_path / "moto.log")
    aws.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    yield aws
    aws.stop()


def test_moto_s_efs_is_found_by_the_notebook_s_subnet_and_by_the_zone(moto: Aws, region: Region, book: str) -> None:
    ec2, efs = moto.client("ec2"), moto.client("efs")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    zones = ec2.describe_availability_zones()["AvailabilityZones"][:3]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.7.{number}.0/24", AvailabilityZone=zone["ZoneName"])["Subnet"]["SubnetId"]
        for number, zone in enumerate(zones)
    ]
    about = efs.create_file_system(CreationToken="t")["FileSystemId"]
    order = an_efs(book)._replace(id=about, host=f"{about}.efs.{REGION}.amazonaws.com")
    assert code_of(order)[0] == "no-mount-target"
    ips = [efs.create_mount_target(FileSystemId=about, SubnetId=subnet)["IpAddress"] for subnet in subnets]
    moto.client("sagemaker").create_notebook_instance(
        NotebookInstanceName="team-a-nb", InstanceType="ml.t3.medium", SubnetId=subnets[2], RoleArn=ROLE
    )
    assert found(order).addresses[0] == ips[2]
    region.says(zone=zones[1]["ZoneId"])
    assert found(order._replace(instance="no-such-notebook")).addresses[0] == ips[1]
    kept = addressbook.find(book, about, "no-such-notebook")
    assert kept
    assert set(kept.addresses) == set(ips)
    assert code_of(an_efs())[0] == "file-system-gone"


def test_moto_s_fsx_is_found_by_its_id(moto: Aws, region: Region) -> None:
    fsx = moto.client("fsx")
    made = fsx.create_file_system(FileSystemType="OPENZFS", StorageCapacity=64, SubnetIds=["subnet-12345678"])["FileSystem"]
    region.says(names={made["DNSName"]: ["10.0.8.8"]})
    assert found(an_fsx("openzfs", made["FileSystemId"])) == Resolved(("10.0.8.8",), made["DNSName"])
    assert code_of(an_fsx("lustre", made["FileSystemId"]))[0] == "file-system-type"
    assert code_of(an_fsx("openzfs", "fs-00000000"))[0] == "file-system-gone"
