"""Faults strike before or after the effect, exactly as ordered, and never touch another client."""

import asyncio

import aiohttp
import pytest

from adapters.emulators.faults import Fault, FaultKind, When
from tests.contract.telegram_emulator import telegram

ANN = 1001


@pytest.fixture
async def wire():
    async with telegram() as both:
        both[0].people.send(ANN, "hello")
        yield both


def said(emulator):
    return [message.text for message in emulator.world.chat(ANN).messages.values() if message.author.is_bot]


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("status", [500, 502, 429])
async def test_error_answers(wire, status, when):
    emulator, bot = wire
    emulator.faults.add(Fault(FaultKind(str(status)), "sendMessage", when, retry_after=7))
    answer = await bot.call("sendMessage", chat_id=ANN, text="x")
    assert answer.status == answer.body["error_code"] == status
    assert answer.body.get("parameters") == ({"retry_after": 7} if status == 429 else None)
    assert said(emulator) == (["x"] if when is When.AFTER else [])
    assert (await bot.call("sendMessage", chat_id=ANN, text="y")).status == 200
    assert [call.outcome for call in emulator.calls.since(method="sendmessage")] == ["fault", "ok"]


@pytest.mark.parametrize("when", When)
async def test_drop(wire, when):
    emulator, bot = wire
    emulator.faults.add(Fault(FaultKind.DROP, "sendMessage", when))
    with pytest.raises(aiohttp.ClientConnectionError):
        await bot.call("sendMessage", chat_id=ANN, text="x")
    assert said(emulator) == (["x"] if when is When.AFTER else [])
    assert (await bot.ok("getMe"))["is_bot"]


async def test_rubbish(wire):
    emulator, bot = wire
    emulator.faults.add(Fault(FaultKind.RUBBISH, "getUpdates"))
    async with bot.session.get(bot.root + "getUpdates") as response:
        assert response.status == 200
        with pytest.raises(ValueError, match="Expecting value"):
            await response.json(content_type=None)
    assert len(await bot.ok("getUpdates")) == 1


async def test_a_hold_after_the_effect_goes_on_when_released(wire):
    emulator, bot = wire
    fault = emulator.faults.add(Fault(FaultKind.HOLD, "sendMessage", When.AFTER))
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(bot.ok("sendMessage", chat_id=ANN, text="x"))
        held = await emulator.events.event("held", {"fault": fault})
        assert said(emulator) == ["x"]
        assert [call["call"] for call in emulator.faults.held()] == [held.data["call"]]
        assert emulator.faults.release(fault=fault) == 1
    assert sending.result()["text"] == "x"
    assert emulator.faults.held() == []


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("kind", [FaultKind.HOLD, FaultKind.HANG])
async def test_a_call_held_before_its_effect_is_lost_with_its_client(wire, kind, when):
    emulator, bot = wire
    fault = emulator.faults.add(Fault(kind, "sendMessage", when))
    sending = asyncio.ensure_future(bot.ok("sendMessage", chat_id=ANN, text="x"))
    await emulator.events.event("held", {"fault": fault})
    sending.cancel()
    await emulator.events.event("answered", {"method": "sendMessage", "outcome": "gone"})
    assert said(emulator) == (["x"] if when is When.AFTER else [])
    assert emulator.faults.held() == []


async def test_a_hang_ends_without_an_answer(wire):
    emulator, bot = wire
    fault = emulator.faults.add(Fault(FaultKind.HANG, "sendMessage", When.AFTER))

    async def send():
        with pytest.raises(aiohttp.ClientConnectionError):
            await bot.call("sendMessage", chat_id=ANN, text="x")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(send())
        await emulator.events.event("held", {"fault": fault})
        emulator.faults.remove(fault)
    assert said(emulator) == ["x"]


