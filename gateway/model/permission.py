"""Permissions: what an agent asks before a step, and what became of the question.

An agent offers options of its own; their kinds are the protocol's and their ids are not. A question lives as
long as the prompt that asked it: after a restart nobody waits for its answer any more, and it says so.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from gateway.model.agent import ToolUpdate
from gateway.model.states import Transitions


class OptionKind(StrEnum):
    """The kinds of options that the protocol knows."""

    ALLOW_ONCE = "allow_once"
    ALLOW_ALWAYS = "allow_always"
    REJECT_ONCE = "reject_once"
    REJECT_ALWAYS = "reject_always"

    @property
    def allows(self) -> bool:
        """Whether the step is done."""
        return self in (OptionKind.ALLOW_ONCE, OptionKind.ALLOW_ALWAYS)

    @property
    def lasts(self) -> bool:
        """Whether the decision is meant for later steps of the same sort, too."""
        return self in (OptionKind.ALLOW_ALWAYS, OptionKind.REJECT_ALWAYS)


@dataclass(frozen=True, slots=True)
class PermissionOption:
    """One way to answer. `id` is the agent's own, `name` is what it calls it."""

    id: str
    name: str
    kind: OptionKind


@dataclass(frozen=True, slots=True)
class PermissionRequest:
    """An agent's question about a step that it is about to take."""

    tool: ToolUpdate
    options: tuple[PermissionOption, ...]

    def of_kind(self, *kinds: OptionKind) -> PermissionOption | None:
        """The first option of the first of these kinds that is offered."""
        return next((option for kind in kinds for option in self.options if option.kind is kind), None)


Asker = Callable[[PermissionRequest], Awaitable[str | None]]
"""Asks whoever may decide; the id of the chosen option, None for a question that was not answered with any.

Cancelling it withdraws the question.
"""


class ApprovalState(StrEnum):
    """`pending` until a person decides, too much time passes, or nobody waits for the answer any more."""

    PENDING = "pending"
    ALLOWED = "allowed"
    REFUSED = "refused"
    EXPIRED = "expired"
    VOID = "void"

    @property
    def terminal(self) -> bool:
        """Whether nothing follows."""
        return self is not ApprovalState.PENDING


APPROVAL_TRANSITIONS = Transitions(
    "approval",
    {
        ApprovalState.PENDING: frozenset(set(ApprovalState) - {ApprovalState.PENDING}),
        **{state: frozenset[ApprovalState]() for state in ApprovalState if state.terminal},
    },
)


@dataclass(frozen=True, slots=True)
class Approval:
    """A row of the ledger's approvals: a question, and the delivery whose message asks it.

    `decided_by` is the account's id of the person who decided, empty where nobody did.
    """

    id: int
    session_id: int
    turn_id: int
    request: PermissionRequest
    state: ApprovalState
    delivery_id: int
    created_at: float
    option_id: str = ""
    decided_by: str = ""
