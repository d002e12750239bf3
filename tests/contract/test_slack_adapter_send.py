"""A message is sent once, and what became of it is told truly or found out."""

import asyncio

import pytest

from adapters.emulators.faults import When
from adapters.labels import REPEAT_LABEL
from adapters.slack.outcomes import retry_seconds
from gateway.model.address import Route
from gateway.model.delivery import Absent, Button, Delivered, Rejected, RetryAfter, Unknown
from tests.contract.slack_adapter import ACCOUNT, BOT_TOKEN, delivery, setting
from tests.harness.waiting import within


@pytest.fixture
async def at():
    async with setting() as made:
        yield made


def claimed(at, **more):
    return delivery(chat=at.direct, claimed_at=at.clock.now(), **more)


async def test_a_message_goes_out_as_markdown_with_its_key(at):
    outcome = await at.adapter.send(delivery("**hello**", at.direct))
    (call,) = at.calls("chat.postMessage")
    assert isinstance(outcome, Delivered)
    assert at.texts() == ["**hello**"]
    assert call.params["markdown_text"] == "**hello**"
    assert call.params["metadata"] == {"event_type": "carryon_delivery", "event_payload": {"key": "key-1"}}
    assert (call.params["unfurl_links"], call.params["unfurl_media"]) == (False, False)


async def test_a_reply_goes_into_its_thread(at):
    room = at.play.channel(at.ann)
    root = at.play.say(at.ann, room, "hey", mention=True)
    await at.adapter.send(delivery("yes?", room, thread=root))
    assert at.texts(room, root) == ["yes?"]


