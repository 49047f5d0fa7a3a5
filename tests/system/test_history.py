"""The history as it is on a disk: the ring, the Job that writes it, the agent that has it written, the command."""

from __future__ import annotations

import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fsmount.history.event import Event, What
from fsmount.history.lines import NAMES, SEGMENT_MOST, Past, line, past
from fsmount.history.ring import append
from fsmount.jobs.answers import Answer, Failed, Recorded
from fsmount.jobs.orders import Key, Kind, RecordOrder

from .realjobs import RealJobs
from .test_agent_process import AS_USER, ENVIRONMENT, until

FULL, OFF = "history-not-written", "history-off"


def an_event(number: int) -> Event:
    return Event(at=float(number), what=What.MOUNT, said="healthy -> hung", name=f"m{number}", observed="x" * 100)


def lines_of(numbers: range) -> list[bytes]:
    return [line(an_event(number)) for number in numbers]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """What stands for .fsmount: root's alone."""
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o755)
    return folder


@pytest.fixture
def ring(kept: Path) -> Iterator[tuple[Path, int]]:
    folder = kept / "history"
    folder.mkdir(mode=0o755)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    yield folder, descriptor
    os.close(descriptor)


def read(folder: Path) -> Past:
    return past([(folder / name).read_bytes() for name in NAMES if (folder / name).is_file()])


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


# -- the ring


def test_the_ring_keeps_the_latest_half_at_least_and_never_more_than_a_mebibyte(ring: tuple[Path, int]) -> None:
    folder, descriptor = ring
    dice = random.Random(3)
    number = 0
    while number < 20000:
        count = dice.choice((1, 7, 400, 3000))
        append(descriptor, lines_of(range(number, number + count)))
        number += count
        assert size(folder) <= 2 * SEGMENT_MOST
        found = [int(event.at) for event in read(folder).events]
        assert found == list(range(number - len(found), number)), "no gap, in order, up to the last"
    assert len(found) * len(line(an_event(1))) > 0.9 * SEGMENT_MOST


def test_a_file_cut_at_any_byte_of_the_last_write_is_read_and_written_on(ring: tuple[Path, int]) -> None:
    folder, descriptor = ring
    append(descriptor, lines_of(range(5)))
    before = (folder / NAMES[0]).read_bytes()
    append(descriptor, lines_of(range(5, 8)))
    whole = (folder / NAMES[0]).read_bytes()
    for cut in range(len(before), len(whole) + 1):
        (folder / NAMES[0]).write_bytes(whole[:cut])
        append(descriptor, lines_of(range(100, 102)))
        found = read(folder)
        assert found.skipped == 0
        numbers = [event.at for event in found.events]
        assert numbers[:5] == [0, 1, 2, 3, 4]
        assert numbers[-2:] == [100, 101]
        assert whole[:cut].count(b"\n") - 1 + 2 == len(numbers)


def test_a_crash_while_the_older_segment_is_replaced_costs_that_write_alone(ring: tuple[Path, int]) -> None:
    folder, descriptor = ring
    append(descriptor, lines_of(range(5000)))
    newer = max(NAMES, key=lambda name: (folder / name).stat().st_mtime_ns)
    older = next(name for name in NAMES if name != newer)
    full = (folder / newer).read_bytes()
    for left in (None, b"", b"1 1234", b"\x00" * 4096):
        (folder / older).unlink(missing_ok=True)
        if left is not None:
            (folder / older).write_bytes(left)
        append(descriptor, lines_of(range(5000, 5001)))
        found = [int(event.at) for event in read(folder).events]
        assert found[-1] == 5000
        assert (folder / newer).read_bytes().startswith(full)
        (folder / newer).write_bytes(full)


