"""The emulator refuses what Telegram refuses, in Telegram's words."""

import asyncio

import aiohttp
import pytest

from adapters.emulators.telegram import TelegramEmulator, TelegramOptions
from adapters.emulators.telegram_api import Limits
from tests.contract.telegram_emulator import TOKEN, RawBot, telegram

ANN = 1001
LONG_POLL = 50


@pytest.fixture
async def wire():
    async with telegram() as both:
        yield both


@pytest.fixture
def bot(wire):
    wire[0].people.send(ANN, "hello")
    return wire[1]


@pytest.fixture
def emulator(wire):
    return wire[0]


# The envelope


async def test_every_way_of_passing_parameters(emulator, bot):
    form = aiohttp.FormData({"chat_id": str(ANN), "text": "multipart"}, default_to_multipart=True)
    async with (
        bot.session.get(bot.root + "sendMessage", params={"chat_id": ANN, "text": "query"}) as query,
        bot.session.post(bot.root + "SENDMESSAGE", data={"chat_id": ANN, "text": "form ✓"}) as urlencoded,
        bot.session.post(bot.root + "sendmessage", data=form) as multipart,
        bot.session.post(bot.root + "sendMessage", json={"chat_id": ANN, "text": "json"}) as as_json,
    ):
        assert [query.status, urlencoded.status, multipart.status, as_json.status] == [200] * 4
        assert query.content_type == "application/json"
    texts = [message.text for message in emulator.world.chat(ANN).messages.values()]
    assert texts == ["hello", "query", "form ✓", "multipart", "json"]


async def test_unknown_method_and_path(bot, emulator):
    assert await bot.refused("sendTelepathy") == (404, "Not Found")
    async with bot.session.get(emulator.base_url + "/elsewhere") as response:
        assert response.status == 404


async def test_malformed_json_body(bot):
    async with bot.session.post(
        bot.root + "getMe", data=b"{", headers={"Content-Type": "application/json"}
    ) as response:
        assert response.status == 400


async def test_a_bad_client_harms_only_itself(bot, emulator):
    for garbage in (
        b"\x00\xff nonsense\r\n\r\n",
        b"POST /bot4242:x/getMe HTTP/1.1\r\nContent-Length: 10\r\n\r\nab",
    ):
        _, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
        writer.write(garbage)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"text=\xff", b"text=%ff"):
        async with bot.session.post(bot.root + "sendMessage", data=body, headers=form) as response:
            assert "UTF-8" in (await response.json())["description"]
    assert (await bot.refused("sendMessage", chat_id=ANN, text="\ud83d"))[1].endswith(
        "must be encoded in UTF-8"
    )
    assert (await bot.ok("getMe"))["id"] == 4242


async def test_the_call_log_is_bounded():
    async with telegram(TelegramOptions(keep_calls=3)) as (emulator, bot):
        for _ in range(5):
            await bot.ok("getMe")
        assert [call.seq for call in emulator.calls.since()] == [3, 4, 5]
        assert emulator.calls.counts == {"getMe": 5}


async def test_any_well_formed_token_is_a_bot_of_its_own(bot):
    other = RawBot(bot.session, bot.root.split("/bot", maxsplit=1)[0], "77:another")
    assert (await bot.ok("getMe"))["id"] == 4242
    assert (await other.ok("getMe"))["id"] == 77
    assert await other.refused("sendMessage", chat_id=ANN, text="x") == (
        403,
        "Forbidden: bot can't initiate conversation with a user",
    )


@pytest.mark.parametrize("token", ["77:not-registered", "0:x", "abc", "7:"])
async def test_unknown_token(token):
    async with telegram(TelegramOptions(tokens=(TOKEN,))) as (emulator, bot):
        stranger = RawBot(bot.session, emulator.base_url, token)
        assert await stranger.refused("getMe") == (401, "Unauthorized")
        assert (await bot.ok("getMe"))["is_bot"] is True


# Updates


async def test_updates_stay_until_a_later_offset_confirms_them(emulator, bot):
    emulator.people.send(ANN, "again")
    first = await bot.ok("getUpdates")
    assert [update["message"]["text"] for update in first] == ["hello", "again"]
    assert await bot.ok("getUpdates") == first
    assert await bot.ok("getUpdates", offset=first[0]["update_id"]) == first
    assert await bot.ok("getUpdates", offset=first[1]["update_id"]) == first[1:]
    assert await bot.ok("getUpdates", offset=first[1]["update_id"] + 1) == []
    assert await bot.ok("getUpdates", offset=0) == []


