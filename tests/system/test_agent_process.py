"""The daemon as a process, without a file server: starting, stopping, locks, news, signals."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from fsmount.cli.ask import ask
from fsmount.config.findings import Invalid
from fsmount.config.load import load
from fsmount.wire import Request

from tests.unit.malformed import CORPUS, generated

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {"PYTHONPATH": str(ROOT / "agent"), "PATH": "/usr/bin:/bin"}
# As another user, who may not be able to read where this Python and the checkout are: once as root, which imports all
# that it takes, and then as him.
AS_USER = """
import contextlib, io, os, sys
from fsmount.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(sys.stdout):
    with contextlib.suppress(SystemExit):
        main([*sys.argv[2:3], "--help"])
    main(sys.argv[2:])
os.setgroups([]), os.setgid(int(sys.argv[1])), os.setuid(int(sys.argv[1]))
sys.exit(main(sys.argv[2:]))
"""
CONFIG = """\
version: 1
mounts:
  - {{name: one, type: nfs, source: "127.0.0.1:/", mountpoint: {place}/one, options: [port={port}]}}
  - {{name: two, type: nfs, source: "127.0.0.1:/", mountpoint: {place}/two, options: [port={port}]}}
"""


class Agent:
    """One agent with its own run directory, and the command that speaks to it."""

    def __init__(self, folder: Path) -> None:
        self.run, self.config, self.folder = folder / "run", folder / "mounts.yaml", folder
        self.config.write_text(CONFIG.format(place="/mnt/fsmount-test", port=1))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, notify: str = "") -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "fsmount", "run", "--config", str(self.config), "--run-dir", str(self.run)]
        environment = {**ENVIRONMENT, **({"NOTIFY_SOCKET": notify} if notify else {})}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(argv, env=environment, cwd="/", stderr=log)
        return self.process

    def command(self, *argv: str, user: int | None = None) -> subprocess.CompletedProcess[str]:
        start = ["-c", AS_USER, str(user)] if user is not None else ["-m", "fsmount"]
        whole = [sys.executable, *start, *argv, "--run-dir", str(self.run)]
        return subprocess.run(whole, env=ENVIRONMENT, cwd="/", capture_output=True, text=True, timeout=30)

    def report(self) -> dict[str, object]:
        found = json.loads((self.run / "status.json").read_text())
        assert isinstance(found, dict)
        return found

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except (OSError, ValueError):
            pass
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    for directory in (tmp_path, *list(tmp_path.parents)[:2]):
        directory.chmod(0o755)
    agent = Agent(tmp_path)
    yield agent
    if agent.process and agent.process.poll() is None:
        agent.process.kill()
        agent.process.wait(10)


@pytest.fixture
def running(agent: Agent) -> Agent:
    agent.start()
    until(lambda: bool(agent.report()["settled"]))
    return agent


def test_the_first_pass_ends_when_each_mount_has_failed_once(running: Agent) -> None:
    report = running.report()
    assert report["word"] == "failed"
    mounts = report["mounts"]
    assert isinstance(mounts, list)
    assert [mount["problem"]["code"] for mount in mounts] == ["server-refused", "server-refused"]


def test_status_needs_no_root_and_ends_with_one_where_something_is_wrong(running: Agent) -> None:
    shown = running.command("status", user=65534)
    assert shown.returncode == 1
    assert "[server-refused]" in shown.stdout
    assert shown.stderr == ""
    assert running.command("status", "one", "--json", user=65534).returncode == 1
    assert running.command("status", "three", user=65534).returncode == 2


def test_reload_and_retry_are_root_s(running: Agent) -> None:
    for verb in ("reload", "retry"):
        refused = running.command(verb, user=65534)
        assert refused.returncode == 1
        assert "[not-allowed]" in refused.stderr
        assert running.command(verb).returncode == 0
    unknown = running.command("retry", "three")
    assert unknown.returncode == 2
    assert "[unknown-mount]" in unknown.stderr


def test_a_second_agent_refuses_clearly_and_changes_nothing(running: Agent) -> None:
    before = (running.run / "ledger.json").exists(), running.report()["agent"]
    argv = [sys.executable, "-m", "fsmount", "run", "--config", str(running.config), "--run-dir", str(running.run)]
    second = subprocess.run(argv, env=ENVIRONMENT, cwd="/", capture_output=True, text=True, timeout=20)
    assert second.returncode == 1
    assert "another agent is running" in second.stderr
    assert ((running.run / "ledger.json").exists(), running.report()["agent"]) == before
    assert running.command("reload").returncode == 0


def test_it_stops_at_once_and_status_says_that_the_news_is_old(running: Agent) -> None:
    assert running.process
    began = time.monotonic()
    running.process.terminate()
    assert running.process.wait(10) == 0
    assert time.monotonic() - began < 2
    shown = running.command("status")
    assert shown.returncode == 3
    assert "has ended" in shown.stderr
    assert "127.0.0.1:/" in shown.stdout, "what it knew last is shown all the same"


def test_killed_it_leaves_no_lock_and_the_next_one_starts(running: Agent) -> None:
    assert running.process
    running.process.kill()
    running.process.wait(10)
    assert running.command("status").returncode == 3
    running.start()
    until(lambda: running.command("status").returncode == 1)


def test_a_bad_configuration_is_refused_and_the_old_one_stays(running: Agent) -> None:
    running.config.write_text("version: 1\nmounts:\n  - {name: one, tpye: nfs}\n")
    refused = running.command("reload")
    assert refused.returncode == 1
    assert f"{running.config}:3:" in refused.stderr
    assert "[config-invalid]" in refused.stderr
    until(lambda: running.report()["problem"] is not None)
    mounts = running.report()["mounts"]
    assert isinstance(mounts, list)
    assert len(mounts) == 2
    running.config.write_text("version: 1\nmounts: []\n")
    assert running.command("reload").returncode == 0
    until(lambda: running.report()["word"] == "ok")


def test_sighup_reloads(running: Agent) -> None:
    assert running.process
    running.config.write_text("version: 1\nmounts: []\n")
    running.process.send_signal(signal.SIGHUP)
    until(lambda: running.report()["mounts"] == [])


def test_no_configuration_is_a_state_and_not_an_end(agent: Agent) -> None:
    agent.config.unlink()
    agent.start()
    until(lambda: bool(agent.report()["settled"]))
    shown = agent.command("status")
    assert shown.returncode == 1
    assert "[config-missing]" in shown.stdout


def test_systemd_is_told_when_the_first_pass_is_over_and_hears_the_watchdog_s_beat(agent: Agent) -> None:
    import socket

    address = str(agent.folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        systemd.settimeout(10)
        process = agent.start(notify=address)
        heard: list[str] = []
        while "READY=1" not in heard or "WATCHDOG=1" not in heard:
            heard += systemd.recv(4096).decode().splitlines()
        process.terminate()
        while "STOPPING=1" not in heard:
            heard += systemd.recv(4096).decode().splitlines()
        process.wait(10)
    assert "STATUS=mounting" in heard
    assert any(line.startswith("STATUS=0 of 2 mounts ok") for line in heard)


def test_a_client_that_says_nothing_or_nonsense_holds_nobody_up(running: Agent) -> None:
    import socket

    path = str(running.run / "control.sock")
    silent = [socket.socket(socket.AF_UNIX) for _ in range(5)]
    for client in silent:
        client.connect(path)
    nested = b'{"x":' + b"[" * 4000 + b"\n"
    verbs = (b'{"verb": 7}\n', b'{"verb": "format"}\n', b'{"verb":"\xff"}\n')
    for nonsense in (b"\n", b"{}\n", *verbs, nested, b"\xff\x00\n", b"x" * 5000):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect(path)
            client.sendall(nonsense)
            assert b"bad-request" in client.recv(65536)
    assert running.command("reload").returncode == 0
    until(lambda: all(client.recv(1) == b"" for client in silent), 10)
    for client in silent:
        client.close()


def test_it_keeps_no_descriptor_and_no_memory_over_a_hundred_reloads(running: Agent) -> None:
    assert running.process
    folder = Path(f"/proc/{running.process.pid}/fd")
    running.command("reload")
    before = len(list(folder.iterdir()))
    for _ in range(100):
        running.process.send_signal(signal.SIGHUP)
        time.sleep(0.02)
    assert running.command("reload").returncode == 0
    time.sleep(0.5)
    assert len(list(folder.iterdir())) <= before
    resident = int(Path(f"/proc/{running.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert resident < 25 * 2**20


def test_more_than_two_hundred_malformed_configurations_are_refused_one_by_one_and_disturb_nothing(running: Agent) -> None:
    assert running.process
    before = running.report()["mounts"]
    files = [content for content, _ in CORPUS.values()]
    files += [content for content in generated(200, seed=7).values() if is_malformed(content)]
    assert len(files) > 200
    for content in files:
        running.config.write_bytes(content)
        response = ask(str(running.run / "control.sock"), Request("reload"))
        assert response.problem is not None
        assert response.problem.code == "config-invalid"
    assert running.process.poll() is None
    after = running.report()["mounts"]
    assert isinstance(before, list)
    assert isinstance(after, list)
    assert [mount["name"] for mount in after] == [mount["name"] for mount in before]
    assert "Traceback" not in running.log


def is_malformed(content: bytes) -> bool:
    try:
        load(content)
    except Invalid:
        return True
    return False


@pytest.fixture
def full_backlog() -> Iterator[int]:
    """A port that takes no more connections and refuses none: whoever connects waits."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(0)
    waiting = [socket.socket() for _ in range(4)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(listening.getsockname())
    yield listening.getsockname()[1]
    for one in (*waiting, listening):
        one.close()


def test_an_attempt_that_made_its_mount_point_ends_with_its_agent(agent: Agent, tmp_path: Path, full_backlog: int) -> None:
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)  # made as its owner, after which the kernel has forgotten whose child it is
    agent.config.write_text(CONFIG.format(place=home, port=full_backlog))
    process = agent.start()
    until(lambda: (home / "one").is_dir() and (home / "two").is_dir())
    time.sleep(0.3)
    children = psutil.Process(process.pid).children()
    assert children, "the attempt is under way"
    process.kill()
    process.wait(10)
    until(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children), 2)


