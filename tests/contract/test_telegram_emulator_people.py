"""The people's side through the control API: groups, topics, transcripts, waiting, another process."""

import asyncio
import signal
import sys

import aiohttp
import pytest

from adapters.emulators.client import ControlRefusedError
from adapters.emulators.telegram import TelegramOptions
from adapters.emulators.telegram_client import TelegramControl
from tests.contract.telegram_emulator import TOKEN, UNLIMITED, RawBot, telegram


@pytest.fixture
async def wire():
    async with telegram() as (emulator, bot), TelegramControl(emulator.base_url) as people:
        yield people, bot


async def test_transcript_shows_both_sides_in_order(wire):
    people, bot = wire
    ann = await people.user("Ann")
    question = await people.send(ann, "what?")
    answer = (await bot.ok("sendMessage", chat_id=ann, text="this"))["message_id"]
    await bot.ok("editMessageText", chat_id=ann, message_id=answer, text="that")
    await people.edit(ann, question, "what, please?")
    transcript = await people.transcript(ann)
    assert [(m["message_id"], m["from_bot"], m["text"], m["edit_count"]) for m in transcript] == [
        (question, False, "what, please?", 1),
        (answer, True, "that", 1),
    ]
    assert [edit["text"] for edit in transcript[1]["edits"]] == ["this"]
    assert transcript[0]["author"] == {"id": ann, "name": "Ann"}
    assert await people.transcript(ann, after=answer) == []


async def test_people_write_before_the_bot_exists(wire):
    people, bot = wire
    ann = await people.user("Ann")
    group = await people.group("Team", [ann])
    await people.send(ann, "anybody?")
    await people.send(ann, "/start", chat=group)
    await bot.ok("getMe")
    assert [update["message"]["chat"]["id"] for update in await people.pending()] == [ann, group]
    await bot.ok("sendMessage", chat_id=group, text="here")


async def test_commands_and_mentions_become_entities(wire):
    people, bot = wire
    ann = await people.user()
    await people.send(ann, "😀 /new@carryon_emulator_bot for @bob, not a/b or x@y.z")
    entities = (await bot.ok("getUpdates"))[0]["message"]["entities"]
    assert entities == [
        {"type": "bot_command", "offset": 3, "length": 25},
        {"type": "mention", "offset": 33, "length": 4},
    ]


async def test_privacy_mode_hides_what_is_not_for_the_bot(wire):
    people, bot = wire
    ann, bob = await people.user("Ann"), await people.user("Bob")
    group = await people.group("Team", [ann, bob])
    mine = (await bot.ok("sendMessage", chat_id=group, text="I am here"))["message_id"]
    for text in ("chatter", "hey @carryon_emulator_bot", "/help", "/help@another_bot"):
        await people.send(ann, text, chat=group)
    await people.send(bob, "yes", chat=group, reply_to=mine)
    heard = [update["message"]["text"] for update in await bot.ok("getUpdates")]
    assert heard == ["hey @carryon_emulator_bot", "/help", "yes"]
    with pytest.raises(ControlRefusedError, match="is not in chat"):
        await people.send(await people.user("Eve"), "let me in", chat=group)


async def test_an_admin_bot_or_privacy_off_hears_everything(wire):
    people, bot = wire
    ann = await people.user("Ann")
    group = await people.group("Team", [ann], bot_admin=True)
    await people.send(ann, "chatter", chat=group)
    assert len(await bot.ok("getUpdates")) == 1
    async with telegram(TelegramOptions(reads_all=True, limits=UNLIMITED)) as (emulator, other):
        group = emulator.world.add_group("Team", [ann]).id
        emulator.people.send(ann, "chatter", chat_id=group)
        assert len(await other.ok("getUpdates")) == 1
        assert (await other.ok("getMe"))["can_read_all_group_messages"] is True


