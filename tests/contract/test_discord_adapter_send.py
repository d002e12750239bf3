"""The outcome of a send tells the truth, and what is unknown is found out by asking."""

import asyncio

import pytest
from aiohttp import web

from adapters.discord.messages import nonce
from adapters.emulators.faults import When
from adapters.labels import REPEAT_LABEL
from gateway.model.address import Route
from gateway.model.delivery import Absent, Button, Delivered, Rejected, RetryAfter, Unknown
from tests.contract.discord_adapter import ACCOUNT, delivery, setting
from tests.harness.waiting import within


@pytest.fixture
async def at():
    async with setting() as made:
        yield made


def utf16(text):
    return len(text.encode("utf-16-le")) // 2


async def test_a_message_is_sent(at):
    sent = await at.adapter.send(delivery(at.direct, "a *plain* <b>answer</b> ✓ \ud83d @everyone"))
    assert isinstance(sent, Delivered)
    assert at.shown() == ["a *plain* <b>answer</b> ✓ \ufffd @everyone"]
    (call,) = at.calls("createMessage")
    assert call.params["allowed_mentions"] == {"parse": [], "replied_user": False}
    assert (call.params["flags"], call.params["nonce"], call.params["enforce_nonce"]) == (4, "key", True)


async def test_it_quotes_what_it_answers(at):
    said = at.say("question")
    sent = await at.adapter.send(delivery(at.direct, reply_to=said))
    message = at.emulator.world.channel(int(at.direct)).messages[int(sent.message_id)]
    assert message.reference.id == int(said)


@pytest.mark.parametrize("gone", ["99", "not a number"])
async def test_what_it_quotes_may_be_gone(at, gone):
    assert isinstance(await at.adapter.send(delivery(at.direct, reply_to=gone)), Delivered)


async def test_where_history_is_closed_it_answers_without_quoting(at):
    channel = at.channel()
    said = at.say("question", channel)
    at.emulator.people.permit(int(channel), history=False)
    assert isinstance(await at.adapter.send(delivery(channel, reply_to=said)), Delivered)
    assert at.shown(channel) == ["answer"]


async def test_a_second_send_with_the_same_key_is_the_same_message(at):
    first = await at.adapter.send(delivery(at.direct, key="k" * 80))
    assert await at.adapter.send(delivery(at.direct, key="k" * 80, attempt=2)) == first
    assert await at.adapter.send(delivery(at.direct, key="l" * 80)) != first
    assert at.shown() == ["answer", "answer"]


async def test_a_doubtful_one_says_so(at):
    await at.adapter.send(delivery(at.direct, doubtful=True))
    assert at.shown() == [f"{REPEAT_LABEL}answer"]


async def test_the_longest_text_fits_with_its_label(at):
    limit = at.adapter.text_limit
    assert limit + utf16(REPEAT_LABEL) == 2000
    assert isinstance(await at.adapter.send(delivery(at.direct, "x" * limit, doubtful=True)), Delivered)
    assert isinstance(await at.adapter.send(delivery(at.direct, "x" * 2001, key="k2")), Rejected)


def test_what_becomes_longer_by_rendering_counts_as_it_is_shown(at):
    """An open fence is closed, which takes a few characters more."""
    limit = at.adapter.text_limit
    assert at.adapter.fits("x" * limit)
    assert not at.adapter.fits("```\n" + "x" * (limit - 4))
    assert at.adapter.fits("```\n" + "x" * (limit - 12))


async def test_an_answer_grows_above_what_the_agent_does(at):
    sent = await at.adapter.send(delivery(at.direct, "Once"))
    route = Route(ACCOUNT, at.direct)
    assert await at.adapter.amend(route, sent.message_id, "```\nOnce", "Reading a.txt\nWriting b.txt") == sent
    (said,) = at.shown()
    assert said.endswith("Once\n```\n\n-# Reading a.txt\n-# Writing b.txt")
    assert not at.adapter.drafts(route)
    assert isinstance(await at.adapter.draft(route, 1, "Once"), Rejected)


