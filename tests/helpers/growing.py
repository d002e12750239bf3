"""Answers that grow: how a test begins one, ends it, and lets the gateway die in the middle."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.helpers.house import House
from tests.helpers.onlookers import Scene, done, scene, seen

WHOLE = "The whole answer."

ROUNDS = 4


async def asked(it: House, text: str = "Half", chat: str = "1001", **more) -> asyncio.Event:
    """Somebody asks, and the agent has so much to say for now; the event ends its answer."""
    end = it.agents.talk(text, **more)
    prompts = len(it.agents.prompts)
    await it.hear("tell me", chat)
    for _ in range(ROUNDS):  # where a test keeps it from its agent, it goes on without
        if len(it.agents.prompts) > prompts:
            break
        await it.quiet()
    return end


async def began(it: House, text: str = "Half", chat: str = "1001", **more) -> asyncio.Event:
    """The same, and people see it."""
    end = await asked(it, text, chat, **more)
    await seen(it, text, chat=chat)
    return end


async def after_it_was_sent(s: Scene, it: House) -> None:
    """A stage of an answer: its first half is shown and known to be."""
    del s
    await began(it)
    await it.quiet()


async def finish(it: House, end: asyncio.Event, text: str = "") -> None:
    """The agent says so much more and is done, and then everything is."""
    if text:
        it.agents.say(text)
    end.set()
    await done(it)


@asynccontextmanager
async def growing(folder: Path, text: str, **more) -> AsyncGenerator[tuple[Scene, House, asyncio.Event]]:
    """One life, in which people see the beginning of an answer."""
    async with scene(folder, **more) as s, s.life() as it:
        yield s, it, await began(it, text)


@asynccontextmanager
async def killed(
    folder: Path, stage: Callable[[Scene, House], Awaitable[None]] = after_it_was_sent, **more
) -> AsyncGenerator[Scene]:
    """A chat whose gateway was killed at this stage of an answer."""
    async with scene(folder, **more) as s:
        async with s.life() as it:
            await stage(s, it)
        yield s


async def read_back(s: Scene, it: House, text: str = "and now?", **more) -> None:
    """What somebody wrote while no gateway ran is read back at the connect."""
    s.clock.advance(1.0)
    await it.hear(text, **more)
    await it.ready()
