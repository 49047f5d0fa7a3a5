"""Where a configuration comes from: what is fetched, what is not transferred again, and every way in which AWS can fail.

Each request goes through a real HTTP server and, where time matters, each fetch is a real Job.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from fsmount import signature
from fsmount.instance import Instance
from fsmount.jobs.answers import Answer, Failed, Fetched, Overdue, Refused, Unchanged
from fsmount.jobs.fetch import fetch
from fsmount.jobs.orders import DEADLINES_S, Fetch, Key, Kind, Trust
from fsmount.model import Problem
from fsmount.settings import Policy

from tests.awsfront import Front
from tests.unit.malformed import GOOD

from .realjobs import RealJobs

REGION, BUCKET = "eu-west-3", "team-configuration"
FIRST, SECOND, THIRD = (GOOD.replace("datasets", name).encode() for name in ("first", "second", "third"))
LIMIT = 1024 * 1024
GIGABYTE = 1_000_000_000


@pytest.fixture(scope="module")
def started() -> Iterator[Front]:
    front = Front()
    front.start()
    with prepared(front, "s3") as s3:
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    yield front
    front.stop()


@contextmanager
def prepared(front: Front, service: str) -> Iterator[Any]:
    make: Any = boto3.client
    keys = {"aws_access_key_id": "AKIAADMIN", "aws_secret_access_key": "secret"}
    with closing(make(service, region_name=REGION, endpoint_url=front.moto_url, **keys)) as client:
        yield client


@pytest.fixture
def aws(started: Front, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Front:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ENDPOINT_URL": started.url,
        "AWS_ACCESS_KEY_ID": "AKIANOTEBOOK",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "aws-credentials"),
    }.items():
        monkeypatch.setenv(name, value)
    started.mode("pass")
    started.seen()
    return started


class Place:
    """One origin, and what an administrator does to it. `name` differs from test to test."""

    def __init__(self, aws: Front, kind: str, name: str) -> None:
        self.aws, self.kind, self.name = aws, kind, name
        self.origin = {
            "s3": f"s3://{BUCKET}/{name}/mounts.yaml",
            "ssm": f"ssm:///{name}/mounts",
            "appconfig": f"appconfig://{name}/prod/mounts",
        }[kind]

    def put(self, content: bytes) -> None:
        if self.kind == "s3":
            with prepared(self.aws, "s3") as s3:
                s3.put_object(Bucket=BUCKET, Key=f"{self.name}/mounts.yaml", Body=content)
        elif self.kind == "ssm":
            with prepared(self.aws, "ssm") as ssm:
                ssm.put_parameter(Name=f"/{self.name}/mounts", Value=content.decode(), Type="SecureString", Overwrite=True)
        else:
            self.aws.deploy(f"{self.name}/prod/mounts", content)

    def remove(self) -> None:
        if self.kind == "s3":
            with prepared(self.aws, "s3") as s3:
                s3.delete_object(Bucket=BUCKET, Key=f"{self.name}/mounts.yaml")
        elif self.kind == "ssm":
            with prepared(self.aws, "ssm") as ssm:
                ssm.delete_parameter(Name=f"/{self.name}/mounts")
        else:
            self.aws.withdraw(f"{self.name}/prod/mounts")


@pytest.fixture(params=["s3", "ssm", "appconfig"])
def place(request: pytest.FixtureRequest, aws: Front) -> Place:
    return Place(aws, request.param, request.node.originalname.replace("_", "-")[:100])


@pytest.fixture
def s3(request: pytest.FixtureRequest, aws: Front) -> Place:
    return Place(aws, "s3", request.node.originalname.replace("_", "-")[:100])


class Poller:
    """What the daemon remembers between two fetches, and a minute that passes before each."""

    def __init__(self, place: Place, trust: Trust | None = None) -> None:
        self.place, self.trust, self.known, self.token = place, trust or Trust(), "", ""

    def poll(self) -> Answer:
        self.place.aws.skip(61)
        self.place.aws.seen()
        answer = in_a_job(Fetch(self.place.origin, self.trust, REGION, self.known, self.token))
        if isinstance(answer, (Fetched, Unchanged, Refused)):
            self.token = answer.token
        if isinstance(answer, Fetched):
            self.known = answer.config.digest
        if isinstance(answer, Refused):
            self.known = answer.digest
        return answer

    def names(self) -> list[str]:
        answer = self.poll()
        assert isinstance(answer, Fetched), answer
        return [spec.name for spec in answer.config.mounts]

    def problem(self) -> Problem:
        answer = self.poll()
        assert isinstance(answer, Failed), answer
        return answer.problem


def in_a_job(order: Fetch) -> Answer:
    jobs = RealJobs()
    jobs.start(Key(Kind.FETCH, order.origin), order)
    ((_, answer),) = jobs.wait(DEADLINES_S[Kind.FETCH] + 5)
    return answer


def sent(aws: Front) -> int:
    return sum(one.sent for one in aws.seen())


@contextmanager
def dropping_port() -> Iterator[int]:
    """A port whose kernel lets the packets of new connections fall: its queue is full and nobody accepts."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(server.getsockname())
        time.sleep(0.1)
        yield server.getsockname()[1]


