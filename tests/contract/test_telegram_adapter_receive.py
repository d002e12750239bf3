"""What was received is committed before it is acknowledged, whatever goes wrong on the way."""

import asyncio

import pytest
import structlog

from adapters.emulators.faults import When
from adapters.offering import FIRST_WAIT, LONGEST_WAIT, Backoff
from adapters.telegram.requests import PollUpdates
from gateway.model.message import Change
from tests.contract.telegram_adapter import ANN, RecordingSink, Remembered, setting


@pytest.fixture
async def at():
    async with setting() as made:
        yield made


async def test_a_message_arrives(at):
    async with at.running():
        await at.sink.until_ready()
        at.emulator.people.send(ANN, "and again")
        await at.sink.until_texts("hello", "and again")
    first = at.sink.items[0]
    assert (first.chat, first.author_id, first.event_id) == (str(ANN), str(ANN), "1")
    assert [batch.cursors[""] for batch in at.sink.batches] == ["2", "3"]


async def test_nothing_is_acknowledged_before_it_is_committed(at):
    at.sink.before_commit = asyncio.Event()
    async with at.running():
        await at.emulator.events.event("answered", {"method": "getUpdates"})
        await at.sink.until(lambda sink: sink.offered)
        assert len(at.emulator.calls.since(method="getUpdates")) == 1
        assert [update.id for update in at.emulator.world.bot().updates.pending()] == [1]
        at.sink.before_commit.set()
        await at.polling()
    assert at.emulator.world.bot().updates.pending() == []


async def test_the_cursor_is_where_it_goes_on(at):
    for text in ("two", "three"):
        at.emulator.people.send(ANN, text)
    async with at.running(cursor="3"):
        await at.sink.until_ready()
    assert at.sink.texts == ["three"]
    assert at.offsets()[0] == "3"


async def test_ready_only_after_the_whole_backlog(at):
    for number in range(2, 251):
        at.emulator.people.send(ANN, f"message {number}")
    async with at.running():
        await at.sink.until_ready()
        assert at.sink.told == ["accept 100", "accept 100", "accept 50", "ready"]
        await at.polling()
    timeouts = [call.params["timeout"] for call in at.emulator.calls.since(method="getUpdates")]
    assert timeouts == ["0", "0", "0", "25"]
    assert len({item.event_id for item in at.sink.items}) == 250


async def test_ready_without_a_backlog(at):
    async with at.running(cursor="2"):
        await at.sink.until_ready()
    assert at.sink.told == ["ready"]


async def test_a_full_batch_that_is_all_leads_to_one_more_question(at):
    for number in range(2, 101):
        at.emulator.people.send(ANN, f"message {number}")
    async with at.running():
        await at.sink.until_ready()
    assert at.sink.told == ["accept 100", "ready"]


async def test_a_failed_commit_is_offered_again_and_not_acknowledged(at):
    at.sink.refuse = 3
    async with at.running():
        await at.sink.until_ready()
        assert len(at.emulator.calls.since(method="getUpdates")) == 1
    assert [batch.cursors[""] for batch in at.sink.offered] == ["2"] * 4
    assert at.sink.texts == ["hello"]
    assert len(at.clock.slept) == 3
    assert at.clock.slept[2] > at.clock.slept[0]


async def test_a_failed_commit_is_logged_once(at):
    at.sink.refuse = 5
    with structlog.testing.capture_logs() as logs:
        async with at.running():
            await at.sink.until_ready()
    events = [line["event"] for line in logs]
    assert events == ["account.accept_failed", "account.accept_recovered", "telegram.connected"]


async def test_what_was_not_committed_when_the_process_died_comes_again(at):
    at.sink.before_commit = asyncio.Event()
    async with at.running():
        await at.sink.until(lambda sink: sink.offered)
    assert at.sink.batches == []
    again = RecordingSink()
    async with at.running(sink=again):
        await again.until_ready()
    assert again.items == list(at.sink.offered[0].items)


