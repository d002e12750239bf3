"""Every cell of every transition table."""

import itertools
from enum import StrEnum

import pytest

from gateway.model.boot import BOOT_TRANSITIONS, BootState
from gateway.model.delivery import DELIVERY_TRANSITIONS, DeliveryState
from gateway.model.message import MESSAGE_TRANSITIONS, MessageState
from gateway.model.permission import APPROVAL_TRANSITIONS, ApprovalState
from gateway.model.session import SESSION_TRANSITIONS, SessionState
from gateway.model.states import IllegalTransitionError
from gateway.model.turn import TURN_TRANSITIONS, TurnState

# Written down a second time on purpose: a table that is changed has to be changed in two places.
TABLES: list[tuple[object, type[StrEnum], set[tuple[str, str]]]] = [
    (
        BOOT_TRANSITIONS,
        BootState,
        {
            ("starting", "serving"),
            ("starting", "draining"),
            ("starting", "stopped"),
            ("serving", "draining"),
            ("serving", "stopped"),
            ("draining", "serving"),
            ("draining", "stopped"),
        },
    ),
    (
        SESSION_TRANSITIONS,
        SessionState,
        {
            ("active", "resume_pending"),
            ("active", "suspended"),
            ("resume_pending", "active"),
            ("resume_pending", "suspended"),
            ("suspended", "active"),
        },
    ),
    (
        TURN_TRANSITIONS,
        TurnState,
        {("running", end) for end in ("completed", "failed", "cancelled", "superseded", "interrupted")},
    ),
    (
        MESSAGE_TRANSITIONS,
        MessageState,
        {("waiting", "taken"), ("waiting", "done"), ("waiting", "withdrawn")},
    ),
    (
        DELIVERY_TRANSITIONS,
        DeliveryState,
        {
            ("pending", "sending"),
            ("pending", "rejected"),
            ("sending", "sent"),
            ("sending", "rejected"),
            ("sending", "pending"),
            ("sending", "unknown"),
            ("unknown", "pending"),
            ("unknown", "sent"),
            ("unknown", "held"),
            ("unknown", "rejected"),
            ("held", "pending"),
            ("held", "rejected"),
            ("rejected", "pending"),  # only by a person
        },
    ),
    (
        APPROVAL_TRANSITIONS,
        ApprovalState,
        {("pending", end) for end in ("allowed", "refused", "expired", "void")},
    ),
]

CELLS = [
    pytest.param(
        table, before, after, (before.value, after.value) in legal, id=f"{kind.__name__}-{before}-{after}"
    )
    for table, kind, legal in TABLES
    for before, after in itertools.product(kind, repeat=2)
]


@pytest.mark.parametrize(("table", "before", "after", "legal"), CELLS)
def test_every_cell(table, before, after, legal):
    assert table.allows(before, after) == legal
    assert (before in table.sources(after)) == legal
    if legal:
        table.check(before, after)
    else:
        with pytest.raises(IllegalTransitionError, match=f"from {before} to {after}"):
            table.check(before, after)


@pytest.mark.parametrize("table", [row[0] for row in TABLES], ids=lambda table: table.noun)
def test_every_state_has_a_row(table):
    kind = type(next(iter(table.edges)))
    assert set(table.edges) == set(kind)


def test_what_is_final_has_no_exit():
    assert not TURN_TRANSITIONS.edges[TurnState.COMPLETED]
    for state in TurnState:
        assert state.terminal == (not TURN_TRANSITIONS.edges[state])
    for state in ApprovalState:
        assert state.terminal == (not APPROVAL_TRANSITIONS.edges[state])
    assert not BOOT_TRANSITIONS.edges[BootState.STOPPED]
    assert not DELIVERY_TRANSITIONS.edges[DeliveryState.SENT]
    for state in MessageState:
        assert (state is MessageState.WAITING) == bool(MESSAGE_TRANSITIONS.edges[state])


def test_only_a_person_revives_what_was_rejected():
    assert DELIVERY_TRANSITIONS.edges[DeliveryState.REJECTED] == {DeliveryState.PENDING}
    assert [state for state in DeliveryState if state.terminal] == [
        DeliveryState.SENT,
        DeliveryState.REJECTED,
    ]


def test_law_06_one_end_counts_as_well():
    assert [state for state in TurnState if state.ended_well] == [TurnState.COMPLETED]
    assert SESSION_TRANSITIONS.sources(SessionState.ACTIVE) == (
        SessionState.RESUME_PENDING,
        SessionState.SUSPENDED,
    )
