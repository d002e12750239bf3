"""What people say arrives as it was meant, and everything else is marked or left out."""

import pytest

from gateway.model.address import ChatKind
from gateway.model.delivery import Button, Delivered

BUTTONS = (Button("Yes", "yes:1"), Button("No", "no:1"))


async def test_a_direct_message(at):
    async with at.life():
        ref = at.say("hello")
        item = await at.sink.until_heard("hello")
    assert (item.chat, item.chat_kind, item.thread) == (at.direct, ChatKind.DIRECT, "")
    assert (item.author_id, item.author_name, item.message_ref) == (at.ann, "Ann", ref)
    assert (item.command, item.button, item.from_bot, item.backfilled) == ("", "", False, False)
    assert abs(item.sent_at - at.clock.now()) < 60
    assert item.event_id


async def test_a_mention_in_a_channel(at):
    channel = at.channel()
    async with at.life():
        ref = at.say("what is up?", channel, mention=True)
        item = await at.sink.until_heard("what is up?")
    assert (item.chat, item.chat_kind, item.to_bot) == (channel, ChatKind.GROUP, True)
    assert (item.author_id, item.message_ref) == (at.ann, ref)


async def test_what_is_not_for_the_bot_is_left_out_or_marked(at):
    channel = at.channel()
    async with at.life():
        at.say("among ourselves", channel)
        at.say("and you?", channel, mention=True)
        await at.sink.until_heard("and you?")
    assert [item.text for item in at.sink.items if item.to_bot] == ["and you?"]


async def test_a_mention_in_a_thread(at):
    channel = at.channel()
    async with at.life():
        thread = at.thread(channel)
        at.say("in a thread", channel, thread=thread, mention=True)
        item = await at.sink.until_heard("in a thread")
    assert (item.chat, item.thread, item.to_bot) == (channel, thread, True)


async def test_an_answer_stays_where_it_was_asked_for(at):
    """Whether a mention opens a thread is the platform's business; who answers there speaks to the bot."""
    channel = at.channel()
    async with at.life() as adapter:
        at.say("a question", channel, mention=True)
        first = await at.sink.until_heard("a question")
        sent = await adapter.send(at.delivery("an answer", channel, first.thread))
        assert isinstance(sent, Delivered)
        assert [one.id for one in at.play.shown(channel, first.thread) if one.from_bot] == [sent.message_id]
        at.say("another", channel, thread=first.thread, mention=not first.thread)
        second = await at.sink.until_heard("another")
    assert (second.chat, second.thread, second.to_bot) == (channel, first.thread, True)


async def test_a_reply_to_the_bot_is_for_the_bot(at):
    channel = at.channel()
    async with at.life() as adapter:
        sent = await adapter.send(at.delivery("anything else?", channel))
        assert isinstance(sent, Delivered)
        at.say("indeed", channel, reply_to=sent.message_id)
        item = await at.sink.until_heard("indeed")
    assert item.to_bot


@pytest.mark.parametrize("name", ["Ann\nof  two lines", "Ann " + "x" * 200])
async def test_a_name_is_one_short_line(at, name):
    person = at.play.person(name)
    async with at.life():
        at.play.say(person, at.play.direct(person), "hello")
        item = await at.sink.until_heard("hello")
    assert item.author_name.startswith("Ann")
    assert "\n" not in item.author_name
    assert len(item.author_name) <= 64


async def test_the_bots_own_messages_are_left_out_or_marked(at):
    channel = at.channel()
    async with at.life() as adapter:
        at.say("first", channel, mention=True)
        first = await at.sink.until_heard("first")
        for chat, thread in ((at.direct, ""), (channel, ""), (channel, first.thread)):
            assert isinstance(await adapter.send(at.delivery("my own words", chat, thread)), Delivered)
        at.say("after", channel, mention=True)
        at.say("after, in private")
        await at.sink.until_heard("after")
        await at.sink.until_heard("after, in private")
    async with at.life():
        pass
    assert "my own words" not in [item.text for item in at.sink.heard]


@pytest.mark.parametrize(
    ("said", "command", "text"),
    [
        ("/new", "new", ""),
        ("/STOP now please", "stop", "now please"),
        ("a/b", "", "a/b"),
        ("/ new", "", "/ new"),
    ],
)
async def test_a_command(at, said, command, text):
    async with at.life():
        at.say(said)
        await at.sink.until(lambda sink: sink.heard)
    (item,) = at.sink.heard
    assert (item.command, item.text) == (command, text)


async def test_a_command_after_a_mention(at):
    channel = at.channel()
    async with at.life():
        at.say("/new and so on", channel, mention=True)
        await at.sink.until(lambda sink: sink.heard)
    (item,) = at.sink.heard
    assert (item.command, item.text, item.to_bot) == ("new", "and so on", True)


@pytest.mark.parametrize("private", [True, False])
async def test_a_pressed_button(at, private):
    chat = at.direct if private else at.channel()
    async with at.life() as adapter:
        sent = await adapter.send(at.delivery("sure?", chat, buttons=BUTTONS))
        assert isinstance(sent, Delivered)
        at.play.press(at.ann, chat, sent.message_id, "No")
        await at.sink.until(lambda sink: sink.heard)
        sign = at.play.acknowledgements.press
        await at.play.events.event(sign.kind, sign.match)
    (item,) = at.sink.heard
    assert (item.button, item.text, item.command) == ("no:1", "", "")
    assert (item.chat, item.author_id, item.message_ref) == (chat, at.ann, sent.message_id)
    assert item.chat_kind is (ChatKind.DIRECT if private else ChatKind.GROUP)


async def test_two_presses_are_two_events(at):
    async with at.life() as adapter:
        sent = await adapter.send(at.delivery("sure?", buttons=BUTTONS))
        assert isinstance(sent, Delivered)
        for label in ("Yes", "Yes"):
            at.play.press(at.ann, at.direct, sent.message_id, label)
        await at.sink.until(lambda sink: len(sink.heard) == 2)


async def test_texts_arrive_whole(at):
    said = "two\nlines, *stars*, `code`, <tags> & 😀 https://example.org/?a=1&b=2"
    async with at.life():
        at.say(said)
        await at.sink.until_heard(said)