async def test_buttons_stand_in_rows_of_five(at):
    buttons = tuple(Button(f"B{number}", f"data-{number}") for number in range(7))
    sent = await at.adapter.send(delivery(at.direct, buttons=buttons))
    (shown,) = at.emulator.playground.shown(at.direct)
    assert shown.labels == tuple(one.label for one in buttons)
    await at.adapter.edit(delivery(at.direct, "done"), sent.message_id)
    (shown,) = at.emulator.playground.shown(at.direct)
    assert (shown.text, shown.labels) == ("done", ())


@pytest.mark.parametrize("kind", ["500", "502", "drop", "rubbish"])
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_in_doubt_the_outcome_is_unknown_and_nothing_is_repeated(at, kind, when):
    at.fault(kind, when=when)
    outcome = await at.adapter.send(delivery(at.direct))
    assert isinstance(outcome, Unknown)
    assert outcome.reason
    assert len(at.shown()) == (when is When.AFTER)
    assert at.emulator.calls.counts["createMessage"] == 1


@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_a_connection_that_dies_while_waiting(at, when):
    at.fault("hang", when=when)
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(at.adapter.send(delivery(at.direct)))
        await at.emulator.events.event("held")
        at.emulator.faults.release()
    assert isinstance(sending.result(), Unknown)
    assert len(at.shown()) == (when is When.AFTER)


async def test_a_rate_limit_is_exact(at):
    at.fault("429", retry_after=17)
    assert await at.adapter.send(delivery(at.direct)) == RetryAfter(17, "Discord asks to slow down")
    assert at.shown() == []


async def test_no_connection_is_certainly_not_sent(at):
    await at.emulator.stop()
    first = await at.adapter.send(delivery(at.direct, attempt=1))
    later = await at.adapter.send(delivery(at.direct, attempt=40))
    assert isinstance(first, RetryAfter)
    assert isinstance(later, RetryAfter)
    assert 0 < first.seconds < later.seconds == 30
    assert "no connection" in first.reason


async def test_after_close_nothing_is_sent(at):
    await at.adapter.close()
    assert isinstance(await at.adapter.send(delivery(at.direct)), RetryAfter)
    await at.adapter.typing(Route(ACCOUNT, at.direct))
    assert at.emulator.calls.counts == {}


async def test_refusals_in_plain_words(at):
    channel = at.channel()
    at.emulator.people.permit(int(at.direct), send=False)
    at.emulator.people.permit(int(channel), send=False)
    refused = {
        at.direct: "this user does not accept direct messages from the bot (Discord 50007)",
        channel: "the bot may not write in this channel (it lacks a permission) (Discord 50013)",
        "5": "the channel or thread is gone, or the bot is no longer in this server (Discord 10003)",
    }
    for chat, reason in refused.items():
        assert await at.adapter.send(delivery(chat)) == Rejected(reason)
    at.emulator.people.permit(int(channel), view=False)
    assert "no longer in this channel" in (await at.adapter.send(delivery(channel))).reason
    at.emulator.people.permit(int(at.direct))
    assert await at.adapter.send(delivery(at.direct, "")) == Rejected(
        "Discord does not take empty messages (Discord 50006)"
    )
    assert isinstance(await at.adapter.send(delivery("nonsense")), Rejected)


async def test_a_server_that_threw_the_bot_out(at):
    channel = at.channel()
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        at.emulator.people.expel(at.emulator.world.channel(int(channel)).guild.id)
        outcome = await at.adapter.send(delivery(channel))
    assert isinstance(outcome, Rejected)
    assert "no longer in this" in outcome.reason


async def test_an_unknown_token_loses_nothing(at):
    at.emulator.reset_token()
    assert await at.adapter.send(delivery(at.direct)) == RetryAfter(60, "Discord does not know the bot token")


# Threads


async def test_the_thread_of_a_mention_is_opened_by_the_first_word(at):
    channel = at.channel()
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        said = at.say(f"please {'explain ' * 20}", channel, mention=True)
        await within(at.sink.until(lambda sink: sink.items), "the mention")
        await at.adapter.typing(Route(ACCOUNT, channel, said))
        for key in ("1", "2"):
            await at.adapter.send(delivery(channel, thread=said, reply_to=said, key=key))
    assert at.shown(channel, said) == ["answer", "answer"]
    assert at.emulator.calls.counts["startThread"] == 1
    assert all("message_reference" not in call.params for call in at.calls("createMessage"))
    name = at.emulator.world.channel(int(said)).name
    assert name.startswith("please explain")
    assert len(name) <= 100