# -- what an origin says


def test_what_is_there_is_fetched_and_its_bytes_are_put_by(place: Place, tmp_path: Path) -> None:
    place.put(FIRST)
    poller = Poller(place, Trust(generations=str(tmp_path / "generations")))
    assert poller.names() == ["first", "scratch"]
    (kept,) = (tmp_path / "generations").iterdir()
    assert (kept.name, kept.read_bytes()) == (poller.known, FIRST)
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_what_has_not_changed_is_not_transferred_again(place: Place) -> None:
    place.put(FIRST)
    poller = Poller(place)
    poller.names()
    for _ in range(3):
        answer = poller.poll()
        assert isinstance(answer, Unchanged)
        requests = place.aws.seen()
        assert len(requests) == 1
        if place.kind == "ssm":  # which knows no conditional reading
            assert requests[0].sent < len(FIRST) + 1000
        else:
            assert requests[0].sent == 0
            assert requests[0].status == (304 if place.kind == "s3" else 200)


def test_what_has_changed_is_fetched(place: Place) -> None:
    place.put(FIRST)
    poller = Poller(place)
    poller.names()
    place.put(SECOND)
    assert poller.names() == ["second", "scratch"]


def test_replaced_twice_within_a_poll_the_latest_counts(place: Place) -> None:
    place.put(FIRST)
    poller = Poller(place)
    poller.names()
    place.put(SECOND)
    place.put(THIRD)
    assert poller.names() == ["third", "scratch"]


def test_replaced_and_put_back_within_a_poll_is_unchanged(place: Place) -> None:
    place.put(FIRST)
    poller = Poller(place)
    poller.names()
    place.put(SECOND)
    place.put(FIRST)
    assert isinstance(poller.poll(), Unchanged)


def test_replaced_by_garbage_is_refused_once_by_line_and_not_transferred_again(place: Place) -> None:
    place.put(FIRST)
    poller = Poller(place)
    poller.names()
    place.put(b"version: 1\nmounts:\n  - {nmae: x}\n")
    answer = poller.poll()
    assert isinstance(answer, Refused)
    assert answer.problem.code == "config-invalid"
    assert f"{place.origin}:3:" in answer.problem.observed
    assert isinstance(poller.poll(), Unchanged)
    if place.kind != "ssm":
        assert sent(place.aws) == 0
    place.put(SECOND)
    assert poller.names() == ["second", "scratch"]


def test_deleted_is_temporary_and_what_comes_back_is_fetched(place: Place) -> None:
    place.put(FIRST)
    poller = Poller(place)
    poller.names()
    place.remove()
    problem = poller.problem()
    assert (problem.code, problem.temporary) == ("origin-missing", True)
    assert place.origin in problem.observed
    place.put(SECOND)
    assert poller.names() == ["second", "scratch"]


