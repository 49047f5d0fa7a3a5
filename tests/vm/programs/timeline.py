"""Append each new content of the status file to LOG, with the time since boot, until STOP exists: `timeline.py STOP LOG`.

A line is `[time, {name: [word, health, problem's code, mount or not, age of its latest look]}]`; what is unchanged is
said again once a second.
"""

import json
import os
import sys
import time

STATUS = "/run/fsmount/status.json"


def seen() -> "dict[str, list[object]]":
    with open(STATUS) as file:
        report = json.load(file)
    now, found = time.time(), {}
    for mount in report["mounts"]:
        age = now - mount["probed_at"] if mount["probed_at"] else None
        problem = mount["problem"]["code"] if mount["problem"] else None
        found[mount["name"]] = [mount["word"], mount["health"], problem, mount["phase"], age]
    return found


def main() -> None:
    stop, log = sys.argv[1:]
    last, said = 0, 0.0
    with open(log, "w", buffering=1) as lines:
        while not os.path.exists(stop):
            now = time.clock_gettime(time.CLOCK_BOOTTIME)
            try:
                inode = os.stat(STATUS).st_ino
                if inode != last or now - said > 1:
                    lines.write(json.dumps([now, seen()]) + "\n")
                    last, said = inode, now
            except (OSError, ValueError):
                pass  # there is none, or it is damaged: that is what some tests are about
            time.sleep(0.1)


main()