async def test_a_malformed_update_is_set_aside_alone(at):
    updates = at.emulator.world.bot().updates
    updates.push_raw({"message": {"message_id": "x", "text": "private words"}})
    updates.push_raw({"update_id": "none", "message": {}})
    at.emulator.people.send(ANN, "after")
    with structlog.testing.capture_logs() as logs:
        async with at.running():
            await at.sink.until_ready()
    assert at.sink.texts == ["hello", "after"]
    assert at.sink.batches[0].cursors == {"": "5"}
    aside = [line for line in logs if line["event"] == "telegram.update_set_aside"]
    assert [line["update_id"] for line in aside] == [2, None]
    assert "private words" not in str(logs)


async def test_a_batch_of_only_malformed_updates_is_passed_too(at):
    at.emulator.world.bot().updates.push_raw({"message": "rubbish"})
    async with at.running(cursor="2"):
        await at.sink.until_ready()
        assert at.sink.told == ["accept 0", "ready"]
        await at.polling()
    assert at.emulator.world.bot().updates.pending() == []


async def test_a_batch_without_any_id_does_not_spin(at):
    at.emulator.world.bot().updates.push_raw({"update_id": None, "message": {}})
    async with at.running(cursor="2"):
        await at.emulator.events.until(lambda: at.emulator.calls.counts.get("getUpdates", 0) >= 5)
    assert at.sink.batches == []
    assert at.sink.losses == ["lost: Telegram's answers make no sense."]
    assert len(at.clock.slept) >= 4


async def test_an_unknown_attachment_does_not_cost_the_message(at):
    message = {
        "message_id": 9,
        "date": 1_700_000_000,
        "chat": {"id": ANN, "type": "private", "first_name": "Ann"},
        "from": {"id": ANN, "is_bot": False, "first_name": "Ann", "new_field": {}},
        "photo": [{"file_id": 5}],
        "caption": "look at this",
    }
    updates = at.emulator.world.bot().updates
    updates.push_raw({"message": message})
    del message["caption"]
    updates.push_raw({"message": message})
    async with at.running(cursor="2"):
        await at.sink.until_ready()
    assert at.sink.texts == ["look at this", "[photo]"]


async def test_a_redelivery_has_the_same_event_id(at):
    async with at.running():
        await at.sink.until_ready()
        queue = at.emulator.world.bot().updates
        await at.polling()
        queue.repeat([queue.find(1)])
        await at.sink.until_texts("hello", "hello")
    assert [item.event_id for item in at.sink.items] == ["1", "1"]


async def test_ids_that_begin_anew_are_followed(at):
    queue = at.emulator.world.bot().updates
    async with at.running(cursor="5000"):
        await at.polling()
        body = at.emulator.people.send(ANN, "unheard").as_json()
        await at.sink.until(lambda sink: sink.items)
        queue.push_raw({"update_id": 77, "message": {**body, "text": "anew"}})
        await at.sink.until(lambda sink: "anew" in sink.texts)
    assert at.sink.batches[-1].cursors == {"": "78"}


async def test_another_poller_is_named_and_outlasted(at):
    with structlog.testing.capture_logs() as logs:
        async with at.running():
            await at.polling()
            await at.adapter._bot(PollUpdates(offset=None, timeout=0))  # takes over from the open long poll
            await at.sink.until_ready(2)
            at.emulator.people.send(ANN, "still here")
            await at.sink.until(lambda sink: "still here" in sink.texts)
    assert at.sink.losses == [
        "lost: Another program receives this bot's messages; stop it, or give this gateway its own bot."
    ]
    assert [line["event"] for line in logs].count("telegram.conflict") == 1


async def test_a_webhook_is_removed_and_what_waited_for_it_kept(at):
    at.emulator.world.bot_of(at.token).webhook = "https://example.org/hook"
    async with at.running():
        await at.sink.until_texts("hello")
        await at.sink.until_ready()
    assert at.emulator.world.bot().webhook == ""
    assert len(at.sink.losses) == 1


async def test_an_invalid_token_ends_the_account():
    async with setting(tokens=("4243:another-token",)) as at:
        with structlog.testing.capture_logs() as logs:
            await at.adapter.run(at.sink, Remembered())
    assert len(at.sink.told) == 1
    assert "token" in at.sink.told[0]
    (line,) = logs
    assert (line["log_level"], line["event"], line["account"]) == ("error", "telegram.token", "telegram")
    assert "BotFather" in line["why"]
    assert "a-token" not in str(logs)


