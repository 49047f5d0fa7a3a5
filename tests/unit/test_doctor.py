"""The doctor's pure parts: the NULL call, what answers mean, which link is the first broken one, what people read."""

from __future__ import annotations

import re
import struct

import msgspec
import pytest
from fsmount.cli import main
from fsmount.cli.table import Style
from fsmount.doctor import rpc
from fsmount.doctor.advice import Service, advice, service_of
from fsmount.doctor.chain import Chain, name_servers
from fsmount.doctor.document import Document, document
from fsmount.doctor.page import page
from fsmount.doctor.steps import STEPS, Here, Outcome, Result, Step, Subject, broken
from fsmount.doctor.subjects import host_of, id_of, of_file, of_report
from fsmount.doctor.types import port_of
from fsmount.jobs.answers import Answer, Examined, Failed, Fetched, Overdue, Resolved
from fsmount.jobs.orders import Examine, Kind, Resolve
from fsmount.model import Config, Problem, Spec
from fsmount.observe.mountinfo import Mount
from fsmount.problems import CATALOGUE

from .test_people import a_mount, a_problem, a_report

XID = 0x01020304
ID, SVM = "fs-0123456789abcdef0", "svm-0123456789abcdef0"
PLACE = "/home/ec2-user/SageMaker/datasets"
CONFIGURED = Result(Step.CONFIGURATION, Outcome.OK, "the agent has 1 mount")


def a_subject(**fields: object) -> Subject:
    subject = Subject(
        name="datasets",
        type="nfs",
        host="fs1.test",
        source="fs1.test:/d0",
        port=2049,
        mountpoint=PLACE,
        read_only=False,
        doing="healthy",
        mounted=True,
    )
    return msgspec.structs.replace(subject, **fields)


def a_row(source: str = "fs1.test:/d0", fstype: str = "nfs4") -> Mount:
    return Mount(77, 1, "0:50", "/", PLACE, ("rw",), fstype, source)


def test_the_null_call_is_what_rfc_5531_says() -> None:
    words = struct.unpack(">11I", rpc.null_call(XID))
    assert words == (0x80000000 | 40, XID, 0, 2, 100003, 4, 0, 0, 0, 0, 0)


def a_reply(*words: int, xid: int = XID) -> bytes:
    return struct.pack(f">{len(words) + 1}I", xid, *words)


@pytest.mark.parametrize(
    ("reply", "word", "detail"),
    [
        pytest.param(a_reply(1, 0, 0, 0, 0), rpc.Word.ANSWERS, "version 4 answers", id="success"),
        pytest.param(a_reply(1, 0, 1, 5, 0, 0, 0), rpc.Word.ANSWERS, "answers", id="a verifier of five bytes, padded to eight"),
        pytest.param(a_reply(1, 0, 0, 0, 2, 2, 3), rpc.Word.MISMATCH, "versions 2 to 3", id="only older versions"),
        pytest.param(a_reply(1, 0, 0, 0, 1), rpc.Word.NO_NFS, "speaks RPC", id="another RPC program"),
        pytest.param(a_reply(1, 0, 0, 0, 5), rpc.Word.BROKEN, "system error", id="system error"),
        pytest.param(a_reply(1, 0, 0, 0, 3), rpc.Word.BROKEN, "RPC error 3", id="NULL is no procedure"),
        pytest.param(a_reply(1, 1, 1, 1), rpc.Word.DENIED, "denied", id="denied"),
        pytest.param(a_reply(1, 7, 0, 0, 0), rpc.Word.NO_NFS, "status 7", id="an unknown status"),
        pytest.param(a_reply(1, 0, 0, 0, 0, xid=9), rpc.Word.NO_NFS, "no reply", id="a reply to another call"),
        pytest.param(a_reply(0, 0, 0, 0, 0), rpc.Word.NO_NFS, "no reply", id="a call"),
        pytest.param(a_reply(1, 0, 0, 0, 2, 2), rpc.Word.NO_NFS, "ends after", id="cut off"),
        pytest.param(a_reply(1, 0, 0, 2**32 - 1, 0), rpc.Word.NO_NFS, "ends after", id="a verifier longer than the reply"),
        pytest.param(b"", rpc.Word.NO_NFS, "ends after 0", id="nothing"),
    ],
)
def test_every_reply_to_the_null_call_has_a_meaning(reply: bytes, word: rpc.Word, detail: str) -> None:
    verdict = rpc.understood(reply, XID)
    assert verdict.word is word
    assert detail in verdict.detail