async def test_forum_topics(wire):
    people, bot = wire
    ann = await people.user("Ann")
    forum = await people.group("Forum", [ann], forum=True, bot_admin=True)
    topic = await people.topic(forum, "Bugs")
    await people.send(ann, "a bug", chat=forum, thread=topic)
    message = (await bot.ok("getUpdates"))[-1]["message"]
    assert (message["message_thread_id"], message["is_topic_message"]) == (topic, True)
    assert message["reply_to_message"]["forum_topic_created"]["name"] == "Bugs"
    sent = await bot.ok("sendMessage", chat_id=forum, text="seen", message_thread_id=topic)
    assert (sent["message_thread_id"], sent["is_topic_message"]) == (topic, True)
    assert await bot.refused("sendMessage", chat_id=forum, text="x", message_thread_id=topic + 1) == (
        400,
        "Bad Request: message thread not found",
    )


async def test_a_reply_in_a_plain_supergroup_carries_the_thread_of_its_root(wire):
    people, bot = wire
    ann = await people.user("Ann")
    group = await people.group("Team", [ann], bot_admin=True)
    root = await people.send(ann, "root", chat=group)
    reply = await people.send(ann, "reply", chat=group, reply_to=root)
    await people.send(ann, "reply to the reply", chat=group, reply_to=reply)
    messages = [update["message"] for update in await bot.ok("getUpdates")]
    assert [message.get("message_thread_id") for message in messages] == [None, root, root]
    assert not any("is_topic_message" in message for message in messages)


async def test_topics_in_private_chats(wire):
    people, bot = wire
    ann = await people.user("Ann")
    await people.private(ann)
    topic = await people.topic(ann, "Plans")
    await people.send(ann, "a plan", thread=topic)
    assert (await bot.ok("getUpdates"))[0]["message"]["message_thread_id"] == topic


async def test_kicked_from_a_group(wire):
    people, bot = wire
    ann = await people.user("Ann")
    group = await people.group("Team", [ann])
    await bot.ok("getMe")
    await people.kick(group)
    assert await bot.refused("sendMessage", chat_id=group, text="x") == (
        403,
        "Forbidden: bot was kicked from the supergroup chat",
    )
    await people.send(ann, "/help", chat=group)
    assert [set(u) - {"update_id"} for u in await people.pending()] == [{"my_chat_member"}]
    await people.kick(group, kicked=False)
    await bot.ok("sendMessage", chat_id=group, text="x")


async def test_only_buttons_that_are_there_can_be_pressed(wire):
    people, bot = wire
    ann = await people.user("Ann")
    await people.send(ann, "hi")
    markup = {"inline_keyboard": [[{"text": "Site", "url": "https://example.test"}]]}
    sent = await bot.ok("sendMessage", chat_id=ann, text="?", reply_markup=markup)
    with pytest.raises(ControlRefusedError, match="no such callback button"):
        await people.press(ann, sent["message_id"])


async def test_raw_and_repeated_updates(wire):
    people, bot = wire
    broken = {"message": {"message_id": "not a number"}}
    number = await people.raw_update(broken)
    assert await bot.ok("getUpdates") == [{"update_id": number, **broken}]
    assert await bot.ok("getUpdates", offset=number + 1) == []
    await people.redeliver(number)
    assert len(await bot.ok("getUpdates", offset=number + 1)) == 1
    with pytest.raises(ControlRefusedError, match="no such update"):
        await people.redeliver(12345)


async def test_waiting(wire):
    people, bot = wire
    ann = await people.user("Ann")
    await people.send(ann, "hi")
    before = await people.seq()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(people.wait_bot_messages(ann, 2))
        text = tasks.create_task(people.wait_bot_text(ann, "wor"))
        tasks.create_task(people.wait_confirmed())
        calls = tasks.create_task(people.wait("calls", method="sendMessage", count=2))
        event = tasks.create_task(people.wait_event("message", {"from_bot": True}, after=before))
        more = tasks.create_task(people.events(before, ["confirmed"], wait=30))
        await bot.ok("sendMessage", chat_id=ann, text="hello")
        await bot.ok("sendMessage", chat_id=ann, text="world")
        await bot.ok("getUpdates", offset=1000)
    assert text.result()["text"] == "world"
    assert calls.result() >= 2
    assert event.result()["text"] == "hello"
    assert [found["kind"] for found in more.result()] == ["confirmed"]
    with pytest.raises(TimeoutError):
        await people.wait_bot_messages(ann, 3, within=0.01)


