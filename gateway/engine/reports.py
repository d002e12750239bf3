"""What people are told of a conversation and of themselves: /status, /usage, /whoami. They change nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.engine.access import Access
from gateway.engine.choices import Choices
from gateway.engine.lanes import Lanes
from gateway.engine.turns import Turns
from gateway.model.intake import Accepted
from gateway.model.session import Reason, Session, SessionState
from gateway.model.turn import TurnRecord
from gateway.model.usage import Usage
from gateway.ports import Clock, Store
from gateway.rules.offers import wish_text
from gateway.rules.words import counted, lasting, one_line

_WORDS = 80

_PAUSED = {
    Reason.MANUAL: "Paused by the operator",
    Reason.RESUME_LOOP: "Paused, because its last request was cut short again and again",
    Reason.RESTORED: "Paused, because the gateway went back to an older backup",
}
_CUT = {
    Reason.DRAIN_TIMEOUT: "The last request was cut short when the gateway was stopped",
    Reason.RESTART_INTERRUPTED: "The last request was cut short when the gateway stopped unexpectedly",
    Reason.AGENT_LOST: "The last request was cut short when the agent's process ended",
    Reason.STOPPED: "The last request was stopped in the middle of its work",
    Reason.SUPERSEDED: "The last request was dropped for a newer one",
    Reason.AGENT_FAILED: "The last request ended with an error of the agent",
}


@dataclass(frozen=True, slots=True)
class ReportParts:
    """What reports are drawn from."""

    store: Store
    lanes: Lanes
    turns: Turns
    clock: Clock
    access: Access
    choices: Choices


class Reports:
    """Carries out /status, /usage and /whoami."""

    def __init__(self, parts: ReportParts) -> None:
        self._parts = parts

    async def status(self, accepted: Accepted) -> str:
        """What goes on here."""
        parts = self._parts
        session = await self._session(accepted)
        busy = parts.lanes.busy(session.id)
        lines = [await self._doing(session), *await self._open(session)]
        lines.append(f"Conversation {session.id}{_titled(session)}.")
        lines += parts.choices.status(session)
        return "\n".join([*lines, *_state(session, busy=busy)])

    async def _doing(self, session: Session) -> str:
        parts = self._parts
        running = {at_work: (turn, since) for turn, at_work, since in parts.turns.at_work()}
        if session.id not in running:
            busy = parts.lanes.busy(session.id)
            return "The agent is about to begin." if busy else "The agent is idle."
        turn_id, since = running[session.id]
        messages = await parts.store.messages(session.id)
        asked = [one.text for one in messages if one.turn_id == turn_id and one.text]
        words = f"“{one_line(' '.join(asked), _WORDS)}”" if asked else "what was cut short"
        return f"The agent has been at work for {lasting(parts.clock.now() - since)} on {words}."

    async def _open(self, session: Session) -> list[str]:
        """What waits for the agent, and what waits for people."""
        store, lines = self._parts.store, list[str]()
        if waiting := await store.waiting(session.id):
            shows = "it" if waiting == 1 else "them"
            lines.append(f"{counted(waiting, 'message')} waiting; /queue shows {shows}.")
        questions = await store.pending_approvals(session.id)
        lines += [
            f"It asks for permission to {wish_text(one.request)}. Answer with its buttons, /approve or /deny."
            for one in questions[:1]
        ]
        if questions[1:]:
            lines.append(f"{counted(len(questions) - 1, 'more question')} open after that.")
        return lines

    async def usage(self, accepted: Accepted) -> str:
        """What this conversation has cost, in time and in the agent's own numbers."""
        session, now = await self._session(accepted), self._parts.clock.now()
        turns = await self._parts.store.turns(session.id)
        worked = sum(max(0.0, (turn.ended_at or now) - turn.started_at) for turn in turns)
        head = f"Conversation {session.id}: {counted(len(turns), 'turn')}, {lasting(worked)} of work."
        return "\n".join([head, *_cost(turns, session.agent or "The agent")])

    async def whoami(self, accepted: Accepted) -> str:
        """Who somebody is to the gateway, in the words of its config."""
        session = await self._session(accepted)
        origin = await self._parts.store.origin(accepted.message_id)
        account = session.address.account
        admin = self._parts.access.is_admin(account, origin.author_id)
        return "\n".join(
            [
                f"You are {one_line(origin.author_name, _WORDS) or 'somebody without a name'}.",
                f"Your id for the config: {account}:{origin.author_id}",
                f"Your role: {'administrator' if admin else 'user'}",
                f"Account: {account}",
                f"Conversation: {session.id}",
            ]
        )

    async def _session(self, accepted: Accepted) -> Session:
        session = await self._parts.store.session(accepted.session_id)
        assert session is not None
        return session


def _titled(session: Session) -> str:
    title = one_line(session.title, _WORDS)
    return f": “{title}”" if title else ""


def _state(session: Session, *, busy: bool) -> list[str]:
    """What keeps a conversation from going on, or what is left of one that was cut short."""
    reason = Reason(session.reason) if session.reason in set(Reason) else None
    if session.state is SessionState.SUSPENDED:
        why = _PAUSED.get(reason, "Paused") if reason else "Paused"
        return [f"{why}: /resume goes on, /new starts afresh."]
    if session.state is SessionState.ACTIVE:
        return []
    if busy:
        return ["What was cut short before is known to the agent."]
    cut = _CUT.get(reason) if reason else None
    return [f"{cut or 'The last request was cut short'}: /resume goes on with it, /retry asks it anew."]


def _cost(turns: Sequence[TurnRecord], agent: str) -> list[str]:
    """What an agent told, the latest numbers where they are sums of its own."""
    told = [turn.usage for turn in turns if turn.usage is not None]
    parts = {"tokens": _tokens(told), "how full its context is": _context(told), "cost": _money(told)}
    missing = [what for what, line in parts.items() if not line]
    lines = [line for line in parts.values() if line]
    if missing:
        *most, last = missing
        named = f"{', '.join(most)} and {last}" if most else last
        lines.append(f"{agent} does not report {named}.")
    return lines


def _tokens(told: Sequence[Usage]) -> str:
    counted_in = [one for one in told if one.input_tokens is not None or one.output_tokens is not None]
    if not counted_in:
        return ""
    last = counted_in[-1]
    sums = [
        sum(one.input_tokens or 0 for one in counted_in),
        sum(one.output_tokens or 0 for one in counted_in),
    ]
    return (
        f"Tokens of the last turn: {last.input_tokens or 0:,} in and {last.output_tokens or 0:,} out; "
        f"of all that told: {sums[0]:,} in and {sums[1]:,} out."
    )


def _context(told: Sequence[Usage]) -> str:
    last = next((one for one in reversed(told) if one.context_used is not None), None)
    if last is None or last.context_used is None:
        return ""
    if not last.context_size or last.context_size < 0:
        return f"Context: {last.context_used:,} tokens."
    share = round(100 * last.context_used / last.context_size)
    return f"Context: {last.context_used:,} of {last.context_size:,} tokens ({share} %)."


def _money(told: Sequence[Usage]) -> str:
    last = next((one for one in reversed(told) if one.cost is not None), None)
    if last is None or last.cost is None:
        return ""
    digits = 2 if last.cost >= 1 else 4
    return f"Cost so far: {last.cost:,.{digits}f} {one_line(last.currency, 10)}".rstrip() + "."
