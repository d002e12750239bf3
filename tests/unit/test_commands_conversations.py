"""/new and /resume: which conversation goes on in a chat."""

import re
from collections import deque
from dataclasses import replace

import pytest

from gateway.engine import conversations
from gateway.engine.catalogue import RENEWING
from gateway.model.address import ChatKind
from gateway.model.agent import AgentFailed
from gateway.model.attachment import Attachment, AttachmentKind
from gateway.model.message import Entry, Inbound
from gateway.model.session import Reason, SessionState
from gateway.ports import Batch
from gateway.rules.access import AccessPolicy
from gateway.rules.admission import AdmissionPolicy, admit
from gateway.store.inbox import LEFT_NOTICE
from tests.helpers.clock import until
from tests.helpers.commanding import commanded, dies_after, fails, gives, says, works
from tests.helpers.fakes import ScriptedAgents
from tests.helpers.ledgers import ACCOUNT

FAILURE = AgentFailed("It failed.", "scripted", lost=False)


async def two(it):
    """Two conversations of a chat, the second one is the present one."""
    first = await says(it, "dig a hole")
    await gives(it, "/new", idle=True)
    it.clock.advance(7200)
    second = await says(it, "plant a tree")
    return first, second


# /new


async def test_what_is_said_with_the_command_is_asked_in_the_new_conversation(tmp_path):
    async with commanded(tmp_path) as it:
        first = await says(it, "one")
        assert await gives(it, "/new  two\nlines ", idle=True) == conversations.BEGINS
        second = await it.session_of()
        assert second != first
        assert [(session, prompt.text) for session, prompt in it.agents.prompts][1:] == [
            (second, "two\nlines")
        ]


async def test_it_is_asked_once_when_a_crash_comes_before_the_answer(tmp_path):
    async with commanded(tmp_path) as it:
        first = await says(it, "one")
        await dies_after(it, "/new two")
        await it.idle()
        await it.commands.catch_up(ACCOUNT)
        await it.idle()
        assert it.agents.texts() == ["one", "two"]
        assert len(await it.ledger.store.generations(first, 9)) == 2


@pytest.mark.parametrize(("text", "asked"), [("two", "Ann: two"), ("/count a", "/count a"), ("", "")])
def test_in_groups_it_names_its_author(text, asked):
    said = Inbound("1", "-100", ChatKind.GROUP, "1001", "Ann", text, 1.0, to_bot=True, command="new")
    policy = AdmissionPolicy(AccessPolicy(open_to_all=True), commands=frozenset({"new"}), renewing=RENEWING)
    found = admit(said, ACCOUNT, policy, 1.0)
    assert isinstance(found, Entry)
    assert (found.text, found.renews) == (asked, True)


async def test_what_follows_it_comes_after_it(tmp_path):
    async with commanded(tmp_path) as it:
        at = it.clock.now()
        first, second = (
            Inbound(f"b{n}", "1001", ChatKind.DIRECT, "1001", "Ann", text, at, command=command)
            for n, (text, command) in enumerate((("first", "new"), ("second", "")))
        )
        await it.intake.accept(Batch(ACCOUNT, (first, second), {}))
        await until(lambda: len(it.agents.prompts) == 2)
        assert it.agents.texts() == ["first", "second"]


async def test_files_come_along(tmp_path):
    photo = Attachment("ref-1", "a.png", "image/png", 3, AttachmentKind.IMAGE)
    async with commanded(tmp_path, agents=ScriptedAgents(cwd=str(tmp_path / "work"))) as it:
        it.chat.remote["ref-1"] = deque([b"png"])
        said = Inbound("b1", "1001", ChatKind.DIRECT, "1001", "Ann", "look", it.clock.now(), command="new")
        await it.intake.accept(Batch(ACCOUNT, (replace(said, attachments=(photo,)),), {}))
        await until(lambda: len(it.agents.prompts) == 1)
        assert [file.name for file in it.agents.prompts[0][1].files] == ["a.png"]


async def test_what_waited_for_an_answer_is_told_that_it_gets_none(tmp_path):
    async with commanded(tmp_path) as it:
        await works(it, "work", "waits", "waits too")
        await gives(it, "/new", idle=True)
        assert LEFT_NOTICE.format("2 messages") in it.chat.texts()


async def test_a_new_conversation_begins_beside_one_that_is_being_stopped(tmp_path):
    async with commanded(tmp_path) as it:
        await works(it, "work", "waits")
        await gives(it, "/new two", idle=True)
        assert it.agents.texts() == ["work", "two"]


# /resume


async def test_without_anything_cut_short_earlier_conversations_are_listed(tmp_path):
    async with commanded(tmp_path) as it:
        assert await gives(it, "/resume") == conversations.NOTHING_CUT
        first, second = await two(it)
        assert await gives(it, "/resume") == (
            f"{conversations.NOTHING_CUT}\n{conversations.EARLIER}\n- {first}: “dig a hole”, 2 h ago"
        )
        await gives(it, "/new", idle=True)
        assert (await gives(it, "/resume")).splitlines()[2:] == [
            f"- {second}: “plant a tree”, just now",
            f"- {first}: “dig a hole”, 2 h ago",
        ]


async def test_only_so_many_are_listed(tmp_path):
    async with commanded(tmp_path) as it:
        for number in range(conversations.MOST_LISTED + 2):
            await gives(it, f"/new talk {number}", idle=True)
        listed = re.findall(r"“(.*)”", await gives(it, "/resume"))
        assert listed == [f"talk {number}" for number in reversed(range(1, conversations.MOST_LISTED + 1))]


async def test_what_waits_is_answered(tmp_path):
    async with commanded(tmp_path) as it:
        await it.ledger.say("hello")
        assert await gives(it, "/resume", idle=True) == conversations.ANSWERING
        assert it.agents.texts() == ["hello"]


