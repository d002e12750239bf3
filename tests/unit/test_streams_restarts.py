"""Answers that were growing when the gateway died: the chat ends with one whole answer and no half one."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from gateway.engine.drain import CUT_NOTICE
from gateway.engine.resume import ASK, SUSPENDED
from gateway.engine.streams import CONTINUED, CUT_SHORT, STOPPED
from gateway.model.address import ChatKind
from gateway.model.message import Inbound
from gateway.model.operation import Intent, StopRequest
from gateway.ports import Batch
from gateway.rules.recovery import ResumePolicy
from tests.helpers.clock import until
from tests.helpers.growing import WHOLE, after_it_was_sent, asked, began, finish, killed, read_back
from tests.helpers.ledgers import ACCOUNT
from tests.helpers.onlookers import LABEL, done, pass_time, scene, seen


async def before_it_is_claimed(s, it):
    s.chat.paces["1001"] = asyncio.Event()
    await asked(it)
    await pass_time(it, 2.0)
    assert s.store.reached["open_stream"]


async def while_it_is_claimed(s, it):
    s.chat.gates["1001"] = asyncio.Event()
    await asked(it)
    await pass_time(it, 2.0)
    assert len(s.chat.tried) == 1


async def while_its_answer_is_awaited(s, it):
    s.chat.stuck["1001"] = asyncio.Event()
    await began(it)


async def after_it_grew(s, it):
    await after_it_was_sent(s, it)
    it.agents.say(" of")
    await seen(it, "Half of")
    it.agents.say(" it")
    await seen(it, "Half of it")


async def while_it_grows(s, it):
    await after_it_was_sent(s, it)
    s.chat.amending = asyncio.Event()
    it.agents.say(" of it")
    await pass_time(it, 2.0)


STAGES = [
    before_it_is_claimed,
    while_it_is_claimed,
    while_its_answer_is_awaited,
    after_it_was_sent,
    after_it_grew,
    while_it_grows,
]


def again(s):
    """What stood in the way is gone."""
    for gates in (s.chat.paces, s.chat.gates, s.chat.stuck, s.store.before, s.store.after):
        gates.clear()
    s.chat.amending = s.chat.editing = None


@asynccontextmanager
async def another_life(s, *, beginning="", **more):
    """The next boot; what it goes on with is answered with `beginning`, and more when the event is set."""
    again(s)
    async with s.life(ready=False, **more) as it:
        end = it.agents.talk(beginning)
        yield it, end


def expected(stage, *, knows):
    if knows or stage not in (while_it_is_claimed, while_its_answer_is_awaited):
        return [WHOLE]
    return ["Half", LABEL + WHOLE] if stage is while_its_answer_is_awaited else [LABEL + WHOLE]


@pytest.mark.parametrize("streams_again", [True, False])
@pytest.mark.parametrize("knows", [True, False])
@pytest.mark.parametrize("stage", STAGES)
async def test_killed_at_any_stage_it_ends_as_one_whole_answer(tmp_path, stage, knows, streams_again):
    async with killed(tmp_path, stage, knows=knows) as s:
        async with another_life(s, beginning="The who") as (it, end):
            await it.ready()
            await pass_time(it, 4.0 if streams_again else 0.5)
            it.agents.say("le answer.")
            await pass_time(it, 2.0 if streams_again else 0.25)
            await finish(it, end)
            assert s.chat.reads() == expected(stage, knows=knows)
            assert await s.ledger.store.growing(await it.session_of()) == ()
        async with s.life() as it:
            await done(it)
            assert s.chat.reads() == expected(stage, knows=knows)
            assert it.agents.prompts == []


@pytest.mark.parametrize("stage", STAGES)
async def test_killed_again_and_again_it_ends_as_one_whole_answer(tmp_path, stage):
    async with killed(tmp_path, stage, knows=True) as s:
        async with another_life(s, beginning="The second try") as (it, _):
            await it.ready()
            await pass_time(it, 3.0)
        async with another_life(s, beginning="A third") as (it, _):
            await it.ready()
            await pass_time(it, 3.0)
        async with another_life(s, beginning=WHOLE) as (it, end):
            await it.ready()
            await finish(it, end)
            assert s.chat.reads() == [WHOLE]


async def committed(s, it):
    s.store.after["end_turn"] = asyncio.Event()


async def waiting_for_a_change(s, it):
    s.chat.amending = asyncio.Event()
    it.agents.say(" of")
    await pass_time(it, 2.0)


async def while_it_is_edited(s, it):
    s.chat.editing = asyncio.Event()


async def before_the_edit_is_claimed(s, it):
    s.chat.paces["1001"] = asyncio.Event()


async def after_everything(s, it):
    pass


@pytest.mark.parametrize(
    "stage",
    [committed, waiting_for_a_change, while_it_is_edited, before_the_edit_is_claimed, after_everything],
)
async def test_killed_after_its_end_was_written_it_is_not_answered_again(tmp_path, stage):
    async with scene(tmp_path) as s:
        async with s.life() as it:
            end = await began(it)
            await stage(s, it)
            it.agents.say(" and whole")
            whole = "Half of and whole" if stage is waiting_for_a_change else "Half and whole"
            end.set()
            await until(lambda: s.store.reached["end_turn"])
            await pass_time(it, 3.0)
        again(s)
        async with s.life() as it:
            await done(it)
            assert s.chat.reads() == [whole]
            assert it.agents.prompts == []


async def test_what_the_user_wrote_meanwhile_closes_the_old_message(tmp_path):
    async with killed(tmp_path) as s, another_life(s, beginning="More") as (it, end):
        await read_back(s, it)
        await seen(it, "Half" + CONTINUED, "More")
        await finish(it, end, " to come.")
        assert s.chat.reads() == ["Half" + CONTINUED, "More to come."]


@pytest.mark.parametrize(
    ("stage", "knows", "shown"),
    [
        (before_it_is_claimed, False, [WHOLE]),
        (while_it_is_claimed, False, [LABEL + WHOLE]),
        (while_it_is_claimed, True, [WHOLE]),
        (while_its_answer_is_awaited, False, ["Half", LABEL + WHOLE]),
        (while_its_answer_is_awaited, True, ["Half" + CONTINUED, WHOLE]),
    ],
)
async def test_a_message_that_nobody_can_find_is_not_sent_to_be_closed(tmp_path, stage, knows, shown):
    async with killed(tmp_path, stage, knows=knows) as s, another_life(s, beginning=WHOLE) as (it, end):
        await read_back(s, it)
        await finish(it, end)
        assert s.chat.reads() == shown


async def test_a_message_that_was_deleted_is_not_sent_to_be_closed(tmp_path):
    async with killed(tmp_path) as s:
        s.chat.delete("Half")
        async with another_life(s, beginning=WHOLE) as (it, end):
            await read_back(s, it)
            await finish(it, end)
            assert s.chat.reads() == [WHOLE]


async def test_a_notice_that_came_after_it_closes_the_old_message(tmp_path):
    async with scene(tmp_path) as s:
        async with s.life() as it:
            await after_it_was_sent(s, it)
            s.clock.advance(1.0)
            await it.hear("", command="help")
            await until(lambda: len(s.chat.reads()) == 2)
            await it.quiet()
            _, helped = s.chat.reads()
        async with another_life(s, beginning=WHOLE) as (it, end):
            await it.ready()
            await finish(it, end)
            assert s.chat.reads() == ["Half" + CONTINUED, helped, WHOLE]


async def test_a_drain_closes_it_because_its_notice_comes_after(tmp_path):
    async with scene(tmp_path) as s:
        async with s.life() as it:
            await after_it_was_sent(s, it)
            it.agents.say(" of it")
            it.drain.stop(StopRequest(Intent.RESTART, 0.0))
            stopped = await it.drain.run()
            assert stopped.clean
        async with another_life(s, beginning=WHOLE) as (it, end):
            await it.ready()
            await finish(it, end)
            assert s.chat.reads() == ["Half of it" + CONTINUED, CUT_NOTICE[Intent.RESTART], WHOLE]


async def test_an_answer_that_ends_during_a_drain_is_whole(tmp_path):
    async with scene(tmp_path) as s:
        async with s.life() as it:
            end = await began(it)
            it.drain.stop(StopRequest(Intent.STOP, 30.0))
            stopping = it.group.create_task(it.drain.run())
            await it.quiet()
            it.agents.say(" and")
            await seen(it, "Half and")
            it.agents.say(" whole")
            end.set()
            assert (await stopping).clean
            assert s.chat.reads() == ["Half and whole"]
        async with s.life() as it:
            await done(it)
            assert s.chat.reads() == ["Half and whole"]


async def test_a_resumed_answer_without_text_takes_its_place_all_the_same(tmp_path):
    async with killed(tmp_path) as s, another_life(s) as (it, end):
        await it.ready()
        await it.at_work()
        await finish(it, end)
        assert s.chat.reads() == ["(The agent finished without saying anything.)"]


async def test_where_streaming_was_switched_off_it_is_ended_all_the_same(tmp_path):
    async with killed(tmp_path) as s, another_life(s, beginning=WHOLE, streaming=False) as (it, end):
        await it.ready()
        await pass_time(it, 3.0)
        assert s.chat.reads() == ["Half"]
        await finish(it, end)
        assert s.chat.reads() == [WHOLE]


async def test_a_suspended_conversation_leaves_no_half_answer(tmp_path):
    async with killed(tmp_path) as s, s.life(resume=ResumePolicy(max_attempts=0)) as it:
        await done(it)
        assert s.chat.reads() == ["Half" + CUT_SHORT, SUSPENDED]


@pytest.mark.parametrize(
    ("command", "line", "answer"),
    [
        ("stop", STOPPED, "Stopped."),
        ("new", STOPPED, "A new conversation begins. The old one is kept."),
    ],
)
async def test_a_person_stops_an_answer_that_grows(tmp_path, command, line, answer):
    async with scene(tmp_path) as s:
        async with s.life() as it:
            await after_it_was_sent(s, it)
            it.agents.say(" of it")
            await it.hear("", command=command)
            await done(it)
            await pass_time(it, 3.0)
            assert s.chat.reads() == ["Half of it" + line, answer]
        async with s.life() as it:
            await done(it)
            assert len(s.chat.reads()) == 2


@pytest.mark.parametrize(
    ("command", "line", "answer"),
    [
        ("stop", STOPPED, "Stopped: I will not go on with what was cut short."),
        ("new", CUT_SHORT, "A new conversation begins. The old one is kept."),
    ],
)
async def test_a_person_stops_an_answer_that_was_cut_short(tmp_path, command, line, answer):
    async with killed(tmp_path) as s, s.life(ready=False) as it:
        s.clock.advance(1.0)
        await it.hear("", command=command)  # read back: it is carried out before anything is resumed
        await it.quiet()
        await it.ready()
        await done(it)
        assert s.chat.reads() == ["Half" + line, answer]
        assert it.agents.prompts == []


async def test_a_person_dismisses_an_answer_that_was_cut_short(tmp_path):
    async with killed(tmp_path) as s, s.life(resume=ResumePolicy(finish=False, ask=True)) as it:
        await done(it)
        question = ASK.format("tell me")
        assert s.chat.reads()[-1] == question
        (asked,) = (delivery for delivery in s.chat.delivered if delivery.buttons)
        (data,) = (button.data for button in asked.buttons if button.label == "Dismiss")
        press = Inbound("b1", "1001", ChatKind.DIRECT, "1001", "Ann", "", s.clock.now(), button=data)
        await it.intake.accept(Batch(ACCOUNT, (press,)))
        await until(lambda: s.chat.reads()[-1] == "Dismissed.")
        await done(it)
        assert s.chat.reads() == ["Half" + CUT_SHORT, question, "Dismissed."]


async def test_a_reconnect_leaves_an_answer_alone_that_grows(tmp_path):
    async with scene(tmp_path) as s, s.life() as it:
        end = await began(it)
        for _ in range(3):
            await it.ready()
            await it.quiet()
        assert s.chat.reads() == ["Half"]
        it.agents.say(" and whole")
        await seen(it, "Half and whole")
        await finish(it, end)
        assert s.chat.reads() == ["Half and whole"]
        assert len(s.chat.edited) == 1


async def test_a_reconnect_leaves_an_answer_alone_that_is_gone_on_with(tmp_path):
    async with killed(tmp_path) as s, another_life(s, beginning="The who") as (it, end):
        await it.ready()
        await it.ready()
        await seen(it, "The who")
        await it.ready()
        await finish(it, end, "le answer.")
        assert s.chat.reads() == [WHOLE]


async def test_two_half_answers_are_both_ended(tmp_path):
    async with killed(tmp_path) as s:
        async with another_life(s, beginning="Second") as (it, _):
            s.chat.editing = asyncio.Event()  # the line that closes the first one is on its way for long
            await read_back(s, it)
            await pass_time(it, 4.0)
            s.chat.editing.set()
            await seen(it, "Half" + CONTINUED, "Second")
        async with another_life(s, beginning=WHOLE) as (it, end):
            await it.ready()
            await finish(it, end)
            assert s.chat.reads() == ["Half" + CONTINUED, WHOLE]
