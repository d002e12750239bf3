"""What people decide about the ledger: dismiss, resume, suspend, retry and drop."""

import pytest

from gateway.model.delivery import Delivered, DeliveryState
from gateway.model.session import Reason, SessionState
from gateway.model.states import IllegalTransitionError
from gateway.model.turn import TurnState
from tests.helpers.ledgers import ledger_fixture, notice

ledger = ledger_fixture()


async def test_dismissing_ends_what_is_open_and_only_that(ledger):
    start = await ledger.interrupted()
    session = start.session.id
    await ledger.store.schedule_resumes([session], ledger.tick())
    assert not await ledger.store.dismiss(session, start.turn_id + 1, ledger.tick())
    assert (await ledger.session(session)).state is SessionState.RESUME_PENDING
    assert await ledger.store.dismiss(session, start.turn_id, ledger.tick())
    found = await ledger.session(session)
    assert (found.state, found.resume_turn_id, found.resume_attempts) == (SessionState.ACTIVE, None, 0)
    assert await ledger.idle(session), "the resume event is withdrawn"
    assert not await ledger.store.dismiss(session, start.turn_id, ledger.tick())


async def test_law_07_a_suspended_session_is_not_dismissed(ledger):
    start = await ledger.interrupted()
    await ledger.store.suspend(start.session.id, Reason.RESUME_LOOP, (), ledger.tick())
    assert not await ledger.store.dismiss(start.session.id, start.turn_id, ledger.tick())
    assert (await ledger.session(start.session.id)).state is SessionState.SUSPENDED


async def test_messages_survive_a_dismissal(ledger):
    start = await ledger.interrupted()
    await ledger.say("hello?")
    assert await ledger.store.dismiss(start.session.id, start.turn_id, ledger.tick())
    following = await ledger.begin(start.session.id)
    assert (following.message.text, following.interruption) == ("hello?", None)


async def test_a_session_is_suspended_once(ledger):
    session = (await ledger.say("hello")).session_id
    await ledger.store.suspend(session, Reason.MANUAL, notice("paused"), ledger.tick())
    with pytest.raises(IllegalTransitionError):
        await ledger.store.suspend(session, Reason.MANUAL, notice("paused"), ledger.tick())
    assert len(await ledger.store.owed("telegram")) == 1


@pytest.mark.parametrize("reason", [Reason.MANUAL, Reason.DRAIN_TIMEOUT])
async def test_work_that_a_pause_cut_is_gone_on_with(ledger, reason):
    start = await ledger.begin((await ledger.say("dig")).session_id)
    await ledger.store.suspend(start.session.id, Reason.MANUAL, (), ledger.tick())
    await ledger.end(start.turn_id, TurnState.INTERRUPTED, reason=reason)
    assert (await ledger.session(start.session.id)).reason == Reason.MANUAL
    assert await ledger.store.reactivate(start.session.id, "resume:operator:1", ledger.tick())
    assert (await ledger.begin(start.session.id)).interruption.request == "dig"


async def test_a_resume_by_hand_that_is_repeated_after_a_crash_still_happens(ledger):
    """The command's effect was committed and its answer was not: it is carried out again."""
    session = (await ledger.interrupted()).session.id
    for _ in range(2):
        assert await ledger.store.reactivate(session, "resume:by-hand:9", ledger.tick())
    assert not await ledger.idle(session)


async def test_a_delivery_is_revived_and_dropped_again_and_again(ledger):
    said = await ledger.say("go")
    (delivery,) = await ledger.store.notify(said.session_id, notice("x"), ledger.tick())
    for _ in range(3):
        assert await ledger.store.drop(delivery.id, ledger.tick())
        assert not await ledger.store.drop(delivery.id, ledger.tick())
        revived = await ledger.store.revive(delivery.id)
        assert (revived.state, revived.key) == (DeliveryState.PENDING, delivery.key)
        assert await ledger.store.revive(delivery.id) is None
    assert await ledger.store.claim(delivery.id, 1.0)
    assert not await ledger.store.drop(delivery.id, ledger.tick()), "it is on its way"
    await ledger.store.settle(delivery.id, Delivered("42"), ledger.tick())
    assert await ledger.store.revive(delivery.id) is None


async def test_what_was_dropped_is_not_claimed(ledger):
    said = await ledger.say("go")
    (delivery,) = await ledger.store.notify(said.session_id, notice("x"), ledger.tick())
    await ledger.store.drop(delivery.id, ledger.tick())
    assert not await ledger.store.claim(delivery.id, 1.0)


async def test_what_was_dropped_and_revived_is_sent_once(ledger):
    """Its queue still holds it from before, and the revival put it there again."""
    said = await ledger.say("go")
    (delivery,) = await ledger.store.notify(said.session_id, notice("x"), ledger.tick())
    await ledger.store.drop(delivery.id, ledger.tick())
    await ledger.store.revive(delivery.id)
    assert await ledger.store.claim(delivery.id, 1.0)
    await ledger.store.settle(delivery.id, Delivered("42"), ledger.tick())
    assert not await ledger.store.claim(delivery.id, 1.0)


@pytest.mark.parametrize("number", [0, 99, -1])
async def test_unknown_ids(ledger, number):
    assert await ledger.store.session(number) is None
    assert await ledger.store.revive(number) is None
    assert not await ledger.store.drop(number, ledger.tick())
    assert not await ledger.store.dismiss(number, 1, ledger.tick())


async def test_law_05_a_wish_to_go_on_that_waits_is_not_joined_by_a_second_event(ledger):
    session = (await ledger.interrupted()).session.id
    assert await ledger.store.reactivate(session, "resume:by-hand:9", ledger.tick())
    assert await ledger.store.schedule_resumes([session], ledger.tick()) == ()