def test_a_bucket_that_does_not_exist_is_said(aws: Front) -> None:
    answer = in_a_job(Fetch("s3://no-such-bucket/mounts.yaml", region=REGION))
    assert isinstance(answer, Failed)
    assert (answer.problem.code, "no such bucket" in answer.problem.observed) == ("origin-missing", True)


@pytest.mark.parametrize(
    "token",
    ["x", "*", '"*"', "0", '"0"', "\r\nX-Evil: 1", "\x00", "x" * 10_000, "\udcff", "{mark}*", "{mark}\r\nX-Evil: 1", "{mark}é"],
    ids=ascii,
)
def test_a_token_that_makes_no_sense_is_none(place: Place, token: str) -> None:
    place.put(FIRST)
    poller = Poller(place)
    poller.names()
    mark = poller.token.partition(":")[0] + ":"
    answer = fetch(Fetch(place.origin, region=REGION, known="0" * 64, token=token.replace("{mark}", mark)))
    assert isinstance(answer, Fetched)


def test_a_token_of_another_origin_is_none(aws: Front) -> None:
    for one, other in (("appconfig", "appconfig"), ("s3", "ssm"), ("ssm", "appconfig"), ("appconfig", "s3")):
        here, there = Place(aws, one, "here"), Place(aws, other, "there")
        here.put(FIRST)
        there.put(SECOND)
        poller = Poller(here)
        poller.names()
        poller.place = there
        assert poller.names() == ["second", "scratch"], (one, other)


def test_a_token_without_the_content_that_goes_with_it_is_not_used(place: Place) -> None:
    place.put(FIRST)
    poller = Poller(place)
    poller.names()
    poller.known = ""
    assert poller.names() == ["first", "scratch"]


def test_the_region_is_the_instance_s_own_where_none_is_pinned(aws: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    place = Place(aws, "ssm", "regional")
    place.put(FIRST)
    here = Instance("n", f"arn:aws:sagemaker:{REGION}:1:notebook-instance/n", "aws", REGION, "1")
    assert isinstance(in_a_job(Fetch(place.origin, Trust(instance=here))), Fetched)
    answer = in_a_job(Fetch(place.origin))
    assert isinstance(answer, Failed)
    assert (answer.problem.code, answer.problem.temporary) == ("aws-no-region", False)


def test_what_the_policy_does_not_allow_is_refused_whatever_its_origin(place: Place) -> None:
    place.put(FIRST)
    poller = Poller(place, Trust(policy=Policy(file_systems=("fs1.*",))))
    answer = poller.poll()
    assert isinstance(answer, Refused)
    assert answer.problem.code == "config-invalid"
    assert "policy of this notebook" in answer.problem.observed


def test_with_a_key_pinned_only_what_is_signed_is_accepted_and_nothing_else_is_parsed(place: Place) -> None:
    private = b"k" * 32
    poller = Poller(place, Trust(public_key=signature.public_of(private)))
    place.put(b"{{{ not even YAML")
    problem = poller.problem()
    assert (problem.code, problem.observed.startswith(f"{place.origin}: ")) == ("config-unsigned", True)
    place.put(signature.sign(FIRST, b"o" * 32))
    assert poller.problem().code == "config-signature-wrong"
    place.put(signature.sign(FIRST, private))
    assert poller.names() == ["first", "scratch"]


# -- AppConfig's sessions


def test_appconfig_says_when_to_ask_again_and_asked_too_early_begins_a_new_session(aws: Front) -> None:
    place = Place(aws, "appconfig", "early")
    place.put(FIRST)
    first = fetch(Fetch(place.origin, region=REGION))
    assert isinstance(first, Fetched)
    assert first.poll_after_s == 60
    aws.seen()
    again = fetch(Fetch(place.origin, region=REGION, known=first.config.digest, token=first.token))
    assert isinstance(again, Unchanged)
    assert [one.status for one in aws.seen()] == [400, 201, 200]
    assert again.token != first.token


def test_an_appconfig_token_of_yesterday_begins_a_new_session(aws: Front) -> None:
    place = Place(aws, "appconfig", "yesterday")
    place.put(FIRST)
    poller = Poller(place)
    poller.names()
    aws.skip(25 * 3600)
    assert isinstance(poller.poll(), Unchanged)
    place.put(SECOND)
    assert poller.names() == ["second", "scratch"]


def test_an_appconfig_answer_that_was_lost_is_given_again(aws: Front) -> None:
    place = Place(aws, "appconfig", "lost")
    place.put(FIRST)
    poller = Poller(place)
    poller.names()
    place.put(SECOND)
    aws.skip(61)
    fetch(Fetch(place.origin, region=REGION, known=poller.known, token=poller.token))  # nobody hears its answer
    assert poller.names() == ["second", "scratch"]


# -- what is too large, or cut off


@pytest.mark.parametrize("kind", ["s3", "appconfig"])
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "undeclared"])
def test_replaced_by_a_gigabyte_costs_next_to_nothing(aws: Front, kind: str, declared: bool) -> None:
    place = Place(aws, kind, "gigabyte")
    place.put(FIRST)
    poller = Poller(place)
    poller.names()
    began = time.monotonic()
    aws.mode("stream", size=GIGABYTE, declared=declared)
    problem = poller.problem()
    assert problem.code == "origin-too-large"
    assert time.monotonic() - began < 10
    most = 4 * LIMIT if kind == "s3" and declared else 8 * LIMIT  # what the buffers of both sides hold comes on top
    assert sent(aws) < most
    aws.mode("pass")
    place.put(SECOND)
    assert poller.names() == ["second", "scratch"]


