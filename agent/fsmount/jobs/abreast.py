"""Several orders of one Job, each in a thread, so that one which hangs holds up none of the others.

Only in a Job's own process, which ends by os._exit or SIGKILL and so never waits for a thread that cannot end.
"""

import threading
from typing import Callable


def abreast(turn: Callable[[int], bytes], count: int, say: Callable[[bytes], None]) -> None:
    """Calls `turn` for each number below `count`, and `say` with what it returned, one at a time.

    Where there is no thread to be had, the rest takes its turns one after the other.
    """
    saying = threading.Lock()

    def one(number: int) -> None:
        line = turn(number)
        with saying:
            say(line)

    threads: list[threading.Thread] = []
    try:
        for number in range(count):
            thread = threading.Thread(target=one, args=(number,), daemon=True)
            thread.start()
            threads.append(thread)
    except RuntimeError:
        for number in range(len(threads), count):
            one(number)
    for thread in threads:
        thread.join()
