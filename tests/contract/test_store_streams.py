"""What the ledger promises about messages in which answers grow, and about edits."""

import pytest

from gateway.model.delivery import (
    Delivered,
    DeliveryKind,
    DeliveryState,
    Draft,
    Rejected,
    RetryAfter,
    Unknown,
)
from gateway.model.states import IllegalTransitionError
from gateway.model.turn import Step, StepKind, StepStatus, TurnState
from tests.helpers.ledgers import ACCOUNT, ledger_fixture, notice

ledger = ledger_fixture()
S = DeliveryState
CLOSING = Draft(DeliveryKind.NOTICE, "Half (cut)")
SETTLED = {
    S.SENT: Delivered("m1"),
    S.REJECTED: Rejected("blocked"),
    S.PENDING: RetryAfter(1.0, "slow down"),
    S.UNKNOWN: Unknown("connection lost"),
}


def opening(body="Half"):
    return Draft(DeliveryKind.STREAM, body, "7")


async def begun(ledger, chat="1001", **more):
    return await ledger.begin((await ledger.say("go", chat, **more)).session_id)


async def opened(ledger, state=S.SENT, chat="1001", **more):
    """A running turn whose message was opened and is in a state."""
    start = await begun(ledger, chat, **more)
    stream = await ledger.store.open_stream(start.turn_id, opening(), ledger.tick())
    assert stream is not None
    await bring(ledger, stream.id, state)
    return start, stream


async def bring(ledger, delivery_id, state):
    if state is S.PENDING:
        return
    await ledger.store.claim(delivery_id, ledger.tick())
    if state is not S.SENDING:
        await ledger.store.settle(delivery_id, SETTLED[state], ledger.tick())


async def found(ledger, delivery):
    row = await ledger.store.delivery(delivery.id)
    assert row is not None
    return row


async def growing(ledger, start):
    return [stream.opening.id for stream in await ledger.store.growing(start.session.id)]


async def stray(ledger, account=ACCOUNT):
    return [stream.opening.id for stream in await ledger.store.stray_streams(account)]


def text(seq, body):
    return Step(seq, StepKind.TEXT, StepStatus.RUNNING, text=body)


async def test_an_opened_stream_is_owed_like_any_delivery(ledger):
    start = await begun(ledger)
    stream = await ledger.store.open_stream(start.turn_id, opening(), ledger.tick())
    assert stream is not None
    assert (stream.kind, stream.state, stream.body) == (DeliveryKind.STREAM, S.PENDING, "Half")
    assert (stream.turn_id, stream.session_id) == (start.turn_id, start.session.id)
    assert (stream.reply_to, stream.edits) == ("7", None)
    assert await ledger.store.owed(ACCOUNT) == (stream,)
    (grows,) = await ledger.store.growing(start.session.id)
    assert (grows.opening, grows.text, grows.last) == (stream, "Half", True)


@pytest.mark.parametrize("state", [TurnState.COMPLETED, TurnState.INTERRUPTED])
async def test_a_turn_that_ended_opens_nothing(ledger, state):
    start = await begun(ledger)
    await ledger.end(start.turn_id, state, reason=None if state is TurnState.COMPLETED else "drain_timeout")
    assert await ledger.store.open_stream(start.turn_id, opening(), ledger.tick()) is None
    assert await ledger.store.owed(ACCOUNT) == ()
    assert await growing(ledger, start) == []


@pytest.mark.parametrize("state", [S.SENDING, S.UNKNOWN, S.SENT, S.REJECTED])
async def test_the_reply_takes_the_place_of_what_may_be_shown(ledger, state):
    start, stream = await opened(ledger, state)
    first, second = await ledger.end(start.turn_id, TurnState.COMPLETED, "The whole", "and more")
    assert (first.body, first.kind, first.edits) == ("The whole", DeliveryKind.REPLY, stream.id)
    assert (second.body, second.edits) == ("and more", None)
    assert await found(ledger, first) == first
    assert await growing(ledger, start) == []


async def test_an_opening_that_was_not_tried_is_dropped_when_the_reply_is_there(ledger):
    start, stream = await opened(ledger, S.PENDING)
    (reply,) = await ledger.end(start.turn_id, TurnState.COMPLETED, "The whole")
    assert reply.edits is None
    assert (await found(ledger, stream)).state is S.REJECTED
    assert await ledger.store.owed(ACCOUNT) == (reply,)
    assert not await ledger.store.claim(stream.id, ledger.tick())


async def test_an_opening_that_was_certainly_not_sent_is_dropped_too(ledger):
    start, stream = await opened(ledger, S.PENDING)
    await ledger.store.claim(stream.id, ledger.tick())
    await ledger.store.settle(stream.id, SETTLED[S.PENDING], ledger.tick())
    (reply,) = await ledger.end(start.turn_id, TurnState.COMPLETED, "The whole")
    assert (reply.edits, (await found(ledger, stream)).state) == (None, S.REJECTED)


