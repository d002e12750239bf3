"""What the ledger promises to readers, and that it is all still there after it was closed."""

import stat

from gateway.model.turn import StepKind, TurnState
from gateway.ports import Store
from gateway.store.sqlite import LEDGER_FILE, open_sqlite
from tests.helpers.ledgers import LEDGERS, ledger_fixture, tool

ledger = ledger_fixture()


async def test_unknown_things(ledger):
    assert await ledger.store.session(99) is None
    assert await ledger.store.turns(99) == ()
    assert await ledger.store.messages(99) == ()
    assert await ledger.store.sessions(5) == ()
    assert await ledger.store.history(99, 1) == ()


async def test_sessions_that_were_used_last_come_first(ledger):
    for chat in ("1", "2", "3", "1"):
        start = await ledger.begin((await ledger.say("x", chat)).session_id)
        await ledger.end(start.turn_id)
    assert [s.address.chat for s in await ledger.store.sessions(5)] == ["1", "3", "2"]
    assert [s.address.chat for s in await ledger.store.sessions(2)] == ["1", "3"]


async def test_who_wrote_a_message(ledger):
    said = await ledger.say("x")
    assert (await ledger.store.origin(said.message_id)).author_name == "Ann"


async def test_history_is_what_happened_before_a_turn(ledger):
    said = await ledger.say("one")
    first = await ledger.begin(said.session_id)
    await ledger.end(first.turn_id, TurnState.COMPLETED, "1", steps=(tool(0, "look"),))
    await ledger.say("two")
    second = await ledger.begin(said.session_id)
    await ledger.end(second.turn_id, TurnState.FAILED, text="half")
    await ledger.say("elsewhere", "other")
    await ledger.say("three")
    third = await ledger.begin(said.session_id)
    past = await ledger.store.history(said.session_id, third.turn_id)
    assert [(t.turn_id, t.author, t.request, t.answer, t.state) for t in past] == [
        (first.turn_id, "Ann", "one", "1", TurnState.COMPLETED),
        (second.turn_id, "Ann", "two", "half", TurnState.FAILED),
    ]
    assert [(step.title, step.kind) for step in past[0].steps] == [("look", StepKind.TOOL)]


async def test_a_resumed_turn_has_no_request_of_its_own(ledger):
    start = await ledger.interrupted("work")
    await ledger.store.schedule_resumes([start.session.id], ledger.tick())
    resumed = await ledger.begin(start.session.id)
    await ledger.end(resumed.turn_id, TurnState.COMPLETED, "done")
    past = await ledger.store.history(start.session.id, resumed.turn_id + 1)
    assert [(t.request, t.answer) for t in past] == [("work", ""), ("", "done")]


async def test_boots_are_listed_newest_first(ledger):
    for _ in range(3):
        await ledger.start()
    boots = await ledger.store.boots(2)
    assert [boot.id for boot in boots] == [ledger.boot, ledger.boot - 1]
    assert boots[0].replica == "replica"
    assert boots[0].pid == 4242


async def test_text_is_kept_to_the_letter(ledger):
    text = "  tabs\tand\r\nlines, \U0001f468\u200d\U0001f469\u200d\U0001f467 'quotes' \"; -- \u0000 % \u202e"
    said = await ledger.say(text)
    kept = text if ledger.kind == "sqlite" else text.replace("\0", "\ufffd")  # no text of PostgreSQL has one
    assert (await ledger.begin(said.session_id)).message.text == kept


async def test_law_01_everything_is_there_after_closing_and_opening(tmp_path, ledger):
    name = ledger.kind
    folder = tmp_path / "again"
    async with LEDGERS[name](folder) as store:
        ledger.store = store
        await ledger.start()
        said = await ledger.say("one")
        await ledger.say("two")
        await store.accept("telegram", [], [], {"": "77"}, ledger.tick())
        await ledger.end((await ledger.begin(said.session_id)).turn_id, TurnState.COMPLETED, "1")
        before = await everything(store, said.session_id)
    async with LEDGERS[name](folder) as store:
        assert await everything(store, said.session_id) == before
        assert store.healthy
        ledger.store = store
        assert (await ledger.start()).dead_boots == 1
        assert (await ledger.begin(said.session_id)).message.text == "two"


async def everything(store: Store, session_id: int):
    return (
        await store.session(session_id),
        await store.messages(session_id),
        await store.turns(session_id),
        await store.owed("telegram"),
        await store.cursors("telegram"),
        await store.candidates(),
        await store.boots(9),
    )


async def test_a_ledger_file_is_for_its_owner_alone(tmp_path):
    async with open_sqlite(tmp_path / "state" / LEDGER_FILE) as store:
        await store.open_boot("replica", 1, 1.0)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").iterdir()}
    assert set(modes.values()) == {0o600}
    assert len(modes) == 3, "the ledger and what SQLite keeps beside it"