def test_a_mebibyte_is_read_and_one_byte_more_is_not(s3: Place) -> None:
    s3.put(FIRST + b"#" * (LIMIT - len(FIRST)))
    poller = Poller(s3)
    assert poller.names() == ["first", "scratch"]
    s3.put(FIRST + b"#" * (LIMIT + 1 - len(FIRST)))
    problem = poller.problem()
    assert (problem.code, str(LIMIT + 1) in problem.observed) == ("origin-too-large", True)


@pytest.mark.parametrize("kind", ["s3", "appconfig"])
def test_half_a_configuration_is_none(aws: Front, kind: str) -> None:
    place = Place(aws, kind, "half")
    place.put(FIRST)
    path = f"/{BUCKET}/" if kind == "s3" else "/configuration?"
    aws.mode("stream", size=10_000, cut=5_000, path=path)  # the connection breaks in the middle of the body
    problem = Poller(place).problem()
    assert (problem.temporary, problem.code) in {(True, "aws-failed"), (True, "aws-unreachable")}


# -- faults of AWS, of the way to it, of the credentials

FAULTS: dict[str, tuple[int, str, str]] = {
    "throttled, S3": (503, "SlowDown", "aws-throttled"),
    "throttled": (400, "ThrottlingException", "aws-throttled"),
    "denied, S3": (403, "AccessDenied", "aws-denied"),
    "denied": (400, "AccessDeniedException", "aws-denied"),
    "an error of its own, S3": (500, "InternalError", "aws-failed"),
    "an error of its own": (500, "InternalServerError", "aws-failed"),
    "unavailable": (503, "ServiceUnavailable", "aws-failed"),
    "wrong clock, S3": (403, "RequestTimeTooSkewed", "aws-clock"),
    "wrong clock": (400, "InvalidSignatureException", "aws-clock"),
    "credentials have expired": (400, "ExpiredTokenException", "aws-credentials"),
    "credentials are not known": (403, "InvalidAccessKeyId", "aws-credentials"),
}


@pytest.mark.parametrize(("status", "code", "named"), FAULTS.values(), ids=FAULTS.keys())
def test_an_error_of_aws_has_a_name_and_when_it_is_over_all_is_as_before(
    place: Place, status: int, code: str, named: str
) -> None:
    place.put(FIRST)
    poller = Poller(place)
    poller.names()
    place.aws.mode("error", status=status, code=code)
    began = time.monotonic()
    problem = poller.problem()
    assert (problem.code, problem.temporary) == (named, True)
    assert place.origin in problem.observed
    assert time.monotonic() - began < 10
    assert 1 <= len(place.aws.seen()) <= 3, "it is asked again three times at most"
    place.aws.mode("pass")
    assert isinstance(poller.poll(), Unchanged)
    if place.kind != "ssm":
        assert sent(place.aws) == 0


