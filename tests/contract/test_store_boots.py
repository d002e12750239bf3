"""What the ledger promises about boots: the clean-shutdown marker, and what dead ones leave behind."""

import pytest

from gateway.model.boot import BOOT_TRANSITIONS, BootState
from gateway.model.delivery import DeliveryState
from gateway.model.operation import Intent
from gateway.model.session import Reason, SessionState
from gateway.model.states import IllegalTransitionError
from gateway.model.turn import StepStatus, TurnState
from tests.helpers.ledgers import ledger_fixture, tool

ledger = ledger_fixture()


async def test_a_first_boot_finds_nothing(ledger):
    opening = ledger.opening
    assert (opening.dead_boots, opening.interrupted_turns, opening.unknown_deliveries) == (0, 0, 0)
    assert opening.crashes == ()
    (boot,) = await ledger.store.boots(5)
    assert (boot.id, boot.state, boot.stopped_at) == (opening.boot_id, BootState.STARTING, None)


async def test_law_03_a_boot_without_the_marker_crashed(ledger):
    (first,) = await ledger.store.boots(1)
    crashed = await ledger.start()
    assert (crashed.dead_boots, crashed.crashes) == (1, (first.started_at,))
    await ledger.store.stop_boot(ledger.boot, ledger.tick())
    after_stop = await ledger.start()
    assert (after_stop.dead_boots, after_stop.crashes) == (0, (first.started_at,))


async def test_crashes_are_listed_newest_first(ledger):
    for _ in range(3):
        await ledger.start()
    crashes = ledger.opening.crashes
    assert len(crashes) == 3
    assert list(crashes) == sorted(crashes, reverse=True)


async def test_law_03_what_ran_in_a_dead_boot_is_interrupted(ledger):
    running = await ledger.begin((await ledger.say("go")).session_id)
    await ledger.store.record_steps(running.turn_id, [tool(0, "a"), tool(1, "b", StepStatus.COMPLETED)])
    done = await ledger.begin((await ledger.say("done", "2")).session_id)
    await ledger.end(done.turn_id)
    waiting = await ledger.say("waiting", "3")
    opening = await ledger.start()
    assert opening.interrupted_turns == 1
    (turn,) = await ledger.store.turns(running.session.id)
    assert (turn.state, turn.reason) == (TurnState.INTERRUPTED, Reason.RESTART_INTERRUPTED)
    session = await ledger.session(running.session.id)
    assert (session.state, session.reason) == (SessionState.RESUME_PENDING, Reason.RESTART_INTERRUPTED)
    assert session.resume_turn_id == running.turn_id
    (past,) = await ledger.store.history(running.session.id, running.turn_id + 1)
    assert [step.status for step in past.steps] == [StepStatus.INTERRUPTED, StepStatus.COMPLETED]
    for other in (done.session.id, waiting.session_id):
        assert (await ledger.session(other)).state is SessionState.ACTIVE


async def test_law_03_a_turn_that_outlived_a_clean_stop_is_interrupted_too(ledger):
    start = await ledger.begin((await ledger.say("go")).session_id)
    await ledger.store.stop_boot(ledger.boot, ledger.tick())
    opening = await ledger.start()
    assert (opening.dead_boots, opening.interrupted_turns) == (0, 1)
    assert (await ledger.session(start.session.id)).resume_turn_id == start.turn_id
    await ledger.say("still there?")
    assert (await ledger.begin(start.session.id)).interruption is not None


async def test_an_interruption_is_dated_by_the_last_sign_of_life(ledger):
    start = await ledger.begin((await ledger.say("go")).session_id)
    await ledger.store.beat(ledger.boot, ledger.tick(60))
    beat = ledger.now
    ledger.tick(86_400)
    await ledger.start()
    assert (await ledger.session(start.session.id)).resume_marked_at == beat


async def test_a_turn_younger_than_the_last_beat_is_dated_by_its_start(ledger):
    await ledger.store.beat(ledger.boot, ledger.tick())
    start = await ledger.begin((await ledger.say("go")).session_id)
    began = ledger.now
    ledger.tick(86_400)
    await ledger.start()
    assert (await ledger.session(start.session.id)).resume_marked_at == began


async def test_what_was_being_sent_is_unknown(ledger):
    start = await ledger.begin((await ledger.say("go")).session_id)
    sending, pending, sent = await ledger.end(start.turn_id, TurnState.COMPLETED, "a", "b", "c")
    for delivery in (sending, sent):
        await ledger.store.claim(delivery.id, 1.0)
    from gateway.model.delivery import Delivered  # noqa: PLC0415

    await ledger.store.settle(sent.id, Delivered("1"), ledger.tick())
    opening = await ledger.start()
    assert opening.unknown_deliveries == 1
    owed = await ledger.store.owed("telegram")
    assert [(d.id, d.state) for d in owed] == [
        (sending.id, DeliveryState.UNKNOWN),
        (pending.id, DeliveryState.PENDING),
    ]


async def test_dead_boots_are_dealt_with_once(ledger):
    await ledger.interrupted()
    again = await ledger.start()
    assert (again.dead_boots, again.interrupted_turns) == (1, 0)


@pytest.mark.parametrize("before", BootState)
@pytest.mark.parametrize("after", [BootState.SERVING, BootState.DRAINING, BootState.STOPPED])
async def test_boots_move_along_their_table(ledger, before, after):
    async def move(state):
        if state is BootState.STOPPED:
            await ledger.store.stop_boot(ledger.boot, ledger.tick())
        else:
            await ledger.store.set_boot_state(ledger.boot, state)

    if before is not BootState.STARTING:
        await move(before)
    if BOOT_TRANSITIONS.allows(before, after):
        await move(after)
        assert (await ledger.store.boots(1))[0].state is after
    else:
        with pytest.raises(IllegalTransitionError):
            await move(after)
        assert (await ledger.store.boots(1))[0].state is before


async def test_the_marker_and_the_intent_are_kept(ledger):
    await ledger.store.set_boot_state(ledger.boot, BootState.DRAINING, Intent.RESTART)
    at = ledger.tick()
    await ledger.store.stop_boot(ledger.boot, at)
    (boot,) = await ledger.store.boots(1)
    assert (boot.stopped_at, boot.seen_at, boot.intent) == (at, at, Intent.RESTART)


async def test_who_asked_for_a_restart_is_told_once_when_it_is_back(ledger):
    said = await ledger.command("restart")
    await ledger.store.set_boot_state(ledger.boot, BootState.DRAINING, Intent.RESTART, said.session_id)
    await ledger.store.stop_boot(ledger.boot, ledger.tick())
    await ledger.start()
    await ledger.start()
    (back,) = await ledger.store.owed("telegram")
    assert back.session_id == said.session_id


async def test_a_marker_of_an_earlier_crash_stays_while_nobody_continues(ledger):
    start = await ledger.interrupted()
    first = await ledger.session(start.session.id)
    await ledger.start()
    await ledger.start()
    assert await ledger.session(start.session.id) == first
