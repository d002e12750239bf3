"""Messages that their authors change or take back, and signs at them."""

from dataclasses import replace

import pytest

from gateway.model.address import ChatKind
from gateway.model.attachment import Attachment, AttachmentKind, AttachmentState, OutFile
from gateway.model.delivery import DeliveryKind, Draft
from gateway.model.message import Amendment, Origin
from gateway.model.turn import TurnEnd, TurnState
from tests.helpers.ledgers import ACCOUNT, entry, ledger_fixture

ledger = ledger_fixture()

ANN = Origin(ChatKind.GROUP, "1001", "Ann", "11")
BOB = Origin(ChatKind.GROUP, "1002", "Bob", "12")
PHOTO = Attachment("ref-1", "my photo.png", "image/png", 3, AttachmentKind.IMAGE)


async def accept(ledger, *entries, amendments=()):
    return await ledger.store.accept(ACCOUNT, entries, [], {}, ledger.tick(), amendments)


async def amend(ledger, **more):
    given = Amendment(
        **{
            "account": ACCOUNT,
            "chat": "1001",
            "message_ref": "11",
            "author_id": "1001",
            "text": "new",
            **more,
        }
    )
    return await accept(ledger, amendments=[given])


async def test_a_message_that_waits_reads_as_its_author_wants(ledger):
    await ledger.say("old", origin=ANN)
    await amend(ledger)
    assert await ledger.texts(1) == [("new", "waiting")]


async def test_a_message_that_waits_is_taken_back(ledger):
    await ledger.say("old", origin=ANN)
    await amend(ledger, text=None)
    assert await ledger.texts(1) == [("old", "withdrawn")]
    assert await ledger.idle(1)


async def test_where_nobody_says_who_took_it_back_it_is_taken_back(ledger):
    await ledger.say("old", origin=ANN)
    await amend(ledger, text=None, author_id="")
    assert await ledger.texts(1) == [("old", "withdrawn")]


@pytest.mark.parametrize(
    "other",
    [
        {"author_id": "1002"},
        {"chat": "1002"},
        {"message_ref": "12"},
        {"message_ref": ""},
        {"account": "slack"},
    ],
)
async def test_no_other_message_is_changed(ledger, other):
    await ledger.say("old", origin=ANN)
    await amend(ledger, **other)
    assert await ledger.texts(1) == [("old", "waiting")]


async def test_what_is_worked_on_stays_as_it_was(ledger):
    await ledger.say("old", origin=ANN)
    await ledger.begin(1)
    await amend(ledger)
    await amend(ledger, text=None)
    assert await ledger.texts(1) == [("old", "taken")]


async def test_a_change_in_the_same_batch_counts(ledger):
    given = Amendment(ACCOUNT, "1001", "11", "1001", "new")
    await accept(ledger, entry("old", "f1", origin=ANN), amendments=[given])
    assert await ledger.texts(1) == [("new", "waiting")]


async def test_commands_are_not_changed(ledger):
    await ledger.command("stop", origin=ANN)
    await amend(ledger, text=None)
    assert await ledger.texts(1) == [("", "waiting")]


async def test_a_sign_that_it_was_accepted(ledger):
    result = await accept(ledger, replace(entry("one", "f1", origin=ANN), receipt=True))
    ((sign),) = result.owed
    assert (sign.kind, sign.body, sign.reply_to) == (DeliveryKind.RECEIPT, "accepted", "11")
    assert not (await accept(ledger, replace(entry("one", "f1", origin=ANN), receipt=True))).owed


async def test_what_is_not_taken_gets_no_sign(ledger):
    full = replace(entry("two", "f2", origin=ANN, max_queued=1), receipt=True)
    await accept(ledger, entry("one", "f1", origin=ANN))
    assert [one.kind for one in (await accept(ledger, full)).owed] == [DeliveryKind.NOTICE]


async def test_who_writes_too_much_is_told_once(ledger):
    def refused(event: str):
        return replace(entry("more", event, origin=ANN), refused="Slow down.", refused_key="rate:1001:1")

    first, second = await accept(ledger, refused("f1")), await accept(ledger, refused("f2"))
    assert [one.body for one in (*first.owed, *second.owed)] == ["Slow down."]
    assert first.accepted[0].withdrawn
    assert await ledger.texts(1) == [("more", "withdrawn")] * 2