def test_killed_at_any_moment_of_writing_it_is_read_without_a_gap(ring: tuple[Path, int]) -> None:
    folder, descriptor = ring
    dice = random.Random(11)
    number = 0
    for _ in range(60):
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                while True:
                    append(descriptor, lines_of(range(number, number + 40)))
                    number += 40
                    os.write(writing, b"%d\n" % number)
            finally:
                os._exit(1)
        os.close(writing)
        time.sleep(dice.uniform(0.001, 0.03))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        with os.fdopen(reading, "rb") as said:
            answers = said.read().split()
        number = int(answers[-1]) if answers else number
        # A batch that was written twice, and whose first copy the ring has begun to drop, may stand out of order.
        found = sorted(int(event.at) for event in read(folder).events)
        assert not found or found == list(range(found[0], found[0] + len(found)))
        assert not number or found[-1] >= number - 1, "what was answered for is there"
        assert size(folder) <= 2 * SEGMENT_MOST
    assert number > 0


# -- the Job


def recorded(folder: Path, *numbers: int) -> Answer:
    jobs = RealJobs()
    events = tuple(an_event(number) for number in numbers or (1,))
    key = Key(Kind.RECORD, str(folder))
    assert jobs.start(key, RecordOrder(str(folder), events)) is None
    ((said, answer),) = jobs.wait(20)
    assert said == key
    return answer


def code(answer: Answer) -> str:
    assert isinstance(answer, Failed), answer
    return answer.problem.code


def test_the_job_makes_the_directory_and_anyone_may_read_it(kept: Path) -> None:
    assert recorded(kept / "history", 1, 2) == Recorded()
    assert [event.at for event in read(kept / "history").events] == [1, 2]
    assert (kept / "history").stat().st_mode & 0o777 == 0o755
    assert (kept / "history" / NAMES[0]).stat().st_mode & 0o777 == 0o644


def test_the_job_writes_nothing_where_root_is_not_alone(kept: Path, tmp_path: Path) -> None:
    folder = kept / "history"
    assert code(recorded(tmp_path / "missing/history")) == OFF
    (tmp_path / "link").symlink_to(kept)
    assert code(recorded(tmp_path / "link/history")) == OFF
    os.chown(kept, 1000, 1000)
    assert code(recorded(folder)) == OFF
    os.chown(kept, 0, 0)
    kept.chmod(0o777)
    assert code(recorded(folder)) == OFF
    kept.chmod(0o755)
    folder.mkdir(mode=0o700)
    os.chown(folder, 1000, 1000)
    assert code(recorded(folder)) == OFF
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    assert code(recorded(folder)) == FULL
    assert list((tmp_path / "elsewhere").iterdir()) == []
    folder.unlink()
    os.mkfifo(folder)
    assert code(recorded(folder)) == FULL


@pytest.mark.parametrize("how", ["link", "hard link", "fifo", "other owner", "gigantic", "socket"])
def test_whatever_is_in_the_way_of_a_file_is_replaced_and_never_written_into(kept: Path, tmp_path: Path, how: str) -> None:
    folder = kept / "history"
    recorded(folder, 1)
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    for name in NAMES:
        (folder / name).unlink(missing_ok=True)
        in_the_way(folder / name, victim, how)
    began = time.monotonic()
    assert recorded(folder, 2) == Recorded()
    assert time.monotonic() - began < 5
    assert victim.read_bytes() == b"precious"
    new = [folder / name for name in NAMES if is_ours(folder / name)]
    assert [event.at for event in past([file.read_bytes() for file in new]).events] == [2]


def is_ours(path: Path) -> bool:
    facts = path.lstat()
    return stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1 and facts.st_uid == 0


def in_the_way(path: Path, victim: Path, how: str) -> None:
    if how == "link":
        path.symlink_to(victim)
    elif how == "hard link":
        os.link(victim, path)
    elif how == "fifo":
        os.mkfifo(path)
    elif how == "socket":
        os.mknod(path, 0o140644)
    elif how == "other owner":
        path.write_bytes(b"".join(lines_of(range(3))))
        os.chown(path, 1000, 1000)
    else:
        path.write_bytes(b"x" * (2 * SEGMENT_MOST))


