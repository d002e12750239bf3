"""/retry and /queue: on a real ledger, while the agent works and while it does not, and over a crash."""

from dataclasses import replace

import pytest

from gateway.engine import requests
from gateway.model.address import ChatKind
from gateway.model.agent import AgentFailed
from gateway.model.session import Reason, SessionState
from tests.helpers.commanding import ANN, BOB, commanded, dies_after, fails, given, gives, reborn, says, works
from tests.helpers.ledgers import ACCOUNT

FAILURE = AgentFailed("It failed.", "scripted", lost=False)
LIST = "2 messages waiting:\n1. two\n2. three"


async def waiting(it):
    return [one.text for one in await it.ledger.store.queue(await it.session_of())]


# /retry


async def test_the_last_request_is_asked_again(tmp_path):
    async with commanded(tmp_path) as it:
        assert await gives(it, "/retry") == requests.NEVER_ASKED
        await says(it, "one")
        await says(it, "two")
        assert await gives(it, "/retry", idle=True) == "Asking again: “two”"
        assert it.agents.texts() == ["one", "two", "two"]
        assert await gives(it, "/retry", idle=True) == "Asking again: “two”"
        assert it.chat.texts()[-1] == "echo two"


async def test_after_an_error_the_conversation_goes_on_as_if_there_had_been_none(tmp_path):
    async with commanded(tmp_path) as it:
        fails(it, FAILURE)
        session_id = await says(it, "work")
        assert (await it.ledger.session(session_id)).reason == Reason.AGENT_FAILED
        await gives(it, "/retry", idle=True)
        assert it.agents.texts() == ["work", "work"]
        assert it.agents.prompts[-1][1].note == ""
        assert (await it.ledger.session(session_id)).state is SessionState.ACTIVE


async def test_it_is_refused_while_the_agent_is_at_work(tmp_path):
    async with commanded(tmp_path) as it:
        go_on = await works(it, "work")
        assert await gives(it, "/retry") == requests.AT_WORK
        go_on.set()
        await it.idle()
        assert it.agents.texts() == ["work"]


async def test_it_is_refused_in_a_conversation_that_is_paused(tmp_path):
    async with commanded(tmp_path) as it:
        session_id = await says(it, "work")
        await it.ledger.store.suspend(session_id, Reason.MANUAL, (), it.clock.now())
        assert await gives(it, "/retry") == requests.PAUSED
        assert await waiting(it) == []


async def test_what_waits_already_comes_first(tmp_path):
    async with commanded(tmp_path) as it:
        fails(it, FAILURE)
        it.lanes.stop_admitting()
        await it.hear("one")
        await it.hear("two")
        it.lanes.admit_again()
        it.lanes.wake(await it.session_of())
        await it.idle()
        said = await gives(it, "/retry", idle=True)
        assert said == "Asking again, after what waits already: “one”"
        assert it.agents.texts() == ["one", "two", "one"]


async def test_while_the_gateway_stops_it_is_kept_for_after_the_restart(tmp_path):
    async with commanded(tmp_path) as it:
        await says(it, "work")
        it.lanes.stop_admitting()
        assert await gives(it, "/retry") == requests.AFTER_RESTART
        assert await waiting(it) == ["work"]


async def test_a_crash_before_its_answer_has_it_asked_once(tmp_path):
    async with commanded(tmp_path) as it:
        await says(it, "work")
        it.lanes.stop_admitting()
        await dies_after(it, "/retry")
        it.lanes.admit_again()
        for _ in range(2):
            await it.commands.catch_up(ACCOUNT)
            await it.idle()
        assert it.agents.texts() == ["work", "work"]
        assert sorted(it.chat.texts()) == ["Asking again: “work”", "echo work", "echo work"]


async def test_a_crash_before_its_answer_and_the_agent_is_at_work_on_it_already(tmp_path):
    async with commanded(tmp_path) as it:
        await says(it, "work")
        go_on = it.agents.hold()
        await dies_after(it, "/retry")
        await it.at_work()
        await it.commands.catch_up(ACCOUNT)
        await it.outbox.empty()
        assert it.chat.texts()[-1] == "Asking again."
        go_on.set()
        await it.idle()
        assert it.agents.texts() == ["work", "work"]


# /queue


async def test_what_waits_is_listed_in_its_order(tmp_path):
    async with commanded(tmp_path) as it:
        assert await gives(it, "/queue") == requests.NOTHING_WAITS
        await works(it, "one", "two\nlines", "x" * 200)
        said = await gives(it, "/queue")
        assert said.splitlines()[:2] == ["2 messages waiting:", "1. two lines"]
        assert said.splitlines()[2] == f"2. {'x' * 79}…"


async def test_a_long_list_is_cut_and_says_so(tmp_path):
    async with commanded(tmp_path) as it:
        await works(it, "one", *map(str, range(requests.MOST_LISTED + 3)))
        lines = (await gives(it, "/queue")).splitlines()
        assert (len(lines), lines[-1]) == (requests.MOST_LISTED + 2, "and 3 more.")
        assert await gives(it, f"/queue drop {requests.MOST_LISTED + 3}") == "Taken back: “22”"


