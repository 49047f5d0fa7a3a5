"""Start something and measure until every mount point of a list answers: seconds on standard output.

`usable.py SECONDS FILE COMMAND...`: FILE holds one mount point a line; COMMAND is started and not waited for. A mount
point is usable when the kernel lists it and its file `hello` can be read. Ends with 1 after SECONDS.
"""

import os
import select
import subprocess
import sys
import time


def main() -> None:
    patience = float(sys.argv[1])
    with open(sys.argv[2]) as file:
        places = file.read().split()
    with open("/proc/self/mountinfo", "rb") as table:
        poll = select.poll()
        poll.register(table, select.POLLPRI)
        began = time.monotonic()
        command = subprocess.Popen(sys.argv[3:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        missing = set(places)
        while missing:
            poll.poll(200)
            table.seek(0)
            listed = {line.split(b" ")[4].decode() for line in table.read().splitlines()}
            for place in sorted(missing & listed):
                with open(os.path.join(place, "hello")) as file:
                    file.read()
                missing.remove(place)
            if time.monotonic() - began > patience:
                sys.exit(f"not usable after {patience} s: {sorted(missing)}")
        print(f"{time.monotonic() - began:.3f}")
        if command.poll() is None:
            command.kill()


main()
