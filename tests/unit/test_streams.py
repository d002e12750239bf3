"""Answers that grow: what people see of them within one life of the gateway."""

import asyncio
from collections import deque

import pytest

from gateway.engine.endings import GAVE_UP, SAID_NOTHING, TRY_AGAIN
from gateway.engine.outbox import DOUBTFUL_EDITS
from gateway.engine.streams import STOPPED, STUCK_SECONDS, ended_early
from gateway.model.agent import AgentFailed, Ended
from gateway.model.delivery import DeliveryKind, Rejected, RetryAfter, Unknown
from tests.helpers.clock import until
from tests.helpers.growing import asked, began, finish, growing
from tests.helpers.onlookers import LABEL, Arrived, done, pass_time, scene, seen


async def test_an_answer_that_is_ready_soon_is_sent_in_one_piece(tmp_path):
    async with scene(tmp_path) as s, s.life() as it:
        end = it.agents.talk("Hel")
        await it.hear("hello")
        await pass_time(it, 0.75)
        await finish(it, end, "lo.")
        assert s.chat.reads() == ["Hello."]
        assert [delivery.kind for delivery in s.chat.tried] == [DeliveryKind.REPLY]
        assert (s.chat.edited, s.chat.amended) == ([], [])


async def test_a_long_answer_grows_in_one_message_and_ends_exactly(tmp_path):
    async with growing(tmp_path, "Once upon") as (s, it, end):
        it.agents.say(" a time,")
        await seen(it, "Once upon a time,")
        await finish(it, end, " there was an end.")
        assert s.chat.reads() == ["Once upon a time, there was an end."]
        assert len(s.chat.edited) == 1
        assert [delivery.kind for delivery in s.chat.tried] == [DeliveryKind.STREAM, DeliveryKind.REPLY]
        assert await s.ledger.store.deliveries(10) == ()


async def test_it_changes_no_more_often_than_the_platform_likes(tmp_path):
    async with scene(tmp_path) as s, s.life() as it:
        s.chat.amend_seconds = 2.0
        end = await began(it, "Once upon")
        for _ in range(40):
            it.agents.say(" more")
            await pass_time(it, 0.25)
        assert 4 <= len(s.chat.amended) <= 5
        await pass_time(it, 5.0)
        before = len(s.chat.amended)
        await pass_time(it, 5.0)
        assert len(s.chat.amended) == before, "nothing new is shown again"
        await finish(it, end)
        assert s.chat.reads() == ["Once upon" + " more" * 40]


async def test_an_answer_without_text_yet_shows_nothing(tmp_path):
    async with scene(tmp_path) as s, s.life() as it:
        end = it.agents.talk("  \n")
        await it.hear("think")
        await pass_time(it, 5.0)
        assert s.chat.reads() == []
        await finish(it, end)
        assert s.chat.reads() == [SAID_NOTHING]
        assert s.chat.edited == []


async def test_what_does_not_fit_follows_in_further_messages(tmp_path):
    first, second, third = (f"{word} goes on for quite a while." for word in ("This", "That", "It"))
    async with growing(tmp_path, first, text_limit=60) as (s, it, end):
        it.agents.say(f"\n\n{second}\n\n{third}")
        await pass_time(it, 3.0)
        assert s.chat.reads() == [first]
        await finish(it, end)
        assert s.chat.reads() == [first, second, third]


async def test_a_rate_limit_on_changes_is_respected(tmp_path):
    async with growing(tmp_path, "Once upon") as (s, it, end):
        s.chat.amends = deque([RetryAfter(10.0, "slow down")])
        it.agents.say(" a time")
        while s.chat.amends:
            await pass_time(it, 0.25)
        await pass_time(it, 7.0)
        assert s.chat.amended == []
        await seen(it, "Once upon a time")
        await finish(it, end)
        assert s.chat.reads() == ["Once upon a time"]


@pytest.mark.parametrize("problem", [Rejected("too old"), ValueError("a bug")])
async def test_a_message_that_refuses_to_grow_still_gets_its_end(tmp_path, problem):
    async with growing(tmp_path, "Once upon") as (s, it, end):
        s.chat.amends = deque([problem])
        it.agents.say(" a time")
        await pass_time(it, 5.0)
        assert not s.chat.amends
        assert s.chat.amended == []
        await finish(it, end)
        assert s.chat.reads() == ["Once upon a time"]


