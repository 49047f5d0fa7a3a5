"""The mount table, from the kernel's text."""

from __future__ import annotations

from pathlib import Path

from fsmount.observe import mountinfo
from fsmount.observe.mountinfo import Table

ROWS = rb"""22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /mnt/a\040b rw,nosuid,nodev,relatime shared:2 - nfs4 fs1.test:/d0 rw,vers=4.1,addr=10.9.1.2
31 22 0:41 / /mnt/c rw shared:3 master:1 - nfs4 fs2.test:/d\134x rw
32 31 0:42 / /mnt/c rw shared:4 - tmpfs tmpfs rw
33 22 0:43 /sub /mnt/d ro - nfs4 [fd00::1]:/ rw
"""


def test_a_row_is_read_with_its_escapes() -> None:
    row = Table(ROWS).at("/mnt/a b")
    assert row is not None
    assert (row.mount_id, row.fstype, row.source, row.mountpoint) == (30, "nfs4", "fs1.test:/d0", "/mnt/a b")
    assert "nosuid" in row.options


def test_of_two_mounts_on_one_directory_the_visible_one_counts() -> None:
    table = Table(ROWS)
    top = table.at("/mnt/c")
    assert top is not None
    assert top.mount_id == 32
    assert [row.mount_id for row in table.stack("/mnt/c")] == [31, 32]
    assert table.stack("/mnt/c")[0].source == "fs2.test:/d\\x"


def test_a_part_of_a_file_system_is_told_from_the_whole() -> None:
    row = Table(ROWS).at("/mnt/d")
    assert row is not None
    assert row.root == "/sub"


def test_what_is_not_there_is_none() -> None:
    assert Table(ROWS).at("/mnt") is None
    assert Table(ROWS).by_id(99) is None
    assert Table(b"").at("/") is None


def test_a_mount_is_found_by_its_id() -> None:
    row = Table(ROWS).by_id(33)
    assert row is not None
    assert row.mountpoint == "/mnt/d"


def test_names_that_are_no_text_or_hold_a_carriage_return_are_rows_like_others() -> None:
    table = Table(b"40 22 0:44 / /mnt/te\xffam/d rw - nfs4 a:/ rw\n41 22 0:45 / /mnt/q\r590 rw - tmpfs my\xffdisk rw\n")
    for mount_id in (40, 41):
        row = table.by_id(mount_id)
        assert row is not None
        (row.mountpoint + row.source).encode()
    assert table.by_id(590) is None


def test_this_machine_s_own_table_agrees_with_proc_mounts() -> None:
    table = mountinfo.read()
    for line in Path("/proc/self/mounts").read_text().splitlines():
        source, place, fstype = line.split(" ")[:3]
        if "\\" not in place:
            assert any(row.fstype == fstype for row in table.stack(place)), (source, place)
