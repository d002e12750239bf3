"""Discord's ids hold the time of their making, so they serve as places in time as well."""

_EPOCH = 1_420_070_400.0  # seconds; the first of January 2015
_SEQUENCE_BITS = 22


def snowflake(seconds: float) -> int:
    """The smallest id of this moment, in seconds since the epoch."""
    return max(0, int((seconds - _EPOCH) * 1000)) << _SEQUENCE_BITS


def moment(of: int) -> float:
    """When an id was made, in seconds since the epoch."""
    return (of >> _SEQUENCE_BITS) / 1000 + _EPOCH
