"""Who is let in, and to which conversation."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.address import Address, ChatKind
from gateway.model.attachment import Attachment
from gateway.model.message import Amendment, Change, Entry, Inbound, MessageKind, Refusal
from gateway.rules.access import AccessPolicy
from gateway.rules.admission import AdmissionPolicy, Ignored, Respond, admit

OPEN = AdmissionPolicy(AccessPolicy(open_to_all=True), commands=frozenset({"stop"}))
DIRECT = Inbound("900", "1001", ChatKind.DIRECT, "1001", "Ann", "hello", 5.0, message_ref="7")
GROUP = replace(DIRECT, chat="-5", chat_kind=ChatKind.GROUP, to_bot=True)

TEXT = st.text(max_size=12)
EVENTS = st.builds(
    Inbound,
    st.text(min_size=1, max_size=5),
    TEXT,
    st.sampled_from(ChatKind),
    TEXT,
    TEXT,
    TEXT,
    st.floats(0, 1e9),
    TEXT,
    TEXT,
    st.booleans(),
    st.booleans(),
    st.sampled_from(["", "stop", "unknown"]),
    st.sampled_from(["", "x:1"]),
    attachments=st.sampled_from([(), (Attachment("ref", "a.txt"),)]),
    change=st.sampled_from(Change),
)
POLICIES = st.builds(
    AdmissionPolicy,
    st.just(AccessPolicy()),
    st.sampled_from(Respond),
    st.booleans(),
    st.just(frozenset({"stop"})),
)


@given(EVENTS, POLICIES, st.booleans())
def test_strangers_never_become_an_entry(inbound, policy, pairing):
    policy = replace(policy, access=AccessPolicy(pairing=pairing))
    decision = admit(inbound, "telegram", policy, 0.0)
    assert not isinstance(decision, Entry)
    if isinstance(decision, Amendment):
        assert decision.author_id == "", "somebody who is known, and not allowed, changes nothing"
        assert decision.text is None


@given(EVENTS, POLICIES)
def test_the_same_event_gives_the_same_decision(inbound, policy):
    opened = replace(policy, access=AccessPolicy(open_to_all=True))
    assert admit(inbound, "telegram", opened, 0.0) == admit(inbound, "telegram", opened, 0.0)


@given(EVENTS, POLICIES)
def test_people_in_groups_share_a_conversation_only_in_threads(inbound, policy):
    opened = replace(policy, access=AccessPolicy(open_to_all=True))
    ours = admit(inbound, "telegram", opened, 0.0)
    theirs = admit(replace(inbound, author_id=inbound.author_id + "x"), "telegram", opened, 0.0)
    if isinstance(ours, Entry) and isinstance(theirs, Entry):
        shared = inbound.chat_kind is ChatKind.DIRECT or (policy.thread_scope and inbound.thread)
        assert (ours.address == theirs.address) == bool(shared)


@given(EVENTS)
def test_what_is_let_in_can_be_stored(inbound):
    entry = admit(inbound, "telegram", OPEN, 0.0)
    if isinstance(entry, Entry):
        entry.text.encode()
        assert "\0" not in entry.text


def test_a_direct_message():
    entry = admit(DIRECT, "telegram", OPEN, 0.0)
    assert isinstance(entry, Entry)
    assert (entry.text, entry.kind, entry.address) == ("hello", MessageKind.USER, Address("telegram", "1001"))
    assert (entry.origin.author_id, entry.origin.message_ref) == ("1001", "7")
    assert entry.max_queued == OPEN.max_queued


def test_halves_of_characters_are_replaced():
    entry = admit(replace(DIRECT, text="a\ud83d\0b"), "telegram", OPEN, 0.0)
    assert isinstance(entry, Entry)
    assert entry.text == "a\ufffd\ufffdb"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"from_bot": True}, "bot"),
        ({"text": "  \n"}, "nothing"),
        ({"text": ""}, "nothing"),
    ],
)
def test_what_is_ignored_in_a_direct_chat(change, why):
    decision = admit(replace(DIRECT, **change), "telegram", OPEN, 0.0)
    assert isinstance(decision, Ignored)
    assert why in decision.reason


@pytest.mark.parametrize(
    ("respond", "to_bot", "let_in"),
    [
        (Respond.MENTION, True, True),
        (Respond.MENTION, False, False),
        (Respond.ALWAYS, False, True),
        (Respond.NEVER, True, False),
    ],
)
def test_when_groups_are_answered(respond, to_bot, let_in):
    policy = replace(OPEN, respond=respond)
    decision = admit(replace(GROUP, to_bot=to_bot), "telegram", policy, 0.0)
    assert isinstance(decision, Entry if let_in else Ignored)


@pytest.mark.parametrize(
    ("thread_scope", "thread", "address"),
    [
        (True, "9", Address("telegram", "-5", "9")),
        (True, "", Address("telegram", "-5", "", "1001")),
        (False, "9", Address("telegram", "-5", "9", "1001")),
        (False, "", Address("telegram", "-5", "", "1001")),
    ],
)
def test_where_a_group_message_belongs(thread_scope, thread, address):
    entry = admit(replace(GROUP, thread=thread), "telegram", replace(OPEN, thread_scope=thread_scope), 0.0)
    assert isinstance(entry, Entry)
    assert entry.address == address
    assert entry.text == "Ann: hello"


@pytest.mark.parametrize(
    ("command", "text", "kind", "passed"),
    [
        ("stop", "", MessageKind.COMMAND, ""),
        ("stop", "now", MessageKind.COMMAND, "now"),
        ("frobnicate", "a b", MessageKind.USER, "/frobnicate a b"),
        ("frobnicate", "", MessageKind.USER, "/frobnicate"),
        ("Stop", "", MessageKind.COMMAND, ""),
        ("FrobNicate", "Now", MessageKind.USER, "/FrobNicate Now"),
        ("", "/deploy:all now", MessageKind.USER, "/deploy:all now"),
    ],
)
@pytest.mark.parametrize("event", [DIRECT, GROUP], ids=["direct", "group"])
def test_commands(event, command, text, kind, passed):
    """An agent's own are passed on as written: in groups too, where other messages begin with a name."""
    entry = admit(replace(event, command=command, text=text), "telegram", OPEN, 0.0)
    assert isinstance(entry, Entry)
    assert (entry.kind, entry.text) == (kind, passed)
    assert entry.command == (command.lower() if kind is MessageKind.COMMAND else "")
    assert entry.origin.author_name == "Ann"