@pytest.mark.parametrize("kind", ["ssm", "appconfig"])
def test_an_answer_without_what_was_asked_for_is_a_failure_of_aws(aws: Front, kind: str) -> None:
    aws.mode("error", status=200, code="Nonsense", path="/" if kind == "ssm" else "/configurationsessions")
    assert Poller(Place(aws, kind, "nonsense")).problem().code == "aws-failed"


def test_throttled_for_long_each_attempt_ends_and_costs_three_requests(s3: Place) -> None:
    s3.put(FIRST)
    poller = Poller(s3)
    s3.aws.mode("error", status=503, code="SlowDown")
    for _ in range(4):
        assert poller.problem().code == "aws-throttled"
        assert len(s3.aws.seen()) == 3
    s3.aws.mode("error", status=503, code="SlowDown", times=2)
    assert poller.names() == ["first", "scratch"], "an error that passes is not even seen"


def test_a_denial_by_s3_says_that_a_missing_key_looks_the_same(s3: Place) -> None:
    s3.aws.mode("error", status=403, code="AccessDenied")
    assert "s3:ListBucket" in Poller(s3).problem().observed


def test_an_endpoint_that_accepts_and_says_nothing_ends_within_the_job_s_deadline(s3: Place) -> None:
    s3.put(FIRST)
    s3.aws.mode("hang")
    began = time.monotonic()
    answer = in_a_job(Fetch(s3.origin, region=REGION))
    assert time.monotonic() - began < DEADLINES_S[Kind.FETCH] + 1
    if isinstance(answer, Failed):  # three attempts of 8 s and what is between them; a busy machine may be slower
        assert answer.problem.code == "aws-unreachable"
    else:
        assert isinstance(answer, Overdue)


def test_a_client_gives_an_endpoint_less_time_than_its_job_has() -> None:
    """So that what went wrong is named by the client, and not only that it took too long."""
    program = (
        "from fsmount.aws import session; c = session.client('s3', 'us-east-1').meta.config; "
        "print(c.connect_timeout, c.read_timeout, c.retries['total_max_attempts'])"
    )
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=30).stdout
    connect, read, attempts = map(int, said.split())
    assert connect * attempts < DEADLINES_S[Kind.FETCH]
    assert (read, attempts) == (8, 3)


