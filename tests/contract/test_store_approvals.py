"""What the ledger promises about permissions: one end each, and no button that outlives its question."""

import pytest

from gateway.model.address import ChatKind
from gateway.model.agent import ToolUpdate
from gateway.model.delivery import (
    Delivered,
    DeliveryKind,
    DeliveryState,
    Draft,
    Rejected,
    RetryAfter,
    Unknown,
)
from gateway.model.message import Origin
from gateway.model.permission import Approval, ApprovalState, OptionKind, PermissionOption, PermissionRequest
from gateway.model.session import ResumeMode
from gateway.model.states import IllegalTransitionError
from gateway.model.turn import TurnState
from tests.helpers.ledgers import ACCOUNT, ANN, ledger_fixture

ledger = ledger_fixture()
S, A, K = DeliveryState, ApprovalState, OptionKind
ENDS = [state for state in ApprovalState if state.terminal]
OPTIONS = (
    PermissionOption("yes", "Allow", K.ALLOW_ONCE),
    PermissionOption("ever", "Always allow", K.ALLOW_ALWAYS),
    PermissionOption("no", "Refuse", K.REJECT_ONCE),
    PermissionOption("never", "", K.REJECT_ALWAYS),
)
SETTLED = {S.SENT: Delivered("m1"), S.REJECTED: Rejected("blocked"), S.UNKNOWN: Unknown("lost")}


def request(title="rm -rf build", kind="execute", options=OPTIONS, text=""):
    return PermissionRequest(ToolUpdate("call-1", title, kind, text=text), options)


async def begun(ledger, chat="1001", **more):
    return await ledger.begin((await ledger.say("go", chat, **more)).session_id)


async def asked(ledger, state=S.SENT, chat="1001", what=None, start=None):
    """A running turn whose question was opened and is in a state."""
    start = start or await begun(ledger, chat)
    opened = await ledger.store.open_approval(start.turn_id, what or request(), ledger.tick())
    assert opened is not None
    approval, (question,) = opened
    await bring(ledger, question.id, state)
    return start, approval, question


async def bring(ledger, delivery_id, state):
    if state is S.PENDING:
        return
    await ledger.store.claim(delivery_id, ledger.tick())
    if state is S.HELD:
        await ledger.store.settle(delivery_id, SETTLED[S.UNKNOWN], ledger.tick())
        await ledger.store.hold(delivery_id)
    elif state is not S.SENDING:
        await ledger.store.settle(delivery_id, SETTLED[state], ledger.tick())


async def settle(ledger, approval, state=A.ALLOWED, option="yes", by=ANN):
    return await ledger.store.settle_approval(approval.id, state, ledger.tick(), option, by)


async def state_of(ledger, approval):
    found = await ledger.store.approval(approval.id)
    assert found is not None
    return found.state


async def edit_owed(ledger, question):
    """The edit that is owed to a question's message."""
    (edit,) = [d for d in await ledger.store.owed(ACCOUNT) if d.edits == question.id]
    assert (edit.kind, edit.state, edit.buttons) == (DeliveryKind.NOTICE, S.PENDING, ())
    return edit


async def test_a_question_is_owed_with_a_button_for_each_option(ledger):
    start = await begun(ledger)
    await ledger.store.record_opening(start.turn_id, "coder", "s", "/w", ResumeMode.FRESH, "")
    opened = await ledger.store.open_approval(start.turn_id, request(text="Why: it is old."), ledger.tick())
    assert opened is not None
    approval, (question,) = opened
    assert approval == Approval(
        approval.id, start.session.id, start.turn_id, request(), A.PENDING, question.id, ledger.now
    )
    assert await ledger.store.approval(approval.id) == approval
    assert await ledger.store.owed(ACCOUNT) == (question,)
    assert (question.kind, question.state, question.edits) == (DeliveryKind.NOTICE, S.PENDING, None)
    assert (question.session_id, question.turn_id) == (start.session.id, start.turn_id)
    assert question.reply_to == "", "in a direct chat nothing has to be quoted"
    assert question.body == "coder asks for permission to run a command: rm -rf build\n\nWhy: it is old."
    assert [(button.label, button.data) for button in question.buttons] == [
        ("Allow", f"may:{approval.id}:0"),
        ("Always allow", f"may:{approval.id}:1"),
        ("Refuse", f"may:{approval.id}:2"),
        ("Always refuse", f"may:{approval.id}:3"),
    ]


