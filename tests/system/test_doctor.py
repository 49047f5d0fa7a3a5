"""The doctor, as a process: real sockets, real mounts, the worst file server; it ends in time and leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fsmount.doctor.asking import Asking
from fsmount.jobs.answers import Answer, Examined, Failed
from fsmount.jobs.orders import Examine, Key, Kind
from fsmount.linux import newmount, pin, syscalls
from fsmount.observe import mountinfo
from fsmount.report import MountReport, Report

from tests.unit.test_people import a_mount, a_report

from .test_jobs import state_of, stuck
from .tmpfs import mount_tmpfs

__all__ = ["stuck"]


class Examination:
    """The command with a status file of its own: a living agent (this process) that says what the test wants."""

    def __init__(self, run: Path) -> None:
        self.run = run

    def agent_says(self, *mounts: MountReport) -> None:
        started = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        report = a_report(*mounts, word="ok")
        agent = msgspec.structs.replace(report.agent, pid=os.getpid(), pid_started=started)
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        self._write(msgspec.structs.replace(report, agent=agent, written_boottime=now))

    def _write(self, report: Report) -> None:
        (self.run / "status.json").write_bytes(msgspec.json.encode(report))

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """Its output is a pipe: whoever reads it to the end waits for every process that still holds it."""
        command = [sys.executable, "-m", "fsmount", "doctor", "--run-dir", str(self.run), *argv]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/")

    def text(self, *argv: str, within: float = 30) -> tuple[int, str]:
        process = self.start(*argv)
        text, _ = process.communicate(timeout=within)
        return process.returncode, text

    def findings(self, *argv: str, within: float = 30) -> tuple[int, dict[str, Any]]:
        status, text = self.text("--json", *argv, within=within)
        found = json.loads(text)
        assert isinstance(found, dict)
        return status, found


@pytest.fixture
def doctor(tmp_path: Path) -> Examination:
    run = tmp_path / "run"
    run.mkdir()
    return Examination(run)


@pytest.fixture
def place() -> Iterator[str]:
    """As in the other tests of the ring, but where ec2-user may go."""
    with tempfile.TemporaryDirectory(prefix="fsmount-doctor-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        path = f"{folder}/place"
        os.mkdir(path)
        yield path
        with contextlib.suppress(OSError):
            while True:
                syscalls.umount2(path, syscalls.MNT_DETACH)


def steps_of(findings: dict[str, Any], number: int = 0) -> dict[str, dict[str, Any]]:
    return {step["step"]: step for step in findings["mounts"][number]["steps"]}


def outcomes(findings: dict[str, Any], number: int = 0) -> dict[str, str]:
    return {name: step["outcome"] for name, step in steps_of(findings, number).items()}


def code_of(findings: dict[str, Any], step: str) -> str | None:
    problem = steps_of(findings)[step]["problem"]
    return problem["code"] if problem else None


def nfs_null(connection: socket.socket) -> None:
    """What an NFS server says to the NULL call."""
    mark, xid, kind, rpc, program, version, procedure = struct.unpack(">7I", connection.recv(44)[:28])
    assert (mark, kind, rpc, program, version, procedure) == (0x80000000 | 40, 0, 2, 100003, 4, 0)
    connection.sendall(struct.pack(">7I", 0x80000000 | 24, xid, 1, 0, 0, 0, 0))


def nothing(connection: socket.socket) -> None:
    """Not a word, until the other side goes."""
    with contextlib.suppress(OSError):
        while connection.recv(4096):
            pass


def a_byte_now_and_then(connection: socket.socket) -> None:
    """A record that never becomes whole."""
    with contextlib.suppress(OSError):
        for byte in struct.pack(">I", 0x80000000 | 24) * 4:
            connection.sendall(bytes((byte,)))
            time.sleep(0.5)


def http(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    nothing(connection)


def goodbye(connection: socket.socket) -> None:
    connection.recv(44)


def version_3(connection: socket.socket) -> None:
    xid = connection.recv(44)[4:8]
    connection.sendall(struct.pack(">I", 0x80000000 | 32) + xid + struct.pack(">7I", 1, 0, 0, 0, 2, 3, 3))
    nothing(connection)


@contextlib.contextmanager
def served(speak: Callable[[socket.socket], None]) -> Iterator[int]:
    """A listener on the loopback address; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.settimeout(10)
                        if connection.recv(1, socket.MSG_PEEK):  # the port step connects and says nothing
                            speak(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture
def good_server() -> Iterator[int]:
    with served(nfs_null) as port:
        yield port


def at(place: str, port: int = 1, **fields: Any) -> MountReport:
    """A mount of the loopback address that the agent calls healthy."""
    options = (f"port={port}",)
    return a_mount(**{"name": "m", "source": "127.0.0.1:/x", "mountpoint": place, "options": options, "address": None, **fields})


def test_all_is_well(doctor: Examination, good_server: int, place: str) -> None:
    mount_tmpfs(place)
    os.chmod(place, 0o1777)
    doctor.agent_says(at(place, good_server, source="localhost:/x"))
    status, found = doctor.findings()
    steps = steps_of(found)
    well = dict.fromkeys(("name", "route", "port", "export", "mount", "readable", "writable"), "ok")
    assert {name: outcome for name, outcome in outcomes(found).items() if name != "client"} == well
    assert "127.0.0.1" in steps["route"]["observed"]
    assert "through lo" in steps["route"]["observed"]
    assert "NFS version 4 answers" in steps["export"]["observed"]
    assert os.listdir(place) == [], "nothing is left behind"
    if steps["client"]["outcome"] == "ok":  # this kernel may have no NFS
        assert (status, found["ok"]) == (0, True)
        assert doctor.text()[1].endswith("\nAll is well: 1 mount, every link.\n")
    else:
        assert (steps["client"]["problem"]["code"], status) == ("nfs-missing", 1)


def test_who_looks_is_ec2_user_also_when_root_asks(doctor: Examination, good_server: int, place: str) -> None:
    mount_tmpfs(place)
    os.chmod(place, 0o755)
    doctor.agent_says(at(place, good_server))
    _, found = doctor.findings()
    assert outcomes(found)["readable"] == "ok"
    writable = steps_of(found)["writable"]
    assert writable["problem"]["code"] == "not-writable"
    assert "belongs to 0:0, mode 0755" in writable["observed"]
    assert "1000:1000" in writable["problem"]["cure"]
    os.chmod(place, 0o700)
    assert code_of(doctor.findings()[1], "readable") == "not-readable"
    os.chown(place, 1000, 1000)
    assert outcomes(doctor.findings()[1])["writable"] == "ok"
    assert os.listdir(place) == []


def test_a_read_only_file_system_is_not_writable_and_one_meant_to_be_is_not_tried(
    doctor: Examination, good_server: int, place: str
) -> None:
    fresh = newmount.create("tmpfs", [("source", "tmp")], ["ro"])
    target = pin.pin(place)
    syscalls.move_mount(fresh, target)
    os.close(fresh)
    os.close(target)
    doctor.agent_says(at(place, good_server))
    _, found = doctor.findings()
    assert code_of(found, "writable") == "not-writable"
    assert steps_of(found)["readable"]["outcome"] == "ok"
    doctor.agent_says(at(place, good_server, access="ro"))
    assert outcomes(doctor.findings()[1])["writable"] == "skipped"


def test_a_directory_that_is_not_mounted_is_not_written_to(doctor: Examination, good_server: int, place: str) -> None:
    os.chmod(place, 0o777)
    doctor.agent_says(at(place, good_server, phase="resolving", health=None))
    status, found = doctor.findings()
    assert status == 1
    assert [outcomes(found)[name] for name in ("mount", "readable", "writable")] == ["unknown", "skipped", "skipped"]


def test_what_somebody_else_mounted_there_is_named(doctor: Examination, good_server: int, place: str) -> None:
    mount_tmpfs(place)
    doctor.agent_says(at(place, good_server, phase="blocked", health=None))
    assert code_of(doctor.findings()[1], "mount") == "mountpoint-taken"


@pytest.mark.parametrize(
    ("speak", "code"),
    [
        (nothing, "nfs-silent"),
        (a_byte_now_and_then, "nfs-silent"),
        (http, "not-nfs"),
        (goodbye, "server-lost"),
        (version_3, "version-unsupported"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_answers_on_the_port_is_judged(
    doctor: Examination, place: str, speak: Callable[[socket.socket], None], code: str
) -> None:
    with served(speak) as port:
        doctor.agent_says(at(place, port, phase="waiting", health=None))
        began = time.monotonic()
        _, found = doctor.findings()
        assert time.monotonic() - began < 8
    assert outcomes(found)["port"] == "ok"
    assert code_of(found, "export") == code


def test_a_closed_port_refuses(doctor: Examination, place: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    doctor.agent_says(at(place, port, phase="waiting", health=None))
    status, text = doctor.text()
    assert status == 1
    assert "m: the first broken link is " in text
    _, found = doctor.findings()
    assert code_of(found, "port") == "server-refused"
    assert outcomes(found)["export"] == "skipped"


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """A listener whose backlog is full: the kernel answers no further connection."""
    with contextlib.ExitStack() as open_:
        listener = open_.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            filler = open_.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        yield listener.getsockname()[1]


def test_a_silent_port_is_a_security_group_after_three_seconds(doctor: Examination, place: str) -> None:
    efs = "fs-0123456789abcdef0.efs.us-east-1.amazonaws.com"
    with silent_port() as port:
        doctor.agent_says(at(place, port, phase="waiting", health=None))
        began = time.monotonic()
        status, found = doctor.findings()
        took = time.monotonic() - began
    assert efs not in str(found)
    assert (status, code_of(found, "port")) == (1, "server-timeout")
    assert "security group" in steps_of(found)["port"]["problem"]["cause"]
    assert 3 <= took < 6


def test_twenty_silent_servers_take_no_longer_than_one(doctor: Examination, place: str) -> None:
    with silent_port() as port:
        doctor.agent_says(*(at(f"{place}/{n}", port, name=f"m{n}", phase="waiting", health=None) for n in range(20)))
        began = time.monotonic()
        status, found = doctor.findings()
        took = time.monotonic() - began
    assert status == 1
    assert [mount["name"] for mount in found["mounts"]] == [f"m{n}" for n in range(20)]
    assert {mount["steps"][2]["problem"]["code"] for mount in found["mounts"]} == {"server-timeout"}
    print(f"20 silent servers: {took:.1f} s")
    assert took < 12


def test_a_mount_that_never_answers_is_named_in_time_and_its_child_is_left_behind(
    doctor: Examination, good_server: int, stuck: tuple[str, subprocess.Popen[str]]
) -> None:
    place, server = stuck
    doctor.agent_says(at(place, good_server, health="hung"))
    process = doctor.start("--json")
    time.sleep(3)
    (child,) = map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
    began = time.monotonic()
    text, _ = process.communicate(timeout=20)
    assert time.monotonic() - began < 5, "its end, and that of its output, is not the child's"
    found = json.loads(text)
    assert code_of(found, "readable") == "not-answering"
    assert steps_of(found)["readable"]["observed"] == "no answer within 5 s"
    assert outcomes(found)["export"] == "ok"
    assert outcomes(found)["writable"] == "skipped"
    assert state_of(child) == "D", "SIGKILL did not remove it"
    server.kill()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{child}").exists(), "it ends when its system call does"


def test_a_dozen_that_hang_for_ever_take_no_longer_than_one(
    doctor: Examination, good_server: int, stuck: tuple[str, subprocess.Popen[str]]
) -> None:
    place, _ = stuck
    doctor.agent_says(*(at(place, good_server, name=f"m{number}", health="hung") for number in range(12)))
    began = time.monotonic()
    _, found = doctor.findings()
    took = time.monotonic() - began
    print(f"12 mounts that hang: {took:.1f} s")
    assert [outcomes(found, number)["readable"] for number in range(12)] == ["failed"] * 12
    assert took < 12


def test_a_name_that_does_not_exist(doctor: Examination, place: str) -> None:
    doctor.agent_says(at(place, source="no-such-host.invalid:/x", phase="waiting", health=None))
    began = time.monotonic()
    _, found = doctor.findings()
    assert time.monotonic() - began < 20
    assert code_of(found, "name") in ("name-not-resolved", "name-server-down")
    assert "name server" in steps_of(found)["name"]["observed"]


def test_an_address_without_a_route_is_unreachable(doctor: Examination, place: str) -> None:
    doctor.agent_says(at(place, source="[fe80::1%nonesuch0]:/x", phase="waiting", health=None))
    _, found = doctor.findings()
    assert outcomes(found)["name"] == "ok"
    assert code_of(found, "route") == "server-unreachable"


def test_names_choose_and_an_unknown_one_is_said_in_the_words_of_status(doctor: Examination, place: str) -> None:
    doctor.agent_says(*(at(f"{place}/{name}", name=name) for name in ("one", "two", "three")))
    _, found = doctor.findings("three", "one")
    assert [mount["name"] for mount in found["mounts"]] == ["one", "three"]
    status, text = doctor.text("four", "--json")
    theirs = subprocess.run(
        [sys.executable, "-m", "fsmount", "status", "--run-dir", str(doctor.run), "four"],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert (status, text) == (theirs.returncode, theirs.stderr)
    assert status == 2


def test_without_an_agent_the_configuration_is_walked_all_the_same(doctor: Examination, good_server: int, place: str) -> None:
    config = doctor.run / "mounts.yaml"
    options = f"[port={good_server}]"
    config.write_text(
        f"version: 1\nmounts: [{{name: m, type: nfs, source: 127.0.0.1, mountpoint: /m{place}, options: {options}}}]\n"
    )
    status, found = doctor.findings("--config", str(config))
    assert status == 3
    assert found["configuration"]["problem"]["code"] == "no-agent"
    assert outcomes(found)["export"] == "ok"
    assert code_of(found, "mount") == "no-agent"


def test_a_configuration_that_hangs_is_given_up(doctor: Examination, stuck: tuple[str, subprocess.Popen[str]]) -> None:
    place, _ = stuck
    began = time.monotonic()
    status, text = doctor.text("--config", f"{place}/deep/mounts.yaml")
    assert time.monotonic() - began < 8
    assert status == 3
    assert "could not be read in time" in " ".join(text.split())


def test_an_order_can_be_asked_again_while_another_is_stuck(
    stuck: tuple[str, subprocess.Popen[str]], tmp_path: Path, good_server: int
) -> None:
    place, server = stuck
    row = mountinfo.read().at(place)
    assert row is not None
    asking = Asking()
    asking.ask(Key(Kind.EXAMINE, "stuck"), Examine("readable", "nfs", "", "", 0, place, row.mount_id))
    answers: list[Answer] = []
    for number in range(3):
        asking.ask(Key(Kind.EXAMINE, f"route {number}"), Examine("route", "nfs", "h", "127.0.0.1", good_server, "", 0))
        answers += [heard.answer for heard in asking.hear(time.monotonic() + 2)]
    assert [type(answer) for answer in answers] == [Examined] * 3
    assert not asking.idle
    assert asking.hear(time.monotonic() + 0.1) == []
    asking.stop()
    server.kill()
    deadline = time.monotonic() + 5
    heard: list[Answer] = []
    while not asking.idle and time.monotonic() < deadline:
        heard += [said.answer for said in asking.hear(deadline)]
    assert [type(answer) for answer in heard] == [Failed]
