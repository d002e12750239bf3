"""The ports: what the engine needs from the world, each as small as its users allow.

Every implementation of a port passes the same contract suite (`tests/contract`). Store methods are one
transaction each; they raise `LedgerUnavailableError` when nothing could be written, and then nothing was.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gateway.model.address import Route
from gateway.model.agent import Opened, OpenFailed, OpenRequest, Prompt, PromptEnd, UpdateSink
from gateway.model.attachment import Attachment, AttachmentState, FetchOutcome, OutFile
from gateway.model.boot import Boot, BootOpening, BootState
from gateway.model.choices import AgentOffer, Chosen
from gateway.model.command import CommandInfo
from gateway.model.delivery import Delivery, Draft, GrowingStream, Reconciled, SendOutcome
from gateway.model.grant import Grant, Pairing, Role
from gateway.model.intake import Accepted, BatchResult
from gateway.model.message import Amendment, Entry, Inbound, Message, Origin, Refusal
from gateway.model.operation import ConfigStatus, GatewayStatus, Intent, OperationOutcome
from gateway.model.permission import Approval, ApprovalState, Asker, OptionKind, PermissionRequest
from gateway.model.recovery import Candidate
from gateway.model.session import ResumeMode, Session
from gateway.model.turn import HistoryTurn, Step, TurnEnd, TurnRecord, TurnStart


class LedgerUnavailableError(Exception):
    """The ledger could not be written, and nothing was: a full or failing disk. Try again later."""


class Clock(Protocol):
    """Time, injected."""

    def now(self) -> float:
        """Wall-clock time in seconds since the epoch: for what is stored."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment: for measuring."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Inbound events that are committed together with the cursors that say how far the account has read.

    A cursor has a scope: a chat or thread, or the empty one for the account as a whole. When nothing of a
    `lazy` batch is let in, its cursors need not be kept either: the next connect reads the same again.
    """

    account: str
    items: Sequence[Inbound]
    cursors: Mapping[str, str] = field(default_factory=dict[str, str])
    lazy: bool = False


class Past(Protocol):
    """What the ledger remembers of one account, for finding what was missed."""

    async def cursors(self) -> Mapping[str, str]:
        """Scope to value, of the scopes that were read last."""
        ...

    def horizon(self) -> float:
        """Messages sent before this time, in seconds since the epoch, are too old to be answered."""
        ...


class InboundSink(Protocol):
    """What an adapter hands its events to."""

    async def accept(self, batch: Batch) -> None:
        """Return once the batch is committed; only then may the platform be told that it was received.

        Raises `LedgerUnavailableError`, and then the batch must be offered again.
        """
        ...

    async def ready(self, account: str) -> None:
        """The account is connected and what it missed has been accepted. May be called at each reconnect."""
        ...

    def lost(self, account: str, why: str) -> None:
        """The account lost its connection and is trying to get it back."""
        ...


class Receiving(Protocol):
    """How an account hears."""

    async def run(self, sink: InboundSink, past: Past) -> None:
        """Connect, receive and reconnect until cancelled. Returns only when the account is beyond help.

        What was missed is accepted before `sink.ready`, oldest first within a chat, marked as backfilled.
        """
        ...

    async def fetch(self, attachment: Attachment, into: Path, limit: int) -> FetchOutcome:
        """Write a file that somebody sent to `into`, which does not exist yet, of at most `limit` bytes.

        Whatever is at `into` after a failure is worthless.
        """
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class Sending(Protocol):
    """How an account speaks."""

    async def pace(self, route: Route) -> None:
        """Wait until the platform's own limits allow one more message there. Nothing is claimed meanwhile."""
        ...

    async def send(self, delivery: Delivery) -> SendOutcome:
        """Send a new message, once: a text as Markdown, or the file of the delivery with its body as caption.

        A text whose markup is refused is sent as it is. The outcome is a value; an exception is a bug. Of a
        receipt, which changes a sign at the message `reply_to`, the id in the outcome is empty.
        """
        ...

    async def reconcile(self, delivery: Delivery, after: str | None) -> Reconciled:
        """Find out what became of a send whose outcome is unknown, by asking the platform; never by sending.

        `after` is the platform's id of the last message that is known to have been sent there before it.
        `Unknown` means that this platform cannot be asked, `RetryAfter` that it could not be asked now.
        """
        ...

    async def edit(self, delivery: Delivery, message_id: str) -> SendOutcome:
        """Make a sent message read as the delivery does. Doing it twice is the same as doing it once.

        `Rejected` means that this message can never be changed any more.
        """
        ...

    def fits(self, text: str) -> bool:
        """Whether a text, rendered as this platform shows it, is one message."""
        ...

    @property
    def text_limit(self) -> int:
        """The longest text of one message, in UTF-16 code units. Rendering may make a text longer: `fits`."""
        ...

    @property
    def file_limit(self) -> int:
        """The largest file that can be sent, in bytes."""
        ...


