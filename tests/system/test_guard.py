"""Mount points that take no files, trial writes that leave none, and unmounts that take nothing of anybody else's along."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fsmount.cli.words import safe
from fsmount.errors import Temporary
from fsmount.jobs import trial
from fsmount.jobs.orders import How, Unmount
from fsmount.jobs.unmount import unmount
from fsmount.linux import guard, pin, syscalls
from fsmount.linux.holders import holders
from fsmount.observe import mountinfo

from .tmpfs import mount_tmpfs

NOBODY = 65534


@pytest.fixture(autouse=True)
def back_again() -> Iterator[None]:
    """An unmount works from inside the directory above; a Job ends with that."""
    yield
    os.chdir("/")


def closed(place: str) -> None:
    directory = pin.pin(place)
    guard.close(directory)
    os.close(directory)


def may_write(place: str, uid: int) -> bool:
    """From the inside: the directories above are the test's own."""
    argv = ["/usr/bin/setpriv", f"--reuid={uid}", "--clear-groups", "/usr/bin/touch", "x"]
    return subprocess.run(argv, cwd=place, check=False).returncode == 0


@pytest.mark.parametrize("mode", [0o755, 0o2775, 0o1777, 0o700])
def test_an_empty_mount_point_takes_no_files_and_is_given_back_as_it_was(place: str, mode: int) -> None:
    mount_tmpfs(place)  # a file system that certainly has the attributes
    point = Path(place) / "point"
    point.mkdir()
    os.chown(point, NOBODY, NOBODY)
    point.chmod(mode)
    closed(str(point))
    assert not may_write(str(point), NOBODY)
    closed(str(point))
    guard.give_back(str(point))
    assert point.stat().st_mode & 0o7777 == mode
    assert may_write(str(point), NOBODY)


def test_a_directory_with_files_in_it_or_one_that_was_never_closed_is_left_alone(place: str) -> None:
    mount_tmpfs(place)
    point = Path(place) / "point"
    point.mkdir(mode=0o755)
    (point / "file").touch()
    closed(str(point))
    assert point.stat().st_mode & 0o777 == 0o755
    point.chmod(0o555)
    guard.give_back(str(point))
    assert point.stat().st_mode & 0o777 == 0o555, "it was its owner who closed it"


@pytest.mark.parametrize("how", [How.DETACH, How.FORCE, How.LAST])
def test_what_somebody_else_mounted_in_it_is_not_taken_along(place: str, how: How) -> None:
    ours = mount_tmpfs(place)
    inside = Path(place) / "inside"
    inside.mkdir()
    theirs = mount_tmpfs(str(inside))
    with pytest.raises(Temporary, match=r"holds another mount, .*inside \(tmpfs\) \[busy\]"):
        unmount(Unmount(place, ours, how))
    assert {row.mount_id for row in mountinfo.read().below(ours)} == {theirs}
    syscalls.umount2(str(inside), 0)


def test_who_keeps_a_mount_busy_is_named(place: str) -> None:
    ours = mount_tmpfs(place)
    with subprocess.Popen(["/usr/bin/sleep", "60"], cwd=place) as holder:
        try:
            with pytest.raises(Temporary, match=rf"in use by sleep \(process {holder.pid}\)"):
                unmount(Unmount(place, ours))
        finally:
            holder.kill()
    assert unmount(Unmount(place, ours)).detached is False


def test_a_holder_with_a_hostile_name_is_named_and_tells_the_terminal_nothing(place: str) -> None:
    """A process may call itself whatever it likes: lines, what clears a screen, bytes that are no text."""
    ours = mount_tmpfs(place)
    hostile = r"import ctypes, time; ctypes.CDLL(None).prctl(15, b'\x1b[2J\nok\xff'); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", hostile], cwd=place, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout
            holder.stdout.readline()
            with pytest.raises(Temporary, match=rf"\(process {holder.pid}\)") as refused:
                unmount(Unmount(place, ours))
            assert [found.pid for found in holders(ours, place)] == [holder.pid]
            assert safe(refused.value.problem.observed).isprintable()
        finally:
            holder.kill()


def test_a_closing_that_was_killed_half_way_takes_nothing_from_the_owner(place: str) -> None:
    """Between writing down the mode and taking the write bits away, and between giving them back and forgetting it."""
    mount_tmpfs(place)
    point = Path(place) / "point"
    point.mkdir(mode=0o755)
    os.setxattr(point, "trusted.fsmount.mode", b"755")
    guard.give_back(str(point))
    assert point.stat().st_mode & 0o7777 == 0o755
    assert os.listxattr(point) == []
    os.setxattr(point, "trusted.fsmount.mode", b"755")
    closed(str(point))
    assert point.stat().st_mode & 0o7777 == 0o555
    guard.give_back(str(point))
    assert point.stat().st_mode & 0o7777 == 0o755


def test_a_trial_write_that_was_killed_before_its_file_lost_its_name_is_cleared_up_by_the_next(place: str) -> None:
    mount_tmpfs(place)
    Path(place, f".fsmount-trial-{trial._tag(place)}").touch()
    directory = os.open(place, os.O_PATH | os.O_DIRECTORY)
    assert trial.write(directory, place) is None
    assert os.listdir(place) == []
    os.close(directory)


def test_a_trial_write_leaves_nothing_and_names_a_full_file_system(place: str) -> None:
    mount_tmpfs(place, ("size", "64k"))
    directory = os.open(place, os.O_PATH | os.O_DIRECTORY)
    assert trial.write(directory, place) is None
    assert os.listdir(place) == []
    with open(f"{place}/big", "wb") as big, pytest.raises(OSError, match="No space"):
        for _ in range(100):
            big.write(b"x" * 4096)
            big.flush()
    full = trial.write(directory, place)
    assert full is not None
    assert full.code == "full"
    assert os.listdir(place) == ["big"]
    os.close(directory)


def test_a_directory_in_the_way_of_a_trial_write_is_no_trouble(place: str) -> None:
    mount_tmpfs(place)
    directory = os.open(place, os.O_PATH | os.O_DIRECTORY)
    os.mkdir(f"{place}/.fsmount-trial-{trial._tag(place)}")
    assert trial.write(directory, place) is None
    assert len(os.listdir(place)) == 1
    os.close(directory)
