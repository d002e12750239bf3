"""Answers that grow, in streams of Slack's own and by edits, and how they end after a crash."""

import pytest

from adapters.emulators.faults import When
from gateway.model.address import Route
from gateway.model.delivery import Absent, Delivered, DeliveryKind, Rejected, RetryAfter, Unknown
from tests.contract.slack_adapter import ACCOUNT, delivery, setting


@pytest.fixture
async def at():
    async with setting() as made:
        yield made


@pytest.fixture
async def thread(at):
    return at.emulator.people.start_assistant(at.ann)


def opening(at, body="One", thread="", chat="", **more):
    more.setdefault("claimed_at", at.clock.now())
    return delivery(body, chat or at.direct, thread=thread, kind=DeliveryKind.STREAM, **more)


def finished(at, body, thread="", chat=""):
    return delivery(body, chat or at.direct, thread=thread, key="key-end")


def streaming(at, ts, chat=""):
    return at.emulator.world.message(chat or at.direct, ts).streaming


async def test_in_a_thread_of_a_direct_chat_it_streams(at, thread):
    sent = await at.adapter.send(opening(at, thread=thread))
    route, ts = Route(ACCOUNT, at.direct, thread), sent.message_id
    assert streaming(at, ts) is True
    assert await at.adapter.amend(route, ts, "One two") == sent
    assert at.texts(thread=thread) == ["One two"]
    assert await at.adapter.edit(finished(at, "One two three", thread), ts) == sent
    assert at.texts(thread=thread) == ["One two three"]
    assert streaming(at, ts) is False
    assert at.counts("chat.startStream", "chat.appendStream", "chat.stopStream", "chat.update") == [
        1,
        1,
        1,
        0,
    ]
    assert at.emulator.world.message(at.direct, ts).metadata["event_payload"] == {"key": "key-end"}


async def test_ending_twice_is_ending_once(at, thread):
    sent = await at.adapter.send(opening(at, thread=thread))
    for _ in range(3):
        assert await at.adapter.edit(finished(at, "One two", thread), sent.message_id) == sent
    assert at.texts(thread=thread) == ["One two"]


async def test_in_a_channel_it_streams_for_who_asked(at):
    room = at.play.channel(at.ann)
    async with at.running():
        await at.sink.until_ready()
        root = at.play.say(at.ann, room, "tell me", mention=True)
        await at.sink.until_texts("tell me")
        await at.adapter.send(opening(at, thread=root, chat=room))
    (call,) = at.calls("chat.startStream")
    assert call.params["recipient_user_id"] == at.ann
    assert call.params["recipient_team_id"] == at.emulator.world.app.team_id


async def test_elsewhere_it_grows_by_edits(at):
    room = at.play.channel(at.ann)
    root = at.play.say(at.ann, room, "hey", mention=True)  # nobody was heard asking
    for chat, where in ((at.direct, ""), (room, root)):
        sent = await at.adapter.send(opening(at, thread=where, chat=chat))
        route = Route(ACCOUNT, chat, where)
        assert await at.adapter.amend(route, sent.message_id, "Something else") == sent
        assert at.texts(chat, where) == ["Something else"]
        assert await at.adapter.edit(finished(at, "The end", where, chat), sent.message_id) == sent
        assert at.texts(chat, where) == ["The end"]
    assert at.counts("chat.startStream", "chat.stopStream") == [0, 0]


@pytest.mark.parametrize("kind", ["429"])
async def test_a_stream_that_is_refused_is_posted_instead(at, thread, kind):
    at.fault(kind, "chat.startStream")
    sent = await at.adapter.send(opening(at, thread=thread))
    assert isinstance(sent, Delivered)
    assert streaming(at, sent.message_id) is None
    assert await at.adapter.reconcile(opening(at, thread=thread), None) == sent


async def test_other_words_wait_for_the_end(at, thread):
    sent = await at.adapter.send(opening(at, thread=thread))
    assert await at.adapter.amend(Route(ACCOUNT, at.direct, thread), sent.message_id, "Else") == sent
    assert at.texts(thread=thread) == ["One"]
    await at.adapter.edit(finished(at, "Else", thread), sent.message_id)
    assert at.texts(thread=thread) == ["Else"]


async def test_a_stream_that_slack_has_closed_grows_by_edits(at, thread):
    sent = await at.adapter.send(opening(at, thread=thread))
    at.emulator.api.expire_streams()
    route = Route(ACCOUNT, at.direct, thread)
    for text in ("One two", "One two three"):
        assert await at.adapter.amend(route, sent.message_id, text) == sent
        assert at.texts(thread=thread) == [text]
    at.emulator.api.expire_streams()
    assert await at.adapter.edit(finished(at, "The end", thread), sent.message_id) == sent
    assert at.texts(thread=thread) == ["The end"]


async def test_a_stream_that_slack_has_closed_ends_all_the_same(at, thread):
    sent = await at.adapter.send(opening(at, thread=thread))
    at.emulator.api.expire_streams()
    assert await at.adapter.edit(finished(at, "One two", thread), sent.message_id) == sent
    assert at.texts(thread=thread) == ["One two"]


