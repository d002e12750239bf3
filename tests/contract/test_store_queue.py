"""What the ledger promises about what waits: listed, taken back, and what was asked asked once more."""

import pytest

from gateway.model.address import Address, ChatKind
from gateway.model.attachment import Attachment, AttachmentKind, AttachmentState
from gateway.model.message import Amendment, Entry, MessageKind, Origin
from gateway.model.session import Reason, SessionState
from gateway.model.turn import StepStatus, TurnState
from tests.helpers.ledgers import ACCOUNT, ANN, ledger_fixture, tool

ledger = ledger_fixture()
PICTURE = Attachment("file-1", "../cake.png", "image/png", 70, AttachmentKind.IMAGE)


async def sent(ledger, text, event, *files, origin=ANN):
    """Somebody sends files with some words."""
    entry = Entry(event, Address(ACCOUNT, "1001"), origin, MessageKind.USER, text, attachments=files)
    (accepted,) = (await ledger.store.accept(ACCOUNT, [entry], [], {}, ledger.tick())).accepted
    return accepted


async def words(ledger, session_id):
    return [one.text for one in await ledger.store.queue(session_id)]


async def again(ledger, session_id, event="retry:1", by=ANN):
    return await ledger.store.ask_again(session_id, event, by, ledger.tick())


async def failed(ledger, *steps, text="work", reason=Reason.AGENT_FAILED):
    """A session whose last turn ended in an error."""
    said = await ledger.say(text)
    start = await ledger.begin(said.session_id)
    await ledger.end(start.turn_id, TurnState.FAILED, reason=reason, steps=steps)
    return said.session_id


async def test_the_queue_is_what_waits_from_people_the_next_first(ledger):
    said = await ledger.say("one")
    assert await words(ledger, said.session_id) == ["one"]
    await ledger.begin(said.session_id)
    await ledger.say("elsewhere", "other")
    await sent(ledger, "two", "f1", PICTURE)
    await ledger.command("status")
    await ledger.say("three")
    two, three = await ledger.store.queue(said.session_id)
    assert (two.text, three.text) == ("two", "three")
    assert [(one.attachment, one.state) for one in two.attachments] == [(PICTURE, AttachmentState.WAITING)]
    assert three.attachments == ()
    assert await ledger.store.queue(99) == ()


async def test_only_what_waits_in_that_session_is_taken_back(ledger):
    taken = await ledger.say("taken")
    session_id = taken.session_id
    await ledger.begin(session_id)
    one, two = await ledger.say("one"), await ledger.say("two")
    elsewhere, command = await ledger.say("elsewhere", "other"), await ledger.command("status")
    ids = [taken.message_id, one.message_id, elsewhere.message_id, command.message_id, 999]
    assert await ledger.store.withdraw(session_id, ids) == 1
    assert await ledger.store.withdraw(session_id, ids) == 0
    assert await ledger.store.withdraw(session_id, []) == 0
    assert [one.id for one in await ledger.store.queue(session_id)] == [two.message_id]
    assert await words(ledger, elsewhere.session_id) == ["elsewhere"]
    assert len(await ledger.store.waiting_commands(ACCOUNT)) == 1


async def test_what_was_asked_last_is_asked_again_once(ledger):
    session_id = (await ledger.say("first")).session_id
    await ledger.end((await ledger.begin(session_id)).turn_id)
    last = await ledger.say("Ann: last", origin=Origin(ChatKind.GROUP, "1001", "Ann", "77"))
    await ledger.end((await ledger.begin(session_id)).turn_id)
    await ledger.command("retry")
    assert await again(ledger, session_id)
    assert await again(ledger, session_id)
    (waiting,) = await ledger.store.queue(session_id)
    assert (waiting.text, waiting.event_id, waiting.origin.message_ref) == ("Ann: last", "retry:1", "77")
    assert waiting.id != last.message_id
    await ledger.end((await ledger.begin(session_id)).turn_id)
    assert await again(ledger, session_id), "also when it has been answered since"
    assert await words(ledger, session_id) == []
    assert await again(ledger, session_id, "retry:2")
    assert await words(ledger, session_id) == ["Ann: last"]


async def test_there_may_be_nothing_to_ask_again(ledger):
    session_id = (await ledger.command("retry")).session_id
    assert not await again(ledger, session_id)
    waiting = await ledger.say("waits")
    assert not await again(ledger, session_id), "what waits is asked anyway"
    await ledger.store.withdraw(session_id, [waiting.message_id])
    assert not await again(ledger, session_id)
    assert await words(ledger, session_id) == []


