"""Slow tests are begun first, by all workers, and none is forgotten."""

from dataclasses import dataclass

import pytest

from tests.harness.order import spread


@dataclass(frozen=True)
class Item:
    number: int
    slow: bool

    def get_closest_marker(self, name):
        return name == "slow" and self.slow


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 7])
@pytest.mark.parametrize(("slow", "quick"), [(0, 5), (9, 100), (12, 3), (5, 0), (0, 0), (2, 1000)])
def test_each_share_begins_with_slow_ones(slow, quick, workers):
    items = [Item(n, slow=n % (1 + quick // (slow or 1)) == 0 and n < slow * 99) for n in range(slow + quick)]
    order = spread(items, workers)
    assert sorted(order, key=lambda one: one.number) == items
    rest = list(order)
    for left in range(workers, 0, -1):  # as pytest-xdist hands them out
        share, rest = rest[: len(rest) // left], rest[len(rest) // left :]
        kinds = [one.slow for one in share]
        if slow < quick:
            assert kinds == sorted(kinds, reverse=True)