class Growing(Protocol):
    """How an account shows an answer that is not ready yet. Losing any of this does no harm."""

    async def amend(self, route: Route, message_id: str, text: str, progress: str = "") -> SendOutcome:
        """Show how an answer grows, in a message that was sent as a `stream`.

        `progress` tells in a few lines what the agent is doing: below the text, or where the platform has a
        better place for it. `RetryAfter` says when the next one is welcome; it is not waited for here.
        """
        ...

    def drafts(self, route: Route) -> bool:
        """Whether the chat can show a draft, which nobody can answer and which vanishes by itself."""
        ...

    async def draft(self, route: Route, number: int, text: str, progress: str = "") -> SendOutcome:
        """Show the draft with this number (from 1), or change it."""
        ...

    async def typing(self, route: Route) -> None:
        """Show that the bot is at work, for a few seconds. Failing silently is fine."""
        ...

    def progress_in_chat(self, route: Route) -> bool:
        """Whether progress is worth a message of its own before there are words: not where it has a better
        place.
        """
        ...

    @property
    def typing_seconds(self) -> float:
        """How long the platform shows one `typing`."""
        ...

    @property
    def amend_seconds(self) -> float:
        """How much time should pass between two `amend` of one message."""
        ...


class ChatAdapter(Receiving, Sending, Growing, Protocol):
    """One bot account on one platform."""

    async def offer_commands(self, commands: Sequence[CommandInfo]) -> None:
        """Have the platform list the gateway's commands to people, where it can. Failing silently is fine."""
        ...


class Agents(Protocol):
    """The configured agents and their processes."""

    def holds(self, session_id: int) -> bool:
        """Whether a live process holds this conversation."""
        ...

    async def open(self, request: OpenRequest) -> Opened | OpenFailed:
        """Make an agent hold the conversation, by the best rung of the resume ladder that works."""
        ...

    async def prompt(self, session_id: int, prompt: Prompt, sink: UpdateSink, ask: Asker) -> PromptEnd:
        """Send one prompt and wait for its end. Needs a conversation that `open` has opened.

        `ask` is called where the agent's config has people decide about permissions. Cancelling the waiting
        task tells the agent nothing; use `cancel`.
        """
        ...

    def offer(self, session_id: int) -> AgentOffer | None:
        """What can be chosen in a conversation that a live process holds; None without one."""
        ...

    async def set_mode(self, session_id: int, mode: str) -> str:
        """Change a held conversation's mode; empty, or why not in one plain sentence."""
        ...

    async def set_option(self, session_id: int, option: str, value: str) -> str:
        """Change a config option of a held conversation; empty, or why not in one plain sentence."""
        ...

    async def cancel(self, session_id: int) -> None:
        """Ask the agent to stop its prompt, bounded. `prompt` then returns in one way or another."""
        ...

    async def forget(self, session_id: int) -> None:
        """Let go of the conversation, for `/new`."""
        ...

    async def close(self) -> None:
        """End every agent process and its descendants."""
        ...


