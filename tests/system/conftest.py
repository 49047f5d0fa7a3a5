"""System ring: root, a mount namespace of its own, tmpfs, a FUSE server that never answers. Never a mount of the host's."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

_CLONE_NEWNS, _MS_REC, _MS_PRIVATE = 0x20000, 0x4000, 0x40000


@pytest.fixture(scope="session", autouse=True)
def own_mount_namespace() -> None:
    """Everything that this ring mounts ends with it."""
    assert os.geteuid() == 0, "the system ring needs root: it mounts"
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(_CLONE_NEWNS) == 0, os.strerror(ctypes.get_errno())
    assert libc.mount(b"none", b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None) == 0


@pytest.fixture(scope="session", autouse=True)
def others_may_pass(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests act as other users below pytest's directories, which it keeps to itself."""
    directory = tmp_path_factory.getbasetemp()
    while directory.name.startswith(("pytest-", "popen-")):  # a worker's, the run's, the user's
        directory.chmod(0o755)
        directory = directory.parent


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    """No descriptor and no child of a test lives on after it."""
    before = len(os.listdir("/proc/self/fd"))
    yield
    try:
        left, _ = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        left = -1
    assert left == -1, "a child process was left behind"
    assert len(os.listdir("/proc/self/fd")) <= before, "a descriptor was left open"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[str]:
    """A directory to mount on; whatever is there after the test is taken away."""
    path = tmp_path / "place"
    path.mkdir()
    yield str(path)
    libc = ctypes.CDLL(None)
    while libc.umount2(str(path).encode(), 2) == 0:
        pass