async def test_a_change_of_unknown_outcome_does_no_harm(tmp_path):
    async with growing(tmp_path, "Once upon") as (s, it, end):
        s.chat.amends = deque([Unknown("lost")])
        it.agents.say(" a time")
        await seen(it, "Once upon a time")
        await finish(it, end)
        assert s.chat.reads() == ["Once upon a time"]


async def test_the_end_waits_for_a_change_that_is_under_way(tmp_path):
    async with growing(tmp_path, "Once upon") as (s, it, end):
        s.chat.amending = asyncio.Event()
        it.agents.say(" a time")
        await pass_time(it, 2.0)
        it.agents.say(", the end.")
        end.set()
        await pass_time(it, 3.0)
        assert s.chat.edited == []
        s.chat.amending.set()
        await done(it)
        assert s.chat.reads() == ["Once upon a time, the end."]


async def test_the_end_does_not_wait_for_ever(tmp_path):
    async with growing(tmp_path, "Once upon") as (s, it, end):
        s.chat.amending = asyncio.Event()
        it.agents.say(" a time")
        await pass_time(it, 2.0)
        end.set()
        await pass_time(it, STUCK_SECONDS + 1.0)
        await done(it)
        assert s.chat.reads() == ["Once upon a time"]


async def test_an_end_whose_message_is_gone_is_sent_anew_once(tmp_path):
    async with growing(tmp_path, "Once upon") as (s, it, end):
        s.chat.delete("Once upon")
        await finish(it, end, " a time.")
        assert s.chat.reads() == ["Once upon a time."]
        assert await s.ledger.store.deliveries(10) == ()
        await it.hear("and then?")
        await done(it)
        assert s.chat.reads() == ["Once upon a time.", "echo and then?"]


@pytest.mark.parametrize("lost", [Unknown("lost"), Arrived("lost")])
async def test_an_end_of_unknown_outcome_is_repeated_without_a_word(tmp_path, lost):
    async with growing(tmp_path, "Once upon") as (s, it, end):
        s.chat.edits = deque([lost, lost, lost])
        await finish(it, end, " a time.")
        assert s.chat.reads() == ["Once upon a time."]
        assert s.chat.asked == []
        assert len(s.chat.edited) == 1


async def test_a_message_that_can_never_be_changed_does_not_silence_its_chat(tmp_path):
    async with growing(tmp_path, "Once upon") as (s, it, end):
        s.chat.edits = deque([Unknown("it broke")] * 1000)
        it.agents.say(" a time.")
        end.set()
        await it.hear("still there?")
        await done(it)
        assert s.chat.reads() == ["Once upon", LABEL + "Once upon a time.", "echo still there?"]
        assert len(s.chat.edits) == 1000 - DOUBTFUL_EDITS - 1


async def test_an_edit_waits_as_long_as_the_platform_says(tmp_path):
    async with growing(tmp_path, "Once upon") as (s, it, end):
        s.chat.edits = deque([RetryAfter(300.0, "slow down")])
        it.agents.say(" a time.")
        end.set()
        await pass_time(it, 29.0)
        assert s.chat.reads() == ["Once upon"]
        await done(it)
        assert s.chat.reads() == ["Once upon a time."]


@pytest.mark.parametrize(
    ("lost", "shown"),
    [(Unknown("lost"), [LABEL + "Half and whole"]), (Arrived("lost"), ["Half", LABEL + "Half and whole"])],
)
async def test_an_opening_that_cannot_be_asked_about_makes_the_answer_say_so(tmp_path, lost, shown):
    async with scene(tmp_path) as s, s.life() as it:
        s.chat.script["1001"] = deque([lost])
        end = await asked(it)
        await pass_time(it, 5.0)
        await finish(it, end, " and whole")
        assert s.chat.reads() == shown
        assert s.chat.amended == []


