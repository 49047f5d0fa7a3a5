"""The last good generation on the volume: kept, recalled, and what a user who owns the directory above can do about it.

He owns the volume's directory and has no sudo. Each attack is made with his rights; where they do not suffice, it is made
once more by root on his behalf, since another file system or setting may give him more.
"""

from __future__ import annotations

import base64
import ctypes
import hashlib
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
from typing import Any, Callable

import pytest
from fsmount import signature
from fsmount.errors import FsmountError, Permanent, Temporary
from fsmount.instance import Instance
from fsmount.jobs.answers import Answer, Failed, Kept, Recalled
from fsmount.jobs.keep import keep
from fsmount.jobs.orders import Keep, Key, Kind, Recall, Trust
from fsmount.jobs.recall import recall
from fsmount.settings import Policy

from tests.unit.malformed import GOOD

from .realjobs import RealJobs

NOBODY = 65534
ARN = "arn:aws:sagemaker:eu-west-3:123456789012:notebook-instance/team-a"
HERE = Instance("team-a", ARN, "aws", "eu-west-3", "123456789012")
ORIGIN = "s3://bucket/mounts.yaml"
CONTENT = GOOD.encode()
DIGEST = hashlib.sha256(CONTENT).hexdigest()
EVIL = GOOD.replace("datasets", "evil").encode()
BAD = ("b" * 64,)


