"""How long to wait before something is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.retry import backoff


@given(st.integers(1, 10_000), st.floats(0.001, 10), st.floats(10, 1000), st.floats(0, 1))
def test_a_wait_is_bounded(attempt, first, cap, jitter):
    wait = backoff(attempt, first, cap, jitter)
    assert 0 < wait <= cap
    assert wait >= min(first, cap) / 2


@given(st.integers(1, 200))
def test_waits_never_shrink(attempt):
    assert backoff(attempt) <= backoff(attempt + 1)


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 0.2), (2, 0.4), (3, 0.8), (8, 25.6), (9, 30.0), (500, 30.0)]
)
def test_doubling_up_to_the_cap(attempt, seconds):
    assert backoff(attempt) == pytest.approx(seconds)


def test_jitter_only_shortens():
    assert backoff(3, jitter=1.0) == pytest.approx(backoff(3) / 2)
