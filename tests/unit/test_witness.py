"""What a witness is told of a conversation, of a restart and of trouble with sending."""

from dataclasses import replace

from gateway.model.address import ChatKind
from gateway.model.delivery import DeliveryKind, Rejected
from gateway.model.happening import (
    DeliverySettled,
    Drained,
    Received,
    Reception,
    Sending,
    SessionOpened,
    TurnBegan,
    TurnEnded,
)
from gateway.model.message import Inbound
from gateway.model.operation import Intent, StopRequest
from gateway.model.session import Reason
from gateway.model.turn import TurnState
from gateway.ports import Batch
from gateway.store.sqlite import LEDGER_FILE, open_sqlite
from tests.helpers.house import fresh_house, house
from tests.helpers.ledgers import ACCOUNT, opened


def of(seen, kind):
    return [one for one in seen if isinstance(one, kind)]


async def test_the_way_of_a_message(tmp_path):
    seen = []
    async with fresh_house(tmp_path, saw=seen.append) as it:
        await it.hear("hello", event="a")
        await it.idle()
        (came,) = of(seen, Received)
        (began,) = of(seen, TurnBegan)
        (session,) = of(seen, SessionOpened)
        (ended,) = of(seen, TurnEnded)
        (sent,) = of(seen, DeliverySettled)
        order = [came, began, session, ended, sent]
        assert [one for one in seen if one in order] == order
        assert (came.account, came.outcome, came.found) == (ACCOUNT, Reception.ACCEPTED, False)
        assert (began.message_id, began.received_at, began.resumes) == (came.message_id, came.at, None)
        assert (session.turn_id, session.agent, session.resumes) == (began.turn_id, "demo", None)
        assert (ended.turn_id, ended.state, ended.resumed) == (began.turn_id, TurnState.COMPLETED, False)
        assert (sent.turn_id, sent.kind, sent.outcome) == (began.turn_id, DeliveryKind.REPLY, Sending.SENT)
        assert came.at <= began.at <= session.at <= ended.at <= sent.at
        assert sent.claimed_at is not None


async def test_what_is_not_taken(tmp_path):
    seen = []
    async with fresh_house(tmp_path, saw=seen.append) as it:
        await it.hear("hello", event="a")
        await it.hear("hello", event="a")
        old = Inbound(
            "b", "1001", ChatKind.DIRECT, "1001", "Ann", "old", it.clock.now() - 1e6, backfilled=True
        )
        it.intake._policy = replace(it.intake._policy, freshness=60.0)
        await it.intake.accept(Batch(ACCOUNT, (old,), {"": "b"}))
        await it.idle()
        assert [(one.outcome, one.found) for one in of(seen, Received)] == [
            (Reception.ACCEPTED, False),
            (Reception.DUPLICATE, False),
            (Reception.TOO_OLD, True),
        ]


async def test_a_turn_that_goes_on_with_another_says_so(tmp_path):
    seen = []
    async with opened("sqlite", tmp_path) as ledger:
        await ledger.interrupted("work")
        async with house(ledger, saw=seen.append) as it:
            await it.ready()
            await it.idle()
        (began,) = of(seen, TurnBegan)
        (session,) = of(seen, SessionOpened)
        (ended,) = of(seen, TurnEnded)
        assert began.resumes == session.resumes == Reason.RESTART_INTERRUPTED
        assert ended.resumed


async def test_what_became_of_each_attempt_to_send(tmp_path):
    seen = []
    async with fresh_house(tmp_path, saw=seen.append) as it:
        it.chat.script["1001"].append(Rejected("blocked"))
        await it.hear("hello")
        await it.idle()
        (refused,) = of(seen, DeliverySettled)
        assert refused.outcome is Sending.REJECTED


async def test_a_stop_and_what_it_cut(tmp_path):
    seen = []
    async with fresh_house(tmp_path, saw=seen.append) as it:
        it.drain.stop(StopRequest(Intent.STOP, 0.0))
        await it.drain.run()
    (drained,) = of(seen, Drained)
    assert (drained.cut, drained.clean) == (0, True)


async def test_commits_are_counted_with_their_failures(tmp_path):
    seen = []
    async with open_sqlite(tmp_path / LEDGER_FILE, seen.append) as store:
        boot = (await store.open_boot("replica", 1, 1.0)).boot_id
        await store.beat(boot, 2.0)
        failed = 0
        try:
            await store.claim(99, 1.0)
        except TypeError:
            failed = 1
    assert failed, "there is no such delivery"
    assert [(one.steps, one.failed) for one in seen] == [(1, 0), (1, 0), (1, 1)]
    assert all(one.seconds > 0 for one in seen)