async def test_after_a_restart_the_thread_is_opened_all_the_same(at):
    channel = at.channel()
    said = at.say("what about this?", channel, mention=True)
    assert isinstance(await at.adapter.send(delivery(channel, thread=said)), Delivered)
    assert at.emulator.world.channel(int(said)).name == "what about this?"
    at.again()
    assert isinstance(await at.adapter.send(delivery(channel, thread=said, key="2")), Delivered)
    assert at.shown(channel, said) == ["answer", "answer"]


async def test_a_thread_that_people_opened_is_found(at):
    channel = at.channel()
    thread = str(at.emulator.people.add_thread(int(channel), int(at.ann)).id)
    assert isinstance(await at.adapter.send(delivery(channel, thread=thread)), Delivered)
    assert at.shown(channel, thread) == ["answer"]


@pytest.mark.parametrize("kind", ["429", "500", "drop"])
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_a_thread_that_may_have_been_opened_is_tried_again(at, kind, when):
    channel = at.channel()
    said = at.say("question", channel, mention=True)
    at.fault(kind, "startThread", when)
    assert isinstance(await at.adapter.send(delivery(channel, thread=said)), RetryAfter)
    assert isinstance(await at.adapter.send(delivery(channel, thread=said)), Delivered)
    assert at.shown(channel, said) == ["answer"]


async def test_without_a_message_to_open_it_from_the_channel_is_answered(at):
    channel = at.channel()
    said = at.say("question", channel, mention=True)
    at.emulator.people.delete(int(at.ann), int(channel), int(said))
    sent = await at.adapter.send(delivery(channel, thread=said, reply_to=said))
    assert isinstance(sent, Delivered)
    assert at.shown(channel, "") == ["answer"]
    assert await at.adapter.edit(delivery(channel, "better", said), sent.message_id) == sent


# What became of it


@pytest.fixture(params=[True, False], ids=["nonce", "no nonce"])
async def asking(request):
    async with setting(history_nonce=request.param) as made:
        yield made


@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_an_unknown_send_is_looked_for(asking, when):
    at = asking
    before = await at.adapter.send(delivery(at.direct, "before", key="0"))
    claimed = at.clock.now()
    at.fault("drop", when=when)
    doubt = delivery(at.direct, "the *answer* \ud83d ", claimed_at=claimed, key="x" * 60)
    assert isinstance(await at.adapter.send(doubt), Unknown)
    at.say("something else")
    found = await at.adapter.reconcile(doubt, before.message_id)
    if when is When.BEFORE:
        assert found == Absent()
        assert sum(at.clock.slept) >= 2
    else:
        assert isinstance(found, Delivered)
        assert at.clock.slept == []
        message = at.emulator.world.channel(int(at.direct)).messages[int(found.message_id)]
        assert message.content.startswith("the *answer*")
    assert at.emulator.calls.counts["createMessage"] == 2


async def test_the_same_words_said_before_are_another_message(asking):
    at = asking
    before = await at.adapter.send(delivery(at.direct, "OK", key="0"))
    doubt = delivery(at.direct, "OK", key="1", claimed_at=at.clock.now())
    assert await at.adapter.reconcile(doubt, before.message_id) == Absent()
    at.say("OK")
    assert await at.adapter.reconcile(doubt, before.message_id) == Absent()


async def test_the_same_words_of_another_delivery_are_told_apart_by_the_nonce():
    async with setting(history_nonce=True) as at:
        await at.adapter.send(delivery(at.direct, "OK", key="0"))
        doubt = delivery(at.direct, "OK", key="1", claimed_at=at.clock.now() - 5)
        assert await at.adapter.reconcile(doubt, None) == Absent()


async def test_an_effect_that_comes_late_is_waited_for(at):
    doubt = delivery(at.direct, claimed_at=at.clock.now())
    at.fault("delay", seconds=0.05)
    sleep = at.clock.sleep

    async def until_it_is_there(seconds):
        await at.emulator.events.event("message", {"from_bot": True})
        await sleep(seconds)

    at.clock.sleep = until_it_is_there
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(at.adapter.send(doubt))
        await at.emulator.events.event("call", {"method": "createMessage"})
        sending.cancel()
    found = await within(at.adapter.reconcile(doubt, None), "the answer")
    assert isinstance(found, Delivered)