def test_a_full_and_a_read_only_disk_are_said_and_what_was_there_stays(place: str) -> None:
    subprocess.run(["/usr/bin/mount", "-t", "tmpfs", "-o", "size=128k,mode=755", "tiny", place], check=True)
    folder = Path(place, "history")
    assert recorded(folder, 1) == Recorded()
    assert code(recorded(folder, *range(2, 2000))) == FULL
    assert [event.at for event in read(folder).events] == [1], "all of a write or nothing"
    subprocess.run(["/usr/bin/mount", "-o", "remount,ro", place], check=True)
    answer = recorded(folder, 3)
    assert code(answer) == FULL
    assert "Read-only" in str(answer)
    subprocess.run(["/usr/bin/mount", "-o", "remount,rw", place], check=True)
    assert recorded(folder, 3) == Recorded()
    assert [event.at for event in read(folder).events] == [1, 3]


# -- the agent and the command


class Notebook:
    """A directory for a volume, one agent at a time, and the command."""

    def __init__(self, folder: Path, kept: Path) -> None:
        self.run, self.config, self.log_file = folder / "run", folder / "mounts.yaml", folder / "log"
        self.history = kept / "history"
        self.config.write_text("version: 1\nmounts: []\n")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        places = ["--config", str(self.config), "--run-dir", str(self.run), "--history-dir", str(self.history)]
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "fsmount", "run", *places], env=ENVIRONMENT, stderr=log)
        return self.process

    def configure(self, mounts: str) -> None:
        assert self.process
        self.config.write_text(f"version: 1\nmounts: {mounts}\n")
        self.process.send_signal(signal.SIGHUP)

    def command(self, *argv: str, user: int | None = None) -> subprocess.CompletedProcess[str]:
        start = ["-c", AS_USER, str(user)] if user is not None else ["-m", "fsmount"]
        whole = [sys.executable, *start, "history", *argv, "--history-dir", str(self.history)]
        return subprocess.run(whole, env=ENVIRONMENT, cwd="/", capture_output=True, text=True, timeout=30)

    def told(self, *argv: str) -> list[str]:
        return [event["said"] for event in json.loads(self.command("--json", *argv).stdout)["events"]]

    def report(self) -> dict[str, object]:
        found = json.loads((self.run / "status.json").read_text())
        assert isinstance(found, dict)
        return found

    @property
    def log(self) -> str:
        return self.log_file.read_text()


@pytest.fixture
def notebook(tmp_path: Path, kept: Path) -> Iterator[Notebook]:
    for directory in (tmp_path, *list(tmp_path.parents)[:2]):
        directory.chmod(0o755)
    notebook = Notebook(tmp_path, kept)
    yield notebook
    if notebook.process and notebook.process.poll() is None:
        notebook.process.kill()
        notebook.process.wait(10)


ONE = '[{name: one, type: nfs, source: "127.0.0.1:/", mountpoint: /mnt/fsmount-test/one, options: [port=1]}]'


def test_a_stop_waits_for_its_last_words_and_not_longer(notebook: Notebook) -> None:
    process = notebook.start()
    until(lambda: "accepted" in notebook.told())
    notebook.configure(ONE)
    until(lambda: "server-refused" in str(notebook.report()["mounts"]))
    began = time.monotonic()
    process.terminate()
    assert process.wait(10) == 0
    assert time.monotonic() - began < 1
    assert notebook.told() == ["started", "accepted", "accepted", "waiting", "stopped"]
    assert notebook.told("one") == ["waiting"]
    shown = notebook.command(user=65534)
    assert shown.returncode == 0, shown
    assert "one       waiting [server-refused]" in shown.stdout
    assert shown.stderr == ""
    assert max(map(len, shown.stdout.splitlines())) <= 80


