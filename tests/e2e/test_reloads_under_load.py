"""A thousand reloads of a gateway at work: nothing is lost, nothing is said twice, nothing piles up."""

import asyncio
import itertools

import psutil
import pytest

from tests.e2e.carryon import request, status
from tests.harness.answers import is_fragment
from tests.harness.settings import merged, write
from tests.harness.waiting import PATIENCE, glance, within

RELOADS = 1000
WARM = 200
"""Reloads until what is allocated once is there."""

EACH = 50
"""Reloads until everybody has more to say."""

PEOPLE = 5
MOST_GROWTH = 12 * 1024 * 1024
"""Bytes. A process of Python breathes; losing fifteen kilobytes with each reload would be more."""


def edits(values):
    """A new text of the file each time, and whether it can be used."""
    for number in itertools.count(1):
        some = {
            "limits": {"concurrent_turns": 1 + number % 7, "messages_per_account": f"{10_000 + number}/1h"},
            "access": {"allow": [f"telegram:{number}"], "default": "allow"},
            "resume": {"concurrency": 1 + number % 3},
            "delivery": {"stream": "auto" if number % 2 else "off"},
            "agents": {"demo": {"permission_timeout": f"{1 + number // 200}s"}},  # each is a new process
        }
        match number % 4:
            case 0:
                yield merged(values, {**some, "limits": {"concurrent_turns": 0}}), False
            case 1:
                yield merged(values, {**some, "acess": {}}), False
            case _:
                yield merged(values, some), True


class Work:
    """Reloads, and people who talk meanwhile: two things each, at every so many reloads."""

    def __init__(self, stage):
        self._stage = stage
        self._texts = edits(stage.values)
        self._rounds = [asyncio.Event() for _ in range(RELOADS // EACH)]
        self._done = 0

    async def reload(self, times):
        """So many."""
        for _ in range(times):
            if self._done % EACH == 0:
                self._rounds[self._done // EACH].set()
            values, good = next(self._texts)
            write(self._stage.folder / "gateway.yaml", values)
            code, answer = await request(self._stage, "POST", "/reload")
            assert (code, answer["done"]) == ((200, True) if good else (409, False)), answer
            self._done += 1

    async def talk(self, chat):
        """One person."""
        for number, begins in enumerate(self._rounds):
            await begins.wait()
            pair = [f"{word} {number} of {chat.person}" for word in ("first", "second")]
            for text in pair:
                chat.say(text)
            for text in pair:
                await self._stage.answered(chat, text)


def in_order(chat):
    """Whether answers came in the order of the questions."""
    replies = [line for line in chat.replies if not is_fragment(line.text)]
    places = [replies.index(chat.answers(text)[0]) for text in chat.asked]
    return places == sorted(places)


def agents(gateway):
    """How many agent processes are alive."""
    alive = [child for child in gateway.children() if child.status() != psutil.STATUS_ZOMBIE]
    return sum("carryon-demo-agent" in " ".join(child.cmdline()) for child in alive)


@pytest.mark.slow
@pytest.mark.timeout(300)  # ten seconds where nothing else runs
async def test_a_thousand_reloads_under_load_lose_nothing(stage):
    gateway = await stage.start()
    chats = [stage.chat(f"P{number}") for number in range(PEOPLE)]
    for chat in chats:
        await stage.ask(chat, f"hello from {chat.person}")
    process, work = psutil.Process(gateway.pid), Work(stage)
    async with asyncio.TaskGroup() as group:
        for chat in chats:
            group.create_task(work.talk(chat))
        await work.reload(WARM)
        before = process.memory_info().rss
        await work.reload(RELOADS - WARM)
    write(stage.folder / "gateway.yaml", stage.values)
    code, _ = await request(stage, "POST", "/reload")
    assert code == 200
    await stage.settled()
    for chat in chats:
        chat.check()
        assert in_order(chat), chat
    assert process.memory_info().rss - before < MOST_GROWTH
    assert process.num_threads() < 20
    found = await status(stage)
    assert (found["config"]["problems"], found["config"]["needs_restart"], found["running"]) == ([], [], [])
    await stage.ask(chats[0], "and now")
    await within(glance(lambda: agents(process) == 1), "the end of agents that were changed", 2 * PATIENCE)
    assert gateway.log.count("config.reloaded") > RELOADS // 3
    assert await gateway.stop() == 0
