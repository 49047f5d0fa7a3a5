"""Publish Jobs as they are, boto3 included, against moto's server and against endpoints that are in trouble."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import botocore.session
import psutil
import pytest
from botocore.validate import ParamValidator
from fsmount.jobs.answers import Answer, Failed, Overdue, Published
from fsmount.jobs.orders import DEADLINES_S, Key, Kind, Publish
from fsmount.model import Metric
from fsmount.tags import MOUNT, STATUS

from tests.vm.aws import ACCOUNT, REGION, ROLE, Aws

from .realjobs import RealJobs

KEY = Key(Kind.PUBLISH, "tags")
TAGS = ((STATUS, "failed 1/2 gen 1a2b3c4d5e6f at 2026-11-23T16:02Z"), (MOUNT + "a", "hung not-answering since 2026-11-23T16:01Z"))
NOWHERE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:notebook-instance/nb"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    moto = Aws(tmp_path_factory.mktemp("moto") / "log")
    moto.start()
    yield moto
    moto.stop()


@pytest.fixture(autouse=True)
def nothing_leaks(aws: Aws) -> Iterator[None]:
    """As for the whole ring, but for moto's server, which serves all tests of this module."""
    before, servers = len(os.listdir("/proc/self/fd")), psutil.Process().children()
    yield
    assert psutil.Process().children() == servers, "a child process was left behind"
    assert len(os.listdir("/proc/self/fd")) <= before, "a descriptor was left open"


@pytest.fixture(autouse=True)
def environment(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a notebook instance gets from its role and its network, Jobs of these tests get from the environment."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


def carry_out(order: Publish) -> Answer:
    jobs = RealJobs()
    assert jobs.start(KEY, order) is None
    ((key, answer),) = jobs.wait(DEADLINES_S[Kind.PUBLISH] + 2)
    assert key == KEY
    return answer


Notebook = Callable[[int, "tuple[str, ...]"], str]


@pytest.fixture
def notebook(aws: Aws, request: pytest.FixtureRequest) -> Notebook:
    """Makes a notebook instance with so many tags of others and these of ours; its ARN."""

    def make(others: int = 0, ours: tuple[str, ...] = ()) -> str:
        name = f"nb-{abs(hash(request.node.name))}"
        tags = [{"Key": f"Team{number}", "Value": "a"} for number in range(others)]
        tags += [{"Key": key, "Value": "old"} for key in ours]
        with closing(aws.client("sagemaker")) as sagemaker:
            made = sagemaker.create_notebook_instance(
                NotebookInstanceName=name, InstanceType="ml.t3.medium", RoleArn=ROLE, Tags=tags
            )
        return str(made["NotebookInstanceArn"])

    return make


def tags_at(aws: Aws, arn: str) -> dict[str, str]:
    """The last value of each: moto keeps the former ones as well."""
    with closing(aws.client("sagemaker")) as sagemaker:
        pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
        return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


def test_stale_tags_of_ours_go_and_tags_of_others_stay(aws: Aws, notebook: Notebook) -> None:
    arn = notebook(3, (STATUS, MOUNT + "gone", MOUNT + "a", "fsmount:owner"))
    assert carry_out(Publish(arn, REGION, TAGS, first=True)) == Published(2)
    others = {"Team0": "a", "Team1": "a", "Team2": "a", "fsmount:owner": "old"}
    assert tags_at(aws, arn) == {**others, **dict(TAGS)}


def test_a_write_that_is_not_the_first_touches_what_it_names_alone(aws: Aws, notebook: Notebook) -> None:
    arn = notebook(1, (MOUNT + "b", MOUNT + "c"))
    assert carry_out(Publish(arn, REGION, TAGS[:1], gone=(MOUNT + "b",))) == Published(1)
    assert tags_at(aws, arn) == {"Team0": "a", MOUNT + "c": "old", **dict(TAGS[:1])}


def test_tags_that_are_off_are_removed(aws: Aws, notebook: Notebook) -> None:
    arn = notebook(2, (STATUS, MOUNT + "a"))
    assert carry_out(Publish(arn, REGION, first=True)) == Published(0)
    assert tags_at(aws, arn) == {"Team0": "a", "Team1": "a"}


@pytest.mark.parametrize(
    ("others", "ours", "written"),
    [
        (50, (), ()),
        (49, (), (STATUS,)),
        (48, (), (STATUS, MOUNT + "a")),
        (49, (MOUNT + "gone",), (STATUS,)),
        (49, (MOUNT + "a",), (MOUNT + "a",)),
        (49, (STATUS,), (STATUS,)),
    ],
)
def test_no_more_is_written_than_there_is_room_for(
    aws: Aws, notebook: Notebook, others: int, ours: tuple[str, ...], written: tuple[str, ...]
) -> None:
    arn = notebook(others, ours)
    assert carry_out(Publish(arn, REGION, TAGS, first=True)) == Published(len(written))
    there = tags_at(aws, arn)
    assert len(there) <= 50
    assert {key: value for key, value in there.items() if key.startswith("fsmount:")} == {
        key: value for key, value in TAGS if key in written
    }


def test_numbers_reach_cloudwatch_with_the_instance_and_the_mount_as_dimensions(aws: Aws) -> None:
    metrics = (Metric("MountsOk", 2, "Count"), Metric("ProbeLatency", 4.2, "Milliseconds", "a"))
    assert carry_out(Publish(NOWHERE, REGION, metrics=metrics, instance="team-a-nb")) == Published(0)
    with closing(aws.client("cloudwatch")) as cloudwatch:
        listed = cloudwatch.list_metrics(Namespace="fsmount")["Metrics"]
    dimensions = {metric["MetricName"]: {d["Name"]: d["Value"] for d in metric["Dimensions"]} for metric in listed}
    assert dimensions == {
        "MountsOk": {"NotebookInstanceName": "team-a-nb"},
        "ProbeLatency": {"NotebookInstanceName": "team-a-nb", "Mount": "a"},
    }


# -- trouble


class Trouble:
    def __init__(self, mode: str, folder: Path) -> None:
        self._log = folder / "requests"
        program = Path(__file__).with_name("troubled_endpoint.py")
        argv = [sys.executable, "-IS", str(program), str(self._log), mode]
        self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(10)
        assert self._process.stdout
        self._process.stdout.close()

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]