async def test_an_interrupted_turn_leaves_its_stream_growing(ledger):
    start, stream = await opened(ledger)
    await ledger.end(start.turn_id, TurnState.INTERRUPTED, reason="drain_timeout", text="Half of it")
    (grows,) = await ledger.store.growing(start.session.id)
    assert (grows.opening.id, grows.text) == (stream.id, "Half of it")


async def test_a_killed_turn_leaves_its_stream_growing_for_the_next(ledger):
    start, stream = await opened(ledger)
    await ledger.store.record_steps(start.turn_id, (text(0, "Half of"), text(2, " it\n")))
    await ledger.start()
    await ledger.store.schedule_resumes([start.session.id], ledger.tick())
    resumed = await ledger.begin(start.session.id)
    (grows,) = resumed.streams
    assert (grows.opening.id, grows.text, grows.last) == (stream.id, "Half of\n\nit", True)
    (reply,) = await ledger.end(resumed.turn_id, TurnState.COMPLETED, "The whole")
    assert reply.edits == stream.id


async def test_the_text_of_a_stream_is_that_of_the_turn_that_went_on_with_it(ledger):
    start, _ = await opened(ledger)
    await ledger.start()
    await ledger.store.schedule_resumes([start.session.id], ledger.tick())
    resumed = await ledger.begin(start.session.id)
    await ledger.store.record_steps(resumed.turn_id, (text(0, "A second try"),))
    await ledger.start()
    (grows,) = await ledger.store.growing(start.session.id)
    assert grows.text == "A second try"


async def test_a_stream_is_last_until_something_comes_after_it(ledger):
    start, _ = await opened(ledger)
    await ledger.say("elsewhere", "2002")
    assert [stream.last for stream in await ledger.store.growing(start.session.id)] == [True]
    await ledger.say("and now?")
    assert [stream.last for stream in await ledger.store.growing(start.session.id)] == [False]


async def test_a_stream_is_not_last_when_a_notice_came_after_it(ledger):
    start, _ = await opened(ledger)
    other = await ledger.say("elsewhere", "2002")
    await ledger.store.notify(other.session_id, notice("there"), ledger.tick())
    assert [stream.last for stream in await ledger.store.growing(start.session.id)] == [True]
    (told,) = await ledger.store.notify(start.session.id, notice("here"), ledger.tick())
    assert [stream.last for stream in await ledger.store.growing(start.session.id)] == [False]
    await ledger.store.drop(told.id, ledger.tick())
    assert [stream.last for stream in await ledger.store.growing(start.session.id)] == [True]


async def test_a_resume_event_is_nothing_that_anybody_sees(ledger):
    start, _ = await opened(ledger)
    await ledger.start()
    assert await ledger.store.schedule_resumes([start.session.id], ledger.tick()) == (start.session.id,)
    assert [stream.last for stream in await ledger.store.growing(start.session.id)] == [True]


async def test_the_latest_stream_is_the_one_that_a_reply_ends(ledger):
    start, older = await opened(ledger)
    await ledger.start()
    await ledger.say("and now?")
    resumed = await ledger.begin(start.session.id)
    newer = await ledger.store.open_stream(resumed.turn_id, opening("Newer"), ledger.tick())
    assert newer is not None
    await bring(ledger, newer.id, S.SENT)
    assert await growing(ledger, start) == [older.id, newer.id]
    (reply,) = await ledger.end(resumed.turn_id, TurnState.COMPLETED, "The whole")
    assert reply.edits == newer.id
    assert await growing(ledger, start) == [older.id]
    assert await stray(ledger) == [older.id]


async def test_a_turn_without_a_reply_leaves_the_stream_to_be_closed(ledger):
    start, stream = await opened(ledger)
    assert await ledger.end(start.turn_id, TurnState.CANCELLED) == ()
    assert await growing(ledger, start) == [stream.id]
    assert await stray(ledger) == [stream.id]


@pytest.mark.parametrize("state", [S.SENDING, S.UNKNOWN, S.SENT])
async def test_closing_owes_one_edit(ledger, state):
    start, stream = await opened(ledger, state)
    await ledger.end(start.turn_id, TurnState.CANCELLED)
    closing = await ledger.store.close_stream(stream.id, CLOSING, ledger.tick())
    assert closing is not None
    assert (closing.edits, closing.body, closing.state) == (stream.id, "Half (cut)", S.PENDING)
    assert (closing.turn_id, closing.session_id) == (start.turn_id, start.session.id)
    assert closing in await ledger.store.owed(ACCOUNT)
    assert await growing(ledger, start) == []
    assert await ledger.store.close_stream(stream.id, CLOSING, ledger.tick()) is None


