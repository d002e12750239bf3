"""Half answers that nothing goes on with, and deliveries that a person dropped meanwhile."""

import pytest

from gateway.engine.streams import CUT_SHORT, STOPPED
from gateway.model.delivery import Unknown
from gateway.model.states import IllegalTransitionError
from gateway.rules.recovery import ResumePolicy
from tests.helpers.growing import killed
from tests.helpers.ledgers import notice
from tests.helpers.onlookers import done, scene


async def test_a_resumed_turn_that_is_stopped_before_it_speaks_keeps_what_was_said(tmp_path):
    async with killed(tmp_path) as s, s.life(ready=False) as it:
        it.agents.talk()
        await it.ready()
        await it.at_work()
        s.clock.advance(1.0)
        await it.hear("", command="stop")
        await done(it)
        assert s.chat.reads() == ["Half" + STOPPED, "Stopped."]


async def test_what_is_not_resumed_by_itself_leaves_no_half_answer(tmp_path):
    async with killed(tmp_path) as s, s.life(resume=ResumePolicy(enabled=False)) as it:
        await done(it)
        assert s.chat.reads() == ["Half" + CUT_SHORT]


async def test_what_was_dropped_while_the_platform_was_asked_stays_dropped(tmp_path):
    async with scene(tmp_path) as s:
        store = s.ledger.store
        said = await s.ledger.say("x")
        (owed,) = await store.notify(said.session_id, notice("a"), 1.0)
        await store.claim(owed.id, 1.0)
        await store.settle(owed.id, Unknown("lost"), 1.0)
        assert await store.drop(owed.id, 1.0)
        with pytest.raises(IllegalTransitionError):
            await store.retry(owed.id)
        with pytest.raises(IllegalTransitionError):
            await store.detach(owed.id, doubtful=False)
