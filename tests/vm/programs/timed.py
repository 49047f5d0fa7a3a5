"""Run a command, whatever it says and however it ends; the seconds that it took on standard output."""

import subprocess
import sys
import time

began = time.monotonic()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(f"{time.monotonic() - began:.3f}")
