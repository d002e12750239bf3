"""The outcome of a send tells the truth about whether the message may have arrived."""

import asyncio

import pytest
from aiohttp import web

from adapters.emulators.faults import When
from adapters.labels import REPEAT_LABEL
from adapters.telegram.pace import telegram_pace
from gateway.model.address import Route
from gateway.model.delivery import Delivered, Rejected, RetryAfter, Unknown
from tests.contract.telegram_adapter import ACCOUNT, ANN, TOKEN, delivery, setting


@pytest.fixture
async def at():
    async with setting() as made:
        yield made


def utf16(text):
    return len(text.encode("utf-16-le")) // 2


async def test_a_message_is_sent(at):
    assert await at.adapter.send(delivery("a plain <b>answer</b> ✓ \ud83d")) == Delivered("2")
    (said,) = at.texts()
    assert said[:-1] == "a plain <b>answer</b> ✓ "
    (call,) = at.emulator.calls.since(method="sendMessage")
    assert "parse_mode" not in call.params
    assert "reply_parameters" not in call.params
    assert call.params["link_preview_options"] == {"is_disabled": True}


async def test_it_quotes_what_it_answers(at):
    await at.adapter.send(delivery(reply_to="1"))
    assert at.emulator.world.chat(ANN).messages[2].reply_to.id == 1


@pytest.mark.parametrize("gone", ["99", "not a number"])
async def test_what_it_quotes_may_be_gone(at, gone):
    assert await at.adapter.send(delivery(reply_to=gone)) == Delivered("2")


async def test_it_stays_in_its_topic(at):
    group = at.emulator.world.add_group("Forum", [ANN], forum=True)
    topic = at.emulator.world.add_topic(group.id)
    sent = await at.adapter.send(delivery(chat=group.id, thread=str(topic)))
    assert isinstance(sent, Delivered)
    assert group.messages[int(sent.message_id)].thread == topic


async def test_a_doubtful_one_says_so(at):
    await at.adapter.send(delivery("the answer", doubtful=True))
    assert at.texts() == [f"{REPEAT_LABEL}the answer"]


