"""Permissions that agents ask for, put to the people in the chat.

Each question is a task of its own and the only one that writes what becomes of it: a person's decision, the
end of the time for it, or that nobody waits for the answer any more. It is in the ledger before the agent
hears of it. Who asks may be cancelled at any moment; the task then writes that the question is void.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway import log
from gateway.engine.outbox import Outbox
from gateway.engine.persist import until_written
from gateway.model.message import Origin
from gateway.model.permission import (
    Approval,
    ApprovalState,
    Asker,
    OptionKind,
    PermissionOption,
    PermissionRequest,
)
from gateway.ports import Clock, LedgerUnavailableError, Store

_log = log.get()

_ALLOWING = (OptionKind.ALLOW_ONCE, OptionKind.ALLOW_ALWAYS)
_REFUSING = (OptionKind.REJECT_ONCE, OptionKind.REJECT_ALWAYS)


@dataclass(frozen=True, slots=True)
class ApprovalParts:
    """What questions are asked with."""

    store: Store
    outbox: Outbox
    clock: Clock
    group: asyncio.TaskGroup


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """How long people may take to decide, in seconds, and whether what they decide for good is kept."""

    timeout: float
    remember: bool


@dataclass(frozen=True, slots=True)
class _Decision:
    """How a question ends, before that is written."""

    state: ApprovalState
    option: PermissionOption | None = None
    by: Origin | None = None


@dataclass(slots=True, eq=False)
class _Question:
    """`over` is set when it has an end in the ledger; `honoured` that this is the one that was decided."""

    turn_id: int
    session_id: int
    request: PermissionRequest
    decision: asyncio.Future[_Decision]
    over: asyncio.Event = field(default_factory=asyncio.Event)
    honoured: bool = False

    def decide(self, decision: _Decision) -> bool:
        """The first decision counts; whether this was it."""
        if self.decision.done():
            return False
        self.decision.set_result(decision)
        return True


class Approvals:
    """The questions that are open right now."""

    def __init__(
        self,
        parts: ApprovalParts,
        timeout: float,
        *,
        remember: bool,
        agents: Mapping[str, ApprovalPolicy] | None = None,
    ) -> None:
        """As in `ApprovalPolicy`, for all agents that are not among `agents`."""
        self._parts = parts
        self._policy = ApprovalPolicy(timeout, remember)
        self._agents = agents or {}
        self._open: dict[int, _Question] = {}

    def reconfigure(self, policy: ApprovalPolicy, agents: Mapping[str, ApprovalPolicy]) -> None:
        """What counts for questions that are asked from now on."""
        self._policy, self._agents = policy, agents

    def asker(self, turn_id: int, session_id: int) -> Asker:
        """What an agent asks through while it works on this turn. It raises nothing."""

        async def ask(request: PermissionRequest) -> str | None:
            decision: asyncio.Future[_Decision] = asyncio.get_running_loop().create_future()
            question = _Question(turn_id, session_id, request, decision)
            asking = self._parts.group.create_task(self._supervised(question), name=f"approval-{turn_id}")
            try:
                return await asyncio.shield(asking)
            finally:
                question.decide(_Decision(ApprovalState.VOID))

        return ask

    async def decide(self, approval_id: int, option: int, by: Origin) -> bool:
        """A person chose an option, by its place among those offered; false when it is too late for that.

        Returns when it is written.
        """
        question = self._open.get(approval_id)
        if question is None or option >= len(question.request.options):
            return False
        chosen = question.request.options[option]
        state = ApprovalState.ALLOWED if chosen.kind.allows else ApprovalState.REFUSED
        if not question.decide(_Decision(state, chosen, by)):
            return False
        await question.over.wait()
        return question.honoured

    async def _supervised(self, question: _Question) -> str | None:
        try:
            session = await self._parts.store.session(question.session_id)
            policy = self._agents.get((session and session.agent) or "", self._policy)
            known = await self._remembered(question) if policy.remember else None
            return known or await self._put(question, policy)
        except Exception:  # noqa: BLE001  supervisor: one question's bug must not end the gateway
            _log.exception("approval.error", turn=question.turn_id)
            return None
        finally:
            question.over.set()

    async def _remembered(self, question: _Question) -> str | None:
        """The answer that a person gave for good, where it can be given with what is offered this time."""
        verdict = await self._parts.store.remembered(question.session_id, question.request)
        if verdict is None:
            return None
        option = question.request.of_kind(*(_ALLOWING if verdict.allows else _REFUSING))
        if option is None:
            return None
        _log.info("approval.remembered", turn=question.turn_id, answer=option.kind)
        return option.id

    async def _put(self, question: _Question, policy: ApprovalPolicy) -> str | None:
        """Ask, wait, and write what became of it; the id of the chosen option."""
        store, clock = self._parts.store, self._parts.clock
        if not question.request.options or question.decision.done():
            return None
        try:
            opened = await store.open_approval(question.turn_id, question.request, clock.now())
        except LedgerUnavailableError as error:
            _log.warning("approval.not_asked", turn=question.turn_id, why=str(error))
            return None
        if opened is None:
            return None  # the turn has ended meanwhile
        approval, owed = opened
        _log.info("approval.asked", approval=approval.id, turn=approval.turn_id)
        self._open[approval.id] = question
        try:
            if not question.decision.done():  # withdrawn while it was written, it need not be sent
                self._parts.outbox.push(owed)
            # Not a timeout around the future: that would cancel it.
            await asyncio.wait({question.decision}, timeout=policy.timeout)
            question.decide(_Decision(ApprovalState.EXPIRED, question.request.of_kind(*_REFUSING)))
            return await self._settle(approval, question)
        finally:
            del self._open[approval.id]

    async def _settle(self, approval: Approval, question: _Question) -> str | None:
        store, clock, decision = self._parts.store, self._parts.clock, question.decision.result()
        option_id = decision.option.id if decision.option else ""
        settled = await until_written(
            clock,
            lambda: store.settle_approval(approval.id, decision.state, clock.now(), option_id, decision.by),
        )
        if settled is None:
            return None  # its turn ended first, and the ledger says that it is void
        self._parts.outbox.push(settled[1])
        _log.info("approval.settled", approval=approval.id, turn=approval.turn_id, state=decision.state)
        question.honoured = True
        return option_id or None
