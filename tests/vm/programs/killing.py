"""Kill the agent with SIGKILL at TIMES random moments while mounts come and go: `killing.py LIB SEED TIMES CONFIG FILE...`.

Each FILE in turn becomes the configuration, and the agent is asked to reload if it is there. Prints how many of the
kills hit while a helper was at work.
"""

import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, sys.argv[1])

from fsmount.cli.ask import ask
from fsmount.wire import Request

UNIT = "/sys/fs/cgroup/system.slice/fsmount.service/cgroup.procs"


def agent(before: int) -> int:
    """The next agent, once systemd has started it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        pid = int(subprocess.run(["systemctl", "show", "-P", "MainPID", "fsmount"], stdout=subprocess.PIPE).stdout or 0)
        if pid not in (0, before):
            return pid
        time.sleep(0.05)
    sys.exit("no agent came after the last one was killed")


def processes() -> int:
    try:
        with open(UNIT) as file:
            return len(file.read().split())
    except FileNotFoundError:
        return 0


def main() -> None:
    dice, times, config, files = random.Random(int(sys.argv[2])), int(sys.argv[3]), sys.argv[4], sys.argv[5:]
    pid, busy = 0, 0
    for number in range(times):
        pid = agent(pid)
        with open(files[number % len(files)], "rb") as source, open(config + ".new", "wb") as target:
            target.write(source.read())
        os.rename(config + ".new", config)
        if dice.random() < 0.5:
            time.sleep(dice.random())
            ask("/run/fsmount/control.sock", Request("reload"))  # it may not listen yet
        time.sleep(dice.random() * 2)
        busy += processes() > 1
        os.kill(pid, signal.SIGKILL)
    agent(pid)
    print(busy)


main()