async def test_in_a_group_a_question_quotes_what_it_is_about(ledger):
    start = await begun(ledger, "-5", origin=Origin(ChatKind.GROUP, "1001", "Ann", "77"))
    _, _, question = await asked(ledger, S.PENDING, start=start)
    assert question.reply_to == "77"


@pytest.mark.parametrize("state", [state for state in TurnState if state.terminal])
async def test_a_turn_that_ended_asks_nothing(ledger, state):
    start = await begun(ledger)
    await ledger.end(start.turn_id, state)
    assert await ledger.store.open_approval(start.turn_id, request(), ledger.tick()) is None
    assert await ledger.store.owed(ACCOUNT) == ()


async def test_there_is_no_question_that_was_never_asked(ledger):
    assert await ledger.store.approval(7) is None
    assert await ledger.store.settle_approval(7, A.VOID, ledger.tick()) is None


@pytest.mark.parametrize(
    ("state", "option", "by", "says"),
    [
        (A.ALLOWED, "yes", ANN, "Allowed by Ann: rm -rf build"),
        (A.ALLOWED, "ever", ANN, "Always allowed by Ann: rm -rf build"),
        (A.REFUSED, "no", ANN, "Refused by Ann: rm -rf build"),
        (A.REFUSED, "never", ANN, "Always refused by Ann: rm -rf build"),
        (A.EXPIRED, "no", None, "Not answered in time, so it was refused: rm -rf build"),
        (A.VOID, "", None, "No longer open: rm -rf build"),
    ],
)
async def test_the_end_of_a_question_is_owed_as_an_edit_of_its_message(ledger, state, option, by, says):
    _, approval, question = await asked(ledger)
    settled = await settle(ledger, approval, state, option, by)
    assert settled is not None
    ended, (edit,) = settled
    assert (ended.state, ended.option_id, ended.decided_by) == (state, option, by.author_id if by else "")
    assert await ledger.store.approval(approval.id) == ended
    assert edit == await edit_owed(ledger, question)
    assert edit.body == says


@pytest.mark.parametrize("first", ENDS)
async def test_law_02_a_question_ends_once(ledger, first):
    _, approval, _ = await asked(ledger)
    assert await settle(ledger, approval, first) is not None
    for after in ENDS:
        assert await settle(ledger, approval, after) is None
    assert await state_of(ledger, approval) is first
    assert len(await ledger.store.owed(ACCOUNT)) == 1


async def test_a_question_does_not_go_back_to_waiting(ledger):
    _, approval, _ = await asked(ledger)
    with pytest.raises(IllegalTransitionError):
        await settle(ledger, approval, A.PENDING)


@pytest.mark.parametrize("state", [S.SENDING, S.UNKNOWN])
async def test_a_question_that_may_have_arrived_is_edited_too(ledger, state):
    _, approval, question = await asked(ledger, state)
    await settle(ledger, approval)
    await edit_owed(ledger, question)


@pytest.mark.parametrize("state", [S.PENDING, S.HELD])
async def test_a_question_that_was_never_sent_is_dropped(ledger, state):
    _, approval, question = await asked(ledger, state)
    settled = await settle(ledger, approval, A.EXPIRED, "no", None)
    assert settled is not None
    assert settled[1] == ()
    assert await ledger.store.owed(ACCOUNT) == ()
    assert not await ledger.store.claim(question.id, ledger.tick())
    assert await state_of(ledger, approval) is A.EXPIRED


