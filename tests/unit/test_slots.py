"""Slots: how many may be inside, while that changes and while people give up."""

import asyncio

import pytest

from gateway.engine.slots import Slots


class Room:
    """Slots, and who is inside."""

    def __init__(self, limit):
        self.slots = Slots(limit)
        self.inside = []
        self.tasks = {}

    def come(self, *names):
        for name in names:
            self.tasks[name] = asyncio.ensure_future(self._stay(name))

    async def _stay(self, name):
        async with self.slots:
            self.inside.append(name)
            try:
                await asyncio.Event().wait()
            finally:
                self.inside.remove(name)

    async def go(self, *names):
        """They leave, or give up waiting."""
        for name in names:
            self.tasks[name].cancel()
        await self.settled()

    async def settled(self):
        for _ in range(20):
            await asyncio.sleep(0)
        return "".join(self.inside)


@pytest.fixture
async def room():
    made = Room(2)
    yield made
    for task in made.tasks.values():
        task.cancel()
    await asyncio.gather(*made.tasks.values(), return_exceptions=True)


async def test_who_waits_gets_in_by_turns(room):
    room.come(*"abcd")
    assert await room.settled() == "ab"
    await room.go("a")
    assert room.inside == ["b", "c"]
    await room.go("b", "c")
    assert room.inside == ["d"]


async def test_more_slots_let_in_and_fewer_throw_nobody_out(room):
    room.come(*"abcdef")
    await room.settled()
    room.slots.resize(4)
    assert await room.settled() == "abcd"
    room.slots.resize(1)
    assert await room.settled() == "abcd"
    await room.go("a", "b", "c")
    assert room.inside == ["d"]
    await room.go("d")
    assert room.inside == ["e"]


async def test_who_gives_up_takes_no_slot(room):
    room.come(*"abcde")
    await room.settled()
    await room.go("c")
    room.tasks["d"].cancel()
    room.tasks["a"].cancel()  # a slot is free, and nobody has noticed yet that d is gone
    assert await room.settled() == "be"


async def test_who_gives_up_when_he_is_let_in_passes_it_on(room):
    room.come(*"abcd")
    await room.settled()
    room.slots.resize(3)  # c is let in, and does not know it yet
    room.tasks["c"].cancel()
    assert await room.settled() == "abd"
    await room.go("a", "b", "d")
    room.come(*"wxyz")
    assert await room.settled() == "wxy"
