"""The real ledger against a small model in memory: whatever happens in whatever order, nothing is lost.

The model knows only what people can see: which events came, which turns run, how they ended, and who was told
to wait. Crashes close the ledger without the clean-shutdown marker and open it again as a new boot.
"""

import asyncio
import os
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.model.agent import ToolUpdate
from gateway.model.delivery import Delivered, DeliveryState, Rejected, RetryAfter, Unknown
from gateway.model.message import MessageKind, MessageState
from gateway.model.permission import ApprovalState, OptionKind, PermissionOption, PermissionRequest
from gateway.model.session import Reason, SessionState
from gateway.model.turn import TurnState
from tests.helpers.ledgers import ACCOUNT, LEDGERS, Ledger, entry, notice

CHATS = st.sampled_from(["1", "2"])
EVENTS = st.integers(1, 40)
QUEUE = 4
ENDS = st.sampled_from(
    [
        (TurnState.COMPLETED, None),
        (TurnState.COMPLETED, None),
        (TurnState.FAILED, None),
        (TurnState.FAILED, Reason.AGENT_LOST),
        (TurnState.CANCELLED, None),
        (TurnState.SUPERSEDED, None),
        (TurnState.INTERRUPTED, Reason.DRAIN_TIMEOUT),
    ]
)
REQUEST = PermissionRequest(
    ToolUpdate("call", "dig", "execute"), (PermissionOption("yes", "Yes", OptionKind.ALLOW_ONCE),)
)
ANSWERS = st.sampled_from([state for state in ApprovalState if state.terminal])
OUTCOMES = st.sampled_from([Delivered("m"), Rejected("no"), RetryAfter(1.0, "slow"), Unknown("lost")])


@dataclass
class SessionModel:
    """What is expected of one session."""

    chat: str
    waiting: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    withdrawn: set[str] = field(default_factory=set)
    running: int | None = None
    marked: int | None = None
    suspended: bool = False
    attempts: int = 0


def where(test):
    """A rule for conversations that are like this; without any, the step is another one."""
    return precondition(lambda self: any(test(self.sessions[one]) for one in self.current.values()))


