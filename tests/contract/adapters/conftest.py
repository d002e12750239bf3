"""Every test that asks for `at` runs once for each platform of the registry."""

import pytest

from adapters.registry import PLATFORMS
from tests.contract.adapters.scene import quiet, scene


@pytest.fixture(params=PLATFORMS)
async def at(request):
    async with quiet(), scene(request.param) as made:
        yield made