async def test_negative_offset_keeps_only_the_last(emulator, bot):
    for number in range(4):
        emulator.people.send(ANN, f"m{number}")
    last = await bot.ok("getUpdates", offset=-2)
    assert [update["message"]["text"] for update in last] == ["m2", "m3"]
    assert await bot.ok("getUpdates") == last


async def test_limit_is_clamped(emulator, bot):
    for number in range(120):
        emulator.people.send(ANN, f"m{number}")
    assert len(await bot.ok("getUpdates")) == 100
    assert len(await bot.ok("getUpdates", limit=1000)) == 100
    assert len(await bot.ok("getUpdates", limit=3)) == 3
    assert len(await bot.ok("getUpdates", limit=-5)) == 1


async def test_long_poll_is_woken_by_an_update(emulator, bot):
    update = (await bot.ok("getUpdates"))[0]["update_id"]
    async with asyncio.TaskGroup() as tasks:
        poll = tasks.create_task(bot.ok("getUpdates", offset=update + 1, timeout=LONG_POLL))
        await emulator.wait("polling")
        emulator.people.send(ANN, "wake up")
    assert poll.result()[0]["message"]["text"] == "wake up"


async def test_a_second_poll_ends_the_first_with_409(emulator, bot):
    await bot.ok("getUpdates", offset=-1)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(bot.refused("getUpdates", offset=100, timeout=LONG_POLL))
        await emulator.wait("polling")
        second = tasks.create_task(bot.ok("getUpdates", offset=100, timeout=LONG_POLL))
        await emulator.events.event("conflict")
        emulator.world.bot().updates.push_raw({"update_id": 100, "message": {}})
    assert first.result() == (
        409,
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    )
    assert second.result() == [{"update_id": 100, "message": {}}]


async def test_a_poll_whose_client_left_confirms_nothing_and_frees_its_place(emulator, bot):
    update = (await bot.ok("getUpdates"))[0]["update_id"]
    poll = asyncio.ensure_future(bot.call("getUpdates", offset=update + 1, timeout=LONG_POLL))
    await emulator.wait("polling")
    poll.cancel()
    gone = await emulator.events.event("answered", {"outcome": "gone"})
    assert gone.data["method"] == "getUpdates"
    emulator.people.send(ANN, "still here")
    assert [u["message"]["text"] for u in await bot.ok("getUpdates")] == ["still here"]
    assert not [event for event in emulator.events.since(0) if event.kind == "conflict"]


async def test_webhook_excludes_polling(bot):
    assert (await bot.refused("setWebhook", url="http://example.test/"))[1].startswith(
        "Bad Request: bad webhook"
    )
    await bot.ok("setWebhook", url="https://example.test/hook")
    assert (await bot.ok("getWebhookInfo"))["pending_update_count"] == 1
    status, description = await bot.refused("getUpdates")
    assert (status, description[:48]) == (409, "Conflict: can't use getUpdates method while webh")
    await bot.ok("deleteWebhook", drop_pending_updates=True)
    assert await bot.ok("getUpdates") == []


async def test_allowed_updates_are_remembered(emulator, bot):
    message_id = emulator.people.send(ANN, "typo").id
    assert len(await bot.ok("getUpdates", offset=-1, allowed_updates=["message"])) == 1
    emulator.people.edit(ANN, message_id, "fixed")
    assert len(await bot.ok("getUpdates")) == 1
    await bot.ok("getUpdates", allowed_updates="[]")
    emulator.people.edit(ANN, message_id, "fixed again")
    assert [set(u) - {"update_id"} for u in await bot.ok("getUpdates")] == [{"message"}, {"edited_message"}]


# Sending


@pytest.mark.parametrize(
    ("params", "status", "description"),
    [
        ({"text": ""}, 400, "message text is empty"),
        ({"text": " \n "}, 400, "message text is empty"),
        ({"text": "x" * 4097}, 400, "message is too long"),
        ({"text": "😀" * 2049}, 400, "message is too long"),
        ({"chat_id": 999}, 400, "chat not found"),
        ({"chat_id": ""}, 400, "chat_id is empty"),
        ({"message_thread_id": 5}, 400, "message thread not found"),
        ({"reply_parameters": {"message_id": 99}}, 400, "message to be replied not found"),
        ({"reply_markup": "{"}, 400, "can't parse reply keyboard markup JSON object"),
        ({"text": "a", "entities": [{"type": "bold", "offset": 0, "length": 2}]}, 400, "entity beginning at"),
        ({"parse_mode": "Word"}, 400, "unsupported parse_mode"),
    ],
)
async def test_refused_messages(emulator, bot, params, status, description):
    answer = await bot.refused("sendMessage", **{"chat_id": ANN, "text": "x", **params})
    assert answer[0] == status
    assert answer[1].startswith(f"Bad Request: {description}")
    assert emulator.world.chat(ANN).bot_messages == 0