async def test_a_question_that_certainly_did_not_leave_is_dropped_too(ledger):
    _, approval, question = await asked(ledger, S.PENDING)
    await ledger.store.claim(question.id, ledger.tick())
    await ledger.store.settle(question.id, RetryAfter(1.0, "slow down"), ledger.tick())
    await settle(ledger, approval)
    assert await ledger.store.owed(ACCOUNT) == ()


async def test_of_a_question_that_was_refused_by_the_platform_nothing_is_left_to_change(ledger):
    _, approval, _ = await asked(ledger, S.REJECTED)
    settled = await settle(ledger, approval, A.VOID, "", None)
    assert settled is not None
    assert settled[1] == ()
    assert await ledger.store.owed(ACCOUNT) == ()


@pytest.mark.parametrize("state", [state for state in TurnState if state.terminal])
async def test_the_end_of_a_turn_voids_what_it_asked(ledger, state):
    start, settled, _ = await asked(ledger)
    await settle(ledger, settled)
    _, open_one, question = await asked(ledger, start=start)
    _, unsent, _ = await asked(ledger, S.PENDING, start=start)
    other, elsewhere, _ = await asked(ledger, chat="2002")
    reason = "drain_timeout" if state is TurnState.INTERRUPTED else None
    void, *rest = await ledger.end(start.turn_id, state, "done", reason=reason)
    assert (void.edits, void.body) == (question.id, "No longer open: rm -rf build")
    assert [delivery.body for delivery in rest] == ["done"]
    assert void == await edit_owed(ledger, question)
    assert await state_of(ledger, settled) is A.ALLOWED
    assert await state_of(ledger, open_one) is A.VOID
    assert await state_of(ledger, unsent) is A.VOID
    assert await state_of(ledger, elsewhere) is A.PENDING
    assert await ledger.store.open_approval(other.turn_id, request(), ledger.tick()) is not None


async def test_a_reply_still_takes_the_place_of_what_grew(ledger):
    start, _, question = await asked(ledger)
    stream = await ledger.store.open_stream(start.turn_id, Draft(DeliveryKind.STREAM, "Half"), ledger.tick())
    assert stream is not None
    await bring(ledger, stream.id, S.SENT)
    void, reply = await ledger.end(start.turn_id, TurnState.COMPLETED, "The whole")
    assert (void.edits, reply.edits) == (question.id, stream.id)


async def test_law_03_a_boot_voids_what_dead_ones_asked(ledger):
    _, sent, question = await asked(ledger)
    _, flying, on_its_way = await asked(ledger, S.SENDING, "2002")
    _, unsent, waiting = await asked(ledger, S.PENDING, "3003")
    _, decided, answered = await asked(ledger, chat="4004")
    await settle(ledger, decided)
    await ledger.start()
    says = "The gateway was restarted, so this question is void: rm -rf build"
    for shown in (question, on_its_way):
        assert (await edit_owed(ledger, shown)).body == says
    assert (await edit_owed(ledger, answered)).body == "Allowed by Ann: rm -rf build"
    found = await ledger.store.delivery(waiting.id)
    assert found is not None
    assert found.state is S.REJECTED
    for approval in (sent, flying, unsent):
        assert await state_of(ledger, approval) is A.VOID
        assert await settle(ledger, approval) is None
    assert await state_of(ledger, decided) is A.ALLOWED


async def test_a_second_boot_says_it_once(ledger):
    await asked(ledger)
    await ledger.start()
    before = await ledger.store.owed(ACCOUNT)
    await ledger.start()
    assert await ledger.store.owed(ACCOUNT) == before


async def test_a_clean_stop_leaves_no_question_open_either(ledger):
    _, approval, question = await asked(ledger)
    await ledger.store.stop_boot(ledger.boot, ledger.tick())
    await ledger.start()
    assert await state_of(ledger, approval) is A.VOID
    await edit_owed(ledger, question)


