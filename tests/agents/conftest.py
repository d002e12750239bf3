"""Every test is run with every agent that is installed."""

import pytest

from tests.agents.install import missing
from tests.agents.real import AGENTS
from tests.agents.scene import open_scene


@pytest.fixture(params=AGENTS, ids=lambda agent: agent.name)
def agent(request):
    """A real agent."""
    if why := missing(request.param):
        pytest.skip(why)
    return request.param


@pytest.fixture
async def scene(agent, tmp_path):
    """The agent, its model and a gateway that is not started yet."""
    async with open_scene(tmp_path, agent) as opened:
        yield opened
        # What a provider would have refused: above all, calls of tools that lost their results.
        assert opened.model.book.refused == []
