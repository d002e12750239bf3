"""Of the many reasons for which Slack says that a message changed, only a person's edit counts."""

import pytest

from adapters.slack.changes import as_edit, deleted, edited
from adapters.slack.translate import Me
from gateway.model.address import ChatKind
from gateway.model.message import Change

ME = Me("U0", "B0", "T1", "carryon")
TS, AT = "1700000000.000100", "1700000050.000200"
MARK = {"user": "U1", "ts": "1700000050.000000"}


def message(text="new", **more):
    return {"type": "message", "user": "U1", "ts": TS, "text": text, "edited": MARK, **more}


def changed(new=None, old=None, **more):
    before = {"type": "message", "user": "U1", "ts": TS, "text": "old"}
    return {
        "type": "message",
        "subtype": "message_changed",
        "hidden": True,
        "ts": AT,
        "message": message() if new is None else new,
        "previous_message": before if old is None else old,
        **more,
    }


def edit(event, chat="D1", *, ours=False):
    found = edited(event, chat, ME)
    assert found is not None
    return as_edit(found, event, ME, {"U1": "Ann"}, ours=ours)


def test_an_edit():
    item = edit(changed())
    assert (item.change, item.text, item.message_ref, item.chat) == (Change.EDITED, "new", TS, "D1")
    assert (item.author_id, item.author_name, item.sent_at) == ("U1", "Ann", float(AT))
    assert item.event_id == f"D1:{TS}:edited:{AT}"
    assert edit(changed(ts="1700000051.000200")).event_id != item.event_id


def test_it_is_read_like_a_message():
    item = edit(changed(message("<@U0> a &amp; b", thread_ts="1600000000.000100")), "C1")
    assert (item.text, item.thread, item.to_bot) == ("a & b", "1600000000.000100", True)
    assert edit(changed(message("/stop it"))).command == "stop"
    assert [one.name for one in edit(changed(message(files=[{"id": "F1", "name": "a"}]))).attachments] == [
        "a"
    ]


def test_slack_need_not_say_what_it_was():
    assert edit(changed(old={})).text == "new"


@pytest.mark.parametrize(
    "event",
    [
        changed(message("old", attachments=[{"fallback": "a preview"}], edited=None)),
        changed(message("old", attachments=[{"fallback": "a preview"}])),
        changed(message(edited=None)),
        changed(message(reply_count=1), {"user": "U1", "ts": TS, "text": "other", "edited": MARK}),
        changed(message(edited={"user": "U9", "ts": AT})),
        changed(message(user="U0", edited={"user": "U0", "ts": AT})),
        changed(message(bot_id="B7")),
        changed(message(user=None)),
        changed(message(ts="nonsense")),
        changed(message("")),
        changed({}),
        changed("text"),
        changed(ts=None),
        changed(subtype="message_replied"),
    ],
)
def test_what_is_no_edit(event):
    assert edited(event, "C1", ME) is None


def gone(**more):
    before = {"type": "message", "user": "U1", "ts": TS, "text": "said"}
    return {"type": "message", "subtype": "message_deleted", "ts": AT, "deleted_ts": TS,
            "previous_message": before, **more}  # fmt: skip


def test_a_deletion():
    item = deleted(gone(), "D1", ME)
    assert (item.change, item.text, item.message_ref, item.author_id) == (Change.DELETED, "", TS, "U1")
    assert (item.event_id, item.chat_kind, item.thread) == (f"D1:{TS}:deleted", ChatKind.DIRECT, "")
    assert deleted(gone(previous_message=None), "D1", ME).author_id == ""


def test_where_it_was():
    assert deleted(gone(), "C1", ME).thread == TS
    reply = {"user": "U1", "ts": TS, "thread_ts": "1.000001"}
    assert deleted(gone(previous_message=reply), "C1", ME).thread == "1.000001"
    assert deleted(gone(previous_message=reply), "D1", ME).thread == "1.000001"


def test_one_that_was_answered_becomes_a_stone():
    stone = {"subtype": "tombstone", "user": "USLACKBOT", "ts": TS, "text": "This message was deleted."}
    event = changed(stone)
    item = deleted(event, "C1", ME)
    assert (item.change, item.message_ref, item.author_id) == (Change.DELETED, TS, "U1")
    assert edited(event, "C1", ME) is None


@pytest.mark.parametrize(
    "event",
    [
        gone(previous_message={"user": "U0", "ts": TS}),
        gone(previous_message={"user": "U7", "bot_id": "B7", "ts": TS}),
        gone(deleted_ts="nonsense"),
        gone(ts=None),
        changed(),
        message(),
    ],
)
def test_what_is_no_deletion(event):
    assert deleted(event, "C1", ME) is None