async def test_length_counts_utf16_units_after_parsing(bot):
    await bot.ok("sendMessage", chat_id=ANN, text="😀" * 2048)
    await bot.ok("sendMessage", chat_id=ANN, text=f"<b>{'x' * 4096}</b>", parse_mode="HTML")


@pytest.mark.parametrize(
    ("data", "accepted"),
    [("x", True), ("x" * 64, True), ("é" * 32, True), ("", False), ("x" * 65, False), ("é" * 33, False)],
)
async def test_callback_data_is_1_to_64_bytes(bot, data, accepted):
    markup = {"inline_keyboard": [[{"text": "Go", "callback_data": data}]]}
    answer = await bot.call("sendMessage", chat_id=ANN, text="?", reply_markup=markup)
    if accepted:
        assert answer.result["reply_markup"] == markup
    else:
        assert answer.refusal == (400, "Bad Request: BUTTON_DATA_INVALID")


async def test_blocked_bot(emulator, bot):
    emulator.people.block(ANN)
    assert await bot.refused("sendMessage", chat_id=ANN, text="x") == (
        403,
        "Forbidden: bot was blocked by the user",
    )
    assert (await bot.ok("getUpdates"))[-1]["my_chat_member"]["new_chat_member"]["status"] == "kicked"
    emulator.people.block(ANN, blocked=False)
    await bot.ok("sendMessage", chat_id=ANN, text="x")


async def test_reply_without_its_target_when_that_is_allowed(bot):
    parameters = {"message_id": 99, "allow_sending_without_reply": True}
    sent = await bot.ok("sendMessage", chat_id=ANN, text="x", reply_parameters=parameters)
    assert "reply_to_message" not in sent
    reply = await bot.ok("sendMessage", chat_id=ANN, text="y", reply_parameters={"message_id": 1})
    assert reply["reply_to_message"]["text"] == "hello"


async def test_chat_actions(emulator, bot):
    await bot.ok("sendChatAction", chat_id=ANN, action="typing")
    assert (await emulator.events.event("action")).data == {"chat": ANN, "action": "typing", "thread": None}
    assert (await bot.refused("sendChatAction", chat_id=ANN, action="yodel"))[0] == 400


# Changing


async def test_edits(emulator, bot):
    sent = await bot.ok("sendMessage", chat_id=ANN, text="one")
    place = {"chat_id": ANN, "message_id": sent["message_id"]}
    edited = await bot.ok("editMessageText", **place, text="two")
    assert edited["edit_date"] >= edited["date"]
    status, description = await bot.refused("editMessageText", **place, text="two ")
    assert status == 400
    assert "message is not modified" in description
    assert await bot.refused("editMessageText", **place, text="x" * 4097) == (
        400,
        "Bad Request: MESSAGE_TOO_LONG",
    )
    markup = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
    await bot.ok("editMessageText", **place, text="two", reply_markup=markup)
    await bot.ok("editMessageReplyMarkup", **place)
    message = emulator.world.chat(ANN).messages[sent["message_id"]]
    assert ([edit.text for edit in message.edits], message.edit_count) == (["one", "two", "two"], 3)
    assert message.markup is None


async def test_refused_edits(bot):
    assert await bot.refused("editMessageText", chat_id=ANN, message_id=1, text="mine now") == (
        400,
        "Bad Request: message can't be edited",
    )
    missing = (400, "Bad Request: message to edit not found")
    assert await bot.refused("editMessageText", chat_id=ANN, message_id=99, text="x") == missing
    assert (await bot.refused("editMessageText", chat_id=ANN, text="x"))[1].endswith(
        "identifier is not specified"
    )
    sent = await bot.ok("sendMessage", chat_id=ANN, text="gone soon")
    await bot.ok("deleteMessage", chat_id=ANN, message_id=sent["message_id"])
    assert (
        await bot.refused("editMessageText", chat_id=ANN, message_id=sent["message_id"], text="x") == missing
    )
    assert (await bot.refused("deleteMessage", chat_id=ANN, message_id=99))[1].endswith("to delete not found")
    keyboard = {"keyboard": [[{"text": "yes"}]]}
    sent = await bot.ok("sendMessage", chat_id=ANN, text="choose", reply_markup=keyboard)
    assert (await bot.refused("editMessageText", chat_id=ANN, message_id=sent["message_id"], text="x"))[
        0
    ] == 400


