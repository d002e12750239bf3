"""What agents tell of their usage: told as it comes, kept with the turn's end, and not believed blindly."""

from pathlib import Path

import pytest

from gateway.model.agent import Ended, TextChunk, UsageReport
from gateway.model.usage import Usage
from tests.contract.agents import Chat, demo_spec, killed, odd_chat, pool_of, processes


async def test_usage_is_told_and_merged(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "tells_usage") as chat:
        await chat.open()
        end = await chat.prompt("hello")
    first = Usage(context_used=1200, context_size=200_000, cost=0.25, currency="USD")
    second = Usage(context_used=1500, context_size=200_000, cost=0.25, currency="USD")
    assert chat.updates == [UsageReport(first), UsageReport(second)]
    assert end == Ended("end_turn", Usage(40, 7, 1500, 200_000, 0.25, "USD"))


async def test_numbers_that_cannot_be_are_as_if_they_had_not_been_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with odd_chat(tmp_path, "tells_absurd_usage") as chat:
        await chat.open()
        end = await chat.prompt("hello")
    assert set(chat.updates) == {UsageReport(Usage(context_used=9))}
    assert end == Ended("end_turn", Usage(context_used=9))
    assert caplog.records == []  # no number makes the library complain


async def test_the_demo_agents_usage_is_a_rule_of_thumb(tmp_path: Path) -> None:
    async with pool_of(demo_spec(tmp_path)) as pool:
        chat = Chat(pool)
        await chat.open()
        first = await chat.prompt("x" * 40)
        assert first == Ended("end_turn", Usage(10, 12, 22, 100_000))
        assert [update for update in chat.updates if not isinstance(update, TextChunk)] == [
            UsageReport(Usage(context_used=22, context_size=100_000))
        ]
        await killed(processes(pool)[0])
        await chat.open()
        second = await chat.prompt("y" * 8)
        assert second == Ended("end_turn", Usage(2, 4, 29, 100_000))
