"""Leafing through the ledger: what is found, that it is bounded, and that it is apart from the engine."""

import asyncio
import threading

import pytest

from gateway.model.browsing import LedgerUnreadableError
from gateway.model.delivery import Delivered, DeliveryState, Rejected
from gateway.model.session import Reason
from gateway.model.turn import StepStatus, TurnState
from gateway.store import browsing
from gateway.store.browsing import open_browsing
from gateway.store.sqlite import LEDGER_FILE
from tests.harness.waiting import PATIENCE
from tests.helpers.ledgers import notice, opened, tool


@pytest.fixture
async def ledger(tmp_path):
    async with opened("sqlite", tmp_path) as made:
        yield made


@pytest.fixture
async def shelf(ledger):
    async with open_browsing(ledger.folder / LEDGER_FILE) as made:
        yield made


def ids(found):
    return [one.id for one in found.sessions]


async def test_sessions_are_listed_by_their_last_message_and_every_one_once(ledger, shelf, monkeypatch):
    monkeypatch.setattr(browsing, "PAGE", 3)
    first = [(await ledger.say("x", str(chat))).session_id for chat in range(7)]
    await ledger.say("again", "1")
    expected = [first[1], *reversed([one for one in first if one != first[1]])]
    found, before = [], None
    for _ in range(3):
        page = await shelf.recent(before)
        found, before = [*found, *ids(page)], page.older
    assert (found, before) == (expected, None)


async def test_a_chat_that_writes_very_much_hides_no_other(ledger, shelf, monkeypatch):
    monkeypatch.setattr(browsing, "_WINDOW", 4)
    quiet = (await ledger.say("x", "1")).session_id
    for _ in range(13):
        loud = (await ledger.say("x", "2")).session_id
    assert ids(await shelf.recent()) == [loud, quiet]
    for _ in range(8):
        await ledger.say("x", "2")
    page = await shelf.recent()
    assert (ids(page), page.older is not None) == ([loud], True), "a bounded look, and where to go on"
    assert ids(await shelf.recent(page.older)) == [quiet]


async def test_an_empty_ledger(shelf):
    found = await shelf.recent()
    assert (found.sessions, found.older) == ((), None)
    assert await shelf.conversation(1) is None
    assert ids(await shelf.search("1")) == []


async def test_search_by_id_chat_and_title(ledger, shelf):
    one = (await ledger.say("Plan 100% of the_harvest", "-100200", account="discord")).session_id
    two = (await ledger.say("Count the sheep", "7")).session_id
    for session in (one, two):
        await ledger.begin(session)  # which gives it its title
    assert ids(await shelf.search(str(one))) == [one]
    assert ids(await shelf.search("-1002")) == [one]
    assert ids(await shelf.search("7")) == [two]
    for words in ("SHEEP", "the sheep"):
        assert ids(await shelf.search(words)) == [two]
    assert ids(await shelf.search("the")) == [two, one]
    assert ids(await shelf.search("0%")) == [one]
    assert ids(await shelf.search("e_h")) == [one]
    for words in ("%", "_"):
        assert ids(await shelf.search(words)) == [one], "a character like others"
    for words in ("t_e", "²", "'", "9" * 30, "1 OR 1=1"):
        assert ids(await shelf.search(words)) == []


async def test_a_search_that_finds_too_much_says_so(ledger, shelf, monkeypatch):
    monkeypatch.setattr(browsing, "PAGE", 2)
    for chat in range(3):
        await ledger.begin((await ledger.say("sheep", str(chat))).session_id)
    found = await shelf.search("sheep")
    assert (len(found.sessions), found.more) == (2, True)


async def test_a_conversation_in_stretches(ledger, shelf, monkeypatch):
    monkeypatch.setattr(browsing, "TURNS", 2)
    for number in range(5):
        start = await ledger.begin((await ledger.say(f"q{number}")).session_id)
        steps = (tool(1, f"dig {number}", StepStatus.COMPLETED),)
        (reply,) = await ledger.end(start.turn_id, TurnState.COMPLETED, f"a{number}", steps=steps)
        await ledger.store.claim(reply.id, ledger.tick())
        await ledger.store.settle(
            reply.id, Rejected("blocked") if number == 4 else Delivered("m"), ledger.tick()
        )
    waiting = await ledger.say("and?")
    seen = await shelf.conversation(waiting.session_id)
    assert [turn.text for turn in seen.turns] == ["a4", "a3"]
    assert {one.text for one in seen.messages} == {"q3", "q4", "and?"}
    assert [(part.state, part.error) for part in seen.parts if part.turn_id == seen.turns[0].id] == [
        (DeliveryState.REJECTED, "blocked")
    ]
    assert {turn: [step.title for step in steps] for turn, steps in seen.steps.items()} == {
        seen.turns[0].id: ["dig 4"],
        seen.turns[1].id: ["dig 3"],
    }
    older = await shelf.conversation(waiting.session_id, seen.older)
    assert ([turn.text for turn in older.turns], {one.text for one in older.messages}) == (
        ["a2", "a1"],
        {"q1", "q2"},
    )
    last = await shelf.conversation(waiting.session_id, older.older)
    assert ([turn.text for turn in last.turns], last.older) == (["a0"], None)


