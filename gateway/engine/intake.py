"""Takes what adapters received: decide, commit, and only then let the platform be told.

Returning from `accept` is the acknowledgement. Whatever happens before it is as if nothing had been received.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from gateway import log
from gateway.engine.access import Access
from gateway.engine.accounts import Accounts
from gateway.engine.commands import Commands
from gateway.engine.lanes import Lanes
from gateway.engine.outbox import Outbox
from gateway.failpoints import reach
from gateway.model.attachment import StoredAttachment
from gateway.model.happening import Received, Reception, Witness, unseen
from gateway.model.intake import Accepted, BatchResult
from gateway.model.message import Amendment, Entry, MessageKind, Refusal
from gateway.model.session import SessionState
from gateway.ports import Batch, Clock, Inbox
from gateway.rules.admission import AdmissionPolicy, Ignored, admit
from gateway.rules.allowance import Allowances, exceeded_key, exceeded_text

_log = log.get()

LIMITED_COMMANDS = frozenset({"new", "reset", "retry"})
"""Commands that make the agent work, and count like messages. No other one is kept out by a limit or counts:
who writes too much must be able to end what that has started, to look at it and to decide about it."""


@dataclass(frozen=True, slots=True)
class IntakeParts:
    """What inbound events are given to. `on_ready` is called when an account is connected.

    `access` is asked at each event. `limits` count what people write. `fetch_soon` is told of the files of
    new messages. `offer` has a connected platform list the gateway's commands, in a task of `group`.
    """

    inbox: Inbox
    lanes: Lanes
    outbox: Outbox
    commands: Commands
    accounts: Accounts
    clock: Clock
    on_ready: Callable[[str], Awaitable[None]]
    access: Access
    limits: Allowances | None = None
    fetch_soon: Callable[[tuple[StoredAttachment, ...]], None] | None = None
    offer: Callable[[str], Awaitable[None]] | None = None
    group: asyncio.TaskGroup | None = None
    saw: Witness = unseen


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

    def reconfigure(
        self, policy: AdmissionPolicy, newer: Callable[[int, int, str], None] | None = None
    ) -> None:
        """What counts for batches that are taken from now on."""
        self._policy, self._newer = policy, newer

    async def accept(self, batch: Batch) -> None:
        """Commit a batch together with its cursor, then put its messages into their lanes."""
        parts = self._parts
        await parts.access.load()
        entries: list[Entry] = []
        refusals: list[Refusal] = []
        amendments: list[Amendment] = []
        now = parts.clock.now()
        policy = self._policy_now()
        # From here to the ledger's queue nothing is awaited: who is revoked meanwhile finds it all there.
        for inbound in batch.items:
            match admit(inbound, batch.account, policy, now):
                case Entry() as entry:
                    entries.append(self._limited(entry, inbound.sent_at))
                case Refusal() as refusal:
                    refusals.append(refusal)
                    _log.info("message.refused", account=batch.account, why=refusal.reason)
                case Amendment() as amendment:
                    amendments.append(amendment)
                case Ignored(reason):
                    _log.debug("message.ignored", account=batch.account, why=reason)
        if batch.lazy and not (entries or refusals or amendments):
            return
        result = await parts.inbox.accept(batch.account, entries, refusals, batch.cursors, now, amendments)
        reach("intake.committed")
        self._report(batch, entries, result)
        self._witness(batch, entries, len(refusals), result)
        parts.outbox.push(result.owed)
        for entry, accepted in zip(entries, result.accepted, strict=True):
            self._pass_on(entry, accepted)
        if result.pairings:
            await parts.access.announce(result.pairings)

    def _policy_now(self) -> AdmissionPolicy:
        access = self._parts.access.policy
        if access is not self._policy.access:
            self._policy = replace(self._policy, access=access)
        return self._policy

    def _limited(self, entry: Entry, at: float) -> Entry:
        """An entry that its author may still write, or one that is refused for all that came before it."""
        limits = self._parts.limits
        spared = entry.kind is MessageKind.COMMAND and entry.command not in LIMITED_COMMANDS
        exempt = entry.kind is MessageKind.BUTTON or spared or entry.too_old
        if limits is None or exempt or entry.refused:
            return entry
        account, person = entry.address.account, entry.origin.author_id
        exceeded = limits.take(account, person, entry.event_id, at)
        if exceeded is None:
            return entry
        _log.info("message.limited", account=account, person=person, seconds=exceeded.seconds)
        key = exceeded_key(exceeded, account, person)
        return replace(entry, refused=exceeded_text(exceeded), refused_key=key)

    def _pass_on(self, entry: Entry, accepted: Accepted) -> None:
        """What was committed goes where it belongs."""
        parts = self._parts
        self._route(accepted)
        if not accepted.fresh or accepted.too_old or accepted.withdrawn:
            return
        parts.access.heard(entry.address.account, entry.origin, accepted.session_id)
        if accepted.attachments and parts.fetch_soon is not None:
            parts.fetch_soon(accepted.attachments)
        if accepted.kind is MessageKind.USER and self._newer is not None:
            self._newer(accepted.session_id, accepted.message_id, entry.origin.author_id)

    def _report(self, batch: Batch, entries: Sequence[Entry], result: BatchResult) -> None:
        """Count what was read back: people who run this want to know what an outage had cost."""
        late = self._late(batch)
        if not late:
            return
        pairs = zip(entries, result.accepted, strict=True)
        news = [accepted for entry, accepted in pairs if accepted.fresh and entry.event_id in late]
        too_old = sum(accepted.too_old for accepted in news)
        if news:
            found = sum(not accepted.withdrawn for accepted in news)
            self._parts.accounts.caught_up(batch.account, found, too_old)
            _log.info("message.found_late", account=batch.account, answered=found, too_old=too_old)

    def _witness(self, batch: Batch, entries: Sequence[Entry], refused: int, result: BatchResult) -> None:
        saw, now, account = self._parts.saw, self._parts.clock.now(), batch.account
        late = self._late(batch)
        sent = {inbound.event_id: inbound.sent_at for inbound in batch.items}
        for entry, accepted in zip(entries, result.accepted, strict=True):
            found, at = entry.event_id in late, sent.get(entry.event_id)
            saw(Received(account, _reception(accepted), now, found, accepted.message_id, at))
        for _ in range(refused):
            saw(Received(account, Reception.REFUSED, now))

    def _late(self, batch: Batch) -> frozenset[str]:
        """The events of a batch that were sent while the gateway was away."""
        listened = self._parts.accounts.listened
        return frozenset(
            inbound.event_id
            for inbound in batch.items
            if inbound.backfilled and not listened(batch.account, inbound.sent_at)
        )

    def _route(self, accepted: Accepted) -> None:
        if not accepted.fresh:
            _log.info("message.duplicate", message=accepted.message_id)
        elif accepted.too_old:
            _log.warning("message.too_old", message=accepted.message_id, session=accepted.session_id)
        elif accepted.withdrawn:
            _log.info("message.not_taken", message=accepted.message_id, session=accepted.session_id)
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
        parts = self._parts
        await parts.access.load()
        if parts.offer is not None and parts.group is not None:
            parts.group.create_task(self._offered(account), name=f"offer-commands-{account}")
        await parts.on_ready(account)

    async def _offered(self, account: str) -> None:
        """Have the platform list the commands, which nothing waits for."""
        assert self._parts.offer is not None
        try:
            await self._parts.offer(account)
        except Exception:  # noqa: BLE001  supervisor: a list of commands must not end the gateway
            _log.exception("commands.not_offered", account=account)

    def lost(self, account: str, why: str) -> None:
        """The account lost its connection; the adapter tries to get it back."""
        self._parts.accounts.lost(account, why)
        _log.warning("account.lost", account=account, why=why)


def _reception(accepted: Accepted) -> Reception:
    if not accepted.fresh:
        return Reception.DUPLICATE
    if accepted.too_old:
        return Reception.TOO_OLD
    return Reception.LIMITED if accepted.withdrawn else Reception.ACCEPTED