async def test_files_come_along_and_are_fetched_again(ledger):
    said = await sent(ledger, "look", "f1", PICTURE)
    (file,) = said.attachments
    await ledger.store.settle_attachment(file.id, AttachmentState.STORED)
    await ledger.end((await ledger.begin(said.session_id)).turn_id)
    await again(ledger, said.session_id)
    (waiting,) = await ledger.store.queue(said.session_id)
    (copy,) = waiting.attachments
    assert (copy.attachment, copy.name, copy.state) == (PICTURE, file.name, AttachmentState.WAITING)
    assert copy.file_name != file.file_name
    assert any(name.endswith(copy.file_name) for name in await ledger.store.files_in_use())
    prompt = (await ledger.begin(said.session_id)).message.text
    assert prompt == f"look\n[image: attachments/{copy.file_name}]"


async def test_what_was_answered_together_is_asked_together(ledger):
    bob = Origin(ChatKind.GROUP, "1002", "Bob", "8")
    session_id = (await sent(ledger, "one", "f1", PICTURE)).session_id
    await sent(ledger, "two", "f2", PICTURE, origin=bob)
    start = await ledger.store.begin_turn(session_id, ledger.boot, ledger.tick(), collect=True)
    await ledger.end(start.turn_id)
    await again(ledger, session_id)
    (waiting,) = await ledger.store.queue(session_id)
    assert (waiting.text, waiting.origin, len(waiting.attachments)) == ("one\n\ntwo", ANN, 2)


async def test_a_resumed_turn_is_not_what_was_asked(ledger):
    start = await ledger.interrupted("work")
    await ledger.store.schedule_resumes([start.session.id], ledger.tick())
    await ledger.end((await ledger.begin(start.session.id)).turn_id)
    await again(ledger, start.session.id)
    assert await words(ledger, start.session.id) == ["work"]


async def test_its_author_may_change_the_original_while_it_waits(ledger):
    session_id = (await ledger.say("work")).session_id
    await ledger.end((await ledger.begin(session_id)).turn_id)
    await again(ledger, session_id)
    change = Amendment(ACCOUNT, "1001", ANN.message_ref, ANN.author_id, "work harder")
    await ledger.store.accept(ACCOUNT, [], [], {}, ledger.tick(), [change])
    assert await words(ledger, session_id) == ["work harder"]


async def test_what_failed_is_as_good_as_new_when_it_is_asked_again(ledger):
    session_id = await failed(ledger, tool(0, "look", StepStatus.COMPLETED))
    await again(ledger, session_id)
    assert (await ledger.session(session_id)).state is SessionState.ACTIVE
    assert (await ledger.begin(session_id)).interruption is None


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        (Reason.AGENT_FAILED, Reason.AGENT_FAILED),
        (Reason.AGENT_LOST, Reason.STOPPED),
        (Reason.STOPPED, Reason.STOPPED),
    ],
)
async def test_steps_in_doubt_are_told_of_and_nothing_is_gone_on_with(ledger, reason, kept):
    """Asked for anew, the request would else be finished besides."""
    session_id = await failed(ledger, tool(0, "rm -rf"), reason=reason)
    await again(ledger, session_id)
    start = await ledger.begin(session_id)
    assert start.interruption.reason == kept
    assert [step.title for step in start.interruption.open_steps] == ["rm -rf"]
    assert start.message.text == "work"


async def test_steps_in_doubt_of_the_turn_that_was_gone_on_with(ledger):
    start = await ledger.interrupted("work")
    session_id = start.session.id
    await ledger.store.schedule_resumes([session_id], ledger.tick())
    second = await ledger.begin(session_id)
    await ledger.store.record_steps(second.turn_id, [tool(0, "rm -rf")])
    await ledger.start()
    await ledger.store.schedule_resumes([session_id], ledger.tick())
    await ledger.begin(session_id)
    await ledger.start()
    assert await ledger.store.schedule_resumes([session_id], ledger.tick())
    await again(ledger, session_id)
    last = await ledger.begin(session_id)
    assert last.message.text == "work"
    assert last.interruption.reason == Reason.STOPPED
    assert [step.title for step in last.interruption.open_steps] == ["rm -rf"]
    await ledger.end(last.turn_id)
    assert await ledger.idle(session_id), "the resume that waited is withdrawn"


async def test_a_suspended_session_stays_as_it_was(ledger):
    start = await ledger.interrupted("work")
    await ledger.store.suspend(start.session.id, Reason.RESUME_LOOP, (), ledger.tick())
    assert await again(ledger, start.session.id)
    after = await ledger.session(start.session.id)
    assert (after.state, after.resume_turn_id) == (SessionState.SUSPENDED, start.turn_id)
