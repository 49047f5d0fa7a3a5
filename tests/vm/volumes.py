"""The disks that outlive a machine: the notebook's volume and the disk of the file servers, both ext4 in qcow2."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from .cache import cached, digest, tool
from .fileservers import COUNT, DIRECTORIES


def new_volume(path: Path, size_mb: int) -> None:
    """The notebook's volume (/home/ec2-user/SageMaker), empty, owned by ec2-user."""
    _new_disk(path, "ebs", size_mb, "1000:1000", lambda tree: None)


def new_servers_disk(path: Path, size_mb: int = 4096) -> None:
    """What the servers export: fsN/ with d0..d7 (each with a file hello), rooted (0755 root) and shared (1777)."""
    _new_disk(path, "servers", size_mb, "0:0", _fill_servers)


def _fill_servers(tree: Path) -> None:
    for number in range(1, COUNT + 1):
        root = tree / f"fs{number}"
        for name in DIRECTORIES:
            (root / name).mkdir(parents=True)
            (root / name / "hello").write_text(f"hello from {name} of fs{number}\n")
        (root / "rooted").mkdir(mode=0o755)
        (root / "shared").mkdir()
        (root / "shared").chmod(0o1777)


def _new_disk(path: Path, label: str, size_mb: int, owner: str, fill: Callable[[Path], None]) -> None:
    def build(work: Path) -> None:
        tree, raw = work / "tree", work / "disk.raw"
        tree.mkdir()
        fill(tree)
        options = f"root_owner={owner},lazy_itable_init=1,lazy_journal_init=1"
        tool("mke2fs", "-q", "-F", "-t", "ext4", "-L", label, "-E", options, "-d", str(tree), str(raw), f"{size_mb}M")
        tool("qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(work / "disk.qcow2"))
        raw.unlink()
        shutil.rmtree(tree)

    made = cached(f"disk-{label}-{digest(Path(__file__).read_bytes(), str(size_mb))}", build)
    tool("cp", "--reflink=auto", str(made / "disk.qcow2"), str(path))
