"""What the log says about a mount: once per change, not per attempt, the mount's name first."""

import logging

from ..entry import Entry
from ..model import Phase

log = logging.getLogger("fsmount")


def change(before: Entry, after: Entry) -> None:
    fields = {"MOUNT": after.spec.name}
    if after.phase is Phase.MOUNTED and before.mount_id != after.mount_id:
        how = "found mounted" if before.phase is not Phase.MOUNTING else "mounted"
        log.info("%s: %s on %s", after.spec.name, how, after.spec.mountpoint, extra=fields)
    elif before.mount_id is not None and after.mount_id is None and before.phase is Phase.MOUNTED:
        log.warning("%s: unmounted by somebody", after.spec.name, extra=fields)
    elif before.mount_id is not None and after.mount_id is None and before.phase is Phase.UNMOUNTING and after.wanted:
        how = "detached" if after.detached else "unmounted, to be mounted anew"
        log.info("%s: %s", after.spec.name, how, extra=fields)
    if before.moved_to and after.address == before.moved_to and after.mount_id == before.mount_id:
        log.info("%s: led to %s, where its server is now", after.spec.name, after.address, extra=fields)
    if after.problem and (before.problem is None or before.problem.code != after.problem.code):
        said = (after.spec.name, after.problem.observed, after.problem.code)
        log.warning("%s: %s [%s]", *said, extra={**fields, "PROBLEM": after.problem.code})
    elif before.problem and not after.problem and before.phase is Phase.MOUNTED:
        log.info("%s: well again (it was: %s)", after.spec.name, before.problem.code, extra=fields)
    for warning in after.warnings:
        if warning.code not in {known.code for known in before.warnings}:
            log.warning("%s: %s [%s]", after.spec.name, warning.observed, warning.code, extra={**fields, "PROBLEM": warning.code})
