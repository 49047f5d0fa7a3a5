"""What is examined: the mounts of the agent's report or, where there is none, those of the configuration. Pure."""

import re
from collections.abc import Sequence
from typing import NamedTuple, Optional

from ..jobs.answers import Answer, Failed, Fetched
from ..model import Problem, Spec
from ..report import MountReport, Report
from .steps import Outcome, Result, Step, Subject
from .types import port_of


class Found(NamedTuple):
    """The first step of every chain, done once for all, and what the chains are about."""

    configuration: Result
    subjects: tuple[Subject, ...]


def of_report(report: Report, doubt: Optional[str]) -> Found:
    subjects = tuple(_of_mount(mount, believed=doubt is None) for mount in report.mounts if not mount.leaving)
    if doubt:
        return Found(Result(Step.CONFIGURATION, Outcome.FAILED, doubt, "no-agent"), subjects)
    if report.problem:
        observed, code = report.problem.observed, report.problem.code
        return Found(Result(Step.CONFIGURATION, Outcome.FAILED, observed, code), subjects)
    origin = f" from {report.generation.origin}" if report.generation else ""
    return Found(Result(Step.CONFIGURATION, Outcome.OK, f"the agent has {_mounts(len(subjects))}{origin}"), subjects)


def of_file(path: str, doubt: Optional[str], answer: Answer) -> Found:
    """Without any report: that is the finding, and the file is only how the chains can be walked all the same."""
    if isinstance(answer, Fetched):
        subjects = tuple(map(_of_spec, answer.config.mounts))
        more = f"{path} has {_mounts(len(subjects))}"
    else:
        subjects = ()
        more = answer.problem.observed if isinstance(answer, Failed) else f"{path} could not be read in time"
    return Found(Result(Step.CONFIGURATION, Outcome.FAILED, f"{doubt}; {more}", "no-agent"), subjects)


def chosen(subjects: Sequence[Subject], names: Sequence[str]) -> tuple[Subject, ...]:
    return tuple(subject for subject in subjects if not names or subject.name in names)


def _of_mount(mount: MountReport, believed: bool) -> Subject:
    problem = mount.problem
    return Subject(
        name=mount.name,
        type=mount.type,
        host=host_of(mount.source),
        id=id_of(mount.type, host_of(mount.source)),
        source=mount.source,
        port=port_of(mount.type, mount.options),
        mountpoint=mount.mountpoint,
        read_only=mount.access == "ro",
        doing=(mount.health or mount.phase) if believed else "",
        mounted=believed and mount.phase == "mounted" and mount.health != "wrong-source",
        address=mount.address if believed else None,
        problem=Problem(problem.code, problem.observed, problem.temporary) if believed and problem else None,
    )


def _of_spec(spec: Spec) -> Subject:
    return Subject(
        name=spec.name,
        type=spec.type,
        host=spec.host,
        id=spec.id,
        source=spec.source,
        port=spec.port,
        mountpoint=spec.mountpoint,
        read_only=spec.read_only,
    )


def host_of(source: str) -> str:
    """host:/path, [address]:/path or, for Lustre, host@tcp:/name."""
    host = source.partition(":/")[0].partition("@")[0]
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def id_of(type_name: str, host: str) -> str:
    """The id that a source begins with, be it all of it or (EFS) the first label of the host's name."""
    label = host.partition(".")[0]
    known = label == host or type_name == "efs"
    return label if type_name != "nfs" and known and re.fullmatch(r"(fs|svm)-[0-9a-f]{8,40}", label) else ""


def _mounts(count: int) -> str:
    return f"{count} mount{'' if count == 1 else 's'}"