def test_an_endpoint_that_drops_packets_is_unreachable_within_the_job_s_deadline(
    aws: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dropping_port() as port:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        began = time.monotonic()
        answer = in_a_job(Fetch(f"s3://{BUCKET}/x", region=REGION))
        took = time.monotonic() - began
    assert isinstance(answer, Failed)
    assert answer.problem.code == "aws-unreachable"
    assert 3 < took < 20


def test_an_endpoint_that_answers_a_byte_a_second_is_given_up_at_the_deadline(s3: Place) -> None:
    s3.aws.mode("drip")
    began = time.monotonic()
    assert isinstance(in_a_job(Fetch(s3.origin, region=REGION)), Overdue)
    assert time.monotonic() - began < DEADLINES_S[Kind.FETCH] + 1


def test_an_endpoint_that_refuses_or_does_not_resolve_is_unreachable(aws: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}", "http://aws.invalid"):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        answer = in_a_job(Fetch("ssm:///x/y", region=REGION))
        assert isinstance(answer, Failed)
        assert (answer.problem.code, answer.problem.temporary) == ("aws-unreachable", True)


def test_credentials_that_expire_and_come_back_need_no_restart(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As the platform's own do: what the Job finds when it starts is what counts."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    file = tmp_path / "aws-credentials"
    file.write_text("[default]\naws_access_key_id = AKIAOLD\naws_secret_access_key = s\naws_session_token = t\n")
    place.put(FIRST)
    place.aws.mode("key", id="AKIAOLD")
    poller = Poller(place)
    poller.names()
    place.aws.mode("key", id="AKIANEW")
    assert poller.problem().code == "aws-credentials"
    file.write_text("[default]\naws_access_key_id = AKIANEW\naws_secret_access_key = s\naws_session_token = t\n")
    place.put(SECOND)
    assert poller.names() == ["second", "scratch"]


@pytest.mark.parametrize("imds", ["refuses", "drops"])
def test_no_credentials_and_no_metadata_service_is_said_within_seconds(
    s3: Place, imds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put(FIRST)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.delenv(name)
    with dropping_port() as port:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{port if imds == 'drops' else 9}/")
        began = time.monotonic()
        problem = Poller(s3).problem()
    assert (problem.code, problem.temporary) == ("aws-credentials", True)
    assert time.monotonic() - began < 10


# -- a file


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Path]:
    """A file system that notes each reading of a file."""
    folder = tmp_path / "strict"
    folder.mkdir()
    subprocess.run(["/usr/bin/mount", "-t", "tmpfs", "-o", "strictatime,mode=0755", "strict", str(folder)], check=True)
    yield folder
    subprocess.run(["/usr/bin/umount", str(folder)], check=True)


def test_a_file_that_was_not_touched_is_not_even_read(strict: Path) -> None:
    file = strict / "mounts.yaml"
    file.write_bytes(FIRST)
    fresh = fetch(Fetch(f"file:{file}"))
    assert isinstance(fresh, Fetched)
    assert fresh.token == "", "what was changed just now may change again without showing it"
    time.sleep(2.1)
    settled = fetch(Fetch(f"file:{file}", known=fresh.config.digest, token=fresh.token))
    assert isinstance(settled, Unchanged)
    read_at = file.stat().st_atime_ns
    for _ in range(3):
        again = fetch(Fetch(f"file:{file}", known=fresh.config.digest, token=settled.token))
        assert again == settled
    assert file.stat().st_atime_ns == read_at
    file.touch()
    assert isinstance(fetch(Fetch(f"file:{file}", known=fresh.config.digest, token=settled.token)), Unchanged)
    assert file.stat().st_atime_ns > read_at, "touched: it is read, and says the same"


def test_a_file_changed_to_the_same_size_and_time_is_read(strict: Path) -> None:
    file = strict / "mounts.yaml"
    file.write_bytes(FIRST)
    time.sleep(2.1)
    first = fetch(Fetch(f"file:{file}"))
    assert isinstance(first, Fetched)
    assert first.token
    facts = file.stat()
    file.write_bytes(FIRST.replace(b"first", b"other"))
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert isinstance(fetch(Fetch(f"file:{file}", known=first.config.digest, token=first.token)), Fetched)


def test_no_more_than_four_generations_lie_in_run_and_what_is_asked_for_stays(tmp_path: Path) -> None:
    from fsmount.jobs import generations

    folder, file = tmp_path / "generations", tmp_path / "mounts.yaml"
    tmp_path.chmod(0o755)
    digests = []
    for number in range(8):
        file.write_text(GOOD.replace("datasets", f"d{number}"))
        answer = fetch(Fetch(f"file:{file}", Trust(generations=str(folder))))
        assert isinstance(answer, Fetched)
        digests.append(answer.config.digest)
        assert generations.get(str(folder), digests[0]) is not None, "asked for each time, it stays"
        time.sleep(0.01)
    assert {one.name for one in folder.iterdir()} == {digests[0], *digests[-3:]}


def test_where_the_bytes_cannot_be_put_by_the_configuration_is_accepted_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "mounts.yaml"
    file.write_bytes(FIRST)
    (tmp_path / "generations").write_text("in the way")
    answer = fetch(Fetch(f"file:{file}", Trust(generations=str(tmp_path / "generations"))))
    assert isinstance(answer, Fetched)


def test_an_origin_that_is_none_is_said() -> None:
    answer = in_a_job(Fetch("s3:/bucket"))
    assert isinstance(answer, Failed)
    assert answer.problem.code == "origin-invalid"
