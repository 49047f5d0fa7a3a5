"""Replace CONFIG by each file of FOLDER in turn and ask the agent to reload; prints how many were refused.

`reloads.py LIB CONFIG FOLDER`. Ends with 1 if the agent did not answer every one.
"""

import os
import sys

sys.path.insert(0, sys.argv[1])

from fsmount.cli.ask import ask
from fsmount.wire import Request


def main(config: str, folder: str) -> None:
    refused = 0
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as source, open(config + ".new", "wb") as target:
            target.write(source.read())
        os.rename(config + ".new", config)
        response = ask("/run/fsmount/control.sock", Request("reload"))
        if response.problem is not None and response.problem.code != "config-invalid":
            sys.exit(f"{name}: {response.problem}")
        refused += response.problem is not None
    print(refused)


main(*sys.argv[2:4])