async def test_the_longest_text_fits_with_its_label(at):
    longest = '\n"' * (at.adapter.text_limit // 2)
    await at.adapter.send(delivery(longest, at.direct, doubtful=True))
    assert at.texts() == [REPEAT_LABEL + longest]
    edited = await at.adapter.edit(delivery(longest, at.direct), at.play.shown(at.direct)[0].id)
    assert isinstance(edited, Delivered)
    assert at.texts() == [longest]


async def test_nobody_is_summoned_by_what_an_agent_writes(at):
    await at.adapter.send(delivery("<!channel> <!here> <!subteam^S1> <!-- no --> <@U1>", at.direct))
    text = at.texts()[0]
    assert "<!channel" not in text
    assert "<!here" not in text
    assert "<!subteam" not in text
    assert "<!-- no --> <@U1>" in text


async def test_half_a_character_does_no_harm(at):
    assert isinstance(await at.adapter.send(delivery("a\ud83db", at.direct)), Delivered)
    assert at.texts() == ["a\ufffdb"]


@pytest.mark.parametrize("word", ["invalid_blocks", "invalid_arguments", "msg_blocks_too_long"])
@pytest.mark.parametrize("buttons", [(), (Button("Yes", "y"),)])
async def test_a_text_whose_markup_is_refused_is_sent_as_it_is(at, word, buttons):
    at.emulator.api.markdown_refusal = word
    wanted = claimed(at, body="**a** <!channel> & b", buttons=buttons)
    sent = await at.adapter.send(wanted)
    assert at.texts() == ["**a** <!channel> & b"]
    (message,) = at.emulator.world.channel(at.direct).messages.values()
    assert "<!channel>" not in message.text
    assert message.labels() == tuple(one.label for one in buttons)
    assert await at.adapter.reconcile(wanted, None) == sent
    assert await at.adapter.edit(delivery("_c_ <d>", at.direct, buttons=buttons), sent.message_id) == sent
    assert at.texts() == ["_c_ <d>"]
    assert await at.adapter.edit(delivery("x" * 9_000, at.direct), sent.message_id) == sent
    assert at.texts()[0].replace("\n", "") == "x" * 9_000
    (call,) = [one for one in at.calls("chat.postMessage") if one.outcome == "ok"]
    assert buttons or call.params["mrkdwn"] is False


@pytest.mark.parametrize("kind", ["500", "drop"])
async def test_what_is_no_refusal_is_not_sent_in_another_way(at, kind):
    at.fault(kind, when=When.AFTER)
    assert isinstance(await at.adapter.send(claimed(at, body="**a**")), Unknown)
    assert at.counts("chat.postMessage") == [1]


async def test_buttons_come_back_as_presses(at):
    buttons = (Button("Yes", "y:1"), Button("N" * 80, "n:1"))
    async with at.running():
        await at.sink.until_ready()
        sent = await at.adapter.send(delivery("Really?", at.direct, buttons=buttons))
        assert at.play.shown(at.direct)[0].labels == ("Yes", "N" * 74 + "…")
        assert at.texts() == ["Really?"]
        at.sink.gate = asyncio.Event()
        at.play.press(at.ann, at.direct, sent.message_id, "Yes")
        await at.sink.until(lambda sink: any(one.button for batch in sink.offered for one in batch.items))
        assert not [one for one in at.emulator.events.since(0, frozenset({"acked"}))
                    if one.data["envelope_kind"] == "interactive"]  # fmt: skip
        at.sink.gate.set()
        await at.acknowledged(envelope_kind="interactive")
    (press,) = [one for one in at.sink.items if one.button]
    assert (press.button, press.text, press.thread, press.message_ref) == ("y:1", "", "", sent.message_id)
    assert (press.author_id, press.to_bot) == (at.ann, True)


async def test_a_press_in_a_thread_belongs_to_it(at):
    room = at.play.channel(at.ann)
    async with at.running():
        await at.sink.until_ready()
        root = at.play.say(at.ann, room, "hey", mention=True)
        sent = await at.adapter.send(delivery("?", room, thread=root, buttons=(Button("Yes", "y"),)))
        at.play.press(at.ann, room, sent.message_id, "Yes")
        await at.sink.until(lambda sink: any(one.button for one in sink.items))
    assert at.sink.items[-1].thread == root


@pytest.mark.parametrize("kind", ["500", "502", "drop", "rubbish"])
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_in_doubt_it_is_looked_for_and_never_sent_twice(at, kind, when):
    wanted = claimed(at)
    at.fault(kind, when=when)
    outcome = await at.adapter.send(wanted)
    assert isinstance(outcome, Unknown)
    found = await at.adapter.reconcile(wanted, None)
    assert found == (Delivered(at.play.shown(at.direct)[0].id) if when is When.AFTER else Absent())
    assert at.counts("chat.postMessage") == [1]


async def test_a_late_effect_is_waited_for(at):
    wanted = claimed(at)
    at.fault("hold")
    sending = asyncio.create_task(at.adapter.send(wanted))
    await at.emulator.events.event("held")

    async def arrives(seconds):
        at.clock.slept.append(seconds)
        at.clock.ahead += seconds
        at.emulator.faults.release()
        await within(sending, "the message")

    at.clock.sleep = arrives
    async with at.another() as adapter:
        found = await adapter.reconcile(wanted, None)
    assert found == Delivered(at.play.shown(at.direct)[0].id)
    assert len(at.clock.slept) == 1


async def test_it_is_found_among_many_and_in_threads(at):
    room = at.play.channel(at.ann)
    root = at.play.say(at.ann, room, "hey", mention=True)
    for thread in ("", root):
        wanted = delivery("wanted", room, thread=thread, key=f"key {thread}", claimed_at=at.clock.now())
        sent = await at.adapter.send(wanted)
        await at.adapter.send(delivery("wanted", room, thread=thread, key="another"))
        for number in range(250):
            at.play.say(at.ann, room, f"{number}", thread=thread)
        assert await at.adapter.reconcile(wanted, None) == sent
        assert await at.adapter.reconcile(wanted, root) == sent


async def test_it_is_absent_only_after_a_while(at):
    wanted = claimed(at)
    assert await at.adapter.reconcile(wanted, None) == Absent()
    assert at.clock.ahead >= 1.9
    assert len(at.calls("conversations.history")) == 2
    assert await at.adapter.reconcile(wanted, None) == Absent()
    assert len(at.calls("conversations.history")) == 3


@pytest.mark.parametrize("kind", ["500", "drop", "rubbish"])
async def test_what_cannot_be_looked_for_now_is_not_absent(at, kind):
    at.fault(kind, "conversations.history", times=2)  # aiohttp reads again once when a connection breaks
    assert isinstance(await at.adapter.reconcile(claimed(at), None), RetryAfter)
    at.emulator.faults.remove()
    at.fault("429", "conversations.history", retry_after=9)
    assert await at.adapter.reconcile(claimed(at), None) == RetryAfter(9, "Slack asks to slow down")


async def test_what_can_never_be_looked_for(at):
    room = at.play.channel(at.ann)
    wanted = delivery(chat=room, claimed_at=at.clock.now())
    at.emulator.people.remove_bot(room)
    assert isinstance(await at.adapter.reconcile(wanted, None), Rejected)
    at.emulator.api.scopes = ("chat:write",)
    assert isinstance(await at.adapter.reconcile(claimed(at), None), Unknown)


async def test_a_rate_limit_is_exact(at):
    at.fault("429", retry_after=17)
    assert await at.adapter.send(delivery(chat=at.direct)) == RetryAfter(17, "Slack asks to slow down")
    assert at.texts() == []


async def test_no_connection_is_certainly_not_sent(at):
    await at.emulator.stop()
    outcome = await at.adapter.send(delivery(chat=at.direct, attempt=3))
    assert isinstance(outcome, RetryAfter)
    assert outcome.seconds == retry_seconds(3)
    assert BOT_TOKEN not in outcome.reason


async def test_after_close_nothing_is_sent(at):
    await at.adapter.close()
    assert isinstance(await at.adapter.send(delivery(chat=at.direct)), RetryAfter)
    assert isinstance(await at.adapter.edit(delivery(chat=at.direct), "1.000000"), RetryAfter)
    await at.adapter.typing(Route(ACCOUNT, at.direct, "1.000000"))
    assert at.emulator.calls.counts == {}


async def test_refusals_in_plain_words(at):
    room, left = at.play.channel(at.ann), at.play.channel(at.ann)
    at.play.shut_out(room)
    at.emulator.people.remove_bot(left)
    for chat, words in (
        (room, "archived"),
        (left, "not in the channel any more"),
        ("C999", "does not exist"),
    ):
        outcome = await at.adapter.send(delivery(chat=chat))
        assert isinstance(outcome, Rejected)
        assert words in outcome.reason
    assert isinstance(await at.adapter.send(delivery("x" * 12_001, at.direct)), Rejected)
    assert isinstance(await at.adapter.send(delivery(chat=at.direct, thread="1.000000")), Rejected)


async def test_a_missing_scope_is_named(at):
    at.emulator.api.scopes = ("im:history",)
    outcome = await at.adapter.send(delivery(chat=at.direct))
    assert isinstance(outcome, Rejected)
    assert "chat:write" in outcome.reason


async def test_a_revoked_token_loses_nothing(at):
    at.emulator.revoke()
    outcome = await at.adapter.send(delivery(chat=at.direct))
    assert outcome == RetryAfter(60, "Slack does not accept the bot token")


async def test_an_edit_changes_text_and_buttons_and_keeps_the_key(at):
    wanted = delivery("Really?", at.direct, buttons=(Button("Yes", "y"),), claimed_at=at.clock.now())
    sent = await at.adapter.send(wanted)
    for _ in range(2):
        assert await at.adapter.edit(delivery("Yes.", at.direct), sent.message_id) == sent
    (shown,) = at.play.shown(at.direct)
    assert (shown.text, shown.labels, shown.edits) == ("Yes.", (), 1)
    assert await at.adapter.reconcile(wanted, None) == sent


async def test_what_can_never_be_edited(at):
    mine = at.play.say(at.ann, at.direct, "hers")
    for ts, words in (("1.000000", "does not exist"), (mine, "not one of the bot's own")):
        outcome = await at.adapter.edit(delivery(chat=at.direct), ts)
        assert isinstance(outcome, Rejected)
        assert words in outcome.reason


async def test_the_status_shows_in_threads_alone(at):
    thread = at.emulator.people.start_assistant(at.ann)
    await at.adapter.typing(Route(ACCOUNT, at.direct))
    await at.adapter.typing(Route(ACCOUNT, at.direct, thread))
    (event,) = at.emulator.events.since(0, frozenset({"action"}))
    assert (event.data["thread"], event.data["action"]) == (thread, "is working…")


@pytest.mark.parametrize("kind", ["429", "500", "drop", "rubbish"])
async def test_typing_never_fails(at, kind):
    at.fault(kind, "assistant.threads.setStatus")
    await at.adapter.typing(Route(ACCOUNT, at.direct, at.emulator.people.start_assistant(at.ann)))


async def test_a_status_that_is_not_allowed_is_not_tried_again(at):
    at.emulator.api.scopes = ("im:history",)
    for _ in range(3):
        await at.adapter.typing(Route(ACCOUNT, at.direct, "1.000000"))
    assert at.counts("assistant.threads.setStatus") == [1]


async def test_the_pace_of_one_channel_holds_up_no_other():
    async with setting(rate_limits="platform") as at:
        for _ in range(3):
            await at.adapter.pace(Route(ACCOUNT, "C1"))
        held = asyncio.create_task(at.adapter.pace(Route(ACCOUNT, "C1")))
        await at.adapter.pace(Route(ACCOUNT, "C2"))
        assert not held.done()
        held.cancel()
