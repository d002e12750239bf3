"""What an operator can ask of a running gateway."""

import os
from collections.abc import Collection
from dataclasses import dataclass

from gateway import log
from gateway.engine.access import Access
from gateway.engine.accounts import Accounts
from gateway.engine.drain import Drain
from gateway.engine.endings import Cut
from gateway.engine.lanes import Lanes
from gateway.engine.outbox import Outbox
from gateway.engine.persist import until_written
from gateway.engine.resume import Resumer
from gateway.engine.streams import CUT_SHORT, STOPPED, Streams
from gateway.engine.turns import Turns
from gateway.model.delivery import DeliveryKind, Draft
from gateway.model.grant import Role
from gateway.model.message import MessageState
from gateway.model.operation import (
    Done,
    GatewayStatus,
    Intent,
    OperationOutcome,
    Phase,
    Refused,
    RunningTurn,
    StopRequest,
)
from gateway.model.recovery import Candidate
from gateway.model.session import Reason, SessionState
from gateway.ports import Agents, Clock, ConfigFile, Store
from gateway.rules.words import counted

_log = log.get()

CUT_OFFS = 3
"""How often one looks for what somebody who is cut off has under way."""

RESET = (
    "The operator began a new conversation here. What was still unanswered was dropped: please send it again."
)
SUSPENDED = "This conversation was paused by the operator. Send /resume to go on, or /new to start afresh."

NO_FILE = "this gateway was not started with a config file that could be read again"


@dataclass(frozen=True, slots=True)
class OperationParts:
    """What operations act on."""

    store: Store
    lanes: Lanes
    turns: Turns
    outbox: Outbox
    streams: Streams
    agents: Agents
    resumer: Resumer
    drain: Drain
    accounts: Accounts
    clock: Clock
    access: Access