async def test_another_process_ends_it(at, thread):
    sent = await at.adapter.send(opening(at, thread=thread))
    async with at.another() as adapter:
        for _ in range(2):
            assert await adapter.edit(finished(at, "One two", thread), sent.message_id) == sent
    assert at.texts(thread=thread) == ["One two"]
    assert streaming(at, sent.message_id) is False


async def test_another_process_lets_it_grow(at, thread):
    sent = await at.adapter.send(opening(at, thread=thread))
    async with at.another() as adapter:
        for text in ("One again", "One again and more"):
            assert await adapter.amend(Route(ACCOUNT, at.direct, thread), sent.message_id, text) == sent
            assert at.texts(thread=thread) == [text]


@pytest.mark.parametrize("kind", ["500", "drop"])
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
@pytest.mark.parametrize("method", ["chat.appendStream", "chat.stopStream", "chat.update"])
async def test_whatever_fails_on_the_way_the_end_is_right(at, thread, kind, when, method):
    sent = await at.adapter.send(opening(at, thread=thread))
    at.fault(kind, method, when=when)
    await at.adapter.amend(Route(ACCOUNT, at.direct, thread), sent.message_id, "One two")
    await at.adapter.amend(Route(ACCOUNT, at.direct, thread), sent.message_id, "One two three")
    outcome = await at.adapter.edit(finished(at, "One two three four", thread), sent.message_id)
    while not isinstance(outcome, Delivered):
        assert isinstance(outcome, Unknown)
        outcome = await at.adapter.edit(finished(at, "One two three four", thread), sent.message_id)
    assert at.texts(thread=thread) == ["One two three four"]
    assert streaming(at, sent.message_id) is False


@pytest.mark.parametrize("kind", ["500", "drop"])
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
async def test_an_opening_in_doubt_is_found(at, thread, kind, when):
    first = await at.adapter.send(delivery("said before", at.direct, thread=thread, key="before"))
    wanted = opening(at, thread=thread)
    at.fault(kind, "chat.startStream", when=when)
    assert isinstance(await at.adapter.send(wanted), Unknown)
    async with at.another() as adapter:
        found = await adapter.reconcile(wanted, first.message_id)
        if when is When.BEFORE:
            assert found == Absent()
            return
        assert found == Delivered(at.play.shown(at.direct, thread)[-1].id)
        await adapter.edit(finished(at, "The end", thread), found.message_id)
    assert at.texts(thread=thread) == ["said before", "The end"]


async def test_an_earlier_stream_is_not_taken_for_it(at, thread):
    earlier = await at.adapter.send(opening(at, thread=thread, key="earlier"))
    assert await at.adapter.reconcile(opening(at, thread=thread), earlier.message_id) == Absent()
    await at.adapter.edit(finished(at, "One", thread), earlier.message_id)
    assert await at.adapter.reconcile(opening(at, thread=thread), None) == Absent()


async def test_another_apps_stream_is_not_taken_for_it(at, thread):
    sent = await at.adapter.send(opening(at, "Another", thread=thread))
    at.emulator.world.message(at.direct, sent.message_id).author = at.emulator.world.add_person("Robot")
    assert await at.adapter.reconcile(opening(at, thread=thread), None) == Absent()


async def test_a_rate_limit_of_growing_is_not_waited_for(at, thread):
    sent = await at.adapter.send(opening(at, thread=thread))
    at.fault("429", "chat.appendStream", retry_after=9)
    route = Route(ACCOUNT, at.direct, thread)
    assert await at.adapter.amend(route, sent.message_id, "One two") == RetryAfter(
        9, "Slack asks to slow down"
    )
    again = await at.adapter.amend(route, sent.message_id, "One two")
    assert isinstance(again, RetryAfter)
    assert at.counts("chat.appendStream") == [1]
    at.clock.ahead += 9
    assert await at.adapter.amend(route, sent.message_id, "One two") == sent


async def test_growing_leaves_room_for_messages():
    async with setting(rate_limits="platform") as at:
        thread = at.emulator.people.start_assistant(at.ann)
        sent = await at.adapter.send(opening(at, thread=thread))
        route = Route(ACCOUNT, at.direct, thread)
        outcomes = [await at.adapter.amend(route, sent.message_id, f"One{'.' * n}") for n in range(1, 6)]
        assert isinstance(outcomes[0], Delivered)
        assert isinstance(outcomes[-1], RetryAfter)


async def test_a_stream_in_a_channel_that_is_gone(at):
    room = at.play.channel(at.ann)
    root = at.play.say(at.ann, room, "hey", mention=True)
    at.play.shut_out(room)
    assert isinstance(await at.adapter.send(opening(at, thread=root, chat=room)), Rejected)


# Progress


def told(at):
    found = at.emulator.events.since(0, frozenset({"action", "action_cleared"}))
    return [one.data["action"] for one in found]


