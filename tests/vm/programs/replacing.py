"""Replace CONFIG by each FILE in turn, a hundred times in ten seconds, and send the agent SIGHUP each time.

`replacing.py PID CONFIG FILE...`: prints the seconds that it took.
"""

import os
import shutil
import signal
import sys
import time


def main() -> None:
    pid, config, files = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    began = time.monotonic()
    for number in range(100):
        shutil.copyfile(files[number % len(files)], config + ".new")
        os.rename(config + ".new", config)
        os.kill(pid, signal.SIGHUP)
        time.sleep(max(0.0, began + (number + 1) / 10 - time.monotonic()))
    print(f"{time.monotonic() - began:.1f}")


main()
