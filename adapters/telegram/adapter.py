"""One Telegram bot as a `ChatAdapter`.

Telegram has no idempotency key, so a send is made once and its outcome told truly; whether to repeat an
unknown one is decided elsewhere, and a repeat says what it is. Only refusals are followed at once, as nothing
was written then: a group that has become a supergroup has a new id, a text whose entities are refused is sent
without them, a picture that is refused as one is sent as a document.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from adapters.labels import LABEL_UNITS
from adapters.pace import Pace
from adapters.telegram import commands as offers
from adapters.telegram import fetching, outgoing, words
from adapters.telegram.client import REQUEST_SECONDS, SLOWEST, Session, open_bot
from adapters.telegram.manifest import MANIFEST, TelegramAccount
from adapters.telegram.outcomes import described, outcome, unchanged
from adapters.telegram.pace import telegram_pace
from adapters.telegram.receive import Receiver
from adapters.telegram.render import Rendered
from adapters.telegram.requests import LocalFile, React, Sent, prepare_rare
from adapters.telegram.sdk import (
    AiogramError,
    Bot,
    SendChatAction,
    TelegramMigrateToChat,
    TelegramNotFound,
    TelegramRetryAfter,
)
from gateway.model.address import Route
from gateway.model.attachment import Attachment, FetchOutcome
from gateway.model.command import CommandInfo
from gateway.model.delivery import (
    Button,
    Delivered,
    Delivery,
    DeliveryKind,
    Reconciled,
    Rejected,
    RetryAfter,
    SendOutcome,
    Unknown,
)
from gateway.ports import ChatAdapter, Clock, InboundSink, Past

_TEXT_LIMIT = MANIFEST.text_limit - LABEL_UNITS
_TYPING_TIMEOUT = 5
_AMEND_SECONDS = 1.2
_MOVED_CHATS = 1024
_NO_DRAFTS_HERE = "TEXTDRAFT_PEER_INVALID"


def connect(account_name: str, config: TelegramAccount, clock: Clock) -> ChatAdapter:
    """The adapter of one account. Nothing is sent before `run`."""
    bot, session = open_bot(config.token.get_secret_value(), config.api_url)
    return TelegramAdapter(
        account_name, bot, session, telegram_pace(enabled=config.rate_limits == "platform"), clock
    )


class TelegramAdapter:
    """The port `ChatAdapter` over one bot token; see there for what the methods promise."""

    def __init__(self, account: str, bot: Bot, session: Session, pace: Pace, clock: Clock) -> None:
        self._account = account
        self._bot = bot
        self._session = session
        self._pace = pace
        self._clock = clock
        self._moved: OrderedDict[str, str] = OrderedDict()
        self._undrafted: OrderedDict[str, None] = OrderedDict()
        self._knows_drafts = True
        self._quiet_until = float("-inf")

    @property
    def text_limit(self) -> int:
        """UTF-16 code units; leaves room for the label of a repeat."""
        return _TEXT_LIMIT

    @property
    def file_limit(self) -> int:
        """Bytes."""
        return outgoing.FILE_BYTES

    def progress_in_chat(self, route: Route) -> bool:
        """There is no better place for it."""
        del route
        return True

    def fits(self, text: str) -> bool:
        """Whether it is one message, also with the label of a repeat."""
        return words.units(words.shown(text).text) <= _TEXT_LIMIT

    @property
    def typing_seconds(self) -> float:
        """How long Telegram shows one `typing`."""
        return MANIFEST.typing_seconds

    @property
    def amend_seconds(self) -> float:
        """Telegram grants about one message or edit a second in a chat, and twenty a minute in a group."""
        return _AMEND_SECONDS

    async def run(self, sink: InboundSink, past: Past) -> None:
        """Receive until cancelled; returns when Telegram does not know the token."""
        await Receiver(self._account, self._bot, self._clock, sink, past).run()

    async def pace(self, route: Route) -> None:
        """Wait for Telegram's limits, where the config asks for it."""
        await self._pace.wait(self._moved.get(route.chat, route.chat))

    async def fetch(self, attachment: Attachment, into: Path, limit: int) -> FetchOutcome:
        """Telegram hands bots files of up to 20 MB."""
        return await fetching.fetch(self._bot, self._session, attachment, into, limit)

    async def send(self, delivery: Delivery) -> SendOutcome:
        """Send a text, a file or a sign, once."""
        match delivery.kind:
            case DeliveryKind.FILE:
                return await self._send_file(delivery)
            case DeliveryKind.RECEIPT:
                return await self._react(delivery)
            case _:
                return await self._send_text(delivery)

    async def _send_text(self, delivery: Delivery) -> SendOutcome:
        for text in outgoing.texts(outgoing.label(delivery), delivery.body):
            try:
                sent = await self._post_text(delivery, text)
            except AiogramError as error:
                self._notice_limit(error)
                if text.entities and outgoing.entities_refused(error):
                    continue
                return outcome(error, delivery.attempt)
            return Delivered(str(sent.message_id))
        raise AssertionError("the last text has no entities that could be refused")

    async def _post_text(self, delivery: Delivery, text: Rendered) -> Sent:
        chat = delivery.route.chat
        try:
            return await self._bot(outgoing.text_message(delivery, text, self._moved.get(chat)))
        except TelegramMigrateToChat as moved:
            self._remember(chat, str(moved.migrate_to_chat_id))
            return await self._bot(outgoing.text_message(delivery, text, self._moved[chat]))

    async def _send_file(self, delivery: Delivery) -> SendOutcome:
        prepare_rare()
        file = await asyncio.to_thread(_found, delivery)
        if isinstance(file, Rejected):
            return file
        chat = delivery.route.chat
        request = outgoing.file_message(delivery, file, self._moved.get(chat))
        while True:
            try:
                sent = await self._bot(request, request_timeout=REQUEST_SECONDS + file.size // SLOWEST)
            except TelegramMigrateToChat as moved:
                if chat in self._moved:
                    return outcome(moved, delivery.attempt)
                self._remember(chat, str(moved.migrate_to_chat_id))
                request = outgoing.file_message(delivery, file, self._moved[chat])
            except AiogramError as error:
                self._notice_limit(error)
                simpler = outgoing.less_of_it(request, delivery, error)
                if simpler is None:
                    return outcome(error, delivery.attempt)
                request = simpler
            else:
                return Delivered(str(sent.message_id))

    async def _react(self, delivery: Delivery) -> SendOutcome:
        sign, message_id = outgoing.SIGNS.get(delivery.body), outgoing.as_number(delivery.reply_to)
        if sign is None or message_id is None:
            return Rejected("there is no such message or no such sign")
        prepare_rare()
        request = React(
            chat_id=self._moved.get(delivery.route.chat, delivery.route.chat),
            message_id=message_id,
            reaction=[{"type": "emoji", "emoji": sign}],
        )
        try:
            await self._bot(request)
        except AiogramError as error:
            self._notice_limit(error)
            return outcome(error, delivery.attempt)
        return Delivered("")

    async def reconcile(self, delivery: Delivery, after: str | None) -> Reconciled:
        """Telegram cannot be asked: bots do not read chats."""
        del delivery, after
        return Unknown("Telegram has no way to ask whether a message arrived")

    async def edit(self, delivery: Delivery, message_id: str) -> SendOutcome:
        """Change the text; a message that reads so already counts as changed."""
        texts = outgoing.texts(outgoing.label(delivery), delivery.body)
        return await self._edit(delivery.route, message_id, texts, delivery.buttons)

    async def amend(self, route: Route, message_id: str, text: str, progress: str = "") -> SendOutcome:
        """Change the text unless that could use up what messages need."""
        busy = await self._busy(route)
        if busy is not None:
            return busy
        return await self._edit(route, message_id, outgoing.growing(text, progress), ())

    async def _edit(
        self, route: Route, message_id: str, texts: list[Rendered], buttons: tuple[Button, ...]
    ) -> SendOutcome:
        chat = self._moved.get(route.chat, route.chat)
        for text in texts:
            try:
                await self._bot(outgoing.edited(chat, message_id, text, buttons))
            except AiogramError as error:
                self._notice_limit(error)
                if text.entities and outgoing.entities_refused(error):
                    continue
                return Delivered(message_id) if unchanged(error) else outcome(error, attempt=1)
            return Delivered(message_id)
        raise AssertionError("the last text has no entities that could be refused")

    def drafts(self, route: Route) -> bool:
        """Private chats have them, on a server that is not too old."""
        return (
            self._knows_drafts and not route.chat.startswith(("-", "@")) and route.chat not in self._undrafted
        )

    async def draft(self, route: Route, number: int, text: str, progress: str = "") -> SendOutcome:
        """Show a draft unless that could use up what messages need."""
        busy = await self._busy(route)
        if busy is not None:
            return busy
        prepare_rare()
        for one in outgoing.growing(text, progress):
            try:
                await self._bot(outgoing.draft(route.chat, route.thread, number, one))
            except AiogramError as error:
                self._notice_limit(error)
                if one.entities and outgoing.entities_refused(error):
                    continue
                return self._without_draft(route, error)
            return Delivered("")
        raise AssertionError("the last text has no entities that could be refused")

    def _without_draft(self, route: Route, error: AiogramError) -> SendOutcome:
        if isinstance(error, TelegramNotFound):  # the method, not the chat: that would be a bad request
            self._knows_drafts = False
            return Rejected("this Bot API server knows no drafts")
        if _NO_DRAFTS_HERE in described(error):
            self._undrafted[route.chat] = None
            if len(self._undrafted) > _MOVED_CHATS:
                self._undrafted.popitem(last=False)
        return outcome(error, attempt=1)

    async def _busy(self, route: Route) -> RetryAfter | None:
        """Why something that can be left out has to be left out now."""
        now = self._clock.monotonic()
        if now < self._quiet_until:
            return RetryAfter(self._quiet_until - now, "Telegram asks to slow down")
        if not await self._pace.spare(self._moved.get(route.chat, route.chat)):
            return RetryAfter(_AMEND_SECONDS, "messages come first")
        return None

    async def typing(self, route: Route) -> None:
        """Show the typing sign unless that could use up what messages need."""
        if self._clock.monotonic() < self._quiet_until or not self._pace.at_leisure():
            return
        action = SendChatAction(
            chat_id=self._moved.get(route.chat, route.chat),
            action="typing",
            message_thread_id=outgoing.as_number(route.thread),
        )
        try:
            await self._bot(action, request_timeout=_TYPING_TIMEOUT)
        except AiogramError as error:
            self._notice_limit(error)

    async def offer_commands(self, commands: Sequence[CommandInfo]) -> None:
        """Write the bot's list of commands, if it differs."""
        await offers.offer(self._bot, self._account, commands)

    async def close(self) -> None:
        """Close the connections. A send that comes later is certainly not sent."""
        await self._session.end()

    def _notice_limit(self, error: AiogramError) -> None:
        if isinstance(error, TelegramRetryAfter):
            self._quiet_until = self._clock.monotonic() + error.retry_after

    def _remember(self, chat: str, successor: str) -> None:
        self._moved[chat] = successor
        if len(self._moved) > _MOVED_CHATS:
            self._moved.popitem(last=False)


def _found(delivery: Delivery) -> LocalFile | Rejected:
    """The file of a delivery, looked at on the disk: what the ledger says of it may be old."""
    file = delivery.file
    if file is None:
        return Rejected("there is no file in it")
    try:
        size = Path(file.path).stat().st_size
    except OSError:
        return Rejected("the file is gone, or cannot be read")
    if size > outgoing.FILE_BYTES:
        return Rejected(f"the file is larger than the {outgoing.FILE_BYTES >> 20} MB that Telegram takes")
    return LocalFile(file.path, file.name, file.mime, size)