class BootLog(Protocol):
    """The boots of this state."""

    async def open_boot(self, replica: str, pid: int, now: float) -> BootOpening:
        """Insert a boot and take stock of what dead ones left: running turns become interrupted, their
        sessions are marked, deliveries that were being sent become unknown.
        """
        ...

    async def beat(self, boot_id: int, now: float) -> None:
        """Leave a sign of life."""
        ...

    async def set_boot_state(
        self, boot_id: int, state: BootState, intent: Intent | None = None, session_id: int | None = None
    ) -> None:
        """Move the boot to `serving` or `draining`; `session_id` is told when a restarted gateway is back."""
        ...

    async def stop_boot(self, boot_id: int, now: float, intent: str | None = None) -> None:
        """The clean-shutdown marker: the last write of a boot. `intent` is what it came to."""
        ...


class Inbox(Protocol):
    """What came in."""

    async def accept(
        self,
        account: str,
        entries: Sequence[Entry],
        refusals: Sequence[Refusal],
        cursors: Mapping[str, str],
        now: float,
        amendments: Sequence[Amendment] = (),
    ) -> BatchResult:
        """Write all of it and the cursors in one transaction; an event id enters once.

        A message that is amended in the batch in which it came is amended.
        """
        ...

    async def cursors(self, account: str) -> Mapping[str, str]:
        """Scope to value, of the scopes that moved last."""
        ...

    async def waiting(self, session_id: int) -> int:
        """How many messages of people wait for their turn in a session."""
        ...

    async def queue(self, session_id: int) -> tuple[Message, ...]:
        """The messages of people that wait for their turn in a session, the next one first."""
        ...

    async def withdraw(self, session_id: int, message_ids: Sequence[int]) -> int:
        """Take waiting messages of a session back; how many still waited."""
        ...

    async def ask_again(self, session_id: int, event_id: str, by: Origin, now: float) -> bool:
        """Queue what people last asked in a session once more, files and all, as a request of this person's.

        False when nothing was ever asked there. An event id enters once, and is then true again.
        """
        ...

    async def waiting_commands(self, account: str) -> tuple[Accepted, ...]:
        """Commands and button presses that were accepted and not yet acted on, oldest first."""
        ...

    async def notify(
        self,
        session_id: int,
        drafts: Sequence[Draft],
        now: float,
        done: int | None = None,
        key: str = "",
    ) -> tuple[Delivery, ...]:
        """Owe a session's chat some notices; `done` is a command or button press that they settle.

        With a key there is one draft, and it is owed once ever.
        """
        ...


class TurnLog(Protocol):
    """Turns and what they produce."""

    async def begin_turn(
        self, session_id: int, boot_id: int, now: float, *, collect: bool = False
    ) -> TurnStart | None:
        """Take the earliest waiting message and start a turn on it; None when nothing waits or the session
        is suspended. A waiting resume event gives way to a waiting message, which then carries the note.

        With `collect` everything that people said there meanwhile becomes one message of that turn.
        """
        ...

    async def record_opening(
        self, turn_id: int, agent: str, agent_session_id: str, cwd: str, mode: ResumeMode, why: str
    ) -> None:
        """Store how the agent session was continued, before it is prompted."""
        ...

    async def record_steps(self, turn_id: int, steps: Sequence[Step]) -> None:
        """Insert or update steps of a running turn."""
        ...

    async def mark_pending(
        self, turn_ids: Sequence[int], reason: str, now: float, notice: Draft | None = None
    ) -> tuple[Delivery, ...]:
        """Mark the sessions of running turns, before those turns are interrupted, and tell their chats."""
        ...

    async def end_turn(self, turn_id: int, end: TurnEnd, now: float) -> tuple[Delivery, ...]:
        """End a running turn and owe its reply in the same transaction."""
        ...