async def test_progress_stands_below_the_thread_while_it_streams(at, thread):
    sent = await at.adapter.send(opening(at, thread=thread))
    route = Route(ACCOUNT, at.direct, thread)
    doing = "✓ `Reading notes.txt`\n⚙ `Running the tests`"
    for _ in range(2):
        assert await at.adapter.amend(route, sent.message_id, "One two", doing) == sent
    assert at.texts(thread=thread) == ["One two"]
    assert told(at) == ["⚙ Running the tests"]
    assert at.calls("assistant.threads.setStatus")[0].params["loading_messages"] == [
        "✓ Reading notes.txt",
        "⚙ Running the tests",
    ]
    await at.adapter.typing(route)
    assert told(at)[1:] == ["⚙ Running the tests"]
    await at.adapter.amend(route, sent.message_id, "One two three")
    await at.adapter.typing(route)
    assert told(at)[2:] == ["", "is working…"]


async def test_a_status_that_is_refused_holds_up_no_words(at, thread):
    sent = await at.adapter.send(opening(at, thread=thread))
    at.fault("429", "assistant.threads.setStatus", retry_after=30)
    route = Route(ACCOUNT, at.direct, thread)
    outcome = await at.adapter.amend(route, sent.message_id, "One two", "doing")
    assert outcome == sent
    assert at.texts(thread=thread) == ["One two"]
    await at.adapter.amend(route, sent.message_id, "One two three", "something else")
    assert at.counts("assistant.threads.setStatus") == [1]


async def test_progress_is_forgotten_with_the_answer(at, thread):
    sent = await at.adapter.send(opening(at, thread=thread))
    route = Route(ACCOUNT, at.direct, thread)
    await at.adapter.amend(route, sent.message_id, "One", "doing")
    await at.adapter.edit(finished(at, "One two", thread), sent.message_id)
    await at.adapter.typing(route)
    assert told(at) == ["doing", "", "is working…"]
    for _ in range(2):
        await at.adapter.edit(finished(at, "One two", thread), sent.message_id)
    assert len(told(at)) == 3


async def test_elsewhere_progress_stands_below_the_words(at):
    sent = await at.adapter.send(opening(at))
    route = Route(ACCOUNT, at.direct)
    await at.adapter.amend(route, sent.message_id, "One two", "⚙ `a step`")
    assert at.texts() == ["One two\n\n⚙ `a step`"]
    await at.adapter.edit(finished(at, "One two three"), sent.message_id)
    assert at.texts() == ["One two three"]
    assert told(at) == []


@pytest.mark.parametrize("native", [True, False])
async def test_an_answer_that_has_no_words_yet_keeps_no_sign_of_it(at, thread, native):
    where = thread if native else ""
    sent = await at.adapter.send(opening(at, "", where))
    assert at.texts(thread=where)[-1] == ("" if native else "…")
    route = Route(ACCOUNT, at.direct, where)
    assert await at.adapter.amend(route, sent.message_id, "", "doing") == sent
    assert await at.adapter.amend(route, sent.message_id, "Words", "") == sent
    assert at.texts(thread=where)[-1] == "Words"
    assert await at.adapter.edit(finished(at, "Words at last", where), sent.message_id) == sent
    assert at.texts(thread=where)[-1] == "Words at last"


def test_there_are_no_drafts(at):
    assert not at.adapter.drafts(Route(ACCOUNT, at.direct))
    assert not at.adapter.progress_in_chat(Route(ACCOUNT, at.direct, "1700000000.000100"))
    assert at.adapter.progress_in_chat(Route(ACCOUNT, at.direct))


async def test_code_that_is_still_open_grows_as_code(at, thread):
    sent = await at.adapter.send(opening(at, "See\n\n```python\nx = 1", thread))
    route = Route(ACCOUNT, at.direct, thread)
    await at.adapter.amend(route, sent.message_id, "See\n\n```python\nx = 1\ny = 2")
    (said,) = at.texts(thread=thread)
    assert said.startswith("See")
    assert said.endswith("x = 1\ny = 2")
    await at.adapter.edit(finished(at, "See\n\n```python\nx = 1\ny = 2\n```\nDone", thread), sent.message_id)
    assert at.texts(thread=thread)[0].endswith("Done")
    assert at.counts("chat.appendStream") == [1]


@pytest.mark.parametrize("word", ["invalid_blocks", "invalid_arguments", "msg_blocks_too_long"])
@pytest.mark.parametrize("refused", ["opening", "end"])
async def test_a_stream_whose_markup_is_refused_ends_in_plain_words(at, thread, word, refused):
    at.emulator.api.markdown_refusal = word if refused == "opening" else ""
    sent = await at.adapter.send(opening(at, thread=thread))
    assert isinstance(sent, Delivered)
    at.emulator.api.markdown_refusal = word
    await at.adapter.amend(Route(ACCOUNT, at.direct, thread), sent.message_id, "One **two**")
    assert await at.adapter.edit(finished(at, "One **two** <three>", thread), sent.message_id) == sent
    assert at.texts(thread=thread) == ["One **two** <three>"]
    assert not streaming(at, sent.message_id)