async def test_long_texts_are_cut(ledger, shelf):
    said = await ledger.say("x" * (browsing.LONGEST + 5))
    start = await ledger.begin(said.session_id)
    await ledger.end(start.turn_id, TurnState.COMPLETED, "y" * (browsing.LONGEST + 5))
    seen = await shelf.conversation(said.session_id)
    assert {len(seen.turns[0].text), len(seen.messages[0].text)} == {browsing.LONGEST}
    assert len((await shelf.unsent()).owed[0].delivery.body) == browsing.LONGEST


async def test_what_is_not_sent_by_who_has_to_act(ledger, shelf):
    session = (await ledger.say("x")).session_id
    at = ledger.now
    made = [(await ledger.store.notify(session, notice(t), ledger.tick()))[0] for t in ("a", "b", "c", "d")]
    for one, outcome in zip(made[:2], (Rejected("blocked"), Delivered("9")), strict=True):
        await ledger.store.claim(one.id, ledger.tick())
        await ledger.store.settle(one.id, outcome, ledger.tick())
    found = await shelf.unsent()
    assert [(one.delivery.body, one.since) for one in found.undecided] == [("a", at + 1)]
    assert [(one.delivery.body, one.since) for one in found.owed] == [("c", at + 3), ("d", at + 4)]
    assert (await shelf.delivery(made[1].id)).delivery.state is DeliveryState.SENT
    assert await shelf.delivery(99) is None


async def test_candidates_are_those_that_a_start_would_see(ledger, shelf):
    first = await ledger.interrupted("work", "1")
    await ledger.say("more", "1")
    second = await ledger.begin((await ledger.say("dig", "2")).session_id)
    await ledger.store.record_steps(second.turn_id, [tool(1, "dig")])
    await ledger.store.mark_pending([second.turn_id], Reason.DRAIN_TIMEOUT, ledger.tick())
    await ledger.end(second.turn_id, TurnState.INTERRUPTED, reason=Reason.DRAIN_TIMEOUT)
    await ledger.store.schedule_resumes([second.session.id], ledger.tick())
    pending = [first.session.id, second.session.id]
    assert list(await shelf.candidates(pending)) == list(await ledger.store.candidates())
    await ledger.store.withdraw_resumes(pending)
    assert list(await shelf.candidates(pending)) == list(await ledger.store.candidates())
    assert (await shelf.candidates([second.session.id]))[0].spent
    assert await shelf.candidates([99]) == ()


async def test_nothing_can_be_written(shelf):
    with pytest.raises(LedgerUnreadableError, match="readonly"):
        await shelf._read(lambda tx: tx.execute("DELETE FROM sessions"))


async def test_what_takes_too_long_is_given_up_and_the_next_look_is_not(ledger):
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    async with open_browsing(ledger.folder / LEDGER_FILE, patience=0.01) as shelf:
        with pytest.raises(LedgerUnreadableError, match="it took too long"):
            await shelf._read(lambda tx: tx.execute(endless).fetchall())
        assert (await shelf.overview()).waiting == 0


async def test_the_engine_reads_on_while_somebody_looks(ledger, shelf):
    """The page has a connection, and so a thread, of its own."""
    begun, go_on = threading.Event(), threading.Event()

    def look(tx):
        first = tx.execute("SELECT count(*) FROM sessions").fetchone()
        begun.set()
        assert go_on.wait(PATIENCE)
        return first, tx.execute("SELECT count(*) FROM sessions").fetchone()

    looking = asyncio.ensure_future(shelf._read(look))
    assert await asyncio.to_thread(begun.wait, PATIENCE)
    said = await ledger.say("hello")
    assert (await ledger.session(said.session_id)).id == said.session_id
    go_on.set()
    assert await looking == ((0,), (0,)), "one look is of one moment"
