"""Faults strike before or after the effect, in REST calls and on the gateway, exactly as ordered."""

import asyncio
import json

import aiohttp
import pytest

from adapters.emulators.client import ControlRefusedError, EmulatorControl
from adapters.emulators.control import ControlError
from adapters.emulators.discord import DiscordOptions
from adapters.emulators.faults import Fault, FaultKind, When
from tests.contract.discord_emulator import UNLIMITED, Clock, discord_emulator, discord_fixtures
from tests.contract.test_discord_emulator import button, row

wire, ann, direct, _ = discord_fixtures()


@pytest.fixture
async def control(wire):
    async with EmulatorControl(wire[0].base_url) as client:
        yield client


def texts(emulator, chat):
    return [one.text for one in emulator.playground.shown(chat)]


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("status", [429, 500, 502])
async def test_error_answers(wire, direct, status, when):
    emulator, bot = wire
    emulator.faults.add(Fault(FaultKind(str(status)), "createMessage", when, retry_after=7))
    answer = await bot.send(direct, "x")
    assert answer.status == status
    if status == 429:
        assert answer.body == {"message": "You are being rate limited.", "retry_after": 7, "global": False}
        assert (answer.headers["Retry-After"], answer.headers["Via"]) == ("7", "1.1 google")
        assert answer.headers["X-RateLimit-Scope"] == "user"
    assert texts(emulator, direct) == (["x"] if when is When.AFTER else [])
    assert (await bot.send(direct, "y")).status == 200


@pytest.mark.parametrize("when", When)
async def test_drop(wire, direct, when):
    emulator, bot = wire
    emulator.faults.add(Fault(FaultKind.DROP, "createMessage", when))
    with pytest.raises(aiohttp.ClientConnectionError):
        await bot.send(direct, "x")
    assert texts(emulator, direct) == (["x"] if when is When.AFTER else [])


async def test_a_fault_knows_a_thread_as_its_channel(wire, ann):
    emulator, bot = wire
    channel = emulator.playground.channel(ann)
    thread = emulator.people.add_thread(int(channel), int(ann)).id
    emulator.faults.add(Fault(FaultKind.SERVER_ERROR, "createMessage", chat=channel, text="boom"))
    assert (await bot.send(thread, "fine")).status == 200
    assert (await bot.send(thread, "boom")).status == 500


@pytest.mark.parametrize("method", ["dispatch", "gateway"])
async def test_a_message_arrives_twice(wire, ann, direct, method):
    emulator, bot = wire
    async with bot.gateway() as socket:
        emulator.faults.add(Fault(FaultKind.DUPLICATE, method))
        said = emulator.playground.say(ann, direct, "hello")
        assert [(await socket.event("MESSAGE_CREATE"))["id"] for _ in range(2)] == [said, said]
        emulator.playground.redeliver(direct, said)
        assert (await socket.event("MESSAGE_CREATE"))["id"] == said


async def test_messages_change_places(wire, ann, direct):
    emulator, bot = wire
    async with bot.gateway() as socket:
        emulator.sessions.swap_next()
        ids = [emulator.playground.say(ann, direct, str(number)) for number in range(3)]
        heard = [(await socket.event("MESSAGE_CREATE"))["id"] for _ in range(3)]
        assert heard == [ids[1], ids[0], ids[2]]


async def test_deafness_is_for_good(wire, ann, direct):
    emulator, bot = wire
    async with bot.gateway() as socket:
        emulator.sessions.deaf = True
        missed = emulator.playground.say(ann, direct, "missed")
        emulator.sessions.deaf = False
        emulator.playground.say(ann, direct, "heard")
        assert (await socket.event("MESSAGE_CREATE"))["content"] == "heard"
        assert (await bot.get(f"/channels/{direct}/messages/{missed}"))["content"] == "missed"


async def test_heartbeats_stay_unanswered(wire, ann, direct):
    emulator, bot = wire
    async with bot.gateway() as socket:
        emulator.sessions.frozen = True
        await socket.say(1, socket.seq)
        await emulator.events.event("answered", {"method": "heartbeat"})
        emulator.playground.say(ann, direct, "next")
        await socket.event("MESSAGE_CREATE")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.DROP, aiohttp.ClientConnectionError),
        (FaultKind.SERVER_ERROR, aiohttp.WSServerHandshakeError),
        (FaultKind.RUBBISH, aiohttp.WSServerHandshakeError),
    ],
)
@pytest.mark.parametrize("when", When)
async def test_the_socket_does_not_open(wire, kind, error, when):
    emulator, bot = wire
    # aiohttp tries a dropped GET once more by itself
    emulator.faults.add(Fault(kind, "gateway", when, times=2 if kind is FaultKind.DROP else 1))
    with pytest.raises(error):
        await bot.socket().__aenter__()
    async with bot.gateway():
        assert emulator.playground.connected()