async def test_closing_drops_an_opening_that_was_not_tried(ledger):
    start, stream = await opened(ledger, S.PENDING)
    assert await ledger.store.close_stream(stream.id, CLOSING, ledger.tick()) is None
    assert (await found(ledger, stream)).state is S.REJECTED
    assert await ledger.store.owed(ACCOUNT) == ()
    assert await growing(ledger, start) == []


async def test_closing_what_never_came_to_be_owes_nothing(ledger):
    start, refused = await opened(ledger, S.REJECTED)
    assert await ledger.store.close_stream(refused.id, CLOSING, ledger.tick()) is None
    _, abandoned = await opened(ledger, S.UNKNOWN, chat="2002")
    await ledger.store.abandon(abandoned.id, ledger.tick())
    assert await ledger.store.close_stream(abandoned.id, CLOSING, ledger.tick()) is None
    assert await ledger.store.owed(ACCOUNT) == ()
    assert await growing(ledger, start) == []


async def test_strays_are_those_that_nothing_goes_on_with(ledger):
    running, live = await opened(ledger, chat="live")
    cancelled, left = await opened(ledger, chat="left")
    await ledger.end(cancelled.turn_id, TurnState.CANCELLED)
    resumed, _ = await opened(ledger, chat="resumed")
    await ledger.end(resumed.turn_id, TurnState.INTERRUPTED, reason="drain_timeout")
    assert await ledger.store.schedule_resumes([resumed.session.id], ledger.tick())
    waits, asked = await opened(ledger, chat="waits for a person")
    await ledger.end(waits.turn_id, TurnState.INTERRUPTED, reason="drain_timeout")
    suspended, paused = await opened(ledger, chat="suspended")
    await ledger.store.suspend(suspended.session.id, "manual", (), ledger.tick())
    await ledger.end(suspended.turn_id, TurnState.INTERRUPTED, reason="manual")
    elsewhere, other = await opened(ledger, chat="left", account="other")
    await ledger.end(elsewhere.turn_id, TurnState.CANCELLED)
    assert await stray(ledger) == [left.id, asked.id, paused.id]
    assert await stray(ledger, "other") == [other.id]
    assert await growing(ledger, running) == [live.id]


async def test_streams_of_a_suspended_turn_that_still_runs_are_not_stray(ledger):
    start, _ = await opened(ledger)
    await ledger.store.suspend(start.session.id, "manual", (), ledger.tick())
    assert await stray(ledger) == []


async def test_a_boot_drops_openings_that_never_left(ledger):
    start, waiting = await opened(ledger, S.PENDING)
    sent_start, sent = await opened(ledger, S.SENT, chat="sent")
    flying_start, flying = await opened(ledger, S.SENDING, chat="flying")
    await ledger.start()
    assert (await found(ledger, waiting)).state is S.REJECTED
    assert (await found(ledger, sent)).state is S.SENT
    assert (await found(ledger, flying)).state is S.UNKNOWN
    assert [delivery.id for delivery in await ledger.store.owed(ACCOUNT)] == [flying.id]
    assert await growing(ledger, start) == []
    assert await growing(ledger, sent_start) == [sent.id]
    assert await growing(ledger, flying_start) == [flying.id]


async def test_a_boot_keeps_the_edit_that_ends_an_answer(ledger):
    start, stream = await opened(ledger)
    (reply,) = await ledger.end(start.turn_id, TurnState.COMPLETED, "The whole")
    await ledger.start()
    (owed,) = await ledger.store.owed(ACCOUNT)
    assert (owed.id, owed.edits, owed.state) == (reply.id, stream.id, S.PENDING)


async def test_a_second_boot_drops_what_a_dead_one_had_dropped_no_second_time(ledger):
    _, waiting = await opened(ledger, S.PENDING)
    await ledger.start()
    first = await found(ledger, waiting)
    await ledger.start()
    assert await found(ledger, waiting) == first


async def test_detaching_makes_an_edit_a_message_of_its_own(ledger):
    start, _ = await opened(ledger)
    (reply,) = await ledger.end(start.turn_id, TurnState.COMPLETED, "The whole")
    await ledger.store.claim(reply.id, ledger.tick())
    await ledger.store.settle(reply.id, Unknown("lost"), ledger.tick())
    detached = await ledger.store.detach(reply.id, doubtful=True)
    assert (detached.id, detached.edits, detached.doubtful) == (reply.id, None, True)
    assert (detached.state, detached.body, detached.key) == (S.PENDING, "The whole", reply.key)
    assert await ledger.store.owed(ACCOUNT) == (detached,)


