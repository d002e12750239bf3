"""The ledger at a glance: what waits, what is pending, what is owed, and the timeline of boots."""

import pytest

from gateway.model.delivery import Delivered, Rejected
from gateway.model.overview import BootEnd
from gateway.model.session import Reason, ResumeMode, SessionState
from gateway.model.turn import TurnState
from gateway.store.browsing import Browsing
from tests.helpers.ledgers import ledger_fixture, notice

ledger = ledger_fixture()


@pytest.fixture
def shelf(ledger):
    return Browsing(ledger.store._reading)


async def test_an_empty_ledger_has_nothing_to_show(shelf):
    found = await shelf.overview()
    assert (found.pending, found.queues, found.waiting, found.waiting_since) == ((), (), 0, None)
    assert (found.suspended, dict(found.pending_by_reason), dict(found.deliveries)) == (0, {}, {})
    assert found.owed_since is None
    assert await shelf.passages(10) == ()


async def test_queues_are_listed_with_the_longest_wait_first(ledger, shelf):
    await ledger.say("one", "1")
    at = ledger.now
    await ledger.say("two", "2")
    await ledger.say("three", "1")
    await ledger.command("stop", "3")
    found = await shelf.overview()
    assert [(q.address.chat, q.waiting, q.oldest_at) for q in found.queues] == [
        ("1", 2, at),
        ("2", 1, at + 1),
    ]
    assert (found.waiting, found.waiting_since) == (3, at)


async def test_pending_and_suspended_sessions_with_their_reasons(ledger, shelf):
    first = await ledger.interrupted("work", "1")
    second = await ledger.begin((await ledger.say("more", "2")).session_id)
    await ledger.store.mark_pending([second.turn_id], Reason.DRAIN_TIMEOUT, ledger.tick())
    await ledger.end(second.turn_id, TurnState.INTERRUPTED, reason=Reason.DRAIN_TIMEOUT)
    third = (await ledger.say("idle", "3")).session_id
    await ledger.store.suspend(third, Reason.MANUAL, (), ledger.tick())
    found = await shelf.overview()
    assert [(p.session_id, p.state, p.reason) for p in found.pending] == [
        (first.session.id, SessionState.RESUME_PENDING, Reason.RESTART_INTERRUPTED),
        (second.session.id, SessionState.RESUME_PENDING, Reason.DRAIN_TIMEOUT),
        (third, SessionState.SUSPENDED, Reason.MANUAL),
    ]
    assert found.pending[0].marked_at is not None
    assert found.pending[2].marked_at is None
    assert dict(found.pending_by_reason) == {Reason.RESTART_INTERRUPTED: 1, Reason.DRAIN_TIMEOUT: 1}
    assert found.suspended == 1


async def test_deliveries_by_state_and_the_age_of_what_is_still_to_be_sent(ledger, shelf):
    session = (await ledger.say("x")).session_id
    refused, sent, owed = [
        (await ledger.store.notify(session, notice(text), ledger.tick()))[0] for text in ("a", "b", "c")
    ]
    at = ledger.now
    for delivery, outcome in ((refused, Rejected("blocked")), (sent, Delivered("77"))):
        await ledger.store.claim(delivery.id, ledger.tick())
        await ledger.store.settle(delivery.id, outcome, ledger.tick())
    found = await shelf.overview()
    assert dict(found.deliveries) == {"rejected": 1, "pending": 1}
    assert (owed.body, found.owed_since) == ("c", at)


async def test_the_timeline_says_how_boots_ended_and_what_became_of_what_they_cut(ledger, shelf):
    crashed = ledger.boot
    cut = await ledger.interrupted("work", "1")
    lost = await ledger.begin((await ledger.say("other", "2")).session_id)
    await ledger.store.schedule_resumes([cut.session.id], ledger.tick())
    resumed = await ledger.begin(cut.session.id)
    await ledger.store.record_opening(resumed.turn_id, "demo", "s", "/w", ResumeMode.BOOTSTRAP, "forgotten")
    await ledger.end(resumed.turn_id, TurnState.COMPLETED, "done")
    second = ledger.boot
    await ledger.end(lost.turn_id, TurnState.INTERRUPTED, reason=Reason.DRAIN_TIMEOUT)
    await ledger.store.stop_boot(second, ledger.tick())
    await ledger.start()
    now, stopped, first = await shelf.restarts(3)
    assert (now.boot.id, now.end, now.interrupted, now.cut) == (ledger.boot, BootEnd.RUNNING, 0, ())
    assert (stopped.boot.id, stopped.end, stopped.interrupted) == (second, BootEnd.STOPPED, 1)
    assert [(c.turn_id, c.reason, c.by_turn, c.state) for c in stopped.cut] == [
        (lost.turn_id, Reason.DRAIN_TIMEOUT, None, None)
    ]
    assert (first.boot.id, first.end, first.interrupted) == (crashed, BootEnd.CRASHED, 1)
    (went_on,) = first.cut
    assert (went_on.turn_id, went_on.by_turn, went_on.by_boot) == (cut.turn_id, resumed.turn_id, second)
    assert (went_on.mode, went_on.mode_reason, went_on.state) == (
        ResumeMode.BOOTSTRAP,
        "forgotten",
        TurnState.COMPLETED,
    )
    assert len(await shelf.restarts(1)) == 1


async def test_the_way_of_a_message(ledger, shelf):
    said = await ledger.say("hello")
    received = ledger.now
    start = await ledger.begin(said.session_id)
    began = ledger.now
    (reply,) = await ledger.end(start.turn_id, TurnState.COMPLETED, "hi")
    ended = ledger.now
    waits = await ledger.say("again")
    (first, second) = await shelf.passages(5)
    assert (first.message_id, first.received_at, first.started_at, first.ended_at, first.answered_at) == (
        said.message_id,
        received,
        began,
        ended,
        None,
    )
    assert (second.message_id, second.turn_id, second.started_at, second.state) == (
        waits.message_id,
        None,
        None,
        None,
    )
    await ledger.store.claim(reply.id, ledger.tick())
    await ledger.store.settle(reply.id, Delivered("9"), ledger.tick())
    first, _ = await shelf.passages(5)
    assert (first.answered_at, first.state) == (ledger.now, TurnState.COMPLETED)
    assert [p.message_id for p in await shelf.passages(1)] == [waits.message_id]