def test_a_record_is_put_together_from_its_fragments_and_never_before_it_is_whole() -> None:
    stream = struct.pack(">I", 3) + b"abc" + struct.pack(">I", 0x80000002) + b"de"
    for end in range(len(stream)):
        assert rpc.record(stream[:end]) is None
    assert rpc.record(stream) == b"abcde"


@pytest.mark.parametrize("stream", [b"HTTP/1.1 400 Bad", b"SSH-2.0-OpenSSH\r\n", bytes(4), b"\x80\x00\xff\xff"])
def test_what_is_no_record_is_refused_instead_of_waited_for(stream: bytes) -> None:
    with pytest.raises(ValueError, match="a record of"):
        rpc.record(stream)


def walked(subject: Subject, answers: dict[Step, Answer], row: Mount | None) -> Chain:
    """A chain with these answers; the steps that are not named do well."""
    chain = Chain(0, subject, ("10.9.0.2",))
    while not chain.done:
        orders = chain.begin(row)
        assert orders or chain.done, "a chain that neither asks nor ends"
        for step, (key, order) in orders:
            assert key.kind is (Kind.RESOLVE if isinstance(order, Resolve) else Kind.EXAMINE)
            well: Answer = Resolved(("10.9.1.2",)) if step is Step.NAME else Examined("well")
            chain.answered(step, answers.get(step, well), 0.25)
    return chain


def failed(code: str) -> Failed:
    return Failed(Problem(code, f"seen: {code}"))