@pytest.mark.parametrize("doubtful", [True, False])
async def test_a_pending_edit_is_detached_as_it_is(ledger, doubtful):
    start, _ = await opened(ledger)
    (reply,) = await ledger.end(start.turn_id, TurnState.COMPLETED, "The whole")
    detached = await ledger.store.detach(reply.id, doubtful=doubtful)
    assert (detached.state, detached.edits, detached.doubtful) == (S.PENDING, None, doubtful)


async def test_what_was_sent_is_not_detached(ledger):
    start, _ = await opened(ledger)
    (reply,) = await ledger.end(start.turn_id, TurnState.COMPLETED, "The whole")
    await bring(ledger, reply.id, S.SENT)
    with pytest.raises(IllegalTransitionError):
        await ledger.store.detach(reply.id, doubtful=False)
    assert (await found(ledger, reply)).state is S.SENT


async def test_an_abandoned_opening_is_owed_no_more_and_doubtful(ledger):
    start, stream = await opened(ledger, S.UNKNOWN)
    await ledger.store.abandon(stream.id, ledger.tick())
    row = await found(ledger, stream)
    assert (row.state, row.doubtful) == (S.REJECTED, True)
    assert await ledger.store.owed(ACCOUNT) == ()
    assert await growing(ledger, start) == [stream.id], "the reply learns of the doubt"
    (reply,) = await ledger.end(start.turn_id, TurnState.COMPLETED, "The whole")
    assert reply.edits == stream.id


async def test_what_was_sent_is_not_abandoned(ledger):
    _, stream = await opened(ledger, S.SENT)
    with pytest.raises(IllegalTransitionError):
        await ledger.store.abandon(stream.id, ledger.tick())


async def test_a_retry_repeats_without_a_doubt(ledger):
    _, stream = await opened(ledger, S.UNKNOWN)
    await ledger.store.retry(stream.id)
    row = await found(ledger, stream)
    assert (row.state, row.doubtful, row.attempt) == (S.PENDING, False, 1)


async def test_what_was_sent_is_not_retried(ledger):
    _, stream = await opened(ledger, S.SENT)
    with pytest.raises(IllegalTransitionError):
        await ledger.store.retry(stream.id)


async def test_the_first_claim_is_the_one_that_is_remembered(ledger):
    said = await ledger.say("go")
    (delivery,) = await ledger.store.notify(said.session_id, notice("x"), ledger.tick())
    assert delivery.claimed_at is None
    await ledger.store.claim(delivery.id, 2_000.0)
    await ledger.store.settle(delivery.id, SETTLED[S.PENDING], 2_001.0)
    await ledger.store.claim(delivery.id, 3_000.0)
    await ledger.start()
    (unknown,) = await ledger.store.owed(ACCOUNT)
    assert (unknown.state, unknown.claimed_at, unknown.attempt) == (S.UNKNOWN, 2_000.0, 2)


async def owe(ledger, body, chat="1001", **more):
    said = await ledger.say("go", chat, **more)
    (delivery,) = await ledger.store.notify(said.session_id, notice(body), ledger.tick())
    return delivery


async def send(ledger, delivery, message_id):
    await ledger.store.claim(delivery.id, ledger.tick())
    await ledger.store.settle(delivery.id, Delivered(message_id), ledger.tick())


async def test_the_anchor_is_the_last_message_that_was_sent_there_before(ledger):
    first, second = await owe(ledger, "a"), await owe(ledger, "b")
    elsewhere, in_thread = await owe(ledger, "c", "2002"), await owe(ledger, "d", thread="t")
    other = await owe(ledger, "e", account="other")
    asked = await owe(ledger, "f")
    assert await ledger.store.last_sent(asked) is None
    for number, delivery in enumerate((first, second, elsewhere, in_thread, other)):
        await send(ledger, delivery, f"m{number}")
    assert await ledger.store.last_sent(asked) == "m1"
    await send(ledger, await owe(ledger, "later"), "m9")
    assert await ledger.store.last_sent(asked) == "m1"
    assert await ledger.store.last_sent(second) == "m0"


async def test_an_edit_is_no_anchor(ledger):
    start, _ = await opened(ledger)
    (reply,) = await ledger.end(start.turn_id, TurnState.COMPLETED, "The whole")
    await ledger.store.claim(reply.id, ledger.tick())
    await ledger.store.settle(reply.id, Delivered("edited"), ledger.tick())
    assert await ledger.store.last_sent(await owe(ledger, "x")) == "m1"


async def test_what_was_sent_out_of_order_is_an_anchor_by_its_time(ledger):
    early, late = await owe(ledger, "a"), await owe(ledger, "b")
    asked = await owe(ledger, "c")
    await send(ledger, late, "m1")
    await send(ledger, early, "m2")
    assert await ledger.store.last_sent(asked) == "m2"