@pytest.mark.parametrize(
    "text", ["/etc/hosts is wrong", "see /count", "// no", "/", "/ count", "/2", "/stop@other_bot"]
)
def test_what_only_looks_like_a_command_has_its_author(text):
    entry = admit(replace(GROUP, text=text), "telegram", OPEN, 0.0)
    assert isinstance(entry, Entry)
    assert entry.text == f"Ann: {text}"


def test_a_stranger_learns_the_id_to_ask_for_only_in_private():
    closed = replace(OPEN, access=AccessPolicy())
    alone = admit(DIRECT, "telegram", closed, 0.0)
    assert isinstance(alone, Refusal)
    assert "telegram:1001" in alone.notice
    assert alone.notice_key == "refused:telegram:1001"
    group = admit(GROUP, "telegram", closed, 0.0)
    assert isinstance(group, Refusal)
    assert not group.notice


def test_with_pairing_a_stranger_asks_for_a_code_in_private_alone():
    closed = replace(OPEN, access=AccessPolicy(pairing=True))
    alone = admit(DIRECT, "telegram", closed, 0.0)
    assert isinstance(alone, Refusal)
    assert (alone.pairing, alone.person, alone.name, alone.notice) == (True, "1001", "Ann", "")
    late = replace(DIRECT, backfilled=True)
    old = admit(late, "telegram", replace(closed, freshness=60.0), DIRECT.sent_at + 61)
    for silent in (
        admit(GROUP, "telegram", closed, 0.0),
        admit(replace(DIRECT, button="x:1"), "telegram", closed, 0.0),
        old,
    ):
        assert isinstance(silent, Refusal)
        assert (silent.pairing, silent.notice) == (False, "")