SILENCE = Overdue(5.0)
CASES: dict[str, tuple[Subject, dict[Step, Answer], Mount | None, Step | None, str]] = {
    "all well": (a_subject(), {}, a_row(), None, ""),
    "name unknown": (a_subject(), {Step.NAME: failed("name-not-resolved")}, None, Step.NAME, "name-not-resolved"),
    "name server silent": (a_subject(), {Step.NAME: SILENCE}, None, Step.NAME, "name-server-down"),
    "no route": (a_subject(), {Step.ROUTE: failed("server-unreachable")}, a_row(), Step.ROUTE, "server-unreachable"),
    "black hole": (
        a_subject(doing="hung"),
        {Step.PORT: failed("server-timeout"), Step.READABLE: SILENCE},
        a_row(),
        Step.PORT,
        "server-timeout",
    ),
    "port without an answer": (a_subject(), {Step.PORT: SILENCE}, a_row(), Step.PORT, "server-timeout"),
    "no client": (a_subject(), {Step.CLIENT: failed("nfs-missing")}, None, Step.CLIENT, "nfs-missing"),
    "silent service": (a_subject(), {Step.EXPORT: SILENCE}, a_row(), Step.EXPORT, "nfs-silent"),
    "not NFS": (a_subject(), {Step.EXPORT: failed("not-nfs")}, None, Step.EXPORT, "not-nfs"),
    "the agent knows why": (
        a_subject(mounted=False, doing="blocked", problem=Problem("access-denied", "denied")),
        {},
        None,
        Step.MOUNT,
        "access-denied",
    ),
    "no agent, not mounted": (a_subject(mounted=False, doing=""), {}, None, Step.MOUNT, "no-agent"),
    "no agent, mounted": (a_subject(mounted=False, doing=""), {}, a_row(), None, ""),
    "something else": (a_subject(mounted=False), {}, a_row("theirs", "tmpfs"), Step.MOUNT, "mountpoint-taken"),
    "mounted by a helper with a source of its own": (a_subject(), {}, a_row("127.0.0.1:/"), None, ""),
    "hangs though the server answers": (a_subject(), {Step.READABLE: SILENCE}, a_row(), Step.READABLE, "not-answering"),
    "root's": (a_subject(), {Step.WRITABLE: failed("not-writable")}, a_row(), Step.WRITABLE, "not-writable"),
    "hangs on the write": (a_subject(), {Step.WRITABLE: SILENCE}, a_row(), Step.WRITABLE, "not-answering"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_first_broken_link_is_named(case: str) -> None:
    subject, answers, row, step, code = CASES[case]
    chain = walked(subject, answers, row)
    first = chain.broken
    assert (first.step, first.code) == (step, code) if first else step is None
    assert all(chain.results[some].seconds == 0.25 for some in answers if some in chain.results)


def test_what_is_built_on_a_broken_link_is_skipped_and_the_rest_is_not() -> None:
    chain = walked(a_subject(), {Step.NAME: failed("name-not-resolved")}, a_row())
    skipped = {step for step, result in chain.results.items() if result.outcome is Outcome.SKIPPED}
    assert skipped == {Step.ROUTE, Step.PORT, Step.EXPORT}
    assert "(name server 10.9.0.2)" in chain.results[Step.NAME].observed


def test_an_examination_that_fails_itself_says_nothing_about_the_mount() -> None:
    chain = walked(a_subject(), {Step.CLIENT: failed("job-failed")}, a_row())
    assert chain.results[Step.CLIENT].outcome is Outcome.UNKNOWN
    chain = walked(a_subject(), {Step.CLIENT: SILENCE, Step.READABLE: failed("stale")}, a_row())
    assert chain.broken
    assert chain.broken.step is Step.READABLE, "what is known to be broken goes before what is not known"


def test_an_address_is_not_looked_up_and_a_read_only_mount_not_written_to() -> None:
    chain = Chain(3, a_subject(host="10.9.1.2", read_only=True))
    orders = dict(chain.begin(a_row()))
    assert set(orders) == {Step.ROUTE, Step.CLIENT, Step.READABLE}
    key, order = orders[Step.READABLE]
    assert key == (Kind.EXAMINE, "3 readable", None)
    assert order == Examine("readable", "nfs", "10.9.1.2", "10.9.1.2", 2049, PLACE, 77)
    chain.answered(Step.READABLE, Examined("well"), 0.1)
    assert chain.begin(a_row()) == []
    assert chain.results[Step.WRITABLE].outcome is Outcome.SKIPPED


def test_of_several_addresses_the_agent_s_is_examined_and_one_that_is_gone_is_told() -> None:
    for theirs, taken, told in (("10.0.0.2", "10.0.0.2", False), ("10.0.0.9", "10.0.0.1", True), (None, "10.0.0.1", False)):
        chain = Chain(0, a_subject(address=theirs))
        chain.begin(None)
        chain.answered(Step.NAME, Resolved(("10.0.0.1", "10.0.0.2")), 0.1)
        ((_, (_, order)),) = chain.begin(None)
        assert isinstance(order, Examine)
        assert order.address == taken
        assert ("mount is from 10.0.0.9" in chain.results[Step.NAME].observed) is told


def test_the_name_step_asks_as_the_agent_does_but_keeps_nothing() -> None:
    here = Here("team-a-nb", "us-east-1", "/kept/addresses.json")
    chain = Chain(0, a_subject(type="efs", host=f"{ID}.efs.us-east-1.amazonaws.com", id=ID), (), here)
    order = dict(chain.begin(None))[Step.NAME][1]
    assert order == Resolve(
        f"{ID}.efs.us-east-1.amazonaws.com", "efs", ID, region="us-east-1", instance="team-a-nb", book="/kept/addresses.json",
        port=2049, examining=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "outcome", "code", "told"),
    [
        (Resolved(("10.0.0.1",)), Outcome.OK, None, r"^10\.0\.0\.1 \(name server 10\.9\.0\.2\)$"),
        (Resolved(("10.0.0.1",), "x.fsx.test"), Outcome.OK, None, r"for x\.fsx\.test \(name server"),
        (Resolved(("10.0.0.1",), by="api"), Outcome.OK, None, "AWS says so"),
        (Resolved(("10.0.0.1",), by="kept", age_s=7300.0), Outcome.OK, None, "kept on the volume 2 h ago"),
        (Resolved(("",), by="helper"), Outcome.SKIPPED, None, r"mount\.s3files asks"),
        (
            Resolved(("10.0.0.1",), by="api", remark=Problem("mount-target-far", "fs-1: none in this zone")),
            Outcome.OK,
            "mount-target-far",
            "; fs-1: none in this zone$",
        ),
        (failed("file-system-gone"), Outcome.FAILED, "file-system-gone", "^seen: file-system-gone$"),
        (failed("aws-denied"), Outcome.FAILED, "aws-denied", "^seen: aws-denied$"),
    ],
)
def test_the_name_step_tells_who_knows_the_address(answer: Answer, outcome: Outcome, code: str | None, told: str) -> None:
    result = walked(a_subject(type="efs", id=ID), {Step.NAME: answer}, a_row()).results[Step.NAME]
    assert (result.outcome, result.code) == (outcome, code)
    assert re.search(told, result.observed), result.observed


@pytest.mark.parametrize(
    ("type_name", "host", "known"),
    [
        ("efs", f"{ID}.efs.us-east-1.amazonaws.com", ID),
        ("openzfs", ID, ID),
        ("ontap", SVM, SVM),
        ("s3files", ID, ID),
        ("lustre", ID, ID),
        ("lustre", f"{ID}.fsx.us-east-1.amazonaws.com", ""),
        ("nfs", f"{ID}.efs.us-east-1.amazonaws.com", ""),
        ("nfs", ID, ""),
        ("efs", "10.0.0.7", ""),
    ],
)
def test_the_id_is_known_where_aws_can_be_asked_about_it(type_name: str, host: str, known: str) -> None:
    assert id_of(type_name, host) == known


def test_what_was_not_examined_in_time_is_unknown_and_not_well() -> None:
    chain = Chain(0, a_subject())
    chain.begin(a_row())
    chain.give_up(24)
    assert chain.done
    assert chain.broken == Result(Step.NAME, Outcome.UNKNOWN, "not examined within 24 s")


def test_lustre_has_its_port_and_is_not_asked_for_nfs() -> None:
    assert port_of("lustre", ()) == 988
    assert port_of("nfs", ()) == 2049
    assert port_of("nfs", ("noatime", "port=4711")) == 4711
    assert {port_of(some, ()) for some in ("efs", "openzfs", "ontap", "s3files")} == {2049}
    chain = walked(a_subject(type="lustre"), {}, a_row(fstype="lustre"))
    assert chain.results[Step.EXPORT].outcome is Outcome.SKIPPED
    assert chain.broken is None


@pytest.mark.parametrize(
    ("source", "host"),
    [
        ("fs1.test:/d0", "fs1.test"),
        ("10.9.1.2:/", "10.9.1.2"),
        ("[fd00::2]:/a:/b", "fd00::2"),
        ("fs-1.fsx.eu-west-1.amazonaws.com@tcp:/abc", "fs-1.fsx.eu-west-1.amazonaws.com"),
    ],
)
def test_the_host_of_a_source(source: str, host: str) -> None:
    assert host_of(source) == host


def test_the_name_servers_are_those_that_the_c_library_asks() -> None:
    text = "# hello\nsearch x\nnameserver 10.0.0.2\nnameserver\n nameserver fd00::2 \nnameserver a\nnameserver b\n"
    assert name_servers(text) == ("10.0.0.2", "fd00::2", "a")


def test_the_report_s_mounts_are_examined_and_the_agent_s_word_is_only_believed_while_it_lives() -> None:
    report = a_report(a_mount("datasets", options=("port=4711",)), a_mount("gone", leaving=True), word="ok")
    found = of_report(report, None)
    (subject,) = found.subjects
    assert (subject.name, subject.port, subject.doing, subject.mounted) == ("datasets", 4711, "healthy", True)
    assert subject.host == "fs-0123456789abcdef0.efs.us-east-1.amazonaws.com"
    assert found.configuration.outcome is Outcome.OK
    old = of_report(report, "the agent (process 1) has ended; this is what it knew last")
    assert old.configuration.code == "no-agent"
    assert (old.subjects[0].doing, old.subjects[0].mounted) == ("", False)
    refused = of_report(a_report(problem=a_problem("config-invalid")), None)
    assert refused.configuration.code == "config-invalid"


def test_without_a_report_the_configuration_says_what_to_examine() -> None:
    spec = Spec(name="a", type="nfs", host="h", path="/", mountpoint="/m", read_only=True)
    found = of_file("/mounts.yaml", "no agent has run", Fetched(Config("d", (spec,))))
    assert found.configuration.code == "no-agent"
    assert "/mounts.yaml has 1 mount" in found.configuration.observed
    assert found.subjects[0].read_only
    assert of_file("/mounts.yaml", "no agent", Overdue(5.0)).subjects == ()
    assert "nowhere" in of_file("/mounts.yaml", "no agent", Failed(Problem("config-missing", "nowhere"))).configuration.observed


@pytest.mark.parametrize(
    ("type_name", "host", "service"),
    [
        ("nfs", "fs-0123456789abcdef0.efs.us-east-1.amazonaws.com", Service.EFS),
        ("nfs", "us-east-1a.fs-0123456789abcdef0.efs.us-east-1.amazonaws.com", Service.EFS),
        ("nfs", "fs-01234567890abcdef1.fsx.us-east-1.amazonaws.com", Service.FSX),
        ("lustre", "fs-01234567890abcdef1.fsx.us-east-1.amazonaws.com", Service.LUSTRE),
        ("efs", "fs-0123456789abcdef0", Service.EFS),
        ("openzfs", "fs-0123456789abcdef0", Service.FSX),
        ("ontap", "svm-0123456789abcdef0", Service.FSX),
        ("nfs", "10.0.0.7", Service.OTHER),
        ("nfs", "filer.efs", Service.OTHER),
    ],
)
def test_the_service_is_known_by_its_name(type_name: str, host: str, service: Service) -> None:
    assert service_of(type_name, host) is service


def test_the_cure_is_the_service_s_own() -> None:
    efs = "fs-0123456789abcdef0.efs.us-east-1.amazonaws.com"
    assert "TCP 2049" in advice("server-timeout", "nfs", efs).cure
    assert "zone" in advice("name-not-resolved", "nfs", efs).cause
    assert "988 and 1018-1023" in advice("server-timeout", "lustre", "x").cure
    assert "mount name" in advice("path-not-found", "lustre", "x").cause
    assert "1000" in advice("not-writable", "nfs", "10.0.0.7").cure
    for code, entry in CATALOGUE.items():
        said = advice(code, "nfs", "unknown.example")
        assert said.cause and said.cure
        if said.cause == entry.meaning:
            assert said.cure == entry.remedy


def text_of(chains: list[Chain], configuration: Result = CONFIGURED, colour: bool = False) -> str:
    lines = list(page(configuration, chains, Style(80, colour)))
    return "\n".join(line for line in lines if line is not None)


@pytest.mark.parametrize("case", CASES)
def test_the_page_fits_into_eighty_columns_and_says_what_to_do(case: str) -> None:
    subject, answers, row, step, code = CASES[case]
    text = text_of([walked(subject, answers, row)])
    assert max(map(len, text.splitlines())) < 80
    for some in STEPS:
        assert re.search(rf"^  (ok|FAILED|skipped|unknown) +{some.value} ", text, re.M)
    if step:
        assert f"datasets: the first broken link is {step.value}: " in text
        assert f"[{code}]" in text.replace("\n  ", " ")
        assert "Usual cause: " in text
        assert "What to do: " in text
        assert text.endswith(f"1 of 1 mount not well: datasets ({step.value}).")
    else:
        assert text.endswith("\nAll is well: 1 mount, every link.")


def test_colours_change_no_column_and_nothing_from_outside_commands_the_terminal() -> None:
    answers: dict[Step, Answer] = {Step.PORT: Failed(Problem("server-timeout", "a\x1b[2Jb"))}
    chain = walked(a_subject(name="x\x1b[2J"), answers, a_row())
    plain = text_of([chain])
    coloured = text_of([chain], colour=True)
    assert "\x1b" not in plain
    assert "a\\x1b[2Jb" in plain
    assert re.sub(r"\033\[\d+m", "", coloured) == plain
    assert "\033[31mFAILED" in coloured


@pytest.mark.parametrize("length", [3, 44, 47, 53, 54, 55, 69, 200])
def test_a_long_name_is_broken_only_where_it_cannot_be_helped(length: int) -> None:
    name = "x" * length
    text = text_of([walked(a_subject(), {Step.NAME: Failed(Problem("name-not-resolved", f"{name}: unknown"))}, None)])
    steps = text.partition("datasets: the first")[0]
    assert max(map(len, steps.splitlines())) < 80
    assert (f"{name}:" in steps) is (length < 54)
    assert re.search(r" 0\.2 s$", steps, re.M)


def test_lines_come_in_the_chain_s_order_however_the_answers_come() -> None:
    first, second = Chain(0, a_subject(name="one")), Chain(1, a_subject(name="two"))
    lines = page(CONFIGURED, [first, second], Style(80, False))

    def known() -> str:
        told = []
        for line in lines:
            if line is None:
                break
            told.append(line)
        return "\n".join(told)

    assert "the agent has 1 mount" in known()
    for chain in (second, first):
        chain.begin(None)
    second.give_up(1)
    assert known() == ""
    first.answered(Step.NAME, Resolved(("10.9.1.2",)), 0.1)
    assert known().count("\n") == 0
    first.give_up(1)
    rest = known()
    assert rest.index("route") < rest.index("two: ")
    assert rest.endswith("2 of 2 mounts not well: one (route), two (name).")


def test_the_document_is_versioned_and_has_cause_and_cure() -> None:
    chain = walked(a_subject(), {Step.PORT: failed("server-timeout")}, a_row())
    made = document(CONFIGURED, [chain], False)
    again = msgspec.json.decode(msgspec.json.encode(made), type=Document)
    assert (again.version, again.ok, again.mounts[0].broken) == (1, False, "port")
    assert [step.step for step in again.mounts[0].steps] == [step.value for step in STEPS]
    (port,) = [step for step in again.mounts[0].steps if step.step == "port"]
    assert port.problem
    assert port.problem.code == "server-timeout"
    assert "security group" in port.problem.cause
    assert port.seconds == 0.25
    assert document(CONFIGURED, [walked(a_subject(), {}, a_row())], True).mounts[0].ok


def test_broken_is_the_first_in_the_chain_s_order() -> None:
    results = {step: Result(step, Outcome.FAILED, "x") for step in (Step.MOUNT, Step.PORT, Step.WRITABLE)}
    first = broken(results)
    assert first
    assert first.step is Step.PORT
    assert broken({}) is None


def test_without_an_agent_and_without_a_configuration_that_is_the_finding(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--run-dir", "/nonexistent", "--config", "/nonexistent/mounts.yaml"]) == 3
    text = capsys.readouterr().out
    assert "[no-agent]" in text
    assert "No mount could be examined." in text
