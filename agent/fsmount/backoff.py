"""How long to wait before the next attempt: full jitter, doubling, capped. Pure; the randomness is given."""

from .timeouts import BACKOFF_FIRST_S, BACKOFF_MOST_S


def delay(failures: int, dice: float) -> float:
    """Seconds to wait after `failures` failures in a row (1 or more); `dice` is uniform in [0, 1).

    Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"): instances that failed together do not come
    back together. A tenth of the ceiling is the floor, so that a small throw does not hammer a server.
    """
    ceiling = min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2.0 ** min(failures - 1, 30))
    return ceiling * (0.1 + 0.9 * dice)