async def test_a_message_far_down_is_found(at):
    doubt = delivery(at.direct, claimed_at=at.clock.now())
    for number in range(230):
        at.say(f"noise {number}")
    sent = await at.adapter.send(doubt)
    assert await at.adapter.reconcile(doubt, None) == sent


async def test_a_thread_that_does_not_exist_holds_nothing(at):
    channel = at.channel()
    said = at.say("question", channel, mention=True)
    doubt = delivery(channel, thread=said, claimed_at=at.clock.now() - 10)
    assert await at.adapter.reconcile(doubt, None) == Absent()
    assert "startThread" not in at.emulator.calls.counts


async def test_when_it_cannot_be_asked(at):
    doubt = delivery(at.direct, claimed_at=at.clock.now() - 10)
    await at.adapter.reconcile(doubt, None)
    at.fault("429", "getChannelMessages", retry_after=9)
    assert await at.adapter.reconcile(doubt, None) == RetryAfter(9, "Discord asks to slow down")
    for kind in ("500", "drop", "rubbish"):
        at.fault(kind, "getChannelMessages", times=2)  # aiohttp itself asks again after a dropped GET
        assert isinstance(await at.adapter.reconcile(doubt, None), RetryAfter)
        at.emulator.faults.remove(None)
    channel = at.channel()
    at.emulator.people.permit(int(channel), view=False)
    assert isinstance(await at.adapter.reconcile(delivery(channel), None), Rejected)
    at.again()
    at.fault("500", "getCurrentUser")
    assert isinstance(await at.adapter.reconcile(doubt, None), RetryAfter)


# Edits, typing, pace


async def test_editing_twice_is_editing_once(at):
    sent = await at.adapter.send(delivery(at.direct))
    for _ in range(2):
        assert await at.adapter.edit(delivery(at.direct, "better"), sent.message_id) == sent
    assert at.shown() == ["better"]


async def test_what_can_never_be_edited(at):
    theirs = at.say("mine")
    assert isinstance(await at.adapter.edit(delivery(at.direct), theirs), Rejected)
    assert await at.adapter.edit(delivery(at.direct), "77") == Rejected("the message is gone (Discord 10008)")


@pytest.mark.parametrize("kind", ["500", "drop", "429"])
async def test_an_edit_that_fails(at, kind):
    sent = await at.adapter.send(delivery(at.direct))
    at.fault(kind, "editMessage", retry_after=3)
    outcome = await at.adapter.edit(delivery(at.direct, "better"), sent.message_id)
    assert isinstance(outcome, RetryAfter if kind == "429" else Unknown)
    assert at.emulator.calls.counts["editMessage"] == 1


async def test_an_answer_grows(at):
    sent = await at.adapter.send(delivery(at.direct, "…"))
    route = Route(ACCOUNT, at.direct)
    assert await at.adapter.amend(route, sent.message_id, "so far") == sent
    at.fault("429", "editMessage", retry_after=3)
    assert isinstance(await at.adapter.amend(route, sent.message_id, "so far and"), RetryAfter)
    assert isinstance(await at.adapter.amend(route, sent.message_id, "so far and on"), RetryAfter)
    assert at.emulator.calls.counts["editMessage"] == 2
    at.clock.time += 3
    assert await at.adapter.amend(route, sent.message_id, "so far and on") == sent


async def test_growing_leaves_room_for_messages():
    async with setting(rate_limits="platform") as at:
        sent = await at.adapter.send(delivery(at.direct, "…"))
        route = Route(ACCOUNT, at.direct)
        outcomes = [await at.adapter.amend(route, sent.message_id, f"{number}") for number in range(5)]
        assert any(isinstance(one, RetryAfter) for one in outcomes)
        await at.adapter.pace(route)


@pytest.mark.parametrize("kind", ["429", "500", "drop", "rubbish"])
async def test_typing_never_fails(at, kind):
    at.fault(kind, "triggerTyping")
    await at.adapter.typing(Route(ACCOUNT, at.direct))