@pytest.mark.parametrize(("kind", "code"), [(FaultKind.TOO_MANY, 4008), (FaultKind.SERVER_ERROR, 4000)])
async def test_an_identify_fails(wire, kind, code):
    emulator, bot = wire
    emulator.faults.add(Fault(kind, "identify"))
    async with bot.socket() as socket:
        await socket.hear()
        await socket.identify()
        assert await socket.closed() == code


async def test_an_identify_is_dropped(wire):
    emulator, bot = wire
    emulator.faults.add(Fault(FaultKind.DROP, "identify"))
    async with bot.socket() as socket:
        await socket.hear()
        await socket.identify()
        assert await socket.closed() == 1006


async def test_rubbish_on_the_socket(wire):
    emulator, bot = wire
    emulator.faults.add(Fault(FaultKind.RUBBISH, "identify"))
    async with bot.socket() as socket:
        await socket.hear()
        await socket.identify()
        with pytest.raises(json.JSONDecodeError):
            json.loads((await socket.raw.receive()).data)


async def test_a_stop_ends_connections_and_a_start_finds_the_world(wire, ann, direct):
    emulator, bot = wire
    async with bot.gateway() as socket:
        session, seq = socket.ready["session_id"], socket.seq
        await emulator.stop()
        await socket.closed()
    await emulator.start()
    async with bot.socket() as socket:
        await socket.hear()
        socket.seq = seq
        await socket.resume(session, seq)
        await socket.event("RESUMED")


async def test_an_interaction(wire, ann, direct):
    emulator, bot = wire
    sent = await bot.sent(direct, "ready?", components=[row(button(), button("no", "No", disabled=True))])
    async with bot.gateway() as socket:
        with pytest.raises(ControlError, match="no such button"):
            emulator.playground.press(ann, direct, sent["id"], "No")
        emulator.playground.press(ann, direct, sent["id"], "Go")
        pressed = await socket.event("INTERACTION_CREATE")
        assert (pressed["type"], pressed["data"]["custom_id"], pressed["user"]["id"]) == (3, "go", ann)
        path = f"/interactions/{pressed['id']}/{pressed['token']}/callback"
        assert (await bot.call("POST", path + "x", {"type": 6})).refusal == (404, 0)
        wrong = f"/interactions/{pressed['id']}/nonsense/callback"
        assert (await bot.call("POST", wrong, {"type": 6})).refusal == (404, 10062)
        assert (await bot.call("POST", path, {"type": 99})).where[0] == "type"
        new = {"type": 7, "data": {"content": "going", "components": []}}
        answer = await bot.call("POST", path, new, with_response="1")
        assert answer.result["resource"]["message"]["content"] == "going"
        assert (await bot.call("POST", path, {"type": 6})).refusal == (400, 40060)
        assert (await emulator.wait("answered", interaction=pressed["id"]))["answer"] == 7
    [shown] = emulator.playground.shown(direct)
    assert (shown.text, shown.labels) == ("going", ())


async def test_an_interaction_is_answered_in_time():
    clock = Clock()
    async with discord_emulator(DiscordOptions(limits=UNLIMITED, clock=clock)) as (emulator, bot):
        ann = emulator.playground.person()
        direct = emulator.playground.direct(ann)
        sent = await bot.sent(direct, "ready?", components=[row(button())])
        application = emulator.world.application_id
        for late, status in ((3.01, 404), (3, 204)):
            async with bot.gateway() as socket:
                emulator.playground.press(ann, direct, sent["id"], "Go")
                pressed = await socket.event("INTERACTION_CREATE")
                clock.now += late
                path = f"/interactions/{pressed['id']}/{pressed['token']}/callback"
                assert (await bot.call("POST", path, {"type": 6})).status == status
        hook = f"/webhooks/{application}/{pressed['token']}"
        edited = await bot.call("PATCH", f"{hook}/messages/@original", {"content": "gone"})
        assert edited.result["id"] == sent["id"]
        more = await bot.call("POST", hook, {"content": "more"})
        assert more.result["webhook_id"] == str(application)
        assert (await bot.call("DELETE", f"{hook}/messages/{more.body['id']}")).status == 204
        assert (await bot.call("POST", f"/webhooks/{application}/no", {})).refusal == (404, 10015)
        clock.now += 900
        assert (await bot.call("POST", hook, {"content": "late"})).refusal == (401, 50027)


