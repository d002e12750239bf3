"""The `Store` port on one connection that writes and one that reads."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from gateway.model.attachment import AttachmentState
from gateway.model.boot import Boot, BootOpening, BootState
from gateway.model.choices import Chosen
from gateway.model.delivery import Delivery, Draft, GrowingStream, SendOutcome
from gateway.model.grant import Grant, Pairing
from gateway.model.intake import Accepted, BatchResult
from gateway.model.message import Amendment, Entry, Message, Origin, Refusal
from gateway.model.operation import Intent
from gateway.model.permission import Approval, ApprovalState, OptionKind, PermissionRequest
from gateway.model.recovery import Candidate
from gateway.model.session import ResumeMode, Session
from gateway.model.turn import HistoryTurn, Step, TurnEnd, TurnRecord, TurnStart
from gateway.store import (
    approvals,
    boots,
    files,
    generations,
    grants,
    inbox,
    library,
    outbox,
    queue,
    resumes,
    streams,
    turns,
    upkeep,
)
from gateway.store.committer import Committer
from gateway.store.tx import Reader, Unit

T = TypeVar("T")


class LedgerStore:
    """The `Store` port. Each method is one transaction; see `gateway.ports` for what each promises."""

    def __init__(self, committer: Committer, reading: Reader) -> None:
        self._committer = committer
        self._reading = reading

    @property
    def healthy(self) -> bool:
        """Whether the last write went through, and none is stuck."""
        return self._committer.healthy

    async def _write(self, unit: Unit[T]) -> T:
        return await self._committer.write(unit)

    async def _read(self, unit: Unit[T]) -> T:
        return await self._reading.run(unit)

    async def open_boot(self, replica: str, pid: int, now: float) -> BootOpening:
        return await self._write(lambda tx: boots.open_boot(tx, replica, pid, now))

    async def beat(self, boot_id: int, now: float) -> None:
        await self._write(lambda tx: boots.beat(tx, boot_id, now))

    async def set_boot_state(
        self, boot_id: int, state: BootState, intent: Intent | None = None, session_id: int | None = None
    ) -> None:
        await self._write(lambda tx: boots.set_boot_state(tx, boot_id, state, intent, session_id))

    async def stop_boot(self, boot_id: int, now: float, intent: str | None = None) -> None:
        await self._write(lambda tx: boots.stop_boot(tx, boot_id, now, intent))

    async def accept(
        self,
        account: str,
        entries: Sequence[Entry],
        refusals: Sequence[Refusal],
        cursors: Mapping[str, str],
        now: float,
        amendments: Sequence[Amendment] = (),
    ) -> BatchResult:
        return await self._write(
            lambda tx: inbox.accept(tx, account, entries, refusals, cursors, now, amendments)
        )

    async def cursors(self, account: str) -> Mapping[str, str]:
        return await self._read(lambda tx: library.cursors(tx, account))

    async def waiting(self, session_id: int) -> int:
        return await self._read(lambda tx: inbox.waiting(tx, session_id))

    async def queue(self, session_id: int) -> tuple[Message, ...]:
        return await self._read(lambda tx: queue.queue(tx, session_id))

    async def withdraw(self, session_id: int, message_ids: Sequence[int]) -> int:
        return await self._write(lambda tx: queue.withdraw(tx, session_id, message_ids))

    async def ask_again(self, session_id: int, event_id: str, by: Origin, now: float) -> bool:
        return await self._write(lambda tx: queue.ask_again(tx, session_id, event_id, by, now))

    async def waiting_commands(self, account: str) -> tuple[Accepted, ...]:
        return await self._read(lambda tx: inbox.waiting_commands(tx, account))

    async def notify(
        self,
        session_id: int,
        drafts: Sequence[Draft],
        now: float,
        done: int | None = None,
        key: str = "",
    ) -> tuple[Delivery, ...]:
        return await self._write(lambda tx: inbox.notify(tx, session_id, drafts, now, done, key))

    async def begin_turn(
        self, session_id: int, boot_id: int, now: float, *, collect: bool = False
    ) -> TurnStart | None:
        return await self._write(lambda tx: turns.begin_turn(tx, session_id, boot_id, now, collect=collect))

    async def record_opening(
        self, turn_id: int, agent: str, agent_session_id: str, cwd: str, mode: ResumeMode, why: str
    ) -> None:
        await self._write(
            lambda tx: turns.record_opening(tx, turn_id, agent, agent_session_id, cwd, mode, why)
        )

    async def record_steps(self, turn_id: int, steps: Sequence[Step]) -> None:
        await self._write(lambda tx: turns.record_steps(tx, turn_id, steps))

    async def mark_pending(
        self, turn_ids: Sequence[int], reason: str, now: float, notice: Draft | None = None
    ) -> tuple[Delivery, ...]:
        return await self._write(lambda tx: turns.mark_pending(tx, turn_ids, reason, now, notice))

    async def end_turn(self, turn_id: int, end: TurnEnd, now: float) -> tuple[Delivery, ...]:
        return await self._write(lambda tx: turns.end_turn(tx, turn_id, end, now))

    async def owed(self, account: str) -> tuple[Delivery, ...]:
        return await self._read(lambda tx: outbox.owed(tx, account))

    async def claim(self, delivery_id: int, now: float) -> bool:
        return await self._write(lambda tx: outbox.claim(tx, delivery_id, now))

    async def settle(self, delivery_id: int, outcome: SendOutcome, now: float) -> None:
        await self._write(lambda tx: outbox.settle(tx, delivery_id, outcome, now))

    async def retry(self, delivery_id: int) -> None:
        await self._write(lambda tx: outbox.retry(tx, delivery_id))

    async def last_sent(self, delivery: Delivery) -> str | None:
        return await self._read(lambda tx: outbox.last_sent(tx, delivery))

    async def detach(self, delivery_id: int, *, doubtful: bool) -> Delivery:
        return await self._write(lambda tx: outbox.detach(tx, delivery_id, doubtful=doubtful))

    async def abandon(self, delivery_id: int, now: float) -> None:
        await self._write(lambda tx: outbox.abandon(tx, delivery_id, now))

    async def open_stream(self, turn_id: int, draft: Draft, now: float) -> Delivery | None:
        return await self._write(lambda tx: streams.open_stream(tx, turn_id, draft, now))

    async def growing(self, session_id: int) -> tuple[GrowingStream, ...]:
        return await self._read(lambda tx: streams.growing(tx, session_id))

    async def stray_streams(self, account: str) -> tuple[GrowingStream, ...]:
        return await self._read(lambda tx: streams.stray(tx, account))

    async def close_stream(self, stream_id: int, draft: Draft, now: float) -> Delivery | None:
        return await self._write(lambda tx: streams.close_stream(tx, stream_id, draft, now))

    async def retry_doubtful(self, delivery_id: int) -> None:
        await self._write(lambda tx: outbox.retry_doubtful(tx, delivery_id))

    async def hold(self, delivery_id: int) -> None:
        await self._write(lambda tx: outbox.hold(tx, delivery_id))

    async def revive(self, delivery_id: int) -> Delivery | None:
        return await self._write(lambda tx: outbox.revive(tx, delivery_id))

    async def drop(self, delivery_id: int, now: float) -> bool:
        return await self._write(lambda tx: outbox.drop(tx, delivery_id, now))

    async def candidates(self, account: str | None = None) -> tuple[Candidate, ...]:
        return await self._read(lambda tx: resumes.candidates(tx, account))

    async def schedule_resumes(self, session_ids: Sequence[int], now: float) -> tuple[int, ...]:
        return await self._write(lambda tx: resumes.schedule_resumes(tx, session_ids, now))

    async def withdraw_resumes(self, session_ids: Sequence[int]) -> None:
        await self._write(lambda tx: resumes.withdraw_resumes(tx, session_ids))

    async def stop_resuming(self, session_id: int) -> bool:
        return await self._write(lambda tx: resumes.stop_resuming(tx, session_id))

    async def suspend(
        self, session_id: int, reason: str, drafts: Sequence[Draft], now: float
    ) -> tuple[Delivery, ...]:
        return await self._write(lambda tx: resumes.suspend(tx, session_id, reason, drafts, now))

    async def reactivate(self, session_id: int, event_id: str, now: float) -> bool:
        return await self._write(lambda tx: resumes.reactivate(tx, session_id, event_id, now))

    async def dismiss(self, session_id: int, turn_id: int, now: float) -> bool:
        return await self._write(lambda tx: resumes.dismiss(tx, session_id, turn_id, now))

    async def bring_back(self, session_id: int, now: float) -> bool:
        return await self._write(lambda tx: generations.bring_back(tx, session_id, now))

    async def next_generation(self, session_id: int, now: float) -> int:
        return await self._write(lambda tx: generations.next_generation(tx, session_id, now))

    async def open_approval(
        self, turn_id: int, request: PermissionRequest, now: float
    ) -> tuple[Approval, tuple[Delivery, ...]] | None:
        return await self._write(lambda tx: approvals.open_approval(tx, turn_id, request, now))

    async def settle_approval(
        self,
        approval_id: int,
        state: ApprovalState,
        now: float,
        option_id: str = "",
        by: Origin | None = None,
    ) -> tuple[Approval, tuple[Delivery, ...]] | None:
        return await self._write(
            lambda tx: approvals.settle_approval(tx, approval_id, state, now, option_id, by)
        )

    async def approval(self, approval_id: int) -> Approval | None:
        return await self._read(lambda tx: approvals.approval(tx, approval_id))

    async def remembered(self, session_id: int, request: PermissionRequest) -> OptionKind | None:
        return await self._read(lambda tx: approvals.remembered(tx, session_id, request))

    async def choose(self, session_id: int, chosen: Chosen) -> None:
        await self._write(lambda tx: generations.choose(tx, session_id, chosen))

    async def settle_attachment(self, attachment_id: int, state: AttachmentState, error: str = "") -> None:
        await self._write(lambda tx: files.settle_attachment(tx, attachment_id, state, error))

    async def files_in_use(self) -> frozenset[str]:
        return await self._read(files.files_in_use)

    async def grants(self) -> tuple[Grant, ...]:
        return await self._read(grants.grants)

    async def pairings(self, now: float) -> tuple[Pairing, ...]:
        return await self._read(lambda tx: grants.pairings(tx, now))

    async def grant(self, grant: Grant) -> tuple[Delivery, ...]:
        return await self._write(lambda tx: grants.grant(tx, grant))

    async def refuse_pairing(self, account: str, person: str, now: float) -> tuple[Delivery, ...] | None:
        return await self._write(lambda tx: grants.refuse_pairing(tx, account, person, now))

    async def revoke(self, account: str, person: str, now: float) -> bool:
        return await self._write(lambda tx: grants.revoke(tx, account, person, now))

    async def withdraw_of(self, account: str, person: str) -> tuple[int, ...]:
        return await self._write(lambda tx: grants.withdraw_of(tx, account, person))

    async def reset_idle(self, now: float, limit: int) -> tuple[int, ...]:
        return await self._write(lambda tx: upkeep.reset_idle(tx, now, limit))

    async def expire_resumes(self, marked_before: float) -> int:
        return await self._write(lambda tx: upkeep.expire_resumes(tx, marked_before))

    async def forget(self, used_before: float, after_id: int, span: int) -> tuple[int, int | None]:
        return await self._write(lambda tx: upkeep.forget(tx, used_before, after_id, span))

    async def session(self, session_id: int) -> Session | None:
        return await self._read(lambda tx: library.session(tx, session_id))

    async def generations(self, session_id: int, limit: int) -> tuple[Session, ...]:
        return await self._read(lambda tx: library.generations(tx, session_id, limit))

    async def pending_approvals(self, session_id: int) -> tuple[Approval, ...]:
        return await self._read(lambda tx: approvals.pending_of_session(tx, session_id))

    async def sessions(self, limit: int) -> tuple[Session, ...]:
        return await self._read(lambda tx: library.sessions(tx, limit))

    async def turns(self, session_id: int) -> tuple[TurnRecord, ...]:
        return await self._read(lambda tx: library.turns(tx, session_id))

    async def messages(self, session_id: int) -> tuple[Message, ...]:
        return await self._read(lambda tx: library.messages(tx, session_id))

    async def origin(self, message_id: int) -> Origin:
        return await self._read(lambda tx: library.origin(tx, message_id))

    async def history(self, session_id: int, before_turn: int) -> tuple[HistoryTurn, ...]:
        return await self._read(lambda tx: turns.history(tx, session_id, before_turn))

    async def delivery(self, delivery_id: int) -> Delivery | None:
        return await self._read(lambda tx: library.delivery(tx, delivery_id))

    async def deliveries(self, limit: int) -> tuple[Delivery, ...]:
        return await self._read(lambda tx: library.deliveries(tx, limit))

    async def boots(self, limit: int) -> tuple[Boot, ...]:
        return await self._read(lambda tx: library.boots(tx, limit))