class RunningGateway:
    """The `Operations` port on this process."""

    def __init__(self, parts: OperationParts, boot_id: int, drain_timeout: float) -> None:
        self._parts = parts
        self._boot_id = boot_id
        self._drain_timeout = drain_timeout
        self._since = parts.clock.monotonic()
        self._file: ConfigFile | None = None
        self._damaged = False

    @property
    def drain_timeout(self) -> float:
        """How long running turns may finish when nothing else is said, in seconds."""
        return self._drain_timeout

    def reconfigure(self, drain_timeout: float) -> None:
        """How long they may from the next stop on."""
        self._drain_timeout = drain_timeout

    def let_reload(self, file: ConfigFile) -> None:
        """The file that `reload` reads again."""
        self._file = file

    def note_damage(self, why: str) -> None:
        """Somebody found the ledger damaged. It stays so: nothing mends it under a running gateway."""
        if not self._damaged:
            self._damaged = True
            _log.error(
                "ledger.damaged",
                why=why,
                then="stop the gateway: `carryon doctor` looks into it, `carryon restore` puts a backup back",
            )

    def status(self) -> GatewayStatus:
        parts, now = self._parts, self._parts.clock.now()
        request = parts.drain.request
        return GatewayStatus(
            self._boot_id,
            os.getpid(),
            parts.clock.monotonic() - self._since,
            parts.drain.phase,
            request.intent if request else None,
            parts.drain.deadline if parts.drain.phase is Phase.WAITING else None,
            parts.store.healthy,
            parts.resumer.tripped,
            parts.accounts.all(),
            tuple(
                RunningTurn(turn, session, max(0.0, now - at)) for turn, session, at in parts.turns.at_work()
            ),
            len(parts.lanes),
            len(parts.outbox),
            parts.turns.continued,
            self._file.status if self._file else None,
            self._damaged,
        )

    async def reload(self) -> OperationOutcome:
        return Refused(NO_FILE) if self._file is None else await self._file.reload()

    def why_no_restart(self) -> str:
        """Why a restart would not come back, empty when nothing speaks against one."""
        problems = self._file.status.problems if self._file is not None else ()
        if not problems:
            return ""
        return (
            "it would not start again as it should, because the config file cannot be used as it is now: "
            f"{problems[0]}. Nothing was stopped; mend the file (`carryon reload` tells whether it is) "
            "and ask again"
        )

    def stop(self, intent: Intent, wait: float | None) -> OperationOutcome:
        drain = self._parts.drain
        before = drain.request
        changes = before is None or before.intent is not intent
        if intent is Intent.RESTART and changes and (why := self.why_no_restart()):
            return Refused(why)
        if before is None:
            drain.stop(StopRequest(intent, self._drain_timeout if wait is None else wait))
            return Done(f"stopping; {counted(len(self._parts.turns.running), 'running turn')}")
        if changes and not drain.may_change:
            return Refused(f"too late: running turns are being cut already, for a {before.intent}")
        drain.stop(StopRequest(intent, wait or 0.0))
        waits = f"waiting for {wait:g} s from now" if wait else "not waiting any longer"
        return Done(f"{waits}; a {intent} now, and no {before.intent}" if changes else waits)

    def restart_for(self, session_id: int) -> bool:
        """Restart because a chat asked for it, which is told when the gateway is back; false if too late."""
        return self._parts.drain.stop(StopRequest(Intent.RESTART, self._drain_timeout, session_id))

    def undrain(self) -> OperationOutcome:
        if self._parts.drain.undo():
            return Done("serving again")
        return Refused("there is nothing to undo: the gateway is not waiting for running turns")

    async def resume(self, session_id: int) -> OperationOutcome:
        parts = self._parts
        session = await parts.store.session(session_id)
        if session is None:
            return _unknown_session(session_id)
        if session.address.account not in {account.name for account in parts.accounts.all()}:
            return Refused(f"its account {session.address.account} is not in the config any more")
        if parts.lanes.busy(session_id):
            return Refused(f"session {session_id} is being worked on")
        event_id = f"resume:operator:{session_id}:{parts.clock.now():.6f}"
        unfinished = await parts.store.reactivate(session_id, event_id, parts.clock.now())
        parts.lanes.wake(session_id)
        return Done(resumed_text(session_id, unfinished=unfinished))

    async def suspend(self, session_id: int) -> OperationOutcome:
        parts = self._parts
        session = await parts.store.session(session_id)
        if session is None:
            return _unknown_session(session_id)
        if session.state is SessionState.SUSPENDED:
            return Refused(f"session {session_id} is suspended already ({session.reason})")
        drafts = (Draft(DeliveryKind.NOTICE, SUSPENDED),)
        owed = await parts.store.suspend(session_id, Reason.MANUAL, drafts, parts.clock.now())
        await parts.turns.cut(session_id, Cut.OPERATOR)
        await parts.streams.close_session(session_id, CUT_SHORT)
        parts.outbox.push(owed)
        return Done(f"session {session_id} is suspended and its chat was told how to go on")

    async def reset(self, session_id: int) -> OperationOutcome:
        parts = self._parts
        session = await parts.store.session(session_id)
        if session is None:
            return _unknown_session(session_id)
        waiting = any(m.state is MessageState.WAITING for m in await parts.store.messages(session_id))
        fresh = await parts.store.next_generation(session_id, parts.clock.now())
        running = await parts.turns.cut(session_id, Cut.USER)
        await parts.agents.forget(session_id)
        await parts.streams.close_session(session_id, CUT_SHORT)
        if waiting or running:
            drafts = (Draft(DeliveryKind.NOTICE, RESET),)
            parts.outbox.push(await parts.store.notify(fresh, drafts, parts.clock.now()))
        return Done(f"session {fresh} takes the place of session {session_id}")

    async def retry(self, delivery_id: int) -> OperationOutcome:
        delivery = await self._parts.store.revive(delivery_id)
        if delivery is None:
            return Refused(f"delivery {delivery_id} is neither held nor rejected")
        self._parts.outbox.push((delivery,))
        return Done(f"delivery {delivery_id} will be sent")

    async def drop(self, delivery_id: int) -> OperationOutcome:
        if await self._parts.store.drop(delivery_id, self._parts.clock.now()):
            return Done(f"delivery {delivery_id} will not be sent")
        return Refused(f"delivery {delivery_id} is not waiting to be sent")

    async def pair(self, code: str, role: Role) -> OperationOutcome:
        return await self._parts.access.let_in(code, role)

    async def revoke(self, account: str, person: str) -> OperationOutcome:
        access = self._parts.access
        outcome = await access.revoke(account, person)
        if isinstance(outcome, Done) and not access.permits(account, person):
            for _ in range(CUT_OFFS):
                await self._cut_off(account, (person,))
        return outcome

    async def cut_off_outsiders(self) -> None:
        """End what people have under way who may not use the bot any more, whoever they are."""
        parts = self._parts
        await parts.access.load()
        for _ in range(CUT_OFFS):
            # A write, behind which everything is in the ledger that was let in before the config changed.
            await until_written(parts.clock, lambda: parts.store.beat(self._boot_id, parts.clock.now()))
            for account in parts.accounts.all():
                people = await self._with_work(account.name)
                out = sorted(one for one in people if not parts.access.permits(account.name, one))
                if out:
                    _log.warning("access.cut_off", account=account.name, people=len(out))
                    await self._cut_off(account.name, out)

    async def _with_work(self, account: str) -> set[str]:
        """Everybody for whom something waits, runs or was cut short."""
        parts, people = self._parts, set[str]()
        for candidate in await parts.store.candidates(account):
            people |= await self._waiting_in(candidate)
            origin, state = candidate.session.origin, candidate.session.state
            if origin is not None and state is SessionState.RESUME_PENDING:
                people.add(origin.author_id)
        for turn, session, _ in parts.turns.at_work():
            people |= await self._authors(session, turn, account)
        return people

    async def _waiting_in(self, candidate: Candidate) -> set[str]:
        if not candidate.waiting:
            return set()
        return {one.origin.author_id for one in await self._parts.store.queue(candidate.session.id)}

    async def _cut_off(self, account: str, people: Collection[str]) -> None:
        """End everything that they have under way, for good: nothing of it is taken up again.

        To be repeated: a command of theirs that was on its way may have begun something meanwhile.
        """
        parts = self._parts
        for person in people:
            await self._withdraw_of(account, person)
        at_work = {session: turn for turn, session, _ in parts.turns.at_work()}
        marked = {
            one.session.id
            for one in await parts.store.candidates(account)
            if one.session.origin is not None and one.session.origin.author_id in people
        }
        works = [
            session
            for session, turn in at_work.items()
            if not (await self._authors(session, turn, account)).isdisjoint(people)
        ]
        for session_id in sorted({*works, *(marked - at_work.keys())}):
            await self._stop_for_good(session_id)

    async def _withdraw_of(self, account: str, person: str) -> None:
        parts = self._parts
        await until_written(parts.clock, lambda: parts.store.withdraw_of(account, person))

    async def _authors(self, session_id: int, turn_id: int, account: str) -> set[str]:
        """Who wrote what a running turn is about, if that is on this account."""
        session = await self._parts.store.session(session_id)
        if session is None or session.address.account != account:
            return set()
        messages = await self._parts.store.messages(session_id)
        return {one.origin.author_id for one in messages if one.turn_id == turn_id}

    async def _stop_for_good(self, session_id: int) -> None:
        """As by /stop: a rerun that may be waiting first, then what runs."""
        parts = self._parts
        await until_written(parts.clock, lambda: parts.store.stop_resuming(session_id))
        await parts.turns.cut(session_id, Cut.USER)
        await parts.streams.close_session(session_id, STOPPED)
        session = await parts.store.session(session_id)
        turn_id = session.resume_turn_id if session is not None else None
        if turn_id is not None:  # nobody else is to have it finished by asking to go on
            await until_written(
                parts.clock, lambda: parts.store.dismiss(session_id, turn_id, parts.clock.now())
            )


def resumed_text(session_id: int, *, unfinished: bool) -> str:
    """What resuming a session came to."""
    if unfinished:
        return f"session {session_id} goes on with its unfinished turn"
    return f"session {session_id} is active; nothing in it was cut short"


def _unknown_session(session_id: int) -> Refused:
    return Refused(f"there is no session {session_id}; `carryon sessions list` shows those there are")
