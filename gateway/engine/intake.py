"""Takes what adapters received: decide, commit, and only then let the platform be told.

Returning from `accept` is the acknowledgement. Whatever happens before it is as if nothing had been received.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway import log
from gateway.engine.accounts import Accounts
from gateway.engine.commands import Commands
from gateway.engine.lanes import Lanes
from gateway.engine.outbox import Outbox
from gateway.failpoints import reach
from gateway.model.intake import Accepted, BatchResult
from gateway.model.message import Entry, MessageKind, Refusal
from gateway.model.session import SessionState
from gateway.ports import Batch, Clock, Inbox
from gateway.rules.admission import AdmissionPolicy, Ignored, admit

_log = log.get()


@dataclass(frozen=True, slots=True)
class IntakeParts:
    """What inbound events are given to. `on_ready` is called when an account is connected."""

    inbox: Inbox
    lanes: Lanes
    outbox: Outbox
    commands: Commands
    accounts: Accounts
    clock: Clock
    on_ready: Callable[[str], Awaitable[None]]


class Intake:
    """The `InboundSink` of all adapters.

    `newer` is told of each message that may count instead of the request that its author's agent is at work
    on: session, message and author.
    """

    def __init__(
        self,
        parts: IntakeParts,
        policy: AdmissionPolicy,
        newer: Callable[[int, int, str], None] | None = None,
    ) -> None:
        self._parts = parts
        self._policy = policy
        self._newer = newer

    async def accept(self, batch: Batch) -> None:
        """Commit a batch together with its cursor, then put its messages into their lanes."""
        entries: list[Entry] = []
        refusals: list[Refusal] = []
        now = self._parts.clock.now()
        for inbound in batch.items:
            match admit(inbound, batch.account, self._policy, now):
                case Entry() as entry:
                    entries.append(entry)
                case Refusal() as refusal:
                    refusals.append(refusal)
                    _log.info("message.refused", account=batch.account, why=refusal.reason)
                case Ignored(reason):
                    _log.debug("message.ignored", account=batch.account, why=reason)
        if batch.lazy and not entries and not refusals:
            return
        result = await self._parts.inbox.accept(batch.account, entries, refusals, batch.cursors, now)
        reach("intake.committed")
        self._report(batch, entries, result)
        self._parts.outbox.push(result.owed)
        for entry, accepted in zip(entries, result.accepted, strict=True):
            self._route(accepted)
            said = accepted.fresh and not accepted.too_old and accepted.kind is MessageKind.USER
            if said and self._newer is not None:
                self._newer(accepted.session_id, accepted.message_id, entry.origin.author_id)

    def _report(self, batch: Batch, entries: Sequence[Entry], result: BatchResult) -> None:
        """Count what was read back: people who run this want to know what an outage had cost."""
        accounts = self._parts.accounts
        late = {
            inbound.event_id
            for inbound in batch.items
            if inbound.backfilled and not accounts.listened(batch.account, inbound.sent_at)
        }
        if not late:
            return
        pairs = zip(entries, result.accepted, strict=True)
        news = [accepted for entry, accepted in pairs if accepted.fresh and entry.event_id in late]
        too_old = sum(accepted.too_old for accepted in news)
        if news:
            found = len(news) - too_old
            self._parts.accounts.caught_up(batch.account, found, too_old)
            _log.info("message.found_late", account=batch.account, answered=found, too_old=too_old)

    def _route(self, accepted: Accepted) -> None:
        if not accepted.fresh:
            _log.info("message.duplicate", message=accepted.message_id)
        elif accepted.too_old:
            _log.warning("message.too_old", message=accepted.message_id, session=accepted.session_id)
        elif accepted.kind in (MessageKind.COMMAND, MessageKind.BUTTON):
            self._parts.commands.carry_out(accepted)
        elif accepted.session_state is SessionState.SUSPENDED:
            self._parts.commands.explain_suspension(accepted.session_id)
        elif self._parts.lanes.wake(accepted.session_id) is None:
            self._parts.commands.explain_drain(accepted.session_id)

    async def ready(self, account: str) -> None:
        """The account is connected and what it missed is in the ledger."""
        self._parts.accounts.connected(account, self._parts.clock.now())
        _log.info("account.ready", account=account)
        await self._parts.on_ready(account)

    def lost(self, account: str, why: str) -> None:
        """The account lost its connection; the adapter tries to get it back."""
        self._parts.accounts.lost(account, why)
        _log.warning("account.lost", account=account, why=why)