async def test_no_typing_while_a_rate_limit_holds(at):
    at.fault("429", retry_after=5)
    await at.adapter.send(delivery(at.direct))
    await at.adapter.typing(Route(ACCOUNT, at.direct))
    assert "triggerTyping" not in at.emulator.calls.counts
    at.clock.time += 5
    await at.adapter.typing(Route(ACCOUNT, at.direct))
    assert at.emulator.calls.counts["triggerTyping"] == 1


async def test_the_pace_of_one_channel_holds_up_no_other():
    async with setting(rate_limits="platform") as at:
        route, other = Route(ACCOUNT, "1"), Route(ACCOUNT, "1", "2")
        for _ in range(2):
            await at.adapter.pace(route)
        held = asyncio.create_task(at.adapter.pace(route))
        await at.adapter.pace(other)
        assert not held.done()
        held.cancel()


def test_nonces_fit_and_differ():
    assert nonce("d-1") == "d-1"
    assert nonce("x" * 25) == "x" * 25
    assert len(nonce("x" * 26)) == 25
    assert nonce("x" * 26) != nonce("x" * 27)
    assert nonce("ü") != "ü"


# What the emulator does not say


@pytest.mark.parametrize(
    ("status", "body", "kind", "expected"),
    [
        (200, b"\xff\xfe\x00", "application/json", Unknown),
        (200, b"{}", "application/json", Unknown),
        (200, b"[]", "application/json", Unknown),
        (502, b"<html>\xff</html>", "text/html", Unknown),
        (307, b"", "text/html", Unknown),
        (403, b"<html>a proxy</html>", "text/html", Unknown),
        (403, b'{"message": "Missing Access", "code": 50001}', "application/json", Rejected),
        (400, b'{"message": "new words", "code": 99999}', "application/json", Rejected),
        (413, b"", "text/html", Rejected),
        (429, b"error code: 1015", "text/html", RetryAfter),
        (429, b'{"retry_after": 0.3, "global": true}', "application/json; charset=utf-8", RetryAfter),
        (429, b'{"retry_after": "soon"}', "application/json", RetryAfter),
        (401, b'{"message": "401: Unauthorized", "code": 0}', "application/json", RetryAfter),
    ],
)
async def test_strange_answers(status, body, kind, expected):
    asked = []

    async def answer(request):
        asked.append(request)
        return web.Response(status=status, body=body, headers={"Content-Type": kind, "Location": "/else"})

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with setting(api_url=f"http://127.0.0.1:{runner.addresses[0][1]}/api/v10") as at:
        outcome = await at.adapter.send(delivery("1"))
    await runner.cleanup()
    assert isinstance(outcome, expected)
    assert len(asked) == 1
    if b"0.3" in body:
        assert outcome.seconds == 0.3


async def test_an_answer_that_is_not_http_does_not_betray_the_token():
    async def answer(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        token = head.partition(b"Authorization: Bot ")[2].partition(b"\r\n")[0]
        writer.write(token + b" what do you want?\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with setting(api_url=f"http://127.0.0.1:{port}") as at:
            outcome = await at.adapter.send(delivery("1"))
    assert isinstance(outcome, Unknown)
    assert "a-token-of-valid-shape" not in outcome.reason


async def test_where_no_thread_can_be_opened_the_channel_is_answered_from_then_on(at):
    channel = at.channel()
    async with at.running():
        await within(at.sink.until_ready(), "ready")
        said = at.say("one", channel, mention=True)
        await within(at.sink.until_texts("one"), "one")
        at.emulator.world.channel(int(channel)).kind = 2  # as a voice channel, it has no threads
        sent = await at.adapter.send(delivery(channel, thread=said, reply_to=said))
        assert await at.adapter.edit(delivery(channel, "better", said), sent.message_id) == sent
        at.say("two", channel, mention=True)
        await within(at.sink.until_texts("one", "two"), "two")
    assert at.shown(channel, "") == ["better"]
    assert [item.thread for item in at.sink.items] == [said, ""]


async def test_typing_gives_way_to_messages():
    async with setting(rate_limits="platform") as at:
        for number in range(6):
            await at.adapter.pace(Route(ACCOUNT, str(number)))
        await at.adapter.typing(Route(ACCOUNT, at.direct))
        assert "triggerTyping" not in at.emulator.calls.counts
