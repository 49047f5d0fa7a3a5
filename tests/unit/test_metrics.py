"""Numbers: what is counted, the line that CloudWatch understands, and how seldom they go out."""

from __future__ import annotations

import json
import logging

import botocore.session
import msgspec
import pytest
from fsmount.daemon.metering import Metering
from fsmount.entry import Entry
from fsmount.instance import Instance
from fsmount.jobs.orders import Kind
from fsmount.metrics import MOUNTS_MOST, embedded, metrics_of
from fsmount.model import Health, Metric, Metrics, Phase, Problem

from .fakehost import Driver, FakeHost, entry, spec

INSTANCE = Instance("team-a-nb", "arn:aws:sagemaker:eu-west-1:123456789012:notebook-instance/team-a-nb", "aws", "eu-west-1", "1")


def a_mount(name: str, health: Health = Health.HEALTHY, latency_s: float | None = 0.0042) -> Entry:
    return Entry(spec=spec(name), since_at=0.0, phase=Phase.MOUNTED, health=health, tried=True, latency_s=latency_s)


def test_mounts_are_counted_by_their_word_and_looks_are_timed() -> None:
    mounts = [a_mount("a"), a_mount("b", Health.SLOW, 2.5), a_mount("c", Health.HUNG, None)]
    assert metrics_of(mounts, 2) == (
        Metric("MountsOk", 1, "Count"),
        Metric("MountsPending", 0, "Count"),
        Metric("MountsDegraded", 1, "Count"),
        Metric("MountsFailed", 1, "Count"),
        Metric("Repairs", 2, "Count"),
        Metric("ProbeLatency", 4.2, "Milliseconds", "a"),
        Metric("ProbeLatency", 2500.0, "Milliseconds", "b"),
    )


def test_a_thousand_mounts_do_not_become_a_thousand_metrics() -> None:
    assert len(metrics_of([a_mount(f"m{number}") for number in range(1000)], 0)) == 5 + MOUNTS_MOST


def test_the_units_are_ones_that_the_service_s_own_model_knows() -> None:
    units = botocore.session.get_session().get_service_model("cloudwatch").shape_for("StandardUnit").metadata["enum"]
    assert {metric.unit for metric in metrics_of([a_mount("a")], 0)} <= set(units)


def test_the_lines_are_cloudwatch_s_embedded_metric_format() -> None:
    """What the format's specification asks for, rule by rule."""
    lines = embedded("team-a-nb", metrics_of([a_mount("a"), a_mount("b")], 3), 1_795_449_720.5)
    assert len(lines) == 3
    for line in lines:
        assert "\n" not in line
        assert len(line) < 256 * 1024
        document = json.loads(line)
        assert document["_aws"]["Timestamp"] == 1_795_449_720_500, "milliseconds since 1970"
        (directive,) = document["_aws"]["CloudWatchMetrics"]
        assert directive.keys() == {"Namespace", "Dimensions", "Metrics"}
        assert directive["Namespace"] == "fsmount"
        for dimension_set in directive["Dimensions"]:
            assert len(dimension_set) <= 30
            assert all(isinstance(document[name], str) and len(document[name]) <= 1024 for name in dimension_set)
        assert 0 < len(directive["Metrics"]) <= 100
        for metric in directive["Metrics"]:
            assert isinstance(document[metric["Name"]], (int, float))
    instance, a, _ = map(json.loads, lines)
    assert instance["NotebookInstanceName"] == "team-a-nb"
    assert (instance["MountsOk"], instance["Repairs"]) == (2, 3)
    assert (a["Mount"], a["ProbeLatency"]) == ("a", 4.2)


class Bench:
    """An agent with two mounts and its metering, on a clock that only these tests move."""

    def __init__(self, host: FakeHost, metrics: Metrics) -> None:
        self.host, self.driver = host, Driver(host)
        self.metering = Metering(host, INSTANCE)
        self.driver.load(spec("a"), spec("b"))
        assert host.config is not None
        host.config = msgspec.structs.replace(host.config, metrics=metrics)

    def live(self, seconds: float, step: float = 0.25) -> None:
        for _ in range(round(seconds / step)):
            for key, answer in self.host.tick(step):
                if key == self.metering.key:
                    self.metering.answered(answer, self.host.now())
                else:
                    self.driver.agent.answered(key, answer)
                    self.driver.agent.ended(key)
            self.driver.agent.mounts_changed()
            self.driver.agent.turn()
            due = self.metering.turn(self.driver.agent, self.host.now())
            assert due is None or due > self.host.monotonic

    def lines(self, caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
        return [json.loads(record.message) for record in caplog.records if record.message.startswith("{")]


def test_off_is_off(host: FakeHost, caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(host, Metrics.OFF)
    with caplog.at_level(logging.INFO, "fsmount"):
        bench.live(300)
    assert (bench.lines(caplog), host.published) == ([], [])
    assert bench.metering.turn(bench.driver.agent, host.now()) is None


def test_to_the_journal_once_a_minute_and_no_call(host: FakeHost, caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(host, Metrics.JOURNAL)
    with caplog.at_level(logging.INFO, "fsmount"):
        bench.live(600)
    lines = bench.lines(caplog)
    assert len([line for line in lines if "Mount" not in line]) in (9, 10)
    assert len([line for line in lines if line.get("Mount") == "a"]) in (9, 10)
    assert host.published == []


def test_repairs_are_counted_once(host: FakeHost, caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(host, Metrics.JOURNAL)
    with caplog.at_level(logging.INFO, "fsmount"):
        bench.live(100)
        host.unmount("/mnt/a")
        bench.live(100)
    assert entry(bench.driver, "a").health is Health.HEALTHY
    assert sum(int(str(line.get("Repairs", 0)).partition(".")[0]) for line in bench.lines(caplog)) == 1


def test_to_cloudwatch_once_a_minute_at_most(host: FakeHost) -> None:
    bench = Bench(host, Metrics.ON)
    bench.live(600)
    assert len(host.published) in (9, 10)
    order = host.published[0][1]
    assert (order.tags, order.gone, order.first, order.instance) == ((), (), False, "team-a-nb")
    assert Metric("MountsOk", 2, "Count") in order.metrics
    times = [at for at, _ in host.published]
    assert min(after - before for before, after in zip(times, times[1:])) > 59.99


def test_repairs_that_were_not_accepted_are_in_the_next_ones(host: FakeHost) -> None:
    bench = Bench(host, Metrics.ON)
    bench.live(100)
    host.aws_problem = Problem("aws-denied", "the metrics of nb: no")
    host.unmount("/mnt/a")
    bench.live(600)
    assert bench.metering.problem == host.aws_problem
    assert [key.kind for key in host.started].count(Kind.PUBLISH) < 8, "ever more rarely"
    host.aws_problem, tried = None, len(host.published)
    bench.live(4000)
    assert bench.metering.problem is None
    repairs = [metric.value for _, order in host.published[tried:] for metric in order.metrics if metric.name == "Repairs"]
    assert repairs[0] == 1
    assert sum(repairs) == 1


def test_metrics_that_are_turned_off_leave_no_problem_behind(host: FakeHost) -> None:
    bench = Bench(host, Metrics.ON)
    host.aws_problem = Problem("aws-denied", "the metrics of nb: no")
    bench.live(100)
    assert bench.metering.problem is not None
    assert host.config is not None
    host.config = msgspec.structs.replace(host.config, digest="d2", metrics=Metrics.OFF)
    bench.driver.agent.reload()
    bench.live(10)
    assert bench.metering.problem is None
