"""How long to wait before the next attempt: full jitter, doubling, capped. Pure; the randomness is given."""

from .timeouts import BACKOFF_FIRST_S, BACKOFF_MOST_S


def delay(failures: int, dice: float, first_s: float = BACKOFF_FIRST_S, most_s: float = BACKOFF_MOST_S) -> float:
    """Seconds to wait after `failures` failures in a row (1 or more); `dice` is uniform in [0, 1). The ceiling is
    `first_s` after the first one, and doubles up to `most_s`.

    Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"): instances that failed together do not come
    back together. A tenth of the ceiling is the floor, so that a small throw does not hammer a server.
    """
    ceiling = min(most_s, first_s * 2.0 ** min(failures - 1, 30))
    return ceiling * (0.1 + 0.9 * dice)