async def test_events_stream_as_they_happen(wire):
    people, bot = wire
    ann = await people.user("Ann")
    await people.send(ann, "one")
    stream = people.stream(kinds=["message", "action"])
    first = await anext(stream)
    await bot.ok("sendChatAction", chat_id=ann, action="typing")
    second = await anext(stream)
    await bot.ok("sendMessage", chat_id=ann, text="two")
    third = await anext(stream)
    await stream.aclose()
    assert [event["kind"] for event in (first, second, third)] == ["message", "action", "message"]
    assert [event.get("text") for event in (first, third)] == ["one", "two"]


async def test_faults_and_holds_from_outside(wire):
    people, bot = wire
    ann = await people.user("Ann")
    await people.send(ann, "hi")
    fault = await people.fault("hold", "sendMessage", "after", text="answer")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bot.ok("sendMessage", chat_id=ann, text="the answer"))
        held = await people.held(fault)
        assert (await people.transcript(ann))[-1]["text"] == "the answer"
        assert await people.request("GET", "held") == [
            {key: held[key] for key in ("fault", "when", "call", "account", "method", "chat")}
        ]
        await people.release(fault=fault)
    [call] = await people.calls("sendMessage")
    assert (call["outcome"], call["status"], call["params"]["text"]) == ("ok", 200, "the answer")
    await people.fault("500", times=3)
    await people.clear_faults()
    assert await people.request("GET", "faults") == []


@pytest.mark.parametrize(
    ("verb", "path", "arguments", "complaint"),
    [
        ("POST", "nonsense", {}, "no such control route"),
        ("POST", "send", {"text": "x"}, "user is missing"),
        ("POST", "send", {"user": "x", "text": "x"}, "user must be an integer"),
        ("POST", "send", {"user": 1, "text": ""}, "1 to 4096"),
        ("GET", "transcript", {"chat": 5}, "no chat 5"),
        ("POST", "wait", {"until": "doomsday"}, "no such condition"),
        ("POST", "faults", {"kind": "fire"}, "kinds are"),
        ("POST", "faults", {"kind": "500", "methode": "x"}, "a fault has no methode"),
        ("POST", "limits", {"scale": 0}, "above 0"),
    ],
)
async def test_mistakes_are_named(wire, verb, path, arguments, complaint):
    with pytest.raises(ControlRefusedError, match=complaint):
        await wire[0].request(verb, path, **arguments)


async def test_many_at_once_and_the_lists(wire):
    people, bot = wire
    sent = await people.send_many([{"user": user, "text": f"hi {user}"} for user in range(1, 51)])
    assert len(sent) == 50
    await bot.ok("getMe")
    [only] = await people.request("GET", "bots")
    assert (only["id"], only["pending"], only["polling"]) == (4242, 50, False)
    assert len(await people.request("GET", "chats")) == 50
    assert (await people.request("GET", "calls/counts"))["getMe"] == 1


async def test_as_a_process_of_its_own():
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "adapters.emulators.telegram",
        "--port",
        "0",
        "--no-limits",
        "--token",
        TOKEN,
        stdout=asyncio.subprocess.PIPE,
    )
    line = (await process.stdout.readline()).decode()
    assert line.startswith("listening on http://127.0.0.1:")
    url = line.split()[-1]
    async with TelegramControl(url) as people, aiohttp.ClientSession() as session:
        ann = await people.user("Ann")
        await people.send(ann, "over there")
        assert (await RawBot(session, url).ok("getUpdates"))[0]["message"]["text"] == "over there"
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