async def test_signs_at_the_end_reach_back_over_interruptions(ledger):
    await ledger.say("one", origin=ANN)
    await ledger.begin(1)
    await ledger.start()
    await ledger.say("two", origin=BOB)
    again = await ledger.begin(1)
    owed = await ledger.store.end_turn(
        again.turn_id, TurnEnd(TurnState.COMPLETED, receipts=True), ledger.tick()
    )
    assert [(one.body, one.reply_to) for one in owed] == [("done", "11"), ("done", "12")]


@pytest.mark.parametrize(
    ("state", "signs"),
    [(TurnState.FAILED, ["failed"]), (TurnState.CANCELLED, ["failed"]), (TurnState.INTERRUPTED, [])],
)
async def test_signs_tell_how_it_ended(ledger, state, signs):
    await ledger.say("one", origin=ANN)
    start = await ledger.begin(1)
    owed = await ledger.store.end_turn(start.turn_id, TurnEnd(state, receipts=True), ledger.tick())
    assert [one.body for one in owed] == signs


async def test_files_come_with_their_message(ledger):
    result = await accept(ledger, replace(entry("look", "f1", origin=ANN), attachments=(PHOTO,)))
    (stored,) = result.accepted[0].attachments
    assert (stored.attachment, stored.name, stored.state) == (PHOTO, "my_photo.png", AttachmentState.WAITING)
    assert await ledger.store.files_in_use() == {"in/1-my_photo.png"}
    start = await ledger.begin(1)
    assert start.message.attachments == (stored,)
    assert start.message.text == "look\n[image: attachments/1-my_photo.png]"
    assert await ledger.store.files_in_use() == {"in/1-my_photo.png"}
    await ledger.end(start.turn_id)
    assert await ledger.store.files_in_use() == frozenset()
    (past,) = await ledger.store.history(1, 99)
    assert past.request == start.message.text


async def test_files_of_an_interrupted_request_are_known_to_the_next_turn(ledger):
    await accept(ledger, replace(entry("look", "f1", origin=ANN), attachments=(PHOTO,)))
    start = await ledger.begin(1)
    await ledger.store.settle_attachment(1, AttachmentState.FAILED, "it is gone")
    await ledger.start()
    assert await ledger.store.files_in_use() == {"in/1-my_photo.png"}
    await ledger.say("and now?", origin=ANN)
    again = await ledger.begin(1)
    assert again.turn_id != start.turn_id
    assert [one.error for one in again.interruption.attachments] == ["it is gone"]
    assert "could not be fetched" in again.interruption.request


async def test_a_file_that_is_owed_is_in_use_until_it_is_sent(ledger):
    await ledger.say("one", origin=ANN)
    start = await ledger.begin(1)
    file = OutFile("out/1.1-chart.png", "chart.png", "image/png", 3)
    drafts = (Draft(DeliveryKind.FILE, "", file=file),)
    (owed,) = await ledger.store.end_turn(
        start.turn_id, TurnEnd(TurnState.COMPLETED, drafts=drafts), ledger.tick()
    )
    assert owed.file == file
    assert await ledger.store.files_in_use() == {"out/1.1-chart.png"}


async def test_files_go_with_their_conversation(ledger):
    await accept(ledger, replace(entry("look", "f1", origin=ANN), attachments=(PHOTO,)))
    start = await ledger.begin(1)
    await ledger.end(start.turn_id)
    assert (await ledger.store.forget(ledger.tick(1e6), 0, 100))[0] == 1


@pytest.mark.parametrize("size", [-1, 2**63, 10**30])
async def test_a_size_that_is_none_does_not_keep_a_message_out(ledger, size):
    odd = replace(PHOTO, size=size, ref="half \ud800")
    origin = replace(ANN, message_ref="1\ud800")
    result = await accept(ledger, replace(entry("look", "f1", origin=origin), attachments=(odd,)))
    assert result.accepted[0].attachments[0].attachment.size is None