class Outbox(Protocol):
    """What is owed to chats."""

    async def owed(self, account: str) -> tuple[Delivery, ...]:
        """Everything pending or unknown, oldest first."""
        ...

    async def claim(self, delivery_id: int, now: float) -> bool:
        """`pending` becomes `sending`, before the platform hears of it; false if it was settled meanwhile."""
        ...

    async def last_sent(self, delivery: Delivery) -> str | None:
        """The platform's id of the last message known to have been sent to the same place before this one."""
        ...

    async def retry(self, delivery_id: int) -> None:
        """`unknown` becomes `pending` again, because sending it cannot repeat anything."""
        ...

    async def settle(self, delivery_id: int, outcome: SendOutcome, now: float) -> None:
        """Write what became of a claimed delivery."""
        ...

    async def retry_doubtful(self, delivery_id: int) -> None:
        """`unknown` becomes `pending` again, marked as a possible repeat."""
        ...

    async def hold(self, delivery_id: int) -> None:
        """`unknown` becomes `held` until a person decides."""
        ...

    async def revive(self, delivery_id: int) -> Delivery | None:
        """A person wants a held or rejected delivery to be sent; None for one that is neither."""
        ...

    async def drop(self, delivery_id: int, now: float) -> bool:
        """A person does not want it to be sent; false for one that was sent, or is being sent."""
        ...

    async def detach(self, delivery_id: int, *, doubtful: bool) -> Delivery:
        """An edit becomes a message of its own; `doubtful` when what it was to change may be in the chat."""
        ...

    async def abandon(self, delivery_id: int, now: float) -> None:
        """Give up an `unknown` opening of a stream: the answer itself is sent later, and says so."""
        ...


class StreamLog(Protocol):
    """Messages in which answers grow."""

    async def open_stream(self, turn_id: int, draft: Draft, now: float) -> Delivery | None:
        """Owe the message in which a running turn's answer grows; None when the turn has ended."""
        ...

    async def growing(self, session_id: int) -> tuple[GrowingStream, ...]:
        """A session's streams whose end is not owed yet."""
        ...

    async def stray_streams(self, account: str) -> tuple[GrowingStream, ...]:
        """Streams that nothing will ever go on with."""
        ...

    async def close_stream(self, stream_id: int, draft: Draft, now: float) -> Delivery | None:
        """Owe the edit that ends a stream, once; None when there is no message to be ended."""
        ...


class Resumes(Protocol):
    """Sessions that were interrupted."""

    async def candidates(self, account: str | None = None) -> tuple[Candidate, ...]:
        """Every session with a marker or with waiting messages; the cost grows with what is owed."""
        ...

    async def schedule_resumes(self, session_ids: Sequence[int], now: float) -> tuple[int, ...]:
        """Insert one empty resume event per session, once per interrupted turn; the ones inserted."""
        ...

    async def withdraw_resumes(self, session_ids: Sequence[int]) -> None:
        """Withdraw waiting resume events of sessions that are no longer eligible."""
        ...

    async def stop_resuming(self, session_id: int) -> bool:
        """The user stopped it: nothing of it goes on by itself, and the next note says so.

        Whether there was anything to go on with.
        """
        ...

    async def suspend(
        self, session_id: int, reason: str, drafts: Sequence[Draft], now: float
    ) -> tuple[Delivery, ...]:
        """Suspend a session and tell its chat."""
        ...

    async def reactivate(self, session_id: int, event_id: str, now: float) -> bool:
        """A person lets a suspended or pending session go on, with its attempts counted anew.

        True when there is unfinished work: then a resume event with this id waits in its lane.
        """
        ...

    async def dismiss(self, session_id: int, turn_id: int, now: float) -> bool:
        """A person does not want this interrupted turn to be gone on with; false when it is not open."""
        ...

    async def bring_back(self, session_id: int, now: float) -> bool:
        """Make an earlier conversation the present one at its address; false when it is that already.

        Waiting messages of the one it replaces are withdrawn.
        """
        ...

    async def next_generation(self, session_id: int, now: float) -> int:
        """Start a new conversation at the same address; waiting messages of the old one are withdrawn."""
        ...


