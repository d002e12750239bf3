"""Permissions, from the agent's question to its answer: the engine on a real ledger, agents that ask."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from gateway.engine.approvals import ApprovalParts, ApprovalPolicy, Approvals
from gateway.engine.buttons import TOO_LATE
from gateway.model.address import ChatKind
from gateway.model.agent import Ended, TextChunk, ToolUpdate
from gateway.model.delivery import DeliveryState
from gateway.model.message import Inbound
from gateway.model.permission import ApprovalState, OptionKind, PermissionOption, PermissionRequest
from gateway.ports import Batch
from tests.helpers.clock import until
from tests.helpers.fakes import Answer
from tests.helpers.house import PERMISSION_TIMEOUT, House, fresh_house, house
from tests.helpers.ledgers import ACCOUNT, opened
from tests.helpers.onlookers import Balky

A, K = ApprovalState, OptionKind
YES, EVER = PermissionOption("yes", "Allow", K.ALLOW_ONCE), PermissionOption("ever", "Always", K.ALLOW_ALWAYS)
NO, NEVER = PermissionOption("no", "Refuse", K.REJECT_ONCE), PermissionOption("never", "", K.REJECT_ALWAYS)
ASKS = "demo asks for permission to run a command: dig"
GAVE_UP = "Not answered in time, so it was refused: dig"


def request(*options, title="dig"):
    return PermissionRequest(ToolUpdate("call-1", title, "execute"), options or (YES, EVER, NO, NEVER))


def asking(*requests):
    """An agent that asks and then answers."""
    return Answer((), Ended("end_turn"), asks=requests or (request(),))


async def put(it: House, *requests, chat="1001"):
    """Somebody gives an agent work for which it needs a permission; the delivery that asks."""
    it.agents.answers.append(asking(*requests))
    before = len(it.chat.delivered)
    await it.hear("go", chat)
    await until(lambda: any(delivery.buttons for delivery in it.chat.delivered[before:]))
    await it.outbox.empty()
    return it.chat.delivered[-1]


async def press(it: House, data: str, chat="1001", name="Ann", event=""):
    """Somebody presses a button; what the bot says to that is in the chat when this returns."""
    await begin_to_press(it, data, chat, name, event)
    await carried_out(it)


async def carried_out(it: House):
    """Wait until every press has had its effect and its answer."""
    await until(lambda: not it.commands._in_hand)
    await it.outbox.empty()


async def begin_to_press(it: House, data: str, chat="1001", name="Ann", event=""):
    event = event or f"press-{next(it.ledger.events)}"
    pressed = Inbound(event, chat, ChatKind.DIRECT, chat, name, "", it.clock.now(), button=data)
    await it.intake.accept(Batch(ACCOUNT, (pressed,), {"": event}))


def data(question, label):
    return next(button.data for button in question.buttons if button.label == label)


async def state_of(it: House, question):
    found = await it.ledger.store.approval(int(question.buttons[0].data.split(":")[1]))
    assert found is not None
    return found.state


@asynccontextmanager
async def balky_house(folder, **more) -> AsyncGenerator[tuple[House, Balky]]:
    """A house whose ledger fails when a test says so."""
    async with opened("sqlite", folder) as ledger:
        balky = ledger.store = Balky(ledger.store)
        async with house(ledger, **more) as made:
            await made.ready()
            yield made, balky


@pytest.mark.parametrize(
    ("label", "answer", "says"),
    [
        ("Allow", "yes", "Allowed by Ann: dig"),
        ("Always", "ever", "Always allowed by Ann: dig"),
        ("Refuse", "no", "Refused by Ann: dig"),
        ("Always refuse", "never", "Always refused by Ann: dig"),
    ],
)
async def test_a_person_decides(tmp_path, label, answer, says):
    async with fresh_house(tmp_path) as it:
        question = await put(it)
        assert question.body == ASKS
        assert it.agents.permitted == []
        await press(it, data(question, label))
        await it.idle()
        assert it.agents.permitted == [answer]
        assert it.chat.edited == [("m1", says)]
        assert it.chat.tried[1].buttons == ()
        assert it.chat.texts()[1:] == ["(The agent finished without saying anything.)"]


async def test_the_answer_is_in_the_ledger_before_the_agent_hears_it(tmp_path):
    async with balky_house(tmp_path) as (it, balky):
        question = await put(it)
        balky.before["settle_approval"] = asyncio.Event()
        await begin_to_press(it, data(question, "Allow"))
        await until(lambda: balky.reached["settle_approval"])
        await it.quiet()
        assert it.agents.permitted == []
        assert await state_of(it, question) is A.PENDING
        assert await it.ledger.store.waiting_commands(ACCOUNT), "the press has not had its effect"
        balky.before["settle_approval"].set()
        await it.idle()
        assert it.agents.permitted == ["yes"]


async def test_law_11_a_decision_that_cannot_be_written_is_none_yet(tmp_path):
    async with balky_house(tmp_path) as (it, balky):
        question = await put(it)
        balky.full["settle_approval"] = 3
        await begin_to_press(it, data(question, "Allow"))
        await until(lambda: balky.refused)
        assert (it.agents.permitted, await state_of(it, question)) == ([], A.PENDING)
        while balky.full["settle_approval"] or not it.agents.permitted:
            it.clock.advance(5.0)
            await it.quiet()
        assert it.agents.permitted == ["yes"]
        assert await state_of(it, question) is A.ALLOWED


async def test_law_11_a_question_that_cannot_be_written_is_not_asked(tmp_path):
    async with balky_house(tmp_path) as (it, balky):
        balky.full["open_approval"] = 1
        it.agents.answers.append(asking())
        await it.hear("go")
        await it.idle()
        assert it.agents.permitted == [None]
        assert [delivery.buttons for delivery in it.chat.delivered] == [()]


async def test_a_bug_is_an_answer_too(tmp_path):
    class Broken(Balky):
        async def remembered(self, *_):
            raise ZeroDivisionError

    async with opened("sqlite", tmp_path) as ledger:
        ledger.store = Broken(ledger.store)
        async with house(ledger) as it:
            await it.ready()
            it.agents.answers.append(asking())
            await it.hear("go")
            await it.idle()
            assert it.agents.permitted == [None]
            assert len(it.chat.texts()) == 1


@pytest.mark.parametrize(
    ("options", "answer"), [((YES, NO, NEVER), "no"), ((YES, NEVER), "never"), ((YES, EVER), None)]
)
async def test_nobody_decides_in_time(tmp_path, options, answer):
    async with fresh_house(tmp_path) as it:
        question = await put(it, request(*options))
        it.clock.advance(PERMISSION_TIMEOUT - 1)
        await it.quiet()
        assert (it.agents.permitted, it.chat.edited) == ([], [])
        it.clock.advance(1)
        await until(lambda: it.agents.permitted)
        await it.idle()
        assert it.agents.permitted == [answer]
        assert it.chat.edited == [("m1", GAVE_UP)]
        assert await state_of(it, question) is A.EXPIRED
        await press(it, data(question, "Allow"))
        assert it.chat.texts()[-1] == TOO_LATE
        assert await state_of(it, question) is A.EXPIRED


async def test_each_agent_has_its_own_time(tmp_path):
    async with fresh_house(tmp_path) as it:
        held = it.agents.hold()
        await it.hear("go")
        await it.at_work()
        parts = ApprovalParts(it.ledger.store, it.outbox, it.clock, it.group)
        (turn,), session = it.turns.running, await it.session_of()
        patient = Approvals(parts, 50.0, remember=True, agents={"demo": ApprovalPolicy(500.0, remember=True)})
        other = Approvals(parts, 50.0, remember=True, agents={"other": ApprovalPolicy(500.0, remember=True)})
        asked = [asyncio.ensure_future(one.asker(turn, session)(request())) for one in (patient, other)]
        await until(lambda: len(it.chat.delivered) == 2)
        it.clock.advance(50.0)
        assert await asked[1] == "no"
        assert not asked[0].done()
        it.clock.advance(450.0)
        assert await asked[0] == "no"
        held.set()
        await it.idle()


async def test_a_stop_withdraws_the_question(tmp_path):
    async with fresh_house(tmp_path) as it:
        question = await put(it)
        await it.hear("", command="stop")
        await it.idle()
        assert it.agents.permitted == []
        assert it.chat.edited == [("m1", "No longer open: dig")]
        assert await state_of(it, question) is A.VOID
        assert it.chat.texts() == [question.body, "Stopped."]
        await press(it, data(question, "Allow"))
        assert it.chat.texts()[-1] == TOO_LATE


async def asked_directly(it: House):
    """A running turn, what its agent asks through, and the event that ends it."""
    held = it.agents.hold()
    await it.hear("go")
    await it.at_work()
    parts = ApprovalParts(it.ledger.store, it.outbox, it.clock, it.group)
    (turn,) = it.turns.running
    return Approvals(parts, PERMISSION_TIMEOUT, remember=True).asker(turn, await it.session_of()), held


async def is_void(it: House):
    approval = await it.ledger.store.approval(1)
    return approval is not None and approval.state is A.VOID


async def test_an_agent_that_asks_no_longer_withdraws_its_question(tmp_path):
    async with fresh_house(tmp_path) as it:
        ask, held = await asked_directly(it)
        asked = asyncio.ensure_future(ask(request()))
        await until(lambda: it.chat.delivered)
        asked.cancel()
        await until(lambda: it.chat.edited)
        assert it.chat.edited == [("m1", "No longer open: dig")]
        assert asked.cancelled()
        held.set()
        await it.idle()


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_question_that_was_withdrawn_while_it_was_written_is_void(tmp_path, moment):
    async with balky_house(tmp_path) as (it, balky):
        ask, held = await asked_directly(it)
        gate = getattr(balky, moment)["open_approval"] = asyncio.Event()
        asked = asyncio.ensure_future(ask(request()))
        await until(lambda: balky.reached["open_approval"])
        asked.cancel()
        await it.quiet()
        balky.full["settle_approval"] = 2
        gate.set()
        while not await is_void(it):
            it.clock.advance(5.0)
            await it.quiet()
        assert balky.refused == ["settle_approval"] * 2
        assert [delivery for delivery in it.chat.delivered if delivery.buttons] == []
        held.set()
        await it.idle()


async def test_a_question_that_was_withdrawn_at_once_is_never_asked(tmp_path):
    async with fresh_house(tmp_path) as it:
        ask, held = await asked_directly(it)
        asked = asyncio.ensure_future(ask(request()))
        await asyncio.sleep(0)
        asked.cancel()
        await it.quiet()
        assert await it.ledger.store.approval(1) is None
        held.set()
        await it.idle()


async def test_a_turn_that_is_over_asks_nothing(tmp_path):
    async with fresh_house(tmp_path) as it:
        ask, held = await asked_directly(it)
        held.set()
        await it.idle()
        assert await ask(request()) is None
        assert await it.ledger.store.approval(1) is None


async def test_what_offers_nothing_is_not_asked(tmp_path):
    async with fresh_house(tmp_path) as it:
        it.agents.answers.append(asking(PermissionRequest(ToolUpdate("c", "dig"), ())))
        await it.hear("go")
        await it.idle()
        assert it.agents.permitted == [None]
        assert await it.ledger.store.approval(1) is None


async def test_law_02_the_first_press_counts(tmp_path):
    async with fresh_house(tmp_path) as it:
        question = await put(it)
        at = it.clock.now()
        presses = [
            Inbound(f"p{n}", "1001", ChatKind.DIRECT, "1001", name, "", at, button=data(question, label))
            for n, (name, label) in enumerate([("Ann", "Refuse"), ("Bob", "Allow"), ("Ann", "Refuse")])
        ]
        await it.intake.accept(Batch(ACCOUNT, presses, {"": "p"}))
        await carried_out(it)
        await it.idle()
        assert it.agents.permitted == ["no"]
        assert it.chat.edited == [("m1", "Refused by Ann: dig")]
        assert it.chat.texts().count(TOO_LATE) == 2


async def test_a_press_that_is_told_of_twice_counts_once_and_in_silence(tmp_path):
    async with fresh_house(tmp_path) as it:
        question = await put(it)
        for _ in range(2):
            await press(it, data(question, "Allow"), event="the same")
        await it.idle()
        assert it.agents.permitted == ["yes"]
        assert TOO_LATE not in it.chat.texts()


async def test_a_button_from_before_a_restart_says_so(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        async with house(ledger) as it:
            await it.ready()
            question = await put(it)
        ledger.now = it.clock.now()
        await ledger.start()
        async with house(ledger, chat=it.chat) as again:
            again.agents.answers.append(asking())
            await again.ready()
            await until(lambda: sum(bool(one.buttons) for one in again.chat.delivered) == 2)
            await again.outbox.empty()
            (edit,) = again.chat.edited
            assert edit == ("m1", "The gateway was restarted, so this question is void: dig")
            await press(again, data(question, "Allow"))
            assert again.chat.texts()[-1] == TOO_LATE
            assert again.agents.permitted == []
            newer = next(one for one in reversed(again.chat.delivered) if one.buttons)
            await press(again, data(newer, "Allow"))
            await again.idle()
            assert again.agents.permitted == ["yes"]


async def test_a_press_that_nobody_had_acted_on_comes_too_late(tmp_path):
    async with opened("sqlite", tmp_path) as ledger:
        async with house(ledger) as it:
            await it.ready()
            question = await put(it)
        pressed = it.chat.delivered[-1].buttons[0].data
        press_entry = await ledger.say(pressed, kind="button")
        ledger.now = it.clock.now()
        await ledger.start()
        async with house(ledger, chat=it.chat) as again:
            held = again.agents.hold()
            await again.ready()
            await until(lambda: TOO_LATE in again.chat.texts())
            assert await state_of(again, question) is A.VOID
            waiting = await ledger.store.waiting_commands(ACCOUNT)
            assert press_entry.message_id not in [one.message_id for one in waiting]
            held.set()
            await again.idle()


async def test_in_another_chat_nobody_decides(tmp_path):
    async with fresh_house(tmp_path) as it:
        question = await put(it)
        await press(it, data(question, "Allow"), chat="2002", name="Eve")
        assert it.chat.texts("2002") == [TOO_LATE]
        assert (it.agents.permitted, await state_of(it, question)) == ([], A.PENDING)
        await press(it, data(question, "Refuse"))
        await it.idle()
        assert it.agents.permitted == ["no"]


@pytest.mark.parametrize(
    "forged", ["may", "may:1", "may:1:", "may:1:4", "may:1:0:0", "may:-1:0", f"may:{'9' * 40}:0", "go:²:1"]
)
async def test_forged_data_decides_nothing(tmp_path, forged):
    async with fresh_house(tmp_path) as it:
        question = await put(it)
        await press(it, forged)
        assert it.chat.texts() == [question.body, TOO_LATE]
        assert (it.agents.permitted, await state_of(it, question)) == ([], A.PENDING)
        await press(it, data(question, "Allow"))
        await it.idle()


@pytest.mark.parametrize(
    ("label", "offered", "answer"),
    [
        ("Always", (YES, EVER, NO), "yes"),
        ("Always", (EVER, NO), "ever"),
        ("Always refuse", (YES, NO, NEVER), "no"),
        ("Always refuse", (YES, NEVER), "never"),
    ],
)
async def test_what_was_decided_for_good_is_not_asked_again(tmp_path, label, offered, answer):
    async with fresh_house(tmp_path) as it:
        question = await put(it)
        await press(it, data(question, label))
        await it.idle()
        it.agents.answers.append(asking(request(*offered)))
        await it.hear("again")
        await it.idle()
        assert it.agents.permitted[1:] == [answer]
        assert sum(bool(delivery.buttons) for delivery in it.chat.delivered) == 1


@pytest.mark.parametrize(
    ("chat", "other"),
    [("1001", request(title="dig deeper")), ("2002", request()), ("1001", request(NO, NEVER))],
    ids=["another step", "another conversation", "nothing of that sort is offered"],
)
async def test_everything_else_is_asked(tmp_path, chat, other):
    async with fresh_house(tmp_path) as it:
        await press(it, data(await put(it), "Always"))
        await it.idle()
        question = await put(it, other, chat=chat)
        await press(it, question.buttons[-1].data, chat=chat)
        await it.idle()
        assert len(it.agents.permitted) == 2


async def test_remembering_can_be_switched_off(tmp_path):
    async with fresh_house(tmp_path) as it:
        await press(it, data(await put(it), "Always"))
        await it.idle()
        held = it.agents.hold()
        await it.hear("again")
        await it.at_work()
        (turn,), session = it.turns.running, await it.session_of()
        parts = ApprovalParts(it.ledger.store, it.outbox, it.clock, it.group)
        asked = asyncio.ensure_future(Approvals(parts, 60.0, remember=False).asker(turn, session)(request()))
        await until(lambda: sum(bool(delivery.buttons) for delivery in it.chat.delivered) == 2)
        asked.cancel()
        held.set()
        await it.idle()


async def test_several_questions_at_once(tmp_path):
    async with fresh_house(tmp_path) as it:
        ann, bob = await put(it), await put(it, chat="2002")
        await press(it, data(bob, "Refuse"), chat="2002", name="Bob")
        await until(lambda: it.agents.permitted)
        assert it.agents.permitted == ["no"]
        await press(it, data(ann, "Allow"))
        await it.idle()
        assert it.agents.permitted == ["no", "yes"]
        assert it.chat.edited == [("m2", "Refused by Bob: dig"), ("m1", "Allowed by Ann: dig")]


async def test_an_agent_may_ask_twice_in_a_turn(tmp_path):
    async with fresh_house(tmp_path) as it:
        first = await put(it, request(), request(title="fill it in"))
        await press(it, data(first, "Allow"))
        await until(lambda: len(it.chat.delivered) == 2)
        await press(it, data(it.chat.delivered[1], "Refuse"))
        await it.idle()
        assert it.agents.permitted == ["yes", "no"]


async def test_a_drain_cuts_what_is_asked_and_says_so(tmp_path):
    async with fresh_house(tmp_path) as it:
        question = await put(it)
        await it.turns.cut_all()
        await it.idle()
        assert await state_of(it, question) is A.VOID
        assert it.chat.edited == [("m1", "No longer open: dig")]
        found = await it.ledger.store.delivery(question.id)
        assert found is not None
        assert found.state is DeliveryState.SENT


async def test_the_answer_grows_on_after_the_question(tmp_path):
    async with fresh_house(tmp_path) as it:
        it.agents.answers.append(Answer((TextChunk("I shall dig."),), asks=(request(),)))
        await it.hear("go")
        await until(lambda: it.chat.delivered)
        await press(it, it.chat.delivered[0].buttons[0].data)
        await it.idle()
        assert it.chat.texts()[1:] == ["I shall dig."]
