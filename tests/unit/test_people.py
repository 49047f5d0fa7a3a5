"""What people see: figures, the table, problems, exit statuses."""

from __future__ import annotations

import ast
import random
import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from fsmount import problems
from fsmount.cli import VERBS, main
from fsmount.cli.table import Style, render
from fsmount.cli.words import safe, size, span
from fsmount.model import Health, Usage
from fsmount.plan import Verb
from fsmount.report import AgentReport, MountReport, ProblemReport, Report

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "agent/fsmount"
NOW = 1_700_000_000.0


@pytest.mark.skipif(shutil.which("numfmt") is None, reason="numfmt (coreutils) is not installed")
def test_sizes_are_what_df_h_prints() -> None:
    dice = random.Random(7)
    numbers = [0, 1, 1023, 1024, 1025, 10239, 10240, 2**20 - 1, 2**63 - 1, 2**63]
    numbers += [int(2 ** dice.uniform(0, 63)) for _ in range(500)]
    theirs = subprocess.run(
        ["numfmt", "--to=iec", "--round=up", *map(str, numbers)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert [size(number) for number in numbers] == theirs


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0 s"), (0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (200000, "2 d")],
)
def test_spans_are_short(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_nothing_from_outside_reaches_the_terminal_as_a_command() -> None:
    assert safe("a\x1b[2Jb\n") == "a\\x1b[2Jb\\n"


def a_problem(code: str = "server-timeout") -> ProblemReport:
    entry = problems.CATALOGUE[code]
    return ProblemReport(
        code=code,
        title=entry.title,
        observed="fs-0fedcba9876543210.efs.us-east-1.amazonaws.com (10.9.2.2) gave no answer on port 2049 within 3 s",
        remedy=entry.remedy,
        at=NOW,
        temporary=True,
    )


def a_mount(name: str, **fields: object) -> MountReport:
    report = MountReport(
        name=name,
        word="ok",
        phase="mounted",
        health="healthy",
        type="nfs",
        source=f"fs-0123456789abcdef0.efs.us-east-1.amazonaws.com:/{name}",
        mountpoint=f"/home/ec2-user/SageMaker/{name}",
        access="rw",
        options=(),
        since_at=NOW - 7200,
        address="10.9.1.2",
        mounted_by="fsmount",
        usage=Usage(2**63 - 2**20, 3 * 2**30, 2**63 - 2**33),
        probed_at=NOW,
        failures=0,
        next_attempt_at=None,
        problem=None,
        warnings=(),
        leaving=False,
    )
    return msgspec.structs.replace(report, **fields)


def a_report(*mounts: MountReport, word: str = "failed", problem: ProblemReport | None = None) -> Report:
    agent = AgentReport(version="0.1.0", pid=1, pid_started=1, started_at=NOW, longest_stall_ms=1, stuck_jobs=0)
    return Report(
        version=1,
        word=word,
        settled=True,
        written_at=NOW,
        written_boottime=1.0,
        instance="team-a-nb",
        agent=agent,
        generation=None,
        problem=problem,
        mounts=mounts,
    )


WAITING = a_mount(
    "scratch",
    word="failed",
    phase="waiting",
    health=None,
    usage=None,
    problem=a_problem(),
    failures=4,
    next_attempt_at=NOW + 8,
    access="ro",
)


def test_the_table_fits_into_eighty_columns_and_says_what_is_wrong_and_what_to_do() -> None:
    text = render(a_report(a_mount("datasets"), WAITING), (a_mount("datasets"), WAITING), NOW, Style(80, False))
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith("fsmount on team-a-nb: failed (1 of 2 mounts ok)\n")
    assert re.search(r"^datasets  healthy  +2 h  8\.0E  3\.0G +8\.0E  ~/SageMaker/datasets$", text, re.M)
    assert re.search(r"^scratch   waiting  +2 h +- +- +-  ~/SageMaker/scratch \(ro\)$", text, re.M)
    assert "[server-timeout]" in text
    assert "security group" in text
    assert "4 attempts failed; the next one comes in 8 s." in text
    for mount in ("datasets", "scratch"):
        assert f"  from fs-0123456789abcdef0.efs.us-east-1.amazonaws.com:/{mount}\n" in text


def test_a_wide_terminal_shows_the_source_beside_the_rest() -> None:
    text = render(a_report(a_mount("datasets")), (a_mount("datasets"),), NOW, Style(150, False))
    assert "SOURCE" in text
    assert "from " not in text


def test_colours_change_no_column() -> None:
    report = a_report(a_mount("datasets"), WAITING)
    plain = render(report, report.mounts, NOW, Style(80, False))
    coloured = render(report, report.mounts, NOW, Style(80, True))
    assert re.sub(r"\033\[\d+m", "", coloured) == plain
    assert "\033[31m" in coloured


def test_no_mounts_is_a_sentence() -> None:
    text = render(a_report(word="degraded", problem=a_problem("config-missing")), (), NOW, Style(80, False))
    assert "(no mounts)" in text
    assert "[config-missing]" in text


def test_every_code_that_the_program_uses_is_in_the_catalogue_and_the_other_way_round() -> None:
    used = set()
    for file in PACKAGE.rglob("*.py"):
        if "problems" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[a-z]+(-[a-z]+)*", node.value):
                used.add(node.value)
    codes = set(problems.CATALOGUE)
    assert codes <= used, f"nobody uses {codes - used}"
    raised = set()
    for file in PACKAGE.rglob("*.py"):
        raised |= set(re.findall(r'(?:Temporary|Permanent|Problem|_failed)\(\s*"([a-z-]+)"', file.read_text()))
    assert raised <= codes, f"not in the catalogue: {raised - codes}"


@pytest.mark.parametrize("code", sorted(problems.CATALOGUE))
def test_every_problem_is_explained_within_eighty_columns(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", code]) == 0
    text = capsys.readouterr().out
    assert "What to do: " in text
    assert all(len(line) <= 80 for line in text.splitlines())


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (["--version"], 0),
        (["--help"], 0),
        ([], 2),
        (["mount"], 2),
        (["explain", "nothing-such"], 2),
        *((["explain", health.value], 0) for health in (Health.HUNG, Health.STALE, Health.DENIED, Health.READ_ONLY, Health.SLOW)),
        (["explain"], 0),
        (["check", "/nonexistent.yaml"], 2),
        (["status", "--run-dir", "/nonexistent"], 3),
        (["reload", "--run-dir", "/nonexistent"], 3),
        (["retry", "x", "--run-dir", "/nonexistent"], 3),
        (["plan", "/nonexistent.yaml"], 2),
        (["history", "--history-dir", "/nonexistent"], 0),
        (["history", "x", "--json", "--history-dir", "/nonexistent"], 0),
    ],
)
def test_exit_statuses(argv: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == status
    captured = capsys.readouterr()
    assert captured.out or captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    assert f"fsmount {verb}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv",
    [
        ["status", "--wait", "soon"],
        ["status", "--wait", "-1"],
        ["status", "--frob"],
        ["retry", "a", "b"],
        ["history", "--since", "soon"],
    ],
)
def test_wrong_options_are_usage_errors(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2


def test_plan_has_a_word_for_everything_that_can_be_done() -> None:
    from fsmount.cli.plan import _SENTENCES

    assert set(_SENTENCES) == set(Verb)
