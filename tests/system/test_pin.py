"""Mount points: made and mounted without following a link, whoever swaps what meanwhile."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fsmount.errors import Permanent, Temporary
from fsmount.jobs.attach import attach
from fsmount.linux import newmount, pin, syscalls
from fsmount.observe import mountinfo

NOBODY = 65534


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A directory that a user owns, reachable by him."""
    for directory in (tmp_path, *list(tmp_path.parents)[:2]):
        directory.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    return home


def fresh_mount() -> int:
    return newmount.create("tmpfs", [("source", "race")], ["nosuid", "nodev"])


def test_missing_directories_are_made_and_belong_to_the_owner_of_the_one_above(home: Path) -> None:
    os.close(pin.pin(f"{home}/a/b", make=True))
    for made in (home / "a", home / "a/b"):
        assert (made.stat().st_uid, made.stat().st_gid, made.stat().st_mode & 0o777) == (NOBODY, NOBODY, 0o755)
    assert os.geteuid() == 0


def test_a_user_id_may_use_all_its_bits(home: Path) -> None:
    owner = 3_000_000_000  # as identity providers give them
    os.chown(home, owner, owner)
    os.close(pin.pin(f"{home}/a", make=True))
    assert (home / "a").stat().st_uid == owner


def test_a_directory_that_exists_keeps_owner_and_mode(home: Path) -> None:
    (home / "a").mkdir(mode=0o700)
    os.close(pin.pin(f"{home}/a", make=True))
    assert ((home / "a").stat().st_uid, (home / "a").stat().st_mode & 0o777) == (0, 0o700)


@pytest.mark.parametrize("way", ["link/x", "dir/link", "link"])
def test_a_link_anywhere_on_the_way_is_refused_by_its_name(home: Path, way: str) -> None:
    (home / "dir").mkdir()
    (home / "link").symlink_to("/etc")
    (home / "dir/link").symlink_to("/etc")
    with pytest.raises(Permanent, match=r"is a symbolic link \[mountpoint-link\]"):
        pin.pin(f"{home}/{way}", make=True)
    assert not Path("/etc/x").exists()


def test_a_file_on_the_way_is_refused(home: Path) -> None:
    (home / "file").write_text("x")
    with pytest.raises(Permanent, match="is not a directory"):
        pin.pin(f"{home}/file/x", make=True)


def test_a_directory_that_cannot_be_made_is_a_temporary_problem(home: Path) -> None:
    home.chmod(0o555)
    with pytest.raises(Temporary, match="mountpoint-not-made"):
        pin.pin(f"{home}/a", make=True)


def test_a_full_disk_is_a_temporary_problem(place: str) -> None:
    small = newmount.create("tmpfs", [("source", "small"), ("nr_inodes", "2")], [])
    target = pin.pin(place)
    syscalls.move_mount(small, target)
    os.close(small)
    os.close(target)
    os.close(pin.pin(f"{place}/a", make=True))
    with pytest.raises(Temporary, match="No space left"):
        pin.pin(f"{place}/b", make=True)


def test_a_directory_with_files_in_it_is_told_from_an_empty_one(home: Path) -> None:
    target = pin.pin(str(home))
    assert pin.is_empty(target)
    (home / "x").write_text("x")
    assert not pin.is_empty(target)
    os.close(target)


def test_a_directory_moved_after_it_was_pinned_gets_no_mount(home: Path) -> None:
    (home / "a").mkdir()
    target = pin.pin(f"{home}/a")
    (home / "a").rename(home / "b")
    fresh = fresh_mount()
    with pytest.raises(Temporary, match="mountpoint-moved"):
        attach(fresh, target, f"{home}/a")
    os.close(fresh)
    os.close(target)
    assert mountinfo.read().at(f"{home}/b") is None


def test_what_somebody_mounted_meanwhile_is_not_covered(home: Path) -> None:
    (home / "a").mkdir()
    target = pin.pin(f"{home}/a")
    his = fresh_mount()
    attach(his, target, f"{home}/a")
    ours = fresh_mount()
    with pytest.raises(Temporary, match="somebody mounted there"):
        attach(ours, target, f"{home}/a")
    assert len(mountinfo.read().stack(f"{home}/a")) == 1
    syscalls.umount2(f"{home}/a", syscalls.MNT_DETACH)
    for descriptor in (his, ours, target):
        os.close(descriptor)


def test_a_directory_right_below_the_root_has_a_parent() -> None:
    for path in ("/", "/tmp"):
        directory = pin.pin(path)
        assert os.path.samestat(os.fstat(directory), os.stat(path))
        os.close(directory)


@pytest.fixture
def swapper(home: Path) -> Iterator[Path]:
    """A user who swaps ~/data (a directory) with a link to /etc, as fast as he can, for at most 60 s."""
    (home / "data").mkdir()
    (home / "trap").symlink_to("/etc")
    for path in (home / "data", home / "trap"):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        renameat2 = ctypes.CDLL(None).renameat2
        one, two = f"{home}/data".encode(), f"{home}/trap".encode()
        while True:
            renameat2(-100, one, -100, two, 2)  # RENAME_EXCHANGE
            time.sleep(0)
    yield home
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_thousand_mounts_against_a_swapped_link_never_land_outside(swapper: Path) -> None:
    place = f"{swapper}/data/mnt"
    landed = refused = moved = 0
    for _ in range(1000):
        try:
            target = pin.pin(place, make=True)
        except (Permanent, Temporary):
            refused += 1
            continue
        fresh = fresh_mount()
        try:
            attach(fresh, target, place)
            landed += 1
            syscalls.umount2(f"/proc/self/fd/{fresh}", syscalls.MNT_DETACH)
        except Temporary:
            moved += 1
        os.close(fresh)
        os.close(target)
        strays = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if " race " in line]
        assert not strays, strays
    print(f"landed {landed}, refused {refused}, moved {moved}")
    assert not Path("/etc/mnt").exists()
    assert landed
    assert refused, "the race was none"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    file = folder / "mounts.yaml"
    file.write_text("version: 1\nmounts: []\n")
    return file


def test_a_file_that_only_root_can_have_written_is_believed(config: Path) -> None:
    assert pin.open_trusted(str(config), 100).startswith(b"version")
    assert len(pin.open_trusted(str(config), 3)) == 4, "one byte more than allowed shows that it is too long"


def _link(config: Path) -> None:
    config.rename(config.with_name("real"))
    config.symlink_to("real")


def _fifo(config: Path) -> None:
    config.unlink()
    os.mkfifo(config, 0o644)


def _folder_link(config: Path) -> None:
    config.parent.rename(config.parent.with_name("elsewhere"))
    config.parent.symlink_to("elsewhere")


UNTRUSTED = {
    "a user's file": lambda config: os.chown(config, NOBODY, NOBODY),
    "writable by all": lambda config: config.chmod(0o666),
    "writable by a group": lambda config: config.chmod(0o664),
    "a second link": lambda config: os.link(config, config.with_name("second")),
    "a user's directory": lambda config: os.chown(config.parent, NOBODY, NOBODY),
    "a directory that others write to": lambda config: config.parent.chmod(0o777),
    "a symbolic link": _link,
    "a FIFO": _fifo,
    "a directory that is a link": _folder_link,
}


@pytest.mark.parametrize("spoil", UNTRUSTED.values(), ids=UNTRUSTED.keys())
def test_a_file_that_somebody_else_could_have_written_is_not_believed(config: Path, spoil: object) -> None:
    spoil(config)  # type: ignore[operator]
    with pytest.raises((Permanent, OSError)):
        pin.open_trusted(str(config), 100)