async def test_a_command_is_answered_later(wire, ann, direct, control):
    emulator, bot = wire
    application = emulator.world.application_id
    await bot.call("PUT", f"/applications/{application}/commands", [{"name": "new", "description": "x"}])
    async with bot.gateway() as socket:
        given = await control.request("POST", "command", person=ann, channel=direct, name="new")
        told = await socket.event("INTERACTION_CREATE")
        assert (told["id"], told["type"], told["data"]["name"]) == (given["interaction"], 2, "new")
        path = f"/interactions/{told['id']}/{told['token']}/callback"
        assert (await bot.call("POST", path, {"type": 7})).where[0] == "type"
        assert (await bot.call("POST", path, {"type": 5})).status == 204
        hook = f"/webhooks/{application}/{told['token']}/messages/@original"
        assert (await bot.call("PATCH", hook, {"content": "done"})).result["flags"] == 0
    assert texts(emulator, direct) == ["done"]


async def test_the_control_api(wire, control):
    _, bot = wire
    ann = (await control.request("POST", "person", name="Ann"))["id"]
    made = await control.request("POST", "guilds", name="Team", members=[ann])
    extra = (await control.request("POST", "channels", guild=made["id"], name="extra"))["id"]
    said = (await control.request("POST", "say", person=ann, chat=extra, text="hello"))["id"]
    thread = await control.request("POST", "threads", channel=extra, person=ann, message=said)
    assert thread["id"] == said
    await control.request("POST", "threads/archive", thread=said)
    await control.request("POST", "edit", person=ann, channel=extra, message=said, text="hello!")
    await control.request("POST", "react", person=ann, channel=extra, message=said, emoji="👍")
    await control.request("POST", "typing", person=ann, channel=extra)
    [message] = await control.request("GET", "transcript", channel=extra)
    assert (message["content"], message["edits"], message["deleted"]) == ("hello!", 1, False)
    await control.request("POST", "delete", person=ann, channel=extra, message=said)
    await control.request("POST", "permissions", channel=extra, send=False)
    assert (await bot.send(extra, "x")).refusal == (403, 50013)
    await control.request("DELETE", "channels", channel=extra)
    await control.request("POST", "guilds/expel", guild=made["id"])
    assert await control.request("POST", "limits", enabled=True, scale=2) == {"enabled": True, "scale": 2}
    assert (await control.request("GET", "bot"))["connected"] is False
    with pytest.raises(ControlRefusedError):
        await control.request("POST", "channels", guild=17)


async def test_the_control_api_of_the_gateway(wire, ann, direct, control):
    emulator, bot = wire
    async with bot.gateway() as socket:
        await control.wait("connected")
        await control.request("POST", "gateway/op7")
        assert (await socket.hear())["op"] == 7
        for name in ("gateway/freeze", "gateway/deaf"):
            await control.request("POST", name)
        assert (emulator.sessions.frozen, emulator.sessions.deaf) == (True, True)
        await control.request("POST", "gateway/deaf", deaf=False)
        await control.request("POST", "gateway/freeze", frozen=False)
        await control.request("POST", "gateway/reorder")
        ids = [emulator.playground.say(ann, direct, text) for text in "ab"]
        assert (await socket.event("MESSAGE_CREATE"))["id"] == ids[1]
        await socket.event("MESSAGE_CREATE")
        await control.request("POST", "gateway/op9", resumable=False)
        assert (await socket.hear())["op"] == 9
    async with bot.gateway() as socket:
        await control.request("POST", "gateway/close", code=4001)
        assert await socket.closed() == 4001
    await control.request("POST", "gateway/forget")


async def test_a_held_call_goes_on_when_released(wire, direct):
    emulator, bot = wire
    fault = emulator.faults.add(Fault(FaultKind.HOLD, "createMessage", When.AFTER))
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(bot.sent(direct, "x"))
        await emulator.events.event("held", {"fault": fault})
        assert texts(emulator, direct) == ["x"]
        emulator.faults.release(fault=fault)
    assert sending.result()["content"] == "x"