@pytest.mark.parametrize(
    ("state", "option", "verdict"),
    [(A.ALLOWED, "ever", K.ALLOW_ALWAYS), (A.REFUSED, "never", K.REJECT_ALWAYS)],
)
async def test_a_decision_that_lasts_is_remembered_for_the_conversation(ledger, state, option, verdict):
    start, approval, _ = await asked(ledger)
    await settle(ledger, approval, state, option)
    session_id = start.session.id
    remembered = ledger.store.remembered
    assert await remembered(session_id, request()) is verdict
    assert await remembered(session_id, request(options=OPTIONS[:1], text="Again.")) is verdict
    assert await remembered(session_id, request(title="rm -rf /")) is None
    assert await remembered(session_id, request(kind="edit")) is None
    assert await remembered(session_id + 1, request()) is None
    await ledger.end(start.turn_id)
    await ledger.start()
    assert await remembered(session_id, request()) is verdict
    fresh = await ledger.store.next_generation(session_id, ledger.tick())
    assert await remembered(fresh, request()) is None


async def test_what_is_decided_once_is_not_remembered(ledger):
    start, allowed, _ = await asked(ledger)
    await settle(ledger, allowed)
    _, refused, _ = await asked(ledger, start=start)
    await settle(ledger, refused, A.REFUSED, "no")
    assert await ledger.store.remembered(start.session.id, request()) is None


async def test_what_nobody_decided_is_not_remembered(ledger):
    start, approval, _ = await asked(ledger)
    await settle(ledger, approval, A.EXPIRED, "never", None)
    assert await ledger.store.remembered(start.session.id, request()) is None


async def test_a_step_without_a_title_is_not_remembered(ledger):
    start, approval, _ = await asked(ledger, what=request(title=""))
    settled = await settle(ledger, approval, A.ALLOWED, "ever")
    assert settled is not None
    assert settled[1][0].body == "Always allowed by Ann: run a command"
    assert await ledger.store.remembered(start.session.id, request(title="")) is None


async def test_the_last_decision_is_the_one_that_is_remembered(ledger):
    start, first, _ = await asked(ledger)
    await settle(ledger, first, A.ALLOWED, "ever")
    _, second, _ = await asked(ledger, start=start)
    await settle(ledger, second, A.REFUSED, "never")
    assert await ledger.store.remembered(start.session.id, request()) is K.REJECT_ALWAYS


async def test_a_conversation_is_forgotten_with_all_that_was_asked_in_it(ledger):
    start, approval, question = await asked(ledger)
    _, (edit,) = await settle(ledger, approval, A.ALLOWED, "ever")
    await bring(ledger, edit.id, S.SENT)
    await ledger.end(start.turn_id)
    gone, _ = await ledger.store.forget(ledger.tick(1_000.0), 0, 100)
    assert gone == 1
    assert await ledger.store.approval(approval.id) is None
    assert await ledger.store.delivery(question.id) is None
    assert await ledger.store.remembered(start.session.id, request()) is None
    assert [ledger.count(table) for table in ("approvals", "remembered")] == [0, 0]


async def test_the_id_of_a_forgotten_question_is_not_used_again(ledger):
    start, approval, _ = await asked(ledger, S.PENDING)
    await ledger.end(start.turn_id)
    await ledger.store.forget(ledger.tick(1_000.0), 0, 100)
    _, later, _ = await asked(ledger)
    assert later.id > approval.id


async def test_the_open_questions_of_a_session_are_listed_the_oldest_first(ledger):
    start, first, _ = await asked(ledger)
    _, second, _ = await asked(ledger, start=start)
    await asked(ledger, chat="other")
    _, settled, _ = await asked(ledger, start=start)
    await settle(ledger, settled)
    pending = ledger.store.pending_approvals
    assert await pending(start.session.id) == (first, second)
    await settle(ledger, first)
    assert [one.id for one in await pending(start.session.id)] == [second.id]
    await ledger.start()
    assert await pending(start.session.id) == ()