async def test_a_delayed_call_happens_even_if_its_client_leaves(wire):
    emulator, bot = wire
    emulator.faults.add(Fault(FaultKind.DELAY, "sendMessage", seconds=0.05))
    sending = asyncio.ensure_future(bot.ok("sendMessage", chat_id=ANN, text="late"))
    await emulator.events.event("fault")
    sending.cancel()
    await emulator.wait("bot_text", chat=ANN, text="late")


async def test_a_fault_picks_its_calls(wire):
    emulator, bot = wire
    emulator.people.send(1002, "hi")
    emulator.faults.add(Fault(FaultKind.SERVER_ERROR, "*", chat=str(ANN), text="boom", skip=1, times=2))

    async def status(chat, text):
        return (await bot.call("sendMessage", chat_id=chat, text=text)).status

    assert await status(1002, "boom") == 200
    assert await status(ANN, "fine") == 200
    assert [await status(ANN, "boom") for _ in range(4)] == [200, 500, 500, 200]
    assert emulator.faults.armed() == []


async def test_a_refused_call_has_no_after(wire):
    emulator, bot = wire
    emulator.faults.add(Fault(FaultKind.DROP, "sendMessage", When.AFTER))
    assert (await bot.refused("sendMessage", chat_id=ANN, text=""))[0] == 400
    assert len(emulator.faults.armed()) == 1


async def test_a_lost_batch_comes_again_and_its_offset_counts(wire):
    emulator, bot = wire
    first = (await bot.ok("getUpdates"))[0]["update_id"]
    emulator.people.send(ANN, "second")
    emulator.faults.add(Fault(FaultKind.DROP, "getUpdates", When.AFTER))
    with pytest.raises(aiohttp.ClientConnectionError):
        await bot.call("getUpdates", offset=first + 1)
    assert [update["message"]["text"] for update in await bot.ok("getUpdates")] == ["second"]


async def test_a_fault_reaches_a_poll_that_is_already_waiting(wire):
    emulator, bot = wire
    await bot.ok("getUpdates", offset=2)

    async def poll():
        with pytest.raises(aiohttp.ClientConnectionError):
            await bot.call("getUpdates", offset=2, timeout=50)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(poll())
        await emulator.wait("polling")
        emulator.faults.add(Fault(FaultKind.DROP, "getUpdates", When.AFTER))
        emulator.people.send(ANN, "lost on the way")
    assert [update["message"]["text"] for update in await bot.ok("getUpdates")] == ["lost on the way"]


async def test_confirmed_updates_are_delivered_again(wire):
    emulator, bot = wire
    batch = await bot.ok("getUpdates")
    following = batch[0]["update_id"] + 1
    emulator.faults.add(Fault(FaultKind.DUPLICATE, "getUpdates"))
    assert await bot.ok("getUpdates", offset=0) == batch  # confirms nothing: the fault waits
    assert await bot.ok("getUpdates", offset=following) == batch
    assert await bot.ok("getUpdates", offset=following) == []
    emulator.world.bot().updates.repeat([emulator.world.bot().updates.find(batch[0]["update_id"])])
    assert await bot.ok("getUpdates", offset=following) == batch
    assert await bot.ok("getUpdates", offset=following) == []


async def test_an_outage_of_everything(wire):
    emulator, bot = wire
    fault = emulator.faults.add(Fault(FaultKind.BAD_GATEWAY, times=1_000_000))
    assert {(await bot.call(method)).status for method in ("getMe", "getUpdates", "close")} == {502}
    emulator.faults.remove(fault)
    assert (await bot.call("getMe")).status == 200


async def test_stopping_ends_held_and_polling_calls():
    async with telegram() as (emulator, bot):
        fault = emulator.faults.add(Fault(FaultKind.HOLD, "getMe"))
        held = asyncio.ensure_future(bot.call("getMe"))
        poll = asyncio.ensure_future(bot.call("getUpdates", timeout=50))
        await emulator.events.event("held", {"fault": fault})
        await emulator.wait("polling")
        await emulator.stop()
        results = await asyncio.gather(held, poll, return_exceptions=True)
        assert [isinstance(result, aiohttp.ClientConnectionError) for result in results] == [True, True]
