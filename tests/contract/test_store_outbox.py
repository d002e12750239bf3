"""What the ledger promises about what is owed to chats."""

import pytest

from gateway.model.delivery import (
    DELIVERY_TRANSITIONS,
    Delivered,
    DeliveryState,
    Rejected,
    RetryAfter,
    Unknown,
)
from gateway.model.states import IllegalTransitionError
from gateway.model.turn import TurnState
from tests.helpers.ledgers import ledger_fixture, notice

ledger = ledger_fixture()
S = DeliveryState

SETTLED = {
    S.SENT: Delivered("42"),
    S.REJECTED: Rejected("blocked"),
    S.PENDING: RetryAfter(1.0, "slow down"),
    S.UNKNOWN: Unknown("connection lost"),
}


async def owe(ledger, text="x"):
    said = await ledger.say("go")
    (delivery,) = await ledger.store.notify(said.session_id, notice(text), ledger.tick())
    return delivery


async def state_of(ledger, delivery):
    found = await ledger.store.delivery(delivery.id)
    assert found is not None
    return found.state


async def bring(ledger, delivery, state):
    """Take a fresh delivery to a state by legal steps."""
    store = ledger.store
    if state is S.PENDING:
        return
    await store.claim(delivery.id, 1.0)
    if state in (S.UNKNOWN, S.HELD):
        await store.settle(delivery.id, SETTLED[S.UNKNOWN], ledger.tick())
        if state is S.HELD:
            await store.hold(delivery.id)
    elif state is not S.SENDING:
        await store.settle(delivery.id, SETTLED[state], ledger.tick())


@pytest.mark.parametrize("before", S)
@pytest.mark.parametrize("after", SETTLED)
async def test_settling_follows_the_table(ledger, before, after):
    delivery = await owe(ledger)
    await bring(ledger, delivery, before)
    assert await state_of(ledger, delivery) is before
    if DELIVERY_TRANSITIONS.allows(before, after):
        await ledger.store.settle(delivery.id, SETTLED[after], ledger.tick())
        assert await state_of(ledger, delivery) is after
    else:
        with pytest.raises(IllegalTransitionError):
            await ledger.store.settle(delivery.id, SETTLED[after], ledger.tick())
        assert await state_of(ledger, delivery) is before


@pytest.mark.parametrize("before", S)
async def test_claiming(ledger, before):
    delivery = await owe(ledger)
    await bring(ledger, delivery, before)
    if before is S.PENDING:
        assert await ledger.store.claim(delivery.id, 1.0)
        assert await state_of(ledger, delivery) is S.SENDING
    elif before in (S.REJECTED, S.SENT):
        assert not await ledger.store.claim(delivery.id, 1.0)
    else:
        with pytest.raises(IllegalTransitionError):
            await ledger.store.claim(delivery.id, 1.0)
        assert await state_of(ledger, delivery) is before


@pytest.mark.parametrize("before", S)
async def test_only_what_is_unknown_can_be_held(ledger, before):
    delivery = await owe(ledger)
    await bring(ledger, delivery, before)
    if before is S.UNKNOWN:
        await ledger.store.hold(delivery.id)
        assert await state_of(ledger, delivery) is S.HELD
        assert await ledger.store.owed("telegram") == ()
    else:
        with pytest.raises(IllegalTransitionError):
            await ledger.store.hold(delivery.id)


@pytest.mark.parametrize("before", S)
async def test_only_what_is_unknown_is_repeated_as_doubtful(ledger, before):
    delivery = await owe(ledger)
    await bring(ledger, delivery, before)
    if before is S.UNKNOWN:
        await ledger.store.retry_doubtful(delivery.id)
        (owed,) = await ledger.store.owed("telegram")
        assert (owed.state, owed.doubtful, owed.attempt) == (S.PENDING, True, 1)
    else:
        with pytest.raises(IllegalTransitionError):
            await ledger.store.retry_doubtful(delivery.id)
        assert await state_of(ledger, delivery) is before


async def test_attempts_are_counted_and_the_key_stays(ledger):
    delivery = await owe(ledger)
    for _ in range(3):
        await ledger.store.claim(delivery.id, 1.0)
        await ledger.store.settle(delivery.id, SETTLED[S.PENDING], ledger.tick())
    (owed,) = await ledger.store.owed("telegram")
    assert (owed.attempt, owed.key, owed.doubtful) == (3, delivery.key, False)
    assert owed.error == "slow down"


async def test_a_delivery_that_was_sent_is_owed_no_more(ledger):
    delivery = await owe(ledger)
    await ledger.store.claim(delivery.id, 1.0)
    await ledger.store.settle(delivery.id, Delivered("42"), ledger.tick())
    assert await ledger.store.owed("telegram") == ()
    assert await ledger.store.deliveries(5) == ()


async def test_what_is_owed_is_listed_oldest_first_per_account(ledger):
    here = [await owe(ledger, text) for text in ("a", "b", "c")]
    other = await ledger.say("x", account="other")
    await ledger.store.notify(other.session_id, notice("elsewhere"), ledger.tick())
    assert await ledger.store.owed("telegram") == tuple(here)
    assert [d.body for d in await ledger.store.owed("other")] == ["elsewhere"]
    assert await ledger.store.owed("nobody") == ()


async def test_what_is_being_sent_is_not_owed_again(ledger):
    delivery = await owe(ledger)
    await ledger.store.claim(delivery.id, 1.0)
    assert await ledger.store.owed("telegram") == ()


@pytest.mark.parametrize("before", S)
async def test_a_person_may_revive_what_is_held_or_rejected(ledger, before):
    delivery = await owe(ledger)
    await bring(ledger, delivery, before)
    revived = await ledger.store.revive(delivery.id)
    if before in (S.HELD, S.REJECTED):
        assert revived is not None
        assert (revived.id, revived.state) == (delivery.id, S.PENDING)
        assert await ledger.store.owed("telegram") == (revived,)
    else:
        assert revived is None
        assert await state_of(ledger, delivery) is before


@pytest.mark.parametrize("before", S)
async def test_a_person_may_drop_what_is_not_on_its_way(ledger, before):
    delivery = await owe(ledger)
    await bring(ledger, delivery, before)
    dropped = await ledger.store.drop(delivery.id, ledger.tick())
    assert dropped == (before in (S.PENDING, S.UNKNOWN, S.HELD, S.REJECTED))
    assert await state_of(ledger, delivery) is (S.REJECTED if dropped else before)
    listed = await ledger.store.deliveries(9)
    assert bool(listed) == (before is S.SENDING), "what was dropped is no trouble any more"
    assert not await ledger.store.drop(delivery.id, ledger.tick())


async def test_what_needs_an_eye_is_listed(ledger):
    for state in S:
        await bring(ledger, await owe(ledger, state.value), state)
    shown = await ledger.store.deliveries(100)
    assert [d.body for d in shown] == [state.value for state in S if state is not S.SENT]
    assert [d.body for d in await ledger.store.deliveries(2)] == ["held", "rejected"]


async def test_quotes_and_keys_are_stored(ledger):
    said = await ledger.say("go", max_queued=0)
    (full,) = await ledger.store.owed("telegram")
    assert full.reply_to == "7"
    assert full.session_id == said.session_id
    assert 0 < len(full.key) <= 25


async def test_replies_of_a_turn_that_failed_are_owed(ledger):
    start = await ledger.begin((await ledger.say("go")).session_id)
    await ledger.end(start.turn_id, TurnState.FAILED, "sorry")
    assert [d.body for d in await ledger.store.owed("telegram")] == ["sorry"]
