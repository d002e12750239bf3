"""What people can tell the gateway itself, in the chat: carried out at once, even while a turn runs.

A command is accepted like any message and settled together with its answer, so that a crash between the two
repeats the answer's work and never loses it.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway import log
from gateway.engine.buttons import Buttons
from gateway.engine.choices import HELP as CHOICES_HELP
from gateway.engine.choices import Action, ChoiceParts, Choices
from gateway.engine.endings import Cut
from gateway.engine.lanes import Lanes
from gateway.engine.outbox import Outbox
from gateway.engine.persist import until_written
from gateway.engine.streams import CUT_SHORT, STOPPED, Streams
from gateway.engine.turns import Turns
from gateway.model.address import Route
from gateway.model.delivery import DeliveryKind, Draft
from gateway.model.intake import Accepted
from gateway.model.message import MessageKind
from gateway.model.session import Reason, SessionState
from gateway.ports import Agents, Clock, Store
from gateway.rules.access import AccessPolicy, is_admin, permits
from gateway.rules.chunking import chunk

_log = log.get()

HELP = f"""This bot passes what you write to an agent and sends back its answer.
/new: start a new conversation (alias /reset)
/stop: stop what the agent is doing (alias /cancel)
/resume: go on with a conversation that was paused or cut short
/status: what is going on here
{CHOICES_HELP}
/restart: restart the gateway (administrators)
/help: this text"""
DRAINING = "The gateway is about to restart. Your message is kept and will be answered right after it."
RESTARTING = "Restarting. I will tell you when I am back."
STOPPING = "The gateway is stopping already."
ADMINS_ONLY = "Only administrators may restart the gateway (access.admins in its config)."
BACK = "Back online."
NOTICE_LIMIT = 1800
"""Characters of one notice: what every platform takes. A longer one becomes several."""

RENEWING = frozenset({"new", "reset"})
"""Commands after which a new conversation begins; the ledger sees to it when it accepts them."""

PAUSED = (
    "This conversation was paused by the operator. "
    "Your message is kept. Send /resume to go on, or /new to start afresh."
)
SUSPENDED = (
    "This conversation is paused: its last request was cut short again and again. "
    "Your message is kept. Send /resume to try once more, or /new to start afresh."
)


@dataclass(frozen=True, slots=True)
class CommandParts:
    """What commands act on. `agent_names`: what is left to administrators of each configured agent."""

    store: Store
    lanes: Lanes
    turns: Turns
    outbox: Outbox
    streams: Streams
    agents: Agents
    clock: Clock
    group: asyncio.TaskGroup
    access: AccessPolicy
    buttons: Buttons
    agent_names: Mapping[str, frozenset[str]]
    default_agent: str


class Commands:
    """Carries out slash commands and explains the gateway's own states."""

    def __init__(self, parts: CommandParts) -> None:
        self._parts = parts
        self._told_of_drain: set[Route] = set()
        self._in_hand: set[int] = set()
        self._choices = Choices(
            ChoiceParts(parts.store, parts.lanes, parts.agents, parts.clock, parts.access),
            parts.agent_names,
            parts.default_agent,
        )
        self._actions: dict[str, Action] = {
            "start": self._help,
            "help": self._help,
            "new": self._new,
            "reset": self._new,
            "stop": self._stop,
            "cancel": self._stop,
            "resume": self._resume,
            "status": self._status,
            "restart": self._restart,
            **self._choices.actions,
        }
        self._on_restart: Callable[[int], bool] | None = None

    @property
    def names(self) -> frozenset[str]:
        """Every command, with its aliases."""
        return frozenset(self._actions)

    def let_restart(self, on_restart: Callable[[int], bool]) -> None:
        """What an administrator's /restart calls, with the session that asked for it; false if too late."""
        self._on_restart = on_restart

    def carry_out(self, accepted: Accepted) -> None:
        """Do what a command or a button says, beside everything else."""
        self._in_hand.add(accepted.message_id)
        self._parts.group.create_task(self._supervised(accepted), name=f"command-{accepted.command}")

    async def catch_up(self, account: str) -> None:
        """Carry out what was accepted before a crash, for people who are still allowed to ask for it."""
        store, access = self._parts.store, self._parts.access
        for accepted in await store.waiting_commands(account):
            if accepted.message_id in self._in_hand:
                continue  # of this very boot, and on its way
            author = (await store.origin(accepted.message_id)).author_id
            if not permits(access, account, author):
                await self._tell(accepted.session_id, "", accepted.message_id)
            elif accepted.command == "restart":
                # The gateway has been restarted since: to do it again could go on for ever.
                answer = BACK if is_admin(access, account, author) else ADMINS_ONLY
                await self._tell(accepted.session_id, answer, accepted.message_id)
            else:
                # Awaited, so that a /stop from before the start has its effect before anything is resumed.
                self._in_hand.add(accepted.message_id)
                await self._supervised(accepted)

    def explain_suspension(self, session_id: int) -> None:
        """Say why nothing happens, and what can be done."""
        self._parts.group.create_task(self._explain_suspension(session_id), name="explain-suspension")

    async def _explain_suspension(self, session_id: int) -> None:
        session = await self._parts.store.session(session_id)
        by_hand = session is not None and session.reason == Reason.MANUAL
        await self._tell(session_id, PAUSED if by_hand else SUSPENDED)

    def explain_drain(self, session_id: int) -> None:
        """Say, once per chat, that the answer comes after the restart."""
        self._parts.group.create_task(self._explain_drain(session_id), name="explain-drain")

    def drain_undone(self) -> None:
        """The next drain has to be explained anew."""
        self._told_of_drain.clear()

    async def _explain_drain(self, session_id: int) -> None:
        session = await self._parts.store.session(session_id)
        assert session is not None
        if session.address.route not in self._told_of_drain:
            self._told_of_drain.add(session.address.route)
            await self._tell(session_id, DRAINING)

    async def _supervised(self, accepted: Accepted) -> None:
        try:
            if accepted.kind is MessageKind.BUTTON:
                answer = await self._parts.buttons.press(accepted)
            else:
                answer = await self._actions[accepted.command](accepted)
            await self._tell(accepted.session_id, answer, accepted.message_id)
        except Exception:  # noqa: BLE001  supervisor: a command's bug must not end the gateway
            _log.exception("command.failed", command=accepted.command, session=accepted.session_id)
        finally:
            self._in_hand.discard(accepted.message_id)

    async def _tell(self, session_id: int, text: str, done: int | None = None) -> None:
        parts = self._parts
        drafts = tuple(Draft(DeliveryKind.NOTICE, piece) for piece in chunk(text, NOTICE_LIMIT))
        owed = await until_written(
            parts.clock, lambda: parts.store.notify(session_id, drafts, parts.clock.now(), done)
        )
        parts.outbox.push(owed)

    async def _help(self, accepted: Accepted) -> str:
        session = await self._parts.store.session(accepted.session_id)
        assert session is not None
        return "\n".join([HELP, *self._choices.commands(session, self.names)])

    async def _stop(self, accepted: Accepted) -> str:
        parts = self._parts
        # First the rerun that may be waiting, then what runs: an explicit stop wins over both.
        pending = await until_written(parts.clock, lambda: parts.store.stop_resuming(accepted.session_id))
        stopped = await parts.turns.cut(accepted.session_id, Cut.USER)
        await parts.streams.close_session(accepted.session_id, STOPPED)
        if pending and not stopped:
            return "Stopped: I will not go on with what was cut short."
        return "Stopped." if stopped else "Nothing is running here."

    async def _new(self, accepted: Accepted) -> str:
        parts = self._parts
        session_id = accepted.session_id
        await until_written(parts.clock, lambda: parts.store.next_generation(session_id, parts.clock.now()))
        await parts.turns.cut(session_id, Cut.USER)
        await parts.agents.forget(session_id)
        await parts.streams.close_session(session_id, CUT_SHORT)
        return "A new conversation begins. The old one is kept."

    async def _resume(self, accepted: Accepted) -> str:
        parts = self._parts
        if parts.lanes.busy(accepted.session_id):
            return "The agent is at work already."
        event_id = f"resume:by-hand:{accepted.message_id}"
        unfinished = await until_written(
            parts.clock,
            lambda: parts.store.reactivate(accepted.session_id, event_id, parts.clock.now()),
        )
        parts.lanes.wake(accepted.session_id)
        return "Going on." if unfinished else "Nothing was cut short here. Just write on."

    async def _restart(self, accepted: Accepted) -> str:
        session = await self._parts.store.session(accepted.session_id)
        origin = await self._parts.store.origin(accepted.message_id)
        assert session is not None
        if not is_admin(self._parts.access, session.address.account, origin.author_id):
            return ADMINS_ONLY
        if self._on_restart is None:
            return "This gateway cannot be restarted from here."
        # Wished for before it is settled: killed in between, the command is found waiting, and then answered
        # with "back online" instead of being carried out again.
        return RESTARTING if self._on_restart(accepted.session_id) else STOPPING

    async def _status(self, accepted: Accepted) -> str:
        session = await self._parts.store.session(accepted.session_id)
        assert session is not None
        doing = "The agent is at work." if self._parts.lanes.busy(session.id) else "The agent is idle."
        lines = [doing, f"Conversation {session.id}, generation {session.generation}."]
        lines += self._choices.status(session)
        if session.state is not SessionState.ACTIVE:
            lines.append(f"State: {session.state} ({session.reason}).")
        return "\n".join(lines)
