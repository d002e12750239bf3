"""One Telegram bot as a `ChatAdapter`.

Telegram has no idempotency key, so a send is made once and its outcome told truly; whether to repeat an
unknown one is decided elsewhere, and a repeat says what it is. Only one refusal is followed at once: a
group that has become a supergroup has a new id, and nothing was written under the old one.
"""

from collections import OrderedDict

from adapters.labels import LABEL_UNITS, REPEAT_LABEL
from adapters.pace import Pace
from adapters.telegram.client import EditText, SendText, Session, open_bot
from adapters.telegram.manifest import MANIFEST, TelegramAccount
from adapters.telegram.outcomes import outcome, unchanged
from adapters.telegram.pace import telegram_pace
from adapters.telegram.receive import Receiver
from adapters.telegram.sdk import (
    AiogramError,
    Bot,
    SendChatAction,
    TelegramMigrateToChat,
    TelegramRetryAfter,
)
from gateway.model.address import Route
from gateway.model.delivery import (
    Button,
    Delivered,
    Delivery,
    Reconciled,
    RetryAfter,
    SendOutcome,
    Unknown,
)
from gateway.ports import ChatAdapter, Clock, InboundSink, Past

_TEXT_LIMIT = MANIFEST.text_limit - LABEL_UNITS
_TYPING_TIMEOUT = 5
_AMEND_SECONDS = 1.2
_MOVED_CHATS = 1024
_ROW = 30  # characters of labels that a phone shows side by side; what is wider is cut off there


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
        self._quiet_until = float("-inf")

    @property
    def text_limit(self) -> int:
        """UTF-16 code units; leaves room for the label of a repeat."""
        return _TEXT_LIMIT

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

    async def send(self, delivery: Delivery) -> SendOutcome:
        """Send plain text, once."""
        chat = delivery.route.chat
        try:
            try:
                sent = await self._bot(_message(delivery, self._moved.get(chat)))
            except TelegramMigrateToChat as moved:
                self._remember(chat, str(moved.migrate_to_chat_id))
                sent = await self._bot(_message(delivery, str(moved.migrate_to_chat_id)))
        except AiogramError as error:
            self._notice_limit(error)
            return outcome(error, delivery.attempt)
        return Delivered(str(sent.message_id))

    async def reconcile(self, delivery: Delivery, after: str | None) -> Reconciled:
        """Telegram cannot be asked: bots do not read chats."""
        del delivery, after
        return Unknown("Telegram has no way to ask whether a message arrived")

    async def edit(self, delivery: Delivery, message_id: str) -> SendOutcome:
        """Change the text; a message that reads so already counts as changed."""
        return await self._edit(delivery.route, message_id, _body(delivery), delivery.buttons)

    async def amend(self, route: Route, message_id: str, text: str) -> SendOutcome:
        """Change the text unless that could use up what messages need."""
        now = self._clock.monotonic()
        if now < self._quiet_until:
            return RetryAfter(self._quiet_until - now, "Telegram asks to slow down")
        chat = self._moved.get(route.chat, route.chat)
        if not await self._pace.spare(chat):
            return RetryAfter(_AMEND_SECONDS, "messages come first")
        return await self._edit(route, message_id, text, ())

    async def _edit(
        self, route: Route, message_id: str, text: str, buttons: tuple[Button, ...]
    ) -> SendOutcome:
        request = EditText(
            chat_id=self._moved.get(route.chat, route.chat),
            message_id=int(message_id),
            text=text,
            reply_markup=_keyboard(buttons),
        )
        try:
            await self._bot(request)
        except AiogramError as error:
            self._notice_limit(error)
            if unchanged(error):
                return Delivered(message_id)
            return outcome(error, attempt=1)
        return Delivered(message_id)

    async def typing(self, route: Route) -> None:
        """Show the typing sign unless that could use up what messages need."""
        if self._clock.monotonic() < self._quiet_until or not self._pace.at_leisure():
            return
        action = SendChatAction(
            chat_id=self._moved.get(route.chat, route.chat),
            action="typing",
            message_thread_id=_number(route.thread),
        )
        try:
            await self._bot(action, request_timeout=_TYPING_TIMEOUT)
        except AiogramError as error:
            self._notice_limit(error)

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


def _message(delivery: Delivery, successor: str | None) -> SendText:
    """The request. In a chat's successor the message ids are new ones, so nothing is quoted there."""
    reply_to = _number(delivery.reply_to) if successor is None else None
    return SendText(
        chat_id=successor or delivery.route.chat,
        text=_body(delivery),
        message_thread_id=_number(delivery.route.thread),
        reply_parameters=(
            {"message_id": reply_to, "allow_sending_without_reply": True} if reply_to is not None else None
        ),
        reply_markup=_keyboard(delivery.buttons),
    )


def _body(delivery: Delivery) -> str:
    return REPEAT_LABEL + delivery.body if delivery.doubtful else delivery.body


def _keyboard(buttons: tuple[Button, ...]) -> dict[str, object] | None:
    """The buttons below the message: in one row where all labels can be read there, else a row for each."""
    if not buttons:
        return None
    row = [{"text": one.label, "callback_data": one.data} for one in buttons]
    fits = sum(len(one.label) for one in buttons) <= _ROW
    return {"inline_keyboard": [row] if fits else [[one] for one in row]}


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