# Files and receipts.

FILES = (Attachment("ref", "a.txt"),)


@pytest.mark.parametrize("event", [DIRECT, GROUP], ids=["direct", "group"])
@pytest.mark.parametrize("text", ["", "look"])
def test_files_are_let_in_with_and_without_words(event, text):
    entry = admit(replace(event, text=text, attachments=FILES), "telegram", OPEN, 0.0)
    assert isinstance(entry, Entry)
    assert entry.attachments == FILES
    assert entry.text == (text if event is DIRECT else f"Ann: {text}".strip())


def test_files_without_a_mention_are_not_for_the_bot():
    decision = admit(replace(GROUP, text="", attachments=FILES, to_bot=False), "telegram", OPEN, 0.0)
    assert isinstance(decision, Ignored)


@pytest.mark.parametrize(("text", "refused"), [("", True), ("look", False)])
def test_files_that_are_not_taken(text, refused):
    policy = replace(OPEN, receive_files=False)
    entry = admit(replace(DIRECT, text=text, attachments=FILES), "telegram", policy, 0.0)
    assert isinstance(entry, Entry)
    assert entry.attachments == ()
    assert bool(entry.refused) is refused
    assert bool(entry.refused_key) is refused


@pytest.mark.parametrize(
    ("change", "wanted", "owed"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"message_ref": ""}, True, False),
        ({"command": "stop"}, True, False),
        ({"button": "x:1"}, True, False),
    ],
)
def test_receipts(change, wanted, owed):
    entry = admit(replace(DIRECT, **change), "telegram", replace(OPEN, receipts=wanted), 0.0)
    assert isinstance(entry, Entry)
    assert entry.receipt is owed


# Edits.


def amended(inbound, policy=OPEN):
    return admit(replace(inbound, change=Change.EDITED), "telegram", policy, 0.0)


@pytest.mark.parametrize(
    ("change", "reads"),
    [
        ({}, "hello"),
        ({"command": "frobnicate", "text": "a"}, "/frobnicate a"),
        ({"text": "a\0b"}, "a\ufffdb"),
        ({"to_bot": False}, "hello"),
        ({"text": "", "attachments": FILES}, ""),
        ({"backfilled": True}, "hello"),
    ],
)
def test_an_edit_reads_as_a_message_would(change, reads):
    assert amended(replace(DIRECT, **change)) == Amendment("telegram", "1001", "7", "1001", reads)


def test_an_edit_in_a_group_keeps_its_author_and_needs_no_mention():
    edit = replace(GROUP, text="hello all", to_bot=False)
    for respond in Respond:
        found = amended(edit, replace(OPEN, respond=respond))
        assert found == Amendment("telegram", "-5", "7", "1001", "Ann: hello all")


@pytest.mark.parametrize(
    "change",
    [
        {"command": "stop"},
        {"command": "STOP"},
        {"message_ref": ""},
        {"author_id": ""},
        {"from_bot": True},
        {"text": " "},
    ],
)
def test_edits_that_are_ignored(change):
    assert isinstance(amended(replace(DIRECT, **change)), Ignored)


@pytest.mark.parametrize(("author", "counts"), [("1001", True), ("", True), ("666", False)])
def test_who_takes_a_message_back(author, counts):
    policy = replace(OPEN, access=AccessPolicy(allow=("telegram:1001",)))
    event = replace(DIRECT, change=Change.DELETED, author_id=author, text="")
    decision = admit(event, "telegram", policy, 0.0)
    expected = Amendment("telegram", "1001", "7", author, None)
    assert decision == expected if counts else isinstance(decision, Ignored)