@pytest.mark.parametrize("lost", [Unknown("lost"), Arrived("lost")])
async def test_an_opening_that_can_be_asked_about_is_exact(tmp_path, lost):
    async with scene(tmp_path, knows=True) as s, s.life() as it:
        s.chat.script["1001"] = deque([lost])
        end = await asked(it)
        await pass_time(it, 5.0)
        it.agents.say(" and whole")
        await pass_time(it, 3.0)
        assert s.chat.reads() == (["Half and whole"] if isinstance(lost, Arrived) else [])
        await finish(it, end)
        assert s.chat.reads() == ["Half and whole"]


async def test_an_opening_whose_sending_failed_with_a_bug_leaves_a_doubt(tmp_path):
    async with scene(tmp_path) as s, s.life() as it:
        s.chat.script["1001"] = deque([ValueError("a bug")])
        end = await asked(it)
        await pass_time(it, 3.0)
        await finish(it, end, " and whole")
        assert s.chat.reads() == [LABEL + "Half and whole"]


async def test_a_refused_opening_is_followed_by_the_whole_answer(tmp_path):
    async with scene(tmp_path) as s, s.life() as it:
        s.chat.script["1001"] = deque([Rejected("not like this")])
        end = await asked(it)
        await pass_time(it, 5.0)
        await finish(it, end, " and whole")
        assert s.chat.reads() == ["Half and whole"]
        assert (s.chat.amended, s.chat.edited) == ([], [])


async def test_an_opening_that_still_waits_is_not_worth_sending_any_more(tmp_path):
    async with scene(tmp_path) as s, s.life() as it:
        s.chat.script["1001"] = deque([RetryAfter(300.0, "slow down")])
        end = await asked(it)
        await pass_time(it, 2.0)
        await finish(it, end, " and whole")
        assert s.chat.reads() == ["Half and whole"]
        assert [delivery.kind for delivery in s.chat.delivered] == [DeliveryKind.REPLY]


@pytest.mark.parametrize(
    ("end", "line"),
    [
        (AgentFailed("It broke.", "", lost=False), f"⚠ It broke. {TRY_AGAIN}"),
        (AgentFailed("It is gone.", "", lost=True), "⚠ It is gone."),
        (Ended("cancelled"), f"{GAVE_UP} {TRY_AGAIN}"),
    ],
)
async def test_an_answer_that_fails_ends_in_its_message(tmp_path, end, line):
    async with scene(tmp_path) as s, s.life() as it:
        release = await began(it, end=end)
        release.set()
        await done(it)
        assert s.chat.reads() == [f"Half\n\n{line}"]


async def test_an_answer_that_says_nothing_more_is_ended_all_the_same(tmp_path):
    async with growing(tmp_path, "Once upon") as (s, it, end):
        await finish(it, end)
        assert s.chat.reads() == ["Once upon"]
        assert s.chat.edited == [("m1", "Once upon")]


async def test_answers_grow_side_by_side(tmp_path):
    async with scene(tmp_path) as s, s.life() as it:
        ends = []
        for chat in ("1", "2", "3"):
            ends.append(it.agents.talk(f"to {chat}"))
            await it.hear("hello", chat)
        s.chat.gates["2"] = asyncio.Event()
        await pass_time(it, 2.0)
        assert [s.chat.reads(chat) for chat in ("1", "2", "3")] == [["to 1"], [], ["to 3"]]
        s.chat.gates["2"].set()
        for end in ends:
            end.set()
        await done(it)
        assert [s.chat.reads(chat) for chat in ("1", "2", "3")] == [["to 1"], ["to 2"], ["to 3"]]


async def test_where_streaming_is_off_an_answer_comes_in_one_piece(tmp_path):
    async with scene(tmp_path) as s, s.life(streaming=False) as it:
        end = await asked(it)
        await until(lambda: it.agents.running)
        await pass_time(it, 5.0)
        assert s.chat.reads() == []
        await finish(it, end, " and whole")
        assert s.chat.reads() == ["Half and whole"]


def test_what_is_left_standing_fits_and_is_not_blank():
    assert ended_early("word " * 50, STOPPED, 40).startswith("word word")
    assert len(ended_early("word " * 50, STOPPED, 40)) <= 40
    assert ended_early("", STOPPED, 40) == STOPPED.strip()
