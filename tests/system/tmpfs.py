"""A file system of the test's own, mounted as the agent mounts one."""

from __future__ import annotations

import os

from fsmount.linux import newmount, pin, syscalls
from fsmount.observe import mountinfo


def mount_tmpfs(place: str, *options: tuple[str, str | None]) -> int:
    fresh = newmount.create("tmpfs", [("source", "tmp"), *options], ["nosuid"])
    target = pin.pin(place)
    syscalls.move_mount(fresh, target)
    os.close(fresh)
    os.close(target)
    row = mountinfo.read().at(place)
    assert row is not None
    return row.mount_id