class LedgerMachine(RuleBasedStateMachine):
    """Drives a ledger; subclasses name its kind."""

    kind = "sqlite"

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.stack = AsyncExitStack()
        self.sessions: dict[int, SessionModel] = {}
        self.current: dict[str, int] = {}
        self.known: dict[str, int] = {}
        self.deliveries: dict[int, DeliveryState] = {}
        self.questions: dict[int, tuple[int, int]] = {}  # turn and delivery of each that is open
        self.ledger = Ledger(self.do(self.open()), Path(self.folder.name))
        self.do(self.ledger.start())

    def do(self, work):
        return self.loop.run_until_complete(work)

    async def open(self):
        return await self.stack.enter_async_context(LEDGERS[self.kind](Path(self.folder.name)))

    def teardown(self):
        self.do(self.stack.aclose())
        self.loop.close()
        self.folder.cleanup()

    def of(self, chat):
        """The current session of a chat, None before its first message."""
        session_id = self.current.get(chat)
        return (session_id, self.sessions[session_id]) if session_id else (None, None)

    def owe(self, owed):
        for delivery in owed:
            assert delivery.id not in self.deliveries
            self.deliveries[delivery.id] = delivery.state

    def over(self, questions):
        """Questions end; the deliveries whose messages have to be edited because of it."""
        edited = []
        for question in sorted(questions):
            _, asked = self.questions.pop(question)
            if self.deliveries[asked] in (DeliveryState.PENDING, DeliveryState.HELD):
                self.deliveries[asked] = DeliveryState.REJECTED
            elif self.deliveries[asked] is not DeliveryState.REJECTED:
                edited.append(asked)
        return edited

    @rule(chat=CHATS, event=EVENTS)
    def accept(self, chat, event):
        name = f"{chat}-{event}"
        batch = [entry(name, name, chat, max_queued=QUEUE)]
        result = self.do(self.ledger.store.accept(ACCOUNT, batch, [], {"": name}, self.ledger.tick()))
        (accepted,) = result.accepted
        assert accepted.fresh == (name not in self.known)
        self.owe(result.owed)
        if not accepted.fresh:
            assert accepted.session_id == self.known[name]
            return
        self.known[name] = accepted.session_id
        model = self.sessions.setdefault(accepted.session_id, SessionModel(chat))
        assert self.current.setdefault(chat, accepted.session_id) == accepted.session_id
        if len(model.waiting) >= QUEUE:
            assert len(result.owed) == 1, "who is not taken is told"
            model.withdrawn.add(name)
        else:
            model.waiting.append(name)

    @where(lambda model: not model.running and (model.waiting or model.marked))
    @rule(chat=CHATS, asks=st.booleans())
    def begin(self, chat, asks):
        session_id, model = self.of(chat)
        if model is None or model.running:
            return
        before = self.do(self.ledger.store.messages(session_id))
        resume = any(m.kind is MessageKind.INTERNAL and m.state is MessageState.WAITING for m in before)
        start = self.do(self.ledger.store.begin_turn(session_id, self.ledger.boot, self.ledger.tick()))
        if model.suspended or not (model.waiting or (resume and model.marked)):
            assert start is None
            return
        assert start is not None
        if model.waiting:
            assert start.message.text == model.waiting[0], "first in, first out"
            model.taken.append(model.waiting.pop(0))
        else:
            assert start.message.kind is MessageKind.INTERNAL
        assert (start.interruption is not None) == (model.marked is not None)
        if start.interruption:
            assert start.interruption.turn_id == model.marked
            model.attempts += 1
        model.running = start.turn_id
        if asks:
            self.put_question(model)

    @where(lambda model: model.running)
    @rule(chat=CHATS, end=ENDS)
    def end(self, chat, end):
        _, model = self.of(chat)
        if model is None or model.running is None:
            return
        state, reason = end
        edited = self.over([ident for ident, (turn, _) in self.questions.items() if turn == model.running])
        owed = self.do(self.ledger.end(model.running, state, "reply", reason=reason))
        assert [delivery.edits for delivery in owed if delivery.edits] == edited
        self.owe(owed)
        if state is TurnState.COMPLETED:
            model.marked, model.attempts = None, 0
        elif reason:
            model.marked = model.running
        model.running = None

    @where(lambda model: model.running)
    @rule(chat=CHATS)
    def mark_before_cut(self, chat):
        _, model = self.of(chat)
        if model is not None and model.running:
            at = self.ledger.tick()
            self.do(self.ledger.store.mark_pending([model.running], Reason.DRAIN_TIMEOUT, at))
            model.marked = model.running

    @where(lambda model: model.running)
    @rule(chat=CHATS)
    def ask(self, chat):
        _, model = self.of(chat)
        if model is not None and model.running is not None:
            self.put_question(model)

    def put_question(self, model):
        opened = self.do(self.ledger.store.open_approval(model.running, REQUEST, self.ledger.tick()))
        approval, owed = opened
        self.owe(owed)
        self.questions[approval.id] = (model.running, approval.delivery_id)

    @precondition(lambda self: self.questions)
    @rule(number=st.integers(0, 9), state=ANSWERS)
    def answer(self, number, state):
        question = sorted(self.questions)[number % len(self.questions)]
        edited = self.over([question])
        settle, at = self.ledger.store.settle_approval, self.ledger.tick()
        ended, owed = self.do(settle(question, state, at, "yes"))
        assert ended.state is state
        assert [delivery.edits for delivery in owed] == edited
        self.owe(owed)
        assert self.do(settle(question, ApprovalState.VOID, at)) is None, "it has one end"

    def cut_all(self):
        edited = self.over(tuple(self.questions))
        found = self.do(self.ledger.store.deliveries(10_000))
        owed = [delivery for delivery in found if delivery.id not in self.deliveries]
        assert sorted(delivery.edits for delivery in owed) == edited
        self.owe(owed)
        for model in self.sessions.values():
            if model.running:
                model.marked = model.running
                model.running = None
        for ident, state in self.deliveries.items():
            if state is DeliveryState.SENDING:
                self.deliveries[ident] = DeliveryState.UNKNOWN

    @where(lambda model: model.running)
    @rule()
    def crash(self):
        running = sum(model.running is not None for model in self.sessions.values())
        self.do(self.stack.aclose())
        opening = self.do(self.ledger.start(self.do(self.open())))
        assert opening.dead_boots == 1
        assert opening.interrupted_turns == running
        self.cut_all()

    @where(lambda model: model.running)
    @rule()
    def stop_cleanly(self):
        self.do(self.ledger.store.stop_boot(self.ledger.boot, self.ledger.tick()))
        self.do(self.stack.aclose())
        assert self.do(self.ledger.start(self.do(self.open()))).dead_boots == 0
        self.cut_all()

    @where(lambda model: model.marked)
    @rule()
    def schedule(self):
        candidates = self.do(self.ledger.store.candidates())
        found = [c.session.id for c in candidates if c.session.state is SessionState.RESUME_PENDING]
        inserted = self.do(self.ledger.store.schedule_resumes(found, self.ledger.tick()))
        for session_id in inserted:
            assert session_id in self.current.values(), "a conversation that was left is not resumed"
            assert self.sessions[session_id].marked
            assert not self.sessions[session_id].running

    @where(lambda model: model)
    @rule(chat=CHATS)
    def stop_by_user(self, chat):
        session_id, model = self.of(chat)
        if model is not None:
            self.do(self.ledger.store.withdraw_resumes([session_id]))
            assert self.do(self.ledger.store.schedule_resumes([session_id], self.ledger.tick())) == ()

    @where(lambda model: not model.suspended)
    @rule(chat=CHATS)
    def suspend(self, chat):
        session_id, model = self.of(chat)
        if model is not None and not model.suspended:
            store, at = self.ledger.store, self.ledger.tick()
            self.owe(self.do(store.suspend(session_id, Reason.RESUME_LOOP, notice("x"), at)))
            model.suspended = True

    @where(lambda model: not model.running)
    @rule(chat=CHATS)
    def reactivate(self, chat):
        session_id, model = self.of(chat)
        if model is None or model.running:
            return
        at = self.ledger.tick()
        unfinished = self.do(self.ledger.store.reactivate(session_id, f"resume:by-hand:{at}", at))
        assert unfinished == (model.marked is not None)
        model.suspended, model.attempts = False, 0

    @where(lambda model: not model.running)
    @rule(chat=CHATS)
    def new_generation(self, chat):
        session_id, model = self.of(chat)
        if model is None or model.running:
            return
        new = self.do(self.ledger.store.next_generation(session_id, self.ledger.tick()))
        assert new not in self.sessions
        model.withdrawn |= set(model.waiting)
        model.waiting.clear()
        model.marked, model.suspended, model.attempts = None, False, 0
        self.sessions[new] = SessionModel(chat)
        self.current[chat] = new

    def pick(self, number, state):
        found = sorted(ident for ident, have in self.deliveries.items() if have is state)
        return found[number % len(found)] if found else None

    @precondition(lambda self: DeliveryState.PENDING in self.deliveries.values())
    @rule(number=st.integers(0, 9))
    def claim(self, number):
        ident = self.pick(number, DeliveryState.PENDING)
        assert self.do(self.ledger.store.claim(ident, 1.0))
        self.deliveries[ident] = DeliveryState.SENDING

    @precondition(lambda self: DeliveryState.SENDING in self.deliveries.values())
    @rule(number=st.integers(0, 9), outcome=OUTCOMES)
    def settle(self, number, outcome):
        ident = self.pick(number, DeliveryState.SENDING)
        self.do(self.ledger.store.settle(ident, outcome, self.ledger.tick()))
        self.deliveries[ident] = {
            Delivered: DeliveryState.SENT,
            Rejected: DeliveryState.REJECTED,
            RetryAfter: DeliveryState.PENDING,
            Unknown: DeliveryState.UNKNOWN,
        }[type(outcome)]

    @precondition(lambda self: DeliveryState.UNKNOWN in self.deliveries.values())
    @rule(number=st.integers(0, 9), hold=st.booleans())
    def reconcile(self, number, hold):
        ident = self.pick(number, DeliveryState.UNKNOWN)
        act = self.ledger.store.hold if hold else self.ledger.store.retry_doubtful
        self.do(act(ident))
        self.deliveries[ident] = DeliveryState.HELD if hold else DeliveryState.PENDING

    @invariant()
    def what_is_asked_is_open_and_asked_in_a_running_turn(self):
        running = {model.running for model in self.sessions.values()}
        for question, (turn, _) in self.questions.items():
            approval = self.do(self.ledger.store.approval(question))
            assert approval.state is ApprovalState.PENDING
            assert approval.turn_id in running
            assert approval.turn_id == turn

    @invariant()
    def law_01_no_message_is_lost(self):
        for session_id, model in self.sessions.items():
            found = self.do(self.ledger.store.messages(session_id))
            people = [m for m in found if m.kind is MessageKind.USER]
            assert {m.text for m in people if m.state is MessageState.TAKEN} == set(model.taken)
            assert [m.text for m in people if m.state is MessageState.WAITING] == model.waiting
            assert {m.text for m in people if m.state is MessageState.WITHDRAWN} == model.withdrawn
            for message in people:
                assert (message.turn_id is not None) == (message.state is MessageState.TAKEN)

    @invariant()
    def law_10_one_turn_runs_per_session_and_messages_are_taken_in_order(self):
        for session_id, model in self.sessions.items():
            turns = self.do(self.ledger.store.turns(session_id))
            assert [t.id for t in turns if t.state is TurnState.RUNNING] == (
                [model.running] if model.running else []
            )
            taken = [m for m in self.do(self.ledger.store.messages(session_id)) if m.turn_id]
            by_turn = [m.text for m in sorted(taken, key=lambda m: m.turn_id) if m.kind is MessageKind.USER]
            assert by_turn == model.taken

    @invariant()
    def law_06_the_marker_is_what_the_model_says(self):
        for session_id, model in self.sessions.items():
            session = self.do(self.ledger.session(session_id))
            assert session.resume_turn_id == model.marked
            assert session.resume_attempts == model.attempts
            if model.suspended:
                assert session.state is SessionState.SUSPENDED
            elif model.marked is None:
                assert session.state is SessionState.ACTIVE
            else:
                assert session.state is SessionState.RESUME_PENDING

    @invariant()
    def law_05_each_interruption_has_one_resume_event_at_most(self):
        for session_id, model in self.sessions.items():
            events = [
                m
                for m in self.do(self.ledger.store.messages(session_id))
                if m.kind is MessageKind.INTERNAL and m.state is MessageState.WAITING
            ]
            assert len(events) <= 1
            if events and not model.marked:
                # Left by a turn that ended well beside it; beginning finds nothing to go on with.
                assert model.running is None

    @invariant()
    def deliveries_are_what_the_model_says(self):
        found = {d.id: d.state for d in self.do(self.ledger.store.deliveries(10_000))}
        unsent = {ident: s for ident, s in self.deliveries.items() if s is not DeliveryState.SENT}
        assert found == unsent
        owed = [d.id for d in self.do(self.ledger.store.owed(ACCOUNT))]
        waiting = (DeliveryState.PENDING, DeliveryState.UNKNOWN)
        assert owed == sorted(ident for ident, s in self.deliveries.items() if s in waiting)


@pytest.mark.slow
@pytest.mark.parametrize("kind", LEDGERS)
@pytest.mark.timeout(110)
def test_the_ledger_keeps_its_promises(kind):
    machine = type("Machine", (LedgerMachine,), {"kind": kind})
    machine.TestCase.settings = settings(
        max_examples=60 if kind == "sqlite" else 12,  # what it costs is mostly the way to a server and back
        stateful_step_count=30,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),  # to explain a failure as well takes longer than a test may
        database=None,
        # A gate judges a change, not the luck of the draw: there the examples are the same each time.
        derandomize="CI" in os.environ,
        suppress_health_check=list(HealthCheck),
    )
    machine.TestCase().runTest()
