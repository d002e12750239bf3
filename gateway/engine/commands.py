"""What people can tell the gateway itself, in the chat: carried out at once, even while a turn runs.

A command is accepted like any message and settled together with its answer, so that a crash between the two
repeats the answer's work and never loses it.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from gateway import log
from gateway.engine.access import Access
from gateway.engine.answers import AnswerParts, Answers
from gateway.engine.buttons import Buttons
from gateway.engine.catalogue import ALIASES, HELP, INFOS, RENEWING
from gateway.engine.choices import Action, ChoiceParts, Choices
from gateway.engine.conversations import ConversationParts, Conversations
from gateway.engine.endings import Cut
from gateway.engine.lanes import Lanes
from gateway.engine.outbox import Outbox
from gateway.engine.persist import until_written
from gateway.engine.reports import ReportParts, Reports
from gateway.engine.requests import RequestParts, Requests
from gateway.engine.streams import STOPPED, Streams
from gateway.engine.turns import Turns
from gateway.failpoints import reach
from gateway.model.address import Route
from gateway.model.command import CommandInfo
from gateway.model.delivery import DeliveryKind, Draft
from gateway.model.intake import Accepted
from gateway.model.message import MessageKind
from gateway.model.session import Reason
from gateway.ports import Agents, Clock, Store
from gateway.rules.chunking import chunk

__all__ = ["HELP", "RENEWING", "CommandParts", "Commands"]

_log = log.get()

DRAINING = "The gateway is about to stop. Your message is kept, and answered as soon as it is back."
RESTARTING = "Restarting. I will tell you when I am back."
STOPPING = "The gateway is stopping already."
ADMINS_ONLY = "Only administrators may restart the gateway (access.admins in its config)."
BACK = "Back online."
NOTICE_LIMIT = 1800
"""Characters of one notice: what every platform takes. A longer one becomes several."""

PAUSED = (
    "This conversation was paused by the operator. "
    "Your message is kept. Send /resume to go on, or /new to start afresh."
)
RESTORED = (
    "I have gone back to an older backup, and what was asked here then may have been answered since. "
    "So this conversation is paused. Your message is kept. "
    "Send /resume to go on with all that waits here, or /new to start afresh."
)
SUSPENDED = (
    "This conversation is paused: its last request was cut short again and again. "
    "Your message is kept. Send /resume to try once more, or /new to start afresh."
)

_WHY_PAUSED: Mapping[str, str] = {Reason.MANUAL: PAUSED, Reason.RESTORED: RESTORED}


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
    access: Access
    buttons: Buttons
    agent_names: Mapping[str, frozenset[str]]
    default_agent: str


class Commands:
    """Carries out slash commands and explains the gateway's own states."""

    def __init__(self, parts: CommandParts) -> None:
        self._parts = parts
        self._access = parts.access
        self._told_of_drain: set[Route] = set()
        self._in_hand: set[int] = set()
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        store, lanes, turns, clock = parts.store, parts.lanes, parts.turns, parts.clock
        choosing = ChoiceParts(store, lanes, parts.agents, clock, self._access)
        self._choices = Choices(choosing, parts.agent_names, parts.default_agent)
        answers = Answers(AnswerParts(store, parts.buttons))
        requests = Requests(RequestParts(store, lanes, clock, self._access))
        reports = Reports(ReportParts(store, lanes, turns, clock, self._access, self._choices))
        conversations = Conversations(
            ConversationParts(store, lanes, turns, parts.streams, parts.agents, clock)
        )
        self._actions: dict[str, Action] = {
            "new": conversations.new,
            "stop": self._stop,
            "status": reports.status,
            "retry": self._in_order(requests.retry),
            "queue": self._in_order(requests.queue),
            "resume": self._in_order(conversations.resume),
            "approve": self._in_order(answers.answer),
            "deny": self._in_order(answers.answer),
            **self._choices.actions,
            "usage": reports.usage,
            "whoami": reports.whoami,
            "restart": self._restart,
            "help": self._help,
        }
        self._after_a_crash: dict[str, Action] = {
            "queue": self._in_order(requests.queue_again),
            "approve": answers.too_late,
            "deny": answers.too_late,
            # The gateway has been restarted since: to do it again could go on for ever.
            "restart": self._restarted,
        }
        self._on_restart: Callable[[int], bool] | None = None
        self._why_no_restart: Callable[[], str] = str

    @property
    def infos(self) -> tuple[CommandInfo, ...]:
        """Every command under its first name, in the order in which people need them."""
        return INFOS

    @property
    def names(self) -> frozenset[str]:
        """Every command, with its aliases."""
        return frozenset((*self._actions, *ALIASES))

    def reconfigure(self, agents: Mapping[str, frozenset[str]], default_agent: str) -> None:
        """The agents that there are from now on, each with what is left to administrators."""
        self._choices.reconfigure(agents, default_agent)

    def let_restart(self, on_restart: Callable[[int], bool], why_not: Callable[[], str]) -> None:
        """What an administrator's /restart calls, with the session that asked for it; false if too late.

        `why_not` is asked before, and is empty when nothing speaks against it.
        """
        self._on_restart, self._why_no_restart = on_restart, why_not

    def carry_out(self, accepted: Accepted) -> None:
        """Do what a command or a button says, beside everything else."""
        self._in_hand.add(accepted.message_id)
        self._parts.group.create_task(self._supervised(accepted), name=f"command-{accepted.command}")

    async def catch_up(self, account: str) -> None:
        """Carry out what was accepted before a crash, for people who are still allowed to ask for it."""
        store = self._parts.store
        for accepted in await store.waiting_commands(account):
            if accepted.message_id in self._in_hand:
                continue  # of this very boot, and on its way
            author = (await store.origin(accepted.message_id)).author_id
            if self._access.permits(account, author):
                # Awaited, so that a /stop from before the start has its effect before anything is resumed.
                self._in_hand.add(accepted.message_id)
                await self._supervised(accepted, again=True)
            else:
                await self._tell(accepted.session_id, "", accepted.message_id)

    def explain_suspension(self, session_id: int) -> None:
        """Say why nothing happens, and what can be done."""
        self._parts.group.create_task(self._explain_suspension(session_id), name="explain-suspension")

    async def _explain_suspension(self, session_id: int) -> None:
        session = await self._parts.store.session(session_id)
        reason = session.reason if session is not None else None
        await self._tell(session_id, _WHY_PAUSED.get(reason or "", SUSPENDED))

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

    async def _supervised(self, accepted: Accepted, *, again: bool = False) -> None:
        try:
            answer = await self._answer(accepted, again=again)
            reach("command.acted")
            await self._tell(accepted.session_id, answer, accepted.message_id)
        except Exception:  # noqa: BLE001  supervisor: a command's bug must not end the gateway
            _log.exception("command.failed", command=accepted.command, session=accepted.session_id)
        finally:
            self._in_hand.discard(accepted.message_id)

    async def _answer(self, accepted: Accepted, *, again: bool) -> str:
        """Carry it out, maybe `again` after a crash that may have come before or after its effect."""
        if accepted.kind is MessageKind.BUTTON:
            return await self._parts.buttons.press(accepted)
        if not await self._may(accepted):
            return ""  # since it was accepted, its author has been cut off
        accepted = replace(accepted, command=ALIASES.get(accepted.command, accepted.command))
        afterwards = self._after_a_crash.get(accepted.command) if again else None
        return await (afterwards or self._actions[accepted.command])(accepted)

    async def _may(self, accepted: Accepted) -> bool:
        session = await self._parts.store.session(accepted.session_id)
        author = (await self._parts.store.origin(accepted.message_id)).author_id
        return session is not None and self._access.permits(session.address.account, author)

    def _in_order(self, action: Action) -> Action:
        """What is done in one conversation is done one after the other: commands run beside each other."""

        async def act(accepted: Accepted) -> str:
            async with self._locks.setdefault(accepted.session_id, asyncio.Lock()):
                return await action(accepted)

        return act

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

    async def _restart(self, accepted: Accepted) -> str:
        if not await self._by_admin(accepted):
            return ADMINS_ONLY
        if self._on_restart is None:
            return "This gateway cannot be restarted from here."
        if why := self._why_no_restart():
            return f"Not restarted: {why}."
        # Wished for before it is settled: killed in between, the command is found waiting, and then answered
        # with "back online" instead of being carried out again.
        return RESTARTING if self._on_restart(accepted.session_id) else STOPPING

    async def _restarted(self, accepted: Accepted) -> str:
        return BACK if await self._by_admin(accepted) else ADMINS_ONLY

    async def _by_admin(self, accepted: Accepted) -> bool:
        session = await self._parts.store.session(accepted.session_id)
        origin = await self._parts.store.origin(accepted.message_id)
        assert session is not None
        return self._access.is_admin(session.address.account, origin.author_id)