async def test_in_groups_each_has_its_author(tmp_path):
    group = replace(ANN, chat_kind=ChatKind.GROUP)
    async with commanded(tmp_path) as it:
        await works(it)
        for text in ("Ann: two", "/count a"):
            await it.ledger.say(text, origin=group)
        assert (await gives(it, "/queue")).splitlines()[1:] == ["1. Ann: two", "2. Ann: /count a"]


async def test_one_is_taken_back_by_its_number(tmp_path):
    async with commanded(tmp_path) as it:
        go_on = await works(it, "one", "two", "three")
        assert await gives(it, "/queue drop 2") == "Taken back: “three”"
        assert await gives(it, "/queue") == "1 message waiting:\n1. two"
        go_on.set()
        await it.idle()
        assert it.agents.texts() == ["one", "two"]


async def test_numbers_are_those_of_the_list_that_was_shown(tmp_path):
    async with commanded(tmp_path) as it:
        go_on = await works(it, "one", "two", "three")
        assert await gives(it, "/queue") == LIST
        held = it.agents.hold()
        go_on.set()
        while it.agents.texts() != ["one", "two"]:
            await it.quiet()
        await it.hear("four")
        assert await gives(it, "/queue drop 1") == requests.GONE.format(1)
        assert await gives(it, "/queue drop 3") == requests.NO_NUMBER.format(3)
        assert await gives(it, "/queue drop 2") == "Taken back: “three”"
        assert await gives(it, "/queue drop 2") == requests.GONE.format(2)
        assert await waiting(it) == ["four"]
        held.set()


async def test_only_so_many_lists_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(requests, "LISTS_KEPT", 1)
    async with commanded(tmp_path) as it:
        it.lanes.stop_admitting()
        for chat in ("1001", "2"):
            await it.ledger.say("here", chat)
            await gives(it, "/queue", chat=chat)
        await it.ledger.say("there", "1001")
        assert await gives(it, "/queue drop 2") == "Taken back: “there”"


async def test_others_messages_are_for_administrators_to_take_back(tmp_path):
    async with commanded(tmp_path) as it:
        await works(it, "one", "two")
        await it.ledger.say("from Bob", origin=BOB)
        assert await gives(it, "/queue drop 2") == requests.NOT_YOURS
        assert await gives(it, "/queue drop 1", BOB) == "Taken back: “two”"
        await it.hear("three")
        assert await gives(it, "/queue clear") == "Taken back: 1 message. 1 message still waiting."
        assert await gives(it, "/queue clear") == f"{requests.NOTHING_OF_YOURS} 1 message still waiting."
        await it.hear("four")
        assert await gives(it, "/queue clear", BOB) == "Taken back: 2 messages."


@pytest.mark.parametrize(
    "line", ["/queue drop", "/queue drop x", "/queue drop 1 2", "/queue empty", "/queue drop ²"]
)
async def test_what_cannot_be_understood_is_explained_and_takes_nothing_back(tmp_path, line):
    async with commanded(tmp_path) as it:
        await works(it, "one", "two")
        assert await gives(it, line) == requests.HOW
        assert await waiting(it) == ["two"]


@pytest.mark.parametrize("number", ["0", "3", "999999999"])
async def test_a_number_that_is_not_in_the_list(tmp_path, number):
    async with commanded(tmp_path) as it:
        await works(it, "one", "two")
        assert await gives(it, f"/queue drop {number}") == requests.NO_NUMBER.format(int(number))


async def test_a_crash_before_the_answer_takes_no_second_one_back(tmp_path):
    """What a number meant is not known any more, so what waits now is shown."""
    async with commanded(tmp_path) as it:
        await works(it, "one", "two", "three", "four")
        await dies_after(it, "/queue drop 1")
        await it.commands.catch_up(ACCOUNT)
        await it.outbox.empty()
        assert await waiting(it) == ["three", "four"]
        (said,) = it.chat.texts()
        assert said == f"{requests.LOOK_AGAIN}\n2 messages waiting:\n1. three\n2. four"


async def test_a_crash_before_the_answer_clears_nothing_that_came_later(tmp_path):
    async with commanded(tmp_path) as it:
        await works(it, "one", "two")
        await dies_after(it, "/queue clear")
        await it.hear("three")
        await it.commands.catch_up(ACCOUNT)
        assert await waiting(it) == ["three"]


async def test_what_was_accepted_before_a_crash_and_not_carried_out_is(tmp_path):
    async with commanded(tmp_path) as it:
        await works(it, "one", "two")
        await given(it, "/queue clear")
        reborn(it)
        await it.commands.catch_up(ACCOUNT)
        await it.outbox.empty()
        assert it.chat.texts() == ["Taken back: 1 message."]
