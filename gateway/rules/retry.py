"""How long to wait before something is tried again."""


def backoff(attempt: int, first: float = 0.2, cap: float = 30.0, jitter: float = 0.0) -> float:
    """Seconds to wait after the given failed attempt (1 is the first), doubling from `first` up to `cap`.

    `jitter`, between 0 and 1, is a random number of the caller's that takes up to half of the wait away, so
    that many who failed together do not come back together.
    """
    wait = min(cap, first * 2 ** min(attempt - 1, 30))
    return wait * (1 - jitter / 2)