async def test_the_longest_text_fits_with_its_label(at):
    limit = at.adapter.text_limit
    longest = "😀" * (limit // 2) + "x" * (limit % 2)
    assert utf16(longest) == limit
    assert utf16(REPEAT_LABEL + longest) == 4096
    assert isinstance(await at.adapter.send(delivery(longest, doubtful=True)), Delivered)
    assert await at.adapter.send(delivery("x" * 4097)) == Rejected("Bad Request: message is too long")


@pytest.mark.parametrize("kind", ["500", "502", "drop", "rubbish"])
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_in_doubt_the_outcome_is_unknown_and_nothing_is_repeated(at, kind, when):
    at.fault(kind, when=when)
    outcome = await at.adapter.send(delivery())
    assert isinstance(outcome, Unknown)
    assert outcome.reason
    assert len(at.texts()) == (when is When.AFTER)
    assert at.emulator.calls.counts["sendMessage"] == 1


@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_a_connection_that_dies_while_waiting(at, when):
    at.fault("hang", when=when)
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(at.adapter.send(delivery()))
        await at.emulator.events.event("held")
        at.emulator.faults.release()
    assert isinstance(sending.result(), Unknown)
    assert len(at.texts()) == (when is When.AFTER)


async def test_a_rate_limit_is_exact(at):
    at.fault("429", retry_after=17)
    assert await at.adapter.send(delivery()) == RetryAfter(17, "Telegram asks to slow down")
    assert at.texts() == []


async def test_no_connection_is_certainly_not_sent(at):
    await at.emulator.stop()
    first = await at.adapter.send(delivery(attempt=1))
    later = await at.adapter.send(delivery(attempt=40))
    assert isinstance(first, RetryAfter)
    assert isinstance(later, RetryAfter)
    assert 0 < first.seconds < later.seconds == 30
    assert "no connection" in first.reason
    assert TOKEN not in first.reason


async def test_after_close_nothing_is_sent(at):
    await at.adapter.close()
    assert isinstance(await at.adapter.send(delivery()), RetryAfter)
    await at.adapter.typing(Route(ACCOUNT, str(ANN)))
    assert at.emulator.calls.counts == {}


async def test_refusals(at):
    at.emulator.people.block(ANN)
    assert await at.adapter.send(delivery()) == Rejected("Forbidden: bot was blocked by the user")
    assert await at.adapter.send(delivery(chat=5)) == Rejected("Bad Request: chat not found")
    assert isinstance(await at.adapter.send(delivery(chat="nonsense")), Rejected)
    assert isinstance(await at.adapter.send(delivery("")), Rejected)


async def test_an_unknown_token_loses_nothing():
    async with setting(tokens=("4243:another-token",)) as at:
        outcome = await at.adapter.send(delivery())
    assert outcome == RetryAfter(60, "Telegram does not know the bot token")


async def test_typing_reaches_the_topic(at):
    group = at.emulator.world.add_group("Forum", [ANN], forum=True)
    topic = at.emulator.world.add_topic(group.id)
    await at.adapter.typing(Route(ACCOUNT, str(group.id), str(topic)))
    (event,) = at.emulator.events.since(0, frozenset({"action"}))
    assert (event.data["action"], event.data["thread"]) == ("typing", topic)


@pytest.mark.parametrize("kind", ["429", "500", "drop", "rubbish"])
async def test_typing_never_fails(at, kind):
    at.fault(kind, "sendChatAction")
    await at.adapter.typing(Route(ACCOUNT, str(ANN)))


async def test_no_typing_while_a_rate_limit_holds(at):
    at.fault("429", retry_after=5)
    await at.adapter.send(delivery())
    await at.adapter.typing(Route(ACCOUNT, str(ANN)))
    assert "sendChatAction" not in at.emulator.calls.counts
    at.clock.time += 5
    await at.adapter.typing(Route(ACCOUNT, str(ANN)))
    assert at.emulator.calls.counts["sendChatAction"] == 1


async def test_two_hundred_chats_at_once(at):
    chats = [at.emulator.world.open_private(5_000 + number).id for number in range(200)]
    at.fault("hold", times=200)
    async with asyncio.TaskGroup() as tasks:
        sends = [tasks.create_task(at.adapter.send(delivery(chat=chat))) for chat in chats]
        await at.emulator.events.until(lambda: len(at.emulator.faults.held()) == 200)
        at.emulator.faults.release()
    assert all(isinstance(send.result(), Delivered) for send in sends)


# What the emulator does not say


@pytest.fixture
async def answering():
    """A server that answers every request with what is put into the dict; yields an adapter for it."""
    given = {"status": 200, "body": b"", "asked": []}

    async def answer(request):
        given["asked"].append(await request.json())
        body = given["body"].pop(0) if isinstance(given["body"], list) else given["body"]
        status = given["status"].pop(0) if isinstance(given["status"], list) else given["status"]
        headers = {"Location": "/elsewhere"} if status == 307 else {}
        return web.Response(status=status, body=body, headers=headers)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with setting(api_url=f"http://127.0.0.1:{port}") as made:
        yield made.adapter, given
    await runner.cleanup()


async def test_a_group_that_became_a_supergroup_is_followed(answering):
    adapter, given = answering
    given["status"] = [400, 200, 200]
    given["body"] = [
        b'{"ok":false,"description":"Bad Request: upgraded","parameters":{"migrate_to_chat_id":-1005}}',
        b'{"ok":true,"result":{"message_id":3}}',
        b'{"ok":true,"result":{"message_id":4}}',
    ]
    assert await adapter.send(delivery(chat=-5, reply_to="7")) == Delivered("3")
    assert await adapter.send(delivery(chat=-5, reply_to="7")) == Delivered("4")
    assert [asked["chat_id"] for asked in given["asked"]] == ["-5", "-1005", "-1005"]
    assert ["reply_parameters" in asked for asked in given["asked"]] == [True, False, False]


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"\xff\xfe\x00", Unknown),
        (200, b'{"ok":true}', Unknown),
        (200, b'{"ok":true,"result":{"text":"no id"}}', Unknown),
        (200, b"[]", Unknown),
        (502, b"<html>\xff</html>", Unknown),
        (500, b'{"ok":false}', Unknown),
        (500, b'{"ok":false,"description":"Internal Server Error: restart"}', Unknown),
        (307, b"", Unknown),
        (403, b"<html>a proxy</html>", Unknown),
        (413, b'{"ok":false,"description":"Request Entity Too Large"}', Rejected),
        (400, b'{"ok":false}', Rejected),
        (429, b"slow down", RetryAfter),
        (429, b'{"ok":false,"description":"Too Many Requests","parameters":{"retry_after":0}}', RetryAfter),
        (429, b'{"ok":false,"description":"Too Many Requests"}', RetryAfter),
        (409, b'{"ok":false,"description":"Conflict"}', RetryAfter),
        (404, b'{"ok":false,"description":"Not Found"}', RetryAfter),
    ],
)
async def test_strange_answers(answering, status, body, expected):
    adapter, given = answering
    given.update(status=status, body=body)
    outcome = await adapter.send(delivery())
    assert isinstance(outcome, expected)
    assert TOKEN not in outcome.reason
    assert len(given["asked"]) == 1


async def test_a_name_that_does_not_resolve_is_certainly_not_sent():
    async with setting(api_url="http://carryon.invalid:8081") as at:
        assert isinstance(await at.adapter.send(delivery()), RetryAfter)


async def test_an_answer_that_is_not_http_does_not_betray_the_token():
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"what do you want?\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with setting(api_url=f"http://127.0.0.1:{port}") as at:
            outcome = await at.adapter.send(delivery())
    assert isinstance(outcome, Unknown)
    assert "<token>" in outcome.reason
    assert TOKEN not in outcome.reason


# The pace


async def test_the_pace_of_one_chat_holds_up_no_other():
    async with setting(rate_limits="platform") as at:
        route, other = Route(ACCOUNT, "1"), Route(ACCOUNT, "2")
        for _ in range(3):
            await at.adapter.pace(route)
        held = asyncio.create_task(at.adapter.pace(route))
        await at.adapter.pace(other)
        assert not held.done()
        held.cancel()


async def test_only_so_many_chats_are_remembered():
    pace = telegram_pace(chats=2)
    first = pace._limiters("1")
    pace._limiters("2")
    assert pace._limiters("1") is first
    pace._limiters("3")
    assert list(pace._by_chat) == ["1", "3"]


async def test_groups_are_paced_more_strictly():
    async with setting(rate_limits="platform") as at:
        limiters = at.adapter._pace._limiters
        assert len(limiters("1")) == 1
        assert len(limiters("-1")) == 2


async def test_without_rate_limits_nothing_waits(at):
    for _ in range(1_000):
        await at.adapter.pace(Route(ACCOUNT, "1"))


async def test_typing_gives_way_to_messages():
    async with setting(rate_limits="platform") as at:
        for number in range(6):
            await at.adapter.pace(Route(ACCOUNT, str(number)))
        await at.adapter.typing(Route(ACCOUNT, str(ANN)))
        assert "sendChatAction" not in at.emulator.calls.counts