@pytest.mark.parametrize("mark", ["", "#"])
async def test_an_earlier_conversation_is_brought_back_by_its_number(tmp_path, mark):
    async with commanded(tmp_path) as it:
        first, second = await two(it)
        said = await gives(it, f"/resume {mark}{first}")
        assert said == f"Conversation {first} goes on here: “dig a hole”."
        assert it.agents.forgotten[-1] == second
        assert await gives(it, f"/resume {first}") == said
        await says(it, "deeper")
        assert it.agents.prompts[-1][0] == first
        assert f"- {second}: “plant a tree”" in await gives(it, "/resume")
        await gives(it, f"/resume {second}")
        await says(it, "water it")
        assert it.agents.prompts[-1][0] == second


async def test_it_is_refused_while_the_agent_is_at_work(tmp_path):
    async with commanded(tmp_path) as it:
        first, second = await two(it)
        go_on = await works(it)
        assert await gives(it, f"/resume {first}") == conversations.AT_WORK_HERE
        assert await gives(it, "/resume") == conversations.AT_WORK
        go_on.set()
        await it.idle()
        assert (await it.ledger.session(second)).generation == 2


async def test_it_is_refused_while_that_one_is_being_stopped(tmp_path):
    async with commanded(tmp_path) as it:
        held = it.agents.hold(on_cancel=None)
        await it.hear("dig a hole")
        await it.at_work()
        first = await it.session_of()
        await it.hear("", command="new")
        await it.hear("plant a tree")
        while len(it.agents.prompts) < 2 or len(it.lanes) > 1:
            await it.quiet()
        assert await gives(it, f"/resume {first}") == conversations.STILL_ENDING
        held.set()
        await it.idle()


async def test_what_waits_in_the_present_one_is_taken_back_and_that_is_said(tmp_path):
    async with commanded(tmp_path) as it:
        first, second = await two(it)
        fails(it, FAILURE)
        it.lanes.stop_admitting()
        for text in ("one", "two", "three"):
            await it.hear(text)
        it.lanes.admit_again()
        it.lanes.wake(second)
        await it.idle()
        said = await gives(it, f"/resume {first}", idle=True)
        assert said.endswith("2 messages that waited in the one before were taken back.")
        assert (await it.ledger.session(second)).reason == Reason.AGENT_FAILED
        assert it.agents.texts()[-1] == "one"


async def test_what_was_written_right_after_the_command_is_asked_in_the_other(tmp_path):
    async with commanded(tmp_path) as it:
        first, second = await two(it)
        accepted = await gives_and_writes(it, f"/resume {first}", "deeper")
        await it.idle()
        assert it.agents.prompts[-1][0] == first
        assert it.agents.texts()[-1] == "deeper"
        assert accepted.session_id == second


async def gives_and_writes(it, line, text):
    """A command, and a message that is in the ledger before it is carried out; its lane is busy elsewhere."""
    command, _, number = line.removeprefix("/").partition(" ")
    accepted = await it.ledger.command(command)
    await it.ledger.say(text)
    it.commands.carry_out(replace(accepted, text=number))
    while await it.ledger.store.waiting_commands(ACCOUNT):
        await it.quiet()
    return accepted


@pytest.mark.parametrize("number", ["x", "1.5", "-1", "9" * 30, "two words", "²"])
async def test_what_is_no_number(tmp_path, number):
    async with commanded(tmp_path) as it:
        assert await gives(it, f"/resume {number}") == conversations.NO_NUMBER


async def test_conversations_of_other_chats_are_nobodys_business(tmp_path):
    async with commanded(tmp_path) as it:
        await it.hear("secret", "2002")
        await it.idle()
        other = await it.session_of("2002")
        await says(it, "hello")
        for number in (other, 999):
            assert await gives(it, f"/resume {number}") == conversations.UNKNOWN.format(number)


async def test_what_was_cut_short_in_it_is_said_and_gone_on_with_by_word(tmp_path):
    async with commanded(tmp_path) as it:
        first = await says(it, "hello")
        await gives(it, "/new", idle=True)
        fails(it, FAILURE)
        second = await says(it, "dig a hole")
        await gives(it, f"/resume {first}")
        said = await gives(it, f"/resume {second}")
        assert said.endswith("Its last request was cut short: /resume finishes it.")
        assert it.agents.texts() == ["hello", "dig a hole"]
        assert await gives(it, "/resume", idle=True) == conversations.GOING_ON
        assert "dig a hole" in it.agents.prompts[-1][1].note
        assert (await it.ledger.session(second)).state is SessionState.ACTIVE


async def test_a_crash_before_the_answer_brings_it_back_once(tmp_path):
    async with commanded(tmp_path) as it:
        first, _ = await two(it)
        await dies_after(it, f"/resume {first}")
        generation = (await it.ledger.session(first)).generation
        await it.hear("deeper")
        await it.idle()
        for _ in range(2):
            await it.commands.catch_up(ACCOUNT)
            await it.idle()
        assert it.chat.texts()[-2:] == ["echo deeper", f"Conversation {first} goes on here: “dig a hole”."]
        assert (await it.ledger.session(first)).generation == generation


async def test_two_at_once_happen_in_their_order(tmp_path):
    async with commanded(tmp_path) as it:
        first, second = await two(it)
        await gives(it, "/new", idle=True)
        for number in (first, second):
            it.commands.carry_out(replace(await it.ledger.command("resume"), text=str(number)))
        while await it.ledger.store.waiting_commands(ACCOUNT):
            await it.quiet()
        await says(it, "water it")
        assert it.agents.prompts[-1][0] == second
