"""`make shell`: a terminal in a simulated notebook instance, as ec2-user, with its file systems mounted."""

from __future__ import annotations

import sys

from .stage import a_notebook, say, taking


def main() -> int:
    if not sys.stdin.isatty():
        print("make shell needs a terminal; `make demo` does not", file=sys.stderr)
        return 2
    with a_notebook() as notebook:
        with taking("starting the notebook instance"):
            notebook.start()
        say(
            "This is the notebook's terminal. Try `fsmount status`, `fsmount doctor`, `sudo umount ~/SageMaker/team`. "
            "`sudo /usr/lib/fsmount-vm/servers.sh black_hole 2` kills the server of `scratch`, and `... restore 2` brings it "
            "back: watch `fsmount status --watch`, `fsmount doctor scratch`, `fsmount history`, `sudo fsmount detach scratch`. "
            "The configuration is ~/SageMaker/.fsmount/mounts.yaml (`sudo nano`), and `sudo fsmount reload` reads it again. "
            "`exit` or Ctrl-] leaves it, and the instance is gone."
        )
        return notebook.shell("ec2-user")


if __name__ == "__main__":
    sys.exit(main())
