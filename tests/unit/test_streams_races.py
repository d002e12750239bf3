"""Answers that grow while everything around them happens at the worst moment."""

import asyncio
from collections import deque

import pytest

from gateway.engine.endings import Cut
from gateway.engine.streams import CONTINUED, CUT_SHORT, STOPPED
from gateway.model.delivery import Rejected
from gateway.model.session import Reason
from tests.helpers.clock import until
from tests.helpers.growing import WHOLE, asked, began, finish, killed, read_back
from tests.helpers.onlookers import done, pass_time, scene, seen


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_an_answer_that_ends_while_its_message_is_being_opened(tmp_path, moment):
    async with scene(tmp_path) as s, s.life() as it:
        gate = getattr(s.store, moment)["open_stream"] = asyncio.Event()
        end = await asked(it)
        await pass_time(it, 2.0)
        it.agents.say(" and whole")
        end.set()
        await pass_time(it, 1.0)
        assert s.store.reached["end_turn"] == 0, "whether there is a message is certain before the turn ends"
        gate.set()
        await done(it)
        assert s.chat.reads() == ["Half and whole"]
        assert await s.ledger.store.growing(await it.session_of()) == ()


async def test_killed_while_the_message_is_being_opened(tmp_path):
    async with scene(tmp_path) as s:
        async with s.life() as it:
            s.store.after["open_stream"] = asyncio.Event()
            await asked(it)
            await pass_time(it, 2.0)
        s.store.after.clear()
        async with s.life(ready=False) as it:
            it.agents.say_at_once(WHOLE)
            await it.ready()
            await done(it)
            assert s.chat.reads() == [WHOLE]


STEPS = ["begin_turn", "record_opening", "open_stream", "claim", "settle", "end_turn"]


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("step", STEPS)
async def test_a_full_disk_at_any_step_costs_no_answer(tmp_path, step, times):
    async with scene(tmp_path) as s, s.life() as it:
        s.store.full[step] = times
        end = await asked(it)
        await pass_time(it, 4.0)
        it.agents.say(" and whole")
        await pass_time(it, 2.0)
        s.store.full[step] = times
        await finish(it, end)
        assert s.chat.reads() == ["Half and whole"]
        assert s.store.refused.count(step) >= times
        assert len({delivery.id for delivery in s.chat.delivered}) == 1


@pytest.mark.parametrize("step", ["abandon", "detach", "settle", "retry"])
async def test_a_full_disk_while_something_is_found_out(tmp_path, step):
    async with scene(tmp_path) as s:
        async with s.life() as it:
            if step == "retry":
                it.agents.say_at_once(WHOLE)
            else:
                it.agents.talk("Half")
            s.chat.gates["1001"] = asyncio.Event()
            await it.hear("tell me")
            await pass_time(it, 2.0)
        s.chat.gates.clear()
        s.chat.knows = step in ("settle", "retry")
        s.store.full[step] = 2
        async with s.life(ready=False) as it:
            it.agents.say_at_once(WHOLE)
            await it.ready()
            await done(it)
            (shown,) = s.chat.reads()
            assert shown.endswith(WHOLE)
            assert s.store.refused.count(step) == 2


async def test_a_full_disk_while_an_old_message_is_closed_does_not_mix_answers_up(tmp_path):
    async with killed(tmp_path) as s, s.life(ready=False) as it:
        s.store.full["close_stream"] = 3
        it.agents.say_at_once(WHOLE)
        await read_back(s, it)
        await done(it)
        assert s.store.refused.count("close_stream") == 3
        assert s.chat.reads() == ["Half" + CONTINUED, WHOLE]


async def test_a_full_disk_while_a_stopped_message_is_closed(tmp_path):
    async with killed(tmp_path) as s, s.life(ready=False) as it:
        s.store.full["close_stream"] = 3
        s.clock.advance(1.0)
        await it.hear("", command="stop")
        ready = asyncio.ensure_future(it.ready())
        while not ready.done():
            await it.quiet()
            s.clock.advance(1.0)
        await done(it)
        await until(lambda: len(s.chat.reads()) == 2)
        half, told = s.chat.reads()
        assert half in ("Half" + CUT_SHORT, "Half" + STOPPED), "whoever comes first"
        assert told == "Stopped: I will not go on with what was cut short."


async def test_streams_are_closed_once_by_whoever_comes_first(tmp_path):
    async with killed(tmp_path) as s, s.life(ready=False) as it:
        session = await it.session_of()
        await s.ledger.store.suspend(session, Reason.MANUAL, (), s.clock.now())
        await asyncio.gather(
            it.streams.close_session(session, "\n\n(one)"),
            it.streams.close_session(session, "\n\n(two)"),
            it.streams.close_stray("telegram"),
            it.ready(),
        )
        await done(it)
        (text,) = s.chat.reads()
        assert text.startswith("Half\n\n")
        assert len(s.chat.edited) == 1


async def test_a_turn_that_an_operator_cut_goes_on_in_its_message(tmp_path):
    async with scene(tmp_path) as s, s.life() as it:
        await began(it)
        session = await it.session_of()
        assert await it.turns.cut(session, Cut.OPERATOR)
        await done(it)
        assert s.chat.reads() == ["Half"]
        end = it.agents.talk("The who")
        assert await s.ledger.store.reactivate(session, "resume:operator:1", s.clock.now())
        it.lanes.wake(session)
        await seen(it, "The who")
        await finish(it, end, "le answer.")
        assert s.chat.reads() == [WHOLE]


async def test_a_stop_while_an_adopted_message_is_looked_for(tmp_path):
    async with killed(tmp_path) as s, s.life(ready=False) as it:
        it.agents.talk("More")
        await it.ready()
        await it.at_work()
        s.store.before["delivery"] = asyncio.Event()
        await pass_time(it, 2.0)
        await it.hear("", command="stop")
        await pass_time(it, 1.0)
        s.store.before["delivery"].set()
        await done(it)
        await pass_time(it, 3.0)
        assert s.chat.reads() == ["More\n\n⏹ (stopped)", "Stopped."]


async def test_the_next_turn_of_a_chat_waits_for_the_end_of_the_answer(tmp_path):
    async with scene(tmp_path) as s, s.life() as it:
        end = await began(it)
        await it.hear("and more")
        s.chat.amending = asyncio.Event()
        it.agents.say(" and whole")
        await pass_time(it, 2.0)
        end.set()
        await pass_time(it, 2.0)
        assert len(it.agents.prompts) == 1
        s.chat.amending.set()
        await done(it)
        assert s.chat.reads() == ["Half and whole", "echo and more"]


async def test_a_half_answer_in_one_chat_is_no_business_of_another(tmp_path):
    async with scene(tmp_path) as s:
        async with s.life() as it:
            await began(it, chat="1")
            s.clock.advance(1.0)
            await it.hear("hello", "2")
            await until(lambda: s.chat.reads("2") == ["echo hello"])
            await it.quiet()
        async with s.life(ready=False) as it:
            it.agents.say_at_once(WHOLE)
            await it.ready()
            await done(it)
            assert s.chat.reads("1") == [WHOLE]
            assert s.chat.reads("2") == ["echo hello"]


async def test_a_refused_line_below_an_old_message_is_not_said_elsewhere(tmp_path):
    async with killed(tmp_path) as s:
        s.chat.edits = deque([Rejected("too old to be edited")])
        async with s.life(ready=False) as it:
            it.agents.say_at_once(WHOLE)
            await read_back(s, it)
            await done(it)
            assert s.chat.reads() == ["Half", WHOLE]
            (refused,) = await s.ledger.store.deliveries(10)
            assert refused.error == "too old to be edited"
