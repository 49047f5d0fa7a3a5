"""What the agent has open, what it has cost, and all mounts of this machine: one JSON object.

Its processes are those of its unit's cgroup, so that one which lost its parent is counted, too.
"""

import json
import os
import time

UNIT = "/sys/fs/cgroup/system.slice/fsmount.service/cgroup.procs"


def content(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""  # it ended meanwhile


def main() -> None:
    pids = content(UNIT).split()
    parents = {pid: content(f"/proc/{pid}/stat").rpartition(")")[2].split()[1:2] for pid in pids}
    agent = next((pid for pid, parent in parents.items() if parent == ["1"]), "0")
    facts = dict(line.split(":", 1) for line in content(f"/proc/{agent}/status").splitlines())
    stat = content(f"/proc/{agent}/stat").rpartition(")")[2].split()
    try:
        report = json.loads(content("/run/fsmount/status.json"))["agent"]
    except (ValueError, KeyError):
        report = {}
    rows = [line.split(" - ") for line in content("/proc/self/mountinfo").splitlines()]
    found = {
        "pid": int(agent),
        "descriptors": len(os.listdir(f"/proc/{agent}/fd")) if stat else 0,
        "helpers": len(pids) - 1,
        "resident_kib": int(facts.get("VmRSS", "0 kB").split()[0]),
        "cpu_s": sum(map(int, stat[11:13])) / os.sysconf("SC_CLK_TCK"),
        "stall_ms": report.get("longest_stall_ms", 0),
        "uptime": time.clock_gettime(time.CLOCK_BOOTTIME),
        "mounts": [[left.split()[0], left.split()[4], right.split()[1]] for left, right in rows],
    }
    print(json.dumps(found))


main()