def test_names_and_times_choose(notebook: Notebook) -> None:
    assert "nothing has been recorded yet" in notebook.command().stdout
    notebook.start()
    until(lambda: notebook.told() == ["started", "accepted"])
    assert notebook.told("--since", "1h") == ["started", "accepted"]
    assert notebook.told("--since", "2099-01-01") == []
    assert notebook.told("nobody") == []
    unknown = notebook.command("nobody")
    assert (unknown.returncode, unknown.stdout) == (0, "nothing is recorded of nobody\n")
    wrong = notebook.command("--since", "soon")
    assert wrong.returncode == 2
    assert "2h, 30min" in wrong.stderr


def test_an_agent_killed_in_a_loop_leaves_a_history_that_is_whole(notebook: Notebook) -> None:
    dice = random.Random(2)
    for number in range(8):
        process = notebook.start()
        until(lambda: (notebook.run / "status.json").exists())
        notebook.configure(ONE.replace("name: one", f"name: n{number}") if number % 2 else "[]")
        time.sleep(dice.uniform(0.3, 2.0))
        process.kill()
        process.wait(10)
        document = json.loads(notebook.command("--json").stdout)
        assert document["skipped"] == 0
    notebook.start()
    until(lambda: any("a crash or a kill" in said for said in notebook.told()))
    assert "Traceback" not in notebook.log


def test_a_full_volume_is_a_warning_and_what_waited_is_written_when_there_is_room(notebook: Notebook, place: str) -> None:
    subprocess.run(["/usr/bin/mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "tiny", place], check=True)
    notebook.history = Path(place, "history")
    big = Path(place, "big")
    with big.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass
    process = notebook.start()
    until(lambda: FULL in str(notebook.report()["warnings"]), 15)
    assert notebook.report()["word"] == "ok", "the mounts are not the worse for it"
    assert notebook.log.count("the history waits") == 1
    process.terminate()
    process.wait(10)
    big.unlink()
    notebook.start()
    until(lambda: len(notebook.told()) > 2)
    assert notebook.told()[:3] == ["started", "accepted", "stopped"], "left in /run by the one before"


def test_a_place_that_is_not_root_s_is_said_once_and_wrongs_nobody(notebook: Notebook, kept: Path) -> None:
    os.chown(kept, 1000, 1000)
    notebook.start()
    until(lambda: "no history is kept" in notebook.log)
    assert (notebook.report()["problem"], notebook.report()["warnings"]) == (None, [])
    assert list(kept.iterdir()) == []


@pytest.mark.parametrize("how", ["link", "hard link", "fifo", "other owner", "gigantic", "socket"])
@pytest.mark.parametrize("user", [None, 65534])
def test_the_command_neither_hangs_on_nor_believes_what_is_not_root_s(
    notebook: Notebook, kept: Path, tmp_path: Path, how: str, user: int | None
) -> None:
    recorded(notebook.history, 1)
    (notebook.history / NAMES[1]).unlink(missing_ok=True)
    victim = tmp_path / "victim"
    victim.write_bytes(b"".join(lines_of(range(7, 9))))
    in_the_way(notebook.history / NAMES[1], victim, how)
    shown = notebook.command(user=user)
    assert "Traceback" not in shown.stderr
    assert "m1 " in shown.stdout
    assert "m7" not in shown.stdout
    assert shown.stderr


def test_a_volume_that_never_answers_costs_a_stop_half_a_second_and_loses_nothing(notebook: Notebook, place: str) -> None:
    good, notebook.history = notebook.history, Path(place, "kept/history")
    program = [sys.executable, str(Path(__file__).with_name("stuckfuse.py")), place, "60"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            assert server.stdout.readline() == "mounted\n"
            process = notebook.start()
            until(lambda: FULL in str(notebook.report()["warnings"]), 30)
            notebook.configure(ONE)
            until(lambda: "server-refused" in str(notebook.report()["mounts"]))
            began = time.monotonic()
            process.terminate()
            assert process.wait(10) == 0
            assert time.monotonic() - began < 1
        finally:
            server.kill()
    notebook.history = good
    notebook.start()
    until(lambda: len(notebook.told()) > 5)
    assert notebook.told()[:6] == ["started", "accepted", "accepted", "waiting", "stopped", "started again"]