@pytest.mark.parametrize(("shell", "status"), [(">/dev/full", 1), (">&-", 0), ("| head -c 0", 0), ("2>&- >/dev/full", 1)])
def test_an_output_that_cannot_be_written_is_no_traceback(shell: str, status: int) -> None:
    whole = f"set -o pipefail; {sys.executable} -m fsmount explain --list {shell}"
    done = subprocess.run(["/bin/bash", "-c", whole], env=ENVIRONMENT, cwd="/", capture_output=True, text=True, timeout=30)
    assert "Traceback" not in done.stderr
    assert done.returncode == status


def test_a_full_run_directory_is_said_in_the_log_and_over_when_there_is_room(agent: Agent, place: str) -> None:
    agent.run = Path(place)
    subprocess.run(["/usr/bin/mount", "-t", "tmpfs", "-o", "size=64k", "tiny", place], check=True)
    process = agent.start()
    until(lambda: bool(agent.report()["settled"]))
    (agent.run / "big").write_bytes(b"")
    with contextlib.suppress(OSError), (agent.run / "big").open("wb", buffering=0) as big:
        while big.write(b"x" * 512):
            pass
    agent.config.write_text(CONFIG.format(place="/mnt/fsmount-test", port=1).replace("one", "uno"))
    agent.command("reload")
    until(lambda: "status.json: " in agent.log)
    assert process.poll() is None
    (agent.run / "big").unlink()
    until(lambda: "uno" in str(agent.report()["mounts"]))
    process.terminate()
    assert process.wait(10) == 0


def test_a_client_that_closes_its_sending_side_still_hears_the_answer(running: Agent) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(running.run / "control.sock"))
        client.sendall(b'{"verb":"reload"}\n')
        client.shutdown(socket.SHUT_WR)
        assert b"generation" in client.recv(65536)