class Approvals(Protocol):
    """Permissions that agents ask for, and what people chose about their conversations."""

    async def open_approval(
        self, turn_id: int, request: PermissionRequest, now: float
    ) -> tuple[Approval, tuple[Delivery, ...]] | None:
        """Owe a question with its buttons to the chat of a running turn; None when the turn has ended."""
        ...

    async def settle_approval(
        self,
        approval_id: int,
        state: ApprovalState,
        now: float,
        option_id: str = "",
        by: Origin | None = None,
    ) -> tuple[Approval, tuple[Delivery, ...]] | None:
        """End a pending question, once, and owe the edit that takes its buttons away; None if it is over."""
        ...

    async def approval(self, approval_id: int) -> Approval | None:
        """One question."""
        ...

    async def remembered(self, session_id: int, request: PermissionRequest) -> OptionKind | None:
        """What a person decided for steps just like this one, for the whole of this conversation."""
        ...

    async def choose(self, session_id: int, chosen: Chosen) -> None:
        """Keep what a person chose for a conversation; the next one at its address has it too."""
        ...


class Files(Protocol):
    """Files that people sent."""

    async def settle_attachment(self, attachment_id: int, state: AttachmentState, error: str = "") -> None:
        """What became of fetching a file."""
        ...

    async def files_in_use(self) -> frozenset[str]:
        """Names of files on the disk that may still be needed: of waiting messages, and of what is owed."""
        ...


class MediaFiles(Protocol):
    """Files on the disk. Every method blocks and may raise OSError: call it in a thread."""

    def has(self, name: str) -> bool:
        """Whether a file that came in is here, whole."""
        ...

    def begin(self, name: str) -> Path:
        """Where a file that comes in is to be written. Nothing is there yet."""
        ...

    def keep(self, name: str) -> None:
        """What was begun is whole."""
        ...

    def place(self, name: str, cwd: str) -> str:
        """Have a file that came in lie in an agent's working directory as well; its path there."""
        ...

    def take(self, path: str, cwd: str, number: str, limit: int) -> OutFile | None:
        """Copy a file of an agent's working directory; None for what is not a plain file there.

        `number` makes the copy's name unique. One larger than `limit` bytes is not copied: its path is empty.
        """
        ...

    def write(self, number: str, name: str, mime: str, data: bytes) -> OutFile:
        """Keep bytes that are owed to a chat."""
        ...

    def find(self, file: OutFile) -> Path | None:
        """Where a file that is owed lies; None when it is gone."""
        ...

    def sweep(self, before: float, in_use: Collection[str]) -> int:
        """Delete files that are older than a time, in seconds since the epoch, and not in use; how many."""
        ...


class Grants(Protocol):
    """People who were let in by a person, and those who ask for it."""

    async def grants(self) -> tuple[Grant, ...]:
        """Everybody who was let in."""
        ...

    async def pairings(self, now: float) -> tuple[Pairing, ...]:
        """The codes that are valid, oldest first."""
        ...

    async def grant(self, grant: Grant) -> tuple[Delivery, ...]:
        """Let somebody in, or change their role. Their code is used up; what is owed since.

        That is the news for whoever asked by it, and the edits of what administrators were told of it.
        """
        ...

    async def refuse_pairing(self, account: str, person: str, now: float) -> tuple[Delivery, ...] | None:
        """Somebody is not let in: their code is void; what is owed since. None when they had none."""
        ...

    async def revoke(self, account: str, person: str, now: float) -> bool:
        """Take a grant back; false when there was none. For a day they are given no code."""
        ...

    async def withdraw_of(self, account: str, person: str) -> tuple[int, ...]:
        """Take back everything that somebody has waiting; the sessions in which that was."""
        ...