@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
@pytest.mark.parametrize("kind", ["500", "502", "drop", "rubbish", "429"])
async def test_receiving_recovers(at, kind, when):
    at.fault(kind, "getUpdates", when, times=3, retry_after=7)
    with structlog.testing.capture_logs() as logs:
        async with at.running():
            await at.sink.until_ready()
            at.emulator.people.send(ANN, "after")
            await at.sink.until_texts("hello", "after")
    assert len(at.sink.losses) == 1
    assert len(logs) == 2  # lost, connected
    assert len(at.clock.slept) == 3
    if kind == "429":
        assert at.clock.slept == [7, 7, 7]
    else:
        assert at.clock.slept[0] <= 0.2
        assert at.clock.slept == sorted(at.clock.slept)


@pytest.mark.parametrize("kind", ["500", "drop", "rubbish", "429"])
async def test_not_knowing_who_the_bot_is_does_not_lose_the_batch(at, kind):
    at.fault(kind, "getMe", times=2)
    async with at.running():
        await at.sink.until_ready()
    assert at.sink.texts == ["hello"]
    assert at.offsets()[:3] == [None] * 3


async def test_a_broken_long_poll_makes_ready_again(at):
    at.fault("drop", "getUpdates", When.AFTER, skip=1)
    async with at.running():
        await at.polling()
        at.emulator.people.send(ANN, "while broken")
        await at.sink.until_ready(2)
    assert at.sink.told[:2] == ["accept 1", "ready"]
    assert at.sink.told[-2:] == ["accept 1", "ready"]
    assert at.sink.texts == ["hello", "while broken"]


def test_waits_double_up_to_a_limit():
    backoff = Backoff()
    waits = [backoff.next() for _ in range(40)]
    assert 0.1 <= waits[0] <= FIRST_WAIT
    assert all(LONGEST_WAIT / 2 <= wait <= LONGEST_WAIT for wait in waits[10:])
    backoff.reset()
    assert backoff.next() <= FIRST_WAIT


async def test_a_wrong_path_of_the_server_is_named(at):
    async with setting(api_url=f"{at.emulator.base_url}/wrong") as elsewhere:
        await elsewhere.adapter.run(elsewhere.sink, Remembered())
    assert "the path of api_url is wrong" in elsewhere.sink.losses[0]


async def test_a_server_that_goes_away_and_comes_back(at):
    async with at.running():
        await at.polling()
        await at.emulator.stop()
        await at.sink.until(lambda sink: sink.losses)
        server = at.emulator.base_url.removeprefix("http://")
        told = f"There is no connection to Telegram. Is the server at {server} running? Check api_url."
        assert at.sink.losses == [f"lost: {told}"]
        await at.emulator.start()
        await at.sink.until_ready(2)


async def test_cancelling_ends_an_open_long_poll(at):
    async with at.running() as task:
        await at.polling()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await at.emulator.events.event("answered", {"method": "getUpdates", "outcome": "gone"})


async def test_cancelling_ends_a_first_request_that_hangs(at):
    at.fault("hang", "getUpdates")
    at.fault("hang", "getMe")
    async with at.running() as task:
        for method in ("getUpdates", "getMe"):
            await at.emulator.events.event("held", {"method": method})
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_what_is_asked_for(at):
    async with at.running():
        await at.sink.until_ready()
    first = at.emulator.calls.since(method="getUpdates")[0]
    assert (
        first.params["allowed_updates"] == '["message", "edited_message", "callback_query", "my_chat_member"]'
    )
    assert "deleteWebhook" not in at.emulator.calls.counts


async def test_an_edit_arrives_and_membership_is_passed_over(at):
    async with at.running():
        await at.sink.until_ready()
        at.emulator.people.edit(ANN, 1, "hello, edited")
        at.emulator.people.block(ANN)
        await at.sink.until(lambda sink: sink.batches[-1].cursors == {"": "4"})
    assert [(item.text, item.change, item.message_ref) for item in at.sink.items] == [
        ("hello", Change.NEW, "1"),
        ("hello, edited", Change.EDITED, "1"),
    ]
