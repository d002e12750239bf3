"""The longest tests first: begun last, one of them would keep everybody waiting for it alone."""

import os

import pytest


def spread(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """The same tests, so that each worker's equal share of the list begins with its part of the slow ones."""
    slow = [item for item in items if item.get_closest_marker("slow")]
    quick = [item for item in items if not item.get_closest_marker("slow")]
    order: list[pytest.Item] = []
    for worker in range(workers):
        first = slow[worker::workers]
        share = (len(items) - len(order)) // (workers - worker) - len(first)
        order += [*first, *quick[: max(share, 0)]]
        del quick[: max(share, 0)]
    return [*order, *quick]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After the order was made random."""
    items[:] = spread(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