async def test_buttons(emulator, bot):
    markup = {
        "inline_keyboard": [[{"text": "Yes", "callback_data": "y"}, {"text": "No", "callback_data": "n"}]]
    }
    sent = await bot.ok("sendMessage", chat_id=ANN, text="?", reply_markup=markup)
    query_id = emulator.people.press(ANN, sent["message_id"], label="No")
    query = (await bot.ok("getUpdates"))[-1]["callback_query"]
    assert (query["id"], query["data"], query["message"]["message_id"]) == (query_id, "n", sent["message_id"])
    await bot.ok("answerCallbackQuery", callback_query_id=query_id, text="noted")
    assert (await emulator.events.event("callback_answer")).data["text"] == "noted"
    assert (await bot.refused("answerCallbackQuery", callback_query_id="1"))[1].startswith(
        "Bad Request: query is too"
    )


async def test_commands_reactions_chat(bot, emulator):
    commands = [{"command": "new", "description": "a new session"}]
    await bot.ok("setMyCommands", commands=commands)
    assert await bot.ok("getMyCommands") == commands
    assert await bot.ok("getMyCommands", language_code="de") == []
    wrong = [{"command": "New!", "description": "x"}]
    assert await bot.refused("setMyCommands", commands=wrong) == (400, "Bad Request: BOT_COMMAND_INVALID")
    reaction = [{"type": "emoji", "emoji": "👍"}]
    await bot.ok("setMessageReaction", chat_id=ANN, message_id=1, reaction=reaction)
    assert emulator.world.chat(ANN).messages[1].reactions == reaction
    assert (await bot.ok("getChat", chat_id=ANN))["type"] == "private"
    assert await bot.ok("close")
    assert await bot.ok("logOut")


# Limits


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


async def test_limits_per_chat_count_edits():
    clock = Clock()
    async with telegram(TelegramOptions(clock=clock)) as (emulator, bot):
        emulator.people.send(ANN, "hello")
        for number in range(3):
            sent = await bot.ok("sendMessage", chat_id=ANN, text=str(number))
        place = {"chat_id": ANN, "message_id": sent["message_id"]}
        answer = await bot.call("editMessageText", **place, text="too soon")
        assert answer.refusal == (429, "Too Many Requests: retry after 1")
        assert answer.body["parameters"] == {"retry_after": 1}
        clock.now += 1
        await bot.ok("editMessageText", **place, text="in time")
        assert (await bot.call("sendMessage", chat_id=ANN, text="x")).status == 429
        emulator.api.set_limits(Limits(enabled=False))
        await bot.ok("sendMessage", chat_id=ANN, text="x")


async def test_limits_per_group_and_overall():
    clock = Clock()
    async with telegram(TelegramOptions(clock=clock)) as (emulator, bot):
        group = emulator.world.add_group("G", [ANN]).id
        for _ in range(20):
            await bot.ok("sendMessage", chat_id=group, text="x")
            clock.now += 1
        assert (
            await bot.call("sendMessage", chat_id=group, text="x")
        ).status == 200  # six came back meanwhile
        emulator.api.set_limits(Limits(scale=0.5))
        for user in range(2001, 2031):
            emulator.people.send(user, "hi")
            await bot.ok("sendMessage", chat_id=user, text="x")
        emulator.people.send(2031, "hi")
        assert (await bot.call("sendMessage", chat_id=2031, text="x")).status == 429


async def test_a_stopped_emulator_comes_back_on_its_port_as_it_was():
    emulator = TelegramEmulator()
    async with aiohttp.ClientSession() as session:
        async with emulator:
            url = emulator.base_url
            emulator.people.send(ANN, "hello")
        with pytest.raises(aiohttp.ClientConnectionError):
            await RawBot(session, url).call("getMe")
        async with emulator:
            assert emulator.base_url == url
            assert len(await RawBot(session, url).ok("getUpdates")) == 1