@pytest.fixture
def trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Trouble]]:
    made: list[Trouble] = []

    def make(mode: str) -> Trouble:
        made.append(Trouble(mode, tmp_path))
        monkeypatch.setenv("AWS_ENDPOINT_URL", made[-1].url)
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.mark.parametrize(
    ("mode", "code", "requests"),
    [
        ("throttle", "aws-throttled", 3),
        ("deny", "aws-denied", 1),
        ("clock", "aws-clock", 1),
        ("expired", "aws-credentials", 1),
        ("fail", "aws-failed", 3),
    ],
)
def test_each_trouble_is_a_problem_of_its_own_after_few_requests(
    trouble: Callable[[str], Trouble], mode: str, code: str, requests: int
) -> None:
    endpoint = trouble(mode)
    answer = carry_out(Publish(NOWHERE, REGION, TAGS, first=True))
    assert isinstance(answer, Failed)
    assert (answer.problem.code, answer.problem.temporary) == (code, True)
    assert answer.problem.observed.startswith("the tags of nb: ")
    asked = endpoint.requests
    assert [request["operation"] for request in asked] == ["ListTags"] * requests, "nothing is written blindly"
    model = botocore.session.get_session().get_service_model("sagemaker")
    for request in asked:
        shape = model.operation_model(request["operation"]).input_shape
        assert shape is not None
        assert not ParamValidator().validate(json.loads(request["body"]), shape).has_errors()


def test_an_endpoint_that_takes_requests_and_never_answers_is_over_by_the_deadline(trouble: Callable[[str], Trouble]) -> None:
    trouble("hang")
    began = time.monotonic()
    answer = carry_out(Publish(NOWHERE, REGION, TAGS))
    assert time.monotonic() - began < DEADLINES_S[Kind.PUBLISH] + 1
    if not isinstance(answer, Overdue):
        assert isinstance(answer, Failed)
        assert answer.problem.code == "aws-unreachable"


def test_an_endpoint_where_nobody_listens_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    answer = carry_out(Publish(NOWHERE, REGION, TAGS))
    assert isinstance(answer, Failed)
    assert answer.problem.code == "aws-unreachable"


def test_an_endpoint_that_is_cut_off_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its queue is full, so that the kernel drops what comes, as a security group would."""
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{full.getsockname()[1]}")
        answer = carry_out(Publish(NOWHERE, REGION, TAGS))
    assert isinstance(answer, Failed)
    assert answer.problem.code == "aws-unreachable"
    assert "timeout" in answer.problem.observed.lower()


def test_without_a_role_there_are_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    answer = carry_out(Publish(NOWHERE, REGION, TAGS))
    assert isinstance(answer, Failed)
    assert answer.problem.code == "aws-credentials"


def test_a_notebook_instance_that_is_not_there_is_an_error_of_aws_s(notebook: Notebook) -> None:
    answer = carry_out(Publish(NOWHERE, REGION, TAGS, first=True))
    assert isinstance(answer, Failed)
    assert answer.problem.code == "aws-failed"


def test_the_process_that_starts_the_job_never_has_boto3(aws: Aws, notebook: Notebook) -> None:
    """The daemon's own process, that is; this one has it for other reasons."""
    arn = notebook(0, ())
    program = f"""
import select, sys, time
from fsmount.jobs.answers import Published
from fsmount.jobs.orders import Key, Kind, Publish
from fsmount.jobs.running import Running
poll = select.poll()
jobs = Running(poll)
assert jobs.start({{Key(Kind.PUBLISH, "tags"): Publish({arn!r}, {REGION!r}, (("fsmount:status", "ok"),))}}, 0.0) is None
said = []
while not said:
    for descriptor, _ in poll.poll(30000):
        said += jobs.ready(descriptor)
assert said[0][1] == Published(1), said
print(sorted(name for name in ("boto3", "botocore", "yaml", "subprocess", "threading") if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert tags_at(aws, arn) == {STATUS: "ok"}