class Upkeep(Protocol):
    """What time does to the ledger, in bounded bites."""

    async def reset_idle(self, now: float, limit: int) -> tuple[int, ...]:
        """Replace idle sessions whose time has come by new generations; the ids of the old ones."""
        ...

    async def expire_resumes(self, marked_before: float) -> int:
        """Withdraw waiting resume events of interruptions that are too old."""
        ...

    async def forget(self, used_before: float, after_id: int, span: int) -> tuple[int, int | None]:
        """Delete sessions, of `span` ids above `after_id`, that nobody used since and that are owed nothing.

        How many, and the id to go on from; None at the end.
        """
        ...


class Library(Protocol):
    """Reading, for people and for transcripts."""

    async def session(self, session_id: int) -> Session | None:
        """One session."""
        ...

    async def generations(self, session_id: int, limit: int) -> tuple[Session, ...]:
        """The conversations at a session's address in which something was said, the latest first."""
        ...

    async def pending_approvals(self, session_id: int) -> tuple[Approval, ...]:
        """The questions that are open in a session, oldest first."""
        ...

    async def sessions(self, limit: int) -> tuple[Session, ...]:
        """The sessions that were used last."""
        ...

    async def turns(self, session_id: int) -> tuple[TurnRecord, ...]:
        """A session's turns, oldest first."""
        ...

    async def messages(self, session_id: int) -> tuple[Message, ...]:
        """A session's messages, oldest first."""
        ...

    async def origin(self, message_id: int) -> Origin:
        """Who wrote a message, and how to answer it."""
        ...

    async def history(self, session_id: int, before_turn: int) -> tuple[HistoryTurn, ...]:
        """A session's turns before the given one, oldest first, for a transcript."""
        ...

    async def delivery(self, delivery_id: int) -> Delivery | None:
        """One delivery."""
        ...

    async def deliveries(self, limit: int) -> tuple[Delivery, ...]:
        """What needs a person's eye, oldest first: everything that is owed, held or was rejected."""
        ...

    async def boots(self, limit: int) -> tuple[Boot, ...]:
        """The latest boots, newest first."""
        ...


class Store(
    BootLog,
    Inbox,
    TurnLog,
    Outbox,
    StreamLog,
    Resumes,
    Approvals,
    Files,
    Grants,
    Upkeep,
    Library,
    Protocol,
):
    """The ledger."""

    @property
    def healthy(self) -> bool:
        """Whether the last write went through."""
        ...


class ConfigFile(Protocol):
    """The config file of a running gateway."""

    @property
    def status(self) -> ConfigStatus:
        """What counts now, and what is wrong with the file as it is."""
        ...

    async def reload(self) -> OperationOutcome:
        """Read it again, and have everything count that can without a restart."""
        ...


class Operations(Protocol):
    """What an operator can ask of a running gateway."""

    def status(self) -> GatewayStatus:
        """The gateway at a glance."""
        ...

    def stop(self, intent: Intent, wait: float | None) -> OperationOutcome:
        """Drain and stop; `wait` seconds for running turns, None for what is configured."""
        ...

    def undrain(self) -> OperationOutcome:
        """Go on serving after all."""
        ...

    async def reload(self) -> OperationOutcome:
        """Read the config file again; a line for each key that changed, or what is wrong with the file."""
        ...

    async def resume(self, session_id: int) -> OperationOutcome:
        """Let a suspended or pending session go on."""
        ...

    async def suspend(self, session_id: int) -> OperationOutcome:
        """Stop a session from being worked on until a person lets it go on."""
        ...

    async def reset(self, session_id: int) -> OperationOutcome:
        """Start a new conversation in a session's place."""
        ...

    async def retry(self, delivery_id: int) -> OperationOutcome:
        """Send a held or rejected delivery."""
        ...

    async def drop(self, delivery_id: int) -> OperationOutcome:
        """Give up a delivery that is owed."""
        ...

    async def pair(self, code: str, role: Role) -> OperationOutcome:
        """Let somebody in who was given this code."""
        ...

    async def revoke(self, account: str, person: str) -> OperationOutcome:
        """Cut somebody off who was let in by a person: at once, from everything that they have under way."""
        ...