class Volume:
    def __init__(self, home: Path) -> None:
        self.home, self.folder, self.run = home, home / ".fsmount", home.parent / "run"
        self.path = str(self.folder / "generation.json")
        self.trust = Trust(generations=str(self.run / "generations"), instance=HERE)

    def put_by(self, content: bytes) -> str:
        folder = self.run / "generations"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        digest = hashlib.sha256(content).hexdigest()
        (folder / digest).write_bytes(content)
        return digest

    def keep(self, **changes: Any) -> Kept:
        return keep(self.an_order(**changes))

    def an_order(self, **changes: Any) -> Keep:
        order = Keep(self.path, self.trust.generations, DIGEST, ORIGIN, ARN, "t", 1000.5, ("datasets",), BAD)
        return order._replace(**changes)

    def recall(self, **changes: Any) -> Recalled:
        return recall(Recall(self.path, self.trust, ORIGIN)._replace(**changes))

    def written(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(Path(self.path).read_bytes())
        return told

    def write(self, **changes: Any) -> None:
        """By root, as nobody's agent would."""
        Path(self.path).write_text(json.dumps({**self.written(), **changes}))


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    for directory in (tmp_path, *list(tmp_path.parents)[:2]):
        directory.chmod(0o755)
    home = tmp_path / "SageMaker"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    volume = Volume(home)
    volume.folder.mkdir(mode=0o755)
    volume.put_by(CONTENT)
    volume.keep()
    return volume


# -- kept and recalled


def test_what_was_kept_is_recalled(volume: Volume) -> None:
    recalled = volume.recall()
    assert recalled.config is not None
    assert [spec.name for spec in recalled.config.mounts] == ["datasets", "scratch"]
    assert recalled.config.digest == DIGEST
    assert (recalled.token, recalled.accepted_at, recalled.good, recalled.refused) == ("t", 1000.5, ("datasets",), BAD)
    facts = os.stat(volume.path)
    assert (facts.st_uid, stat.S_IMODE(facts.st_mode), facts.st_nlink) == (0, 0o600, 1)
    assert [one.name for one in volume.folder.iterdir()] == ["generation.json"]


def test_what_was_recalled_can_be_kept_again_after_a_start_at_which_run_is_empty(volume: Volume) -> None:
    (Path(volume.trust.generations) / DIGEST).unlink()
    volume.recall()
    assert (Path(volume.trust.generations) / DIGEST).read_bytes() == CONTENT
    assert volume.keep(good=()) == Kept()


def test_nothing_is_written_where_the_file_says_the_same(volume: Volume) -> None:
    before = os.stat(volume.path)
    for changes in ({}, {"accepted_at": 2000.0}, {"token": "another"}):
        volume.keep(**changes)
    after = os.stat(volume.path)
    assert (after.st_ino, after.st_mtime_ns, after.st_ctime_ns) == (before.st_ino, before.st_mtime_ns, before.st_ctime_ns)
    volume.keep(good=())
    assert os.stat(volume.path).st_ino != before.st_ino


def test_only_refused_digests_can_be_kept(volume: Volume) -> None:
    volume.keep(digest="", good=())
    recalled = volume.recall()
    assert (recalled.config, recalled.refused) == (None, BAD)


def test_bytes_that_are_no_longer_in_run_are_taken_from_the_volume_itself(volume: Volume) -> None:
    (Path(volume.trust.generations) / DIGEST).unlink()
    volume.keep(refused=("c" * 64,))
    recalled = volume.recall()
    assert recalled.config is not None
    assert recalled.refused == ("c" * 64,)


def test_bytes_that_are_nowhere_or_not_what_they_should_be_are_not_kept(volume: Volume) -> None:
    before = Path(volume.path).read_bytes()
    (Path(volume.trust.generations) / ("d" * 64)).write_bytes(CONTENT)
    for digest in ("d" * 64, "e" * 64):
        with pytest.raises(Temporary, match="generation-not-kept"):
            volume.keep(digest=digest)
    assert Path(volume.path).read_bytes() == before


def test_a_volume_that_is_full_keeps_what_it_has(volume: Volume) -> None:
    subprocess.run(["/usr/bin/mount", "-t", "tmpfs", "-o", "size=64k,mode=0755", "small", str(volume.folder)], check=True)
    try:
        volume.keep()
        before = Path(volume.path).read_bytes()
        large = CONTENT + b"#" * 100_000
        with pytest.raises(Temporary, match=r"No space left on device \[generation-not-kept\]"):
            volume.keep(digest=volume.put_by(large))
        assert Path(volume.path).read_bytes() == before
        assert os.listdir(volume.folder) == ["generation.json"]
        subprocess.run(["/usr/bin/mount", "-o", "remount,ro", str(volume.folder)], check=True)
        with pytest.raises(Temporary, match=r"Read-only file system \[generation-not-kept\]"):
            volume.keep(good=())
    finally:
        subprocess.run(["/usr/bin/umount", str(volume.folder)], check=True)


def test_a_job_that_is_killed_at_any_moment_leaves_the_old_or_the_new(volume: Volume) -> None:
    large = CONTENT + b"#" * 900_000
    other = volume.put_by(large)
    dice, jobs = random.Random(4), RealJobs()
    key, seen = Key(Kind.KEEP, volume.path), set()
    began = time.monotonic()
    jobs.start(key, volume.an_order(digest=other, refused=()))
    assert jobs.wait(5) == [(key, Kept())]
    usual_s = time.monotonic() - began
    for number in range(40):
        order = volume.an_order(digest=other if number % 2 else DIGEST, refused=(f"{number:064x}",))
        jobs.start(key, order)
        time.sleep(dice.random() * 1.5 * usual_s)
        jobs.running.cancel(key)
        jobs.wait(5, answers=0)
        recalled = volume.recall()
        assert recalled.config is not None
        seen.add(recalled.refused)
    assert len(seen) > 3, "some were quick enough"
    volume.keep(good=("x",))
    assert os.listdir(volume.folder) == ["generation.json"]


def test_no_folder_is_made(volume: Volume) -> None:
    os.unlink(volume.path)
    volume.folder.rmdir()
    with pytest.raises(Permanent, match=r"\.fsmount does not exist \[generation-not-kept\]"):
        volume.keep()
    assert not volume.folder.exists()
    with pytest.raises(Permanent, match="kept-nothing"):
        volume.recall()


# -- what is believed

DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda text: b"",
    "cut off": lambda text: text[: len(text) // 2],
    "no JSON": lambda text: b"\xff" * 100,
    "a list": lambda text: b"[" + text + b"]",
    "deep": lambda text: b"[" * 100_000,
    "another digest": lambda text: text.replace(DIGEST.encode(), b"0" * 64),
    "no digest, but content": lambda text: text.replace(b'"digest":"' + DIGEST.encode(), b'"digest":"x'),
    "no base64": lambda text: text.replace(b'"content":"', b'"content":"!'),
    "another version": lambda text: text.replace(b'"version":1', b'"version":2'),
    "a key more": lambda text: text.replace(b'"version":1', b'"version":1,"more":1'),
    "a key less": lambda text: text.replace(b'"token":"t",', b""),
    "another type": lambda text: text.replace(b"1000.5", b'"now"'),
    "huge": lambda text: text + b" " * (3 * 1024 * 1024),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_file_is_refused_and_replaced_by_the_next(volume: Volume, damage: Callable[[bytes], bytes]) -> None:
    before = Path(volume.path).read_bytes()
    Path(volume.path).write_bytes(damage(before))
    assert Path(volume.path).read_bytes() != before
    with pytest.raises(Permanent, match="kept-damaged"):
        volume.recall()
    volume.keep()
    assert Path(volume.path).read_bytes() == before


def test_a_volume_from_another_instance_is_not_believed(volume: Volume) -> None:
    volume.keep(instance=ARN.replace("team-a", "team-b"))
    with pytest.raises(Permanent, match=r"team-b, and this is .*team-a \[kept-foreign\]"):
        volume.recall()
    with pytest.raises(Permanent, match="kept-foreign"):
        volume.recall(trust=Trust())
    volume.keep(instance="")
    with pytest.raises(Permanent, match=r"no notebook instance.* \[kept-foreign\]"):
        volume.recall()
    assert volume.recall(trust=Trust()).config is not None
    volume.keep(instance=ARN.replace("team-a", "Team-A"))
    assert volume.recall().config is not None, "the platform writes names in lower case at times"


def test_another_origin_than_the_one_that_is_pinned_is_not_believed(volume: Volume) -> None:
    with pytest.raises(Permanent, match=r"'s3://bucket/mounts.yaml', and now s3://bucket/other is pinned \[kept-other-origin\]"):
        volume.recall(origin="s3://bucket/other")


def refused(found: Recalled) -> str:
    """Why what was kept is not accepted any more; what was refused then is remembered all the same."""
    assert found.config is None
    assert found.refused == BAD
    return found.why.code if found.why else ""


def test_a_key_that_was_pinned_since_holds_for_what_was_kept(volume: Volume) -> None:
    private = b"k" * 32
    pinned = volume.trust._replace(public_key=signature.public_of(private))
    assert refused(volume.recall(trust=pinned)) == "config-unsigned"
    volume.keep(digest=volume.put_by(signature.sign(CONTENT, b"o" * 32)))
    assert refused(volume.recall(trust=pinned)) == "config-signature-wrong"
    volume.keep(digest=volume.put_by(signature.sign(CONTENT, private)))
    assert volume.recall(trust=pinned).config is not None


def test_a_policy_that_was_pinned_since_holds_for_what_was_kept(volume: Volume) -> None:
    def pinned(*places: str) -> Trust:
        return volume.trust._replace(policy=Policy(mountpoints=places))

    assert volume.recall(trust=pinned("/home", "/mnt")).config is not None
    found = volume.recall(trust=pinned("/home"))
    assert refused(found) == "config-invalid"
    assert found.why is not None
    assert "policy of this notebook" in found.why.observed


def test_what_is_kept_is_validated_in_whole(volume: Volume) -> None:
    volume.keep(digest=volume.put_by(b"version: 1\nmounts: [{}]\n"))
    found = volume.recall()
    assert refused(found) == "config-invalid"
    assert found.why is not None
    assert found.why.observed.startswith("s3://bucket/mounts.yaml (kept):2:")


# -- the user


def as_the_user(attack: Callable[[Volume], None], volume: Volume) -> bool:
    """Whether his rights sufficed. He is nobody, in a process of his own."""
    pid = os.fork()
    if pid == 0:
        status = 2
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            attack(volume)
            status = 0
        except PermissionError:
            status = 1
        finally:
            os._exit(status)
    _, ended = os.waitpid(pid, 0)
    status = os.waitstatus_to_exitcode(ended)
    assert status in (0, 1), status
    return status == 0


def his_file(volume: Volume, name: str = "generation.json") -> Path:
    """In a directory of his own: the root's file, with a configuration of his."""
    folder = volume.home / "his"
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(evil_text(volume))
    return file


def evil_text(volume: Volume) -> str:
    """He may know how it is written (his own instance's may be read at another time, say)."""
    digest = hashlib.sha256(EVIL).hexdigest()
    facts = {"version": 1, "instance": ARN, "origin": ORIGIN, "digest": digest, "token": "", "accepted_at": 1.0, "good": []}
    return json.dumps({**facts, "refused": [], "content": base64.b64encode(EVIL).decode()})


def in_its_place(volume: Volume, what: Path) -> None:
    volume.folder.rename(volume.home / "moved")
    what.rename(volume.folder)


def own_directory(volume: Volume) -> None:
    in_its_place(volume, his_file(volume).parent)


def link_to_own_directory(volume: Volume) -> None:
    folder = his_file(volume).parent
    volume.folder.rename(volume.home / "moved")
    volume.folder.symlink_to(folder)


def link_to_roots_directory(volume: Volume) -> None:
    volume.folder.rename(volume.home / "moved")
    volume.folder.symlink_to(volume.run)


def own_directory_with_a_file_of_roots(volume: Volume) -> None:
    """A file that root wrote into his directory once, and whose content he chose."""
    folder = volume.home / "his"
    folder.mkdir(exist_ok=True)
    (volume.home / "roots.json").rename(folder / "generation.json")
    in_its_place(volume, folder)


def own_directory_with_a_hard_link(volume: Volume) -> None:
    folder = volume.home / "his"
    folder.mkdir(exist_ok=True)
    os.link(volume.home / "roots.json", folder / "generation.json")
    in_its_place(volume, folder)


def own_directory_with_a_link(volume: Volume) -> None:
    folder = volume.home / "his"
    folder.mkdir(exist_ok=True)
    (folder / "generation.json").symlink_to(volume.home / "roots.json")
    in_its_place(volume, folder)


def own_directory_with_a_fifo(volume: Volume) -> None:
    folder = volume.home / "his"
    folder.mkdir(exist_ok=True)
    os.mkfifo(folder / "generation.json", 0o644)
    in_its_place(volume, folder)


def a_file_instead_of_the_directory(volume: Volume) -> None:
    in_its_place(volume, his_file(volume))


def a_fifo_instead_of_the_directory(volume: Volume) -> None:
    os.mkfifo(volume.home / "fifo")
    in_its_place(volume, volume.home / "fifo")


def removed(volume: Volume) -> None:
    volume.folder.rename(volume.home / "moved")


def roots_empty_directory(volume: Volume) -> None:
    """Such as lost+found, at the root of each ext4."""
    in_its_place(volume, volume.home / "lost+found")


def another_instance_s_directory(volume: Volume) -> None:
    in_its_place(volume, volume.home / "foreign")


# What he can do with his own rights, and what root says to it.
CAN: dict[str, tuple[Callable[[Volume], None], str, str]] = {
    "a directory of his own": (own_directory, "kept-untrusted", "belongs to user 65534"),
    "a link to his directory": (link_to_own_directory, "kept-untrusted", "is a symbolic link"),
    "a link to a directory of root's": (link_to_roots_directory, "kept-untrusted", "is a symbolic link"),
    "a file of root's in his directory": (own_directory_with_a_file_of_roots, "kept-untrusted", "belongs to user"),
    "a link to a file of root's": (own_directory_with_a_link, "kept-untrusted", "belongs to user"),
    "a FIFO in his directory": (own_directory_with_a_fifo, "kept-untrusted", "belongs to user"),
    "a file instead of the directory": (a_file_instead_of_the_directory, "kept-untrusted", "is not a directory"),
    "a FIFO instead of the directory": (a_fifo_instead_of_the_directory, "kept-untrusted", "is not a directory"),
    "the directory renamed": (removed, "kept-nothing", "does not exist"),
    "an empty directory of root's": (roots_empty_directory, "kept-nothing", "does not exist"),
    "the directory of another instance": (another_instance_s_directory, "kept-foreign", "team-b"),
}


@pytest.fixture
def attacked(volume: Volume) -> Volume:
    """With what an unlucky root may have left lying about in his directory."""
    roots = volume.home / "roots.json"
    roots.write_text(evil_text(volume))
    (volume.home / "lost+found").mkdir(mode=0o700)
    foreign = volume.home / "foreign"
    foreign.mkdir()
    (foreign / "generation.json").write_text(json.dumps({**volume.written(), "instance": ARN.replace("-a", "-b")}))
    return volume


def of_root(folder: Path) -> dict[str, tuple[int, float]]:
    """All that is root's below, with what would show a change."""
    found = {}
    for above, folders, files in os.walk(folder):
        for name in folders + files:
            facts = os.lstat(f"{above}/{name}")
            if facts.st_uid == 0:
                found[f"{above}/{name}"] = (facts.st_size, facts.st_mtime)
    return found


@pytest.mark.parametrize(("attack", "code", "observed"), CAN.values(), ids=CAN.keys())
def test_what_the_user_puts_in_its_place_is_not_believed_nor_written_into(
    attacked: Volume, attack: Callable[[Volume], None], code: str, observed: str
) -> None:
    assert as_the_user(attack, attacked)
    began = time.monotonic()
    with pytest.raises(FsmountError, match=rf"{observed}.*\[{code}\]"):
        attacked.recall()
    before = of_root(attacked.home)
    if code == "kept-untrusted" or not attacked.folder.exists():
        with pytest.raises(Permanent, match="generation-not-kept"):
            attacked.keep()
        assert of_root(attacked.home) == before
    else:  # a directory that is root's alone, whatever its name was before
        attacked.keep()
        recalled = attacked.recall()
        assert recalled.config is not None
        assert recalled.config.digest == DIGEST
    assert time.monotonic() - began < 2


def into_the_directory(volume: Volume) -> None:
    (volume.folder / "generation.json.new").symlink_to("/etc/passwd")


def over_the_file(volume: Volume) -> None:
    his_file(volume).rename(volume.path)


def a_link_over_the_file(volume: Volume) -> None:
    link = volume.home / "link"
    link.symlink_to(his_file(volume))
    link.rename(volume.path)


def the_file_away(volume: Volume) -> None:
    os.rename(volume.path, volume.home / "taken")


def into_the_file(volume: Volume) -> None:
    Path(volume.path).write_text(evil_text(volume))


def a_look_into_the_file(volume: Volume) -> None:
    Path(volume.path).read_bytes()


def a_second_link(volume: Volume) -> None:
    os.link(volume.path, volume.home / "second")


CANNOT: dict[str, Callable[[Volume], None]] = {
    "a file in root's directory": into_the_directory,
    "his file over root's": over_the_file,
    "a link over root's file": a_link_over_the_file,
    "root's file taken away": the_file_away,
    "root's file written into": into_the_file,
    "root's file read": a_look_into_the_file,
}


@pytest.mark.parametrize("attack", CANNOT.values(), ids=CANNOT.keys())
def test_what_is_in_root_s_directory_is_out_of_the_user_s_reach(attacked: Volume, attack: Callable[[Volume], None]) -> None:
    before = Path(attacked.path).read_bytes()
    assert not as_the_user(attack, attacked)
    assert Path(attacked.path).read_bytes() == before
    assert attacked.recall().config is not None


def _made_a_link(volume: Volume) -> None:
    his = his_file(volume)
    os.unlink(volume.path)
    os.symlink(his, volume.path)


def _made_a_fifo(volume: Volume) -> None:
    os.unlink(volume.path)
    os.mkfifo(volume.path, 0o644)


def _made_his(volume: Volume) -> None:
    Path(volume.path).write_text(evil_text(volume))
    os.chown(volume.path, NOBODY, NOBODY)


def _made_writable(volume: Volume) -> None:
    Path(volume.path).write_text(evil_text(volume))
    os.chmod(volume.path, 0o666)


# What would take root itself, or a kernel that lets him link what is not his.
ON_HIS_BEHALF: dict[str, Callable[[Volume], None]] = {
    "a second link": a_second_link,
    "a link": _made_a_link,
    "a FIFO": _made_a_fifo,
    "his own file": _made_his,
    "a file that all may write to": _made_writable,
}


@pytest.mark.parametrize("attack", ON_HIS_BEHALF.values(), ids=ON_HIS_BEHALF.keys())
def test_a_file_in_root_s_directory_that_is_not_plain_and_root_s_is_refused_and_replaced(
    attacked: Volume, attack: Callable[[Volume], None]
) -> None:
    attack(attacked)
    began = time.monotonic()
    with pytest.raises(Permanent, match="kept-untrusted"):
        attacked.recall()
    attacked.keep()
    recalled = attacked.recall()
    assert recalled.config is not None
    assert recalled.config.digest == DIGEST
    his = attacked.home / "his/generation.json"
    assert not his.exists() or his.read_text() == evil_text(attacked), "nothing is written through a link"
    assert time.monotonic() - began < 2


def test_a_directory_that_has_the_file_s_name_is_refused_and_stays(attacked: Volume) -> None:
    os.unlink(attacked.path)
    os.mkdir(attacked.path)
    with pytest.raises(Permanent, match=r"not a regular file \[kept-untrusted\]"):
        attacked.recall()
    with pytest.raises(Temporary, match=r"Is a directory \[generation-not-kept\]"):
        attacked.keep()
    assert os.listdir(attacked.folder) == ["generation.json"]


@pytest.mark.parametrize("what", ["link", "file", "fifo"])
def test_the_temporary_name_is_neither_followed_nor_written_into(attacked: Volume, what: str) -> None:
    victim = attacked.home.parent / "victim"
    victim.write_text("untouched")
    name = attacked.folder / "generation.json.new"
    if what == "link":
        name.symlink_to(victim)
    elif what == "file":
        os.link(victim, name)
    else:
        os.mkfifo(name)
    attacked.keep(good=())
    assert victim.read_text() == "untouched"
    assert os.listdir(attacked.folder) == ["generation.json"]
    assert attacked.recall().good == ()


def test_a_directory_that_a_group_or_all_may_write_to_is_not_believed(attacked: Volume) -> None:
    for mode in (0o775, 0o757, 0o1777):
        attacked.folder.chmod(mode)
        with pytest.raises(Permanent, match=r"can be written by others .*kept-untrusted"):
            attacked.recall()
        with pytest.raises(Permanent, match="generation-not-kept"):
            attacked.keep(good=())


@pytest.mark.parametrize("where", ["directory", "volume"])
def test_a_file_system_that_a_user_s_program_serves_is_refused_without_touching_it(attacked: Volume, where: str) -> None:
    """The program answers nothing, ever: whoever touches it hangs for good."""
    place = attacked.folder if where == "directory" else attacked.home
    program = [sys.executable, str(Path(__file__).with_name("stuckfuse.py")), str(place), "60"]
    server = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        assert server.stdout.readline() == "mounted\n"
        jobs = RealJobs()
        began = time.monotonic()
        recalled = run_job(jobs, Key(Kind.RECALL, "r"), Recall(attacked.path, attacked.trust, ORIGIN), where)
        kept = run_job(jobs, Key(Kind.KEEP, "k"), attacked.an_order(), where)
        if where == "directory":
            assert [recalled, kept] == ["kept-untrusted", "generation-not-kept"]
            assert time.monotonic() - began < 5
    finally:
        server.kill()
        server.wait(timeout=10)
        server.stdout.close()
        ctypes.CDLL(None).umount2(str(place).encode(), 2)
    jobs.wait(10, answers=0)
    assert jobs.running.count() == 0


def run_job(jobs: RealJobs, key: Key, order: Any, where: str) -> str:
    """The problem's code; empty where the Job was given up, which is all that can be said of the whole volume's hanging."""
    jobs.start(key, order)
    if where == "volume":
        time.sleep(1)
        jobs.running.cancel(key)
        return ""
    answers: list[tuple[Key, Answer]] = jobs.wait(5)
    ((_, answer),) = answers
    assert isinstance(answer, Failed), answer
    return answer.problem.code


def prepares(volume: Volume) -> None:
    his_file(volume)


@pytest.fixture
def swapper(attacked: Volume) -> Iterator[Volume]:
    """The user swaps .fsmount with a directory of his own, as fast as he can, for at most 60 s."""
    his = attacked.home / "his"
    assert as_the_user(prepares, attacked)
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        renameat2 = ctypes.CDLL(None).renameat2
        one, two = str(attacked.folder).encode(), str(his).encode()
        while True:
            renameat2(-100, one, -100, two, 2)  # RENAME_EXCHANGE
            time.sleep(0)
    yield attacked
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_against_a_directory_that_is_swapped_all_the_time_nothing_of_his_is_believed_and_nothing_lands_there(
    swapper: Volume,
) -> None:
    believed = refused = kept = not_kept = 0
    for number in range(500):
        try:
            recalled = swapper.recall()
            assert recalled.config is not None
            assert recalled.config.digest == DIGEST
            believed += 1
        except Permanent as error:
            assert error.problem.code == "kept-untrusted"
            refused += 1
        try:
            swapper.keep(refused=(f"{number:064x}",))
            kept += 1
        except Permanent as error:
            assert error.problem.code == "generation-not-kept"
            not_kept += 1
    print(f"believed {believed}, refused {refused}, kept {kept}, not kept {not_kept}")
    assert believed
    assert refused, "the race was none"
    owners: set[int] = set()
    while len(owners) < 2:  # they are still being swapped: what is opened stays what it is
        folder = os.open(swapper.folder, os.O_RDONLY | os.O_DIRECTORY)
        owner = os.fstat(folder).st_uid
        assert {os.stat(name, dir_fd=folder).st_uid for name in os.listdir(folder)} == {owner}
        owners.add(owner)
        os.close(folder)


def test_the_daemon_s_process_gets_no_yaml_and_no_boto3_by_starting_these_jobs(volume: Volume) -> None:
    program = (
        "import select, sys, time\n"
        "from fsmount.jobs.orders import Fetch, Keep, Key, Kind, Recall, Trust\n"
        "from fsmount.jobs.running import Running\n"
        "running = Running(select.poll())\n"
        f"running.start({{Key(Kind.RECALL, 'r'): Recall({volume.path!r}, Trust(), '')}}, time.monotonic())\n"
        f"running.start({{Key(Kind.KEEP, 'k'): Keep({volume.path!r}, '', '', '', '', '', 0.0, (), ())}}, time.monotonic())\n"
        "running.start({Key(Kind.FETCH, 'f'): Fetch('ssm:///a/b')}, time.monotonic())\n"
        "running.kill_all()\n"
        "assert not {'yaml', 'boto3', 'botocore', 'nacl', 'hashlib', 'subprocess'} & set(sys.modules), sorted(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=30)
