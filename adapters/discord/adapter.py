"""One Discord bot as a `ChatAdapter`.

Each send is one request with the delivery's key as its nonce, so a second one within minutes repeats nothing;
what became of an older one is found by reading the channel back. The connection that receives is another
matter: messages are sent whether it is up or not.
"""

from collections.abc import Sequence
from pathlib import Path

from adapters.discord.commands import offer
from adapters.discord.fetch import Files
from adapters.discord.files import post
from adapters.discord.intake import Intake
from adapters.discord.manifest import MANIFEST, DiscordAccount
from adapters.discord.messages import body, changed_message, growing, new_message
from adapters.discord.outcomes import NO_REPLY_HERE, limit_seconds, sent
from adapters.discord.pace import discord_pace, edits
from adapters.discord.payloads import as_id
from adapters.discord.places import Places
from adapters.discord.reader import Reader
from adapters.discord.receive import Receiver
from adapters.discord.reconcile import look_for
from adapters.discord.render import render
from adapters.discord.rest import Answer, Reply, Rest
from adapters.discord.signs import Signs
from adapters.discord.threads import Threads
from adapters.discord.wire import Wire
from adapters.labels import LABEL_UNITS
from gateway import log
from gateway.model.address import Route
from gateway.model.attachment import Attachment, FetchOutcome
from gateway.model.command import CommandInfo
from gateway.model.delivery import (
    Absent,
    Button,
    Delivery,
    DeliveryKind,
    Reconciled,
    Rejected,
    RetryAfter,
    SendOutcome,
)
from gateway.ports import ChatAdapter, Clock, InboundSink, Past

_TEXT_LIMIT = MANIFEST.text_limit - LABEL_UNITS
_TYPING_TIMEOUT = 5
_AMEND_SECONDS = 1.3
_ASK_AGAIN_SECONDS = 5.0
_FILE_LIMIT = 10 * 1024 * 1024


def connect(account_name: str, config: DiscordAccount, clock: Clock) -> ChatAdapter:
    """The adapter of one account. Nothing is sent before `run`."""
    return DiscordAdapter(account_name, config, clock)


class DiscordAdapter:
    """The port `ChatAdapter` over one bot token; see there for what the methods promise."""

    def __init__(self, account: str, config: DiscordAccount, clock: Clock) -> None:
        self._account = account
        self._config = config
        self._clock = clock
        self._log = log.get(account=account)
        self._rest = Rest(config.token.get_secret_value(), config.api_url)
        self._pace = discord_pace(enabled=config.rate_limits == "platform")
        self._places = Places()
        self._threads = Threads(self._rest, self._places, self._log, enabled=config.threads == "auto")
        self._files = Files(self._rest, config.api_url)
        self._signs = Signs(self._rest, self._pace)
        self._quiet_until = float("-inf")

    @property
    def text_limit(self) -> int:
        """UTF-16 code units; leaves room for the label of a repeat. Discord counts characters, never more."""
        return _TEXT_LIMIT

    @property
    def file_limit(self) -> int:
        """What Discord takes from a bot in every server; in some it takes more."""
        return _FILE_LIMIT

    def fits(self, text: str) -> bool:
        """Whether it is one message, with room for the label of a repeat. Discord counts characters."""
        return len(render(text)) <= _TEXT_LIMIT

    def progress_in_chat(self, route: Route) -> bool:
        """Discord has no better place for it."""
        del route
        return True

    @property
    def typing_seconds(self) -> float:
        """How long Discord shows one `typing`."""
        return MANIFEST.typing_seconds

    @property
    def amend_seconds(self) -> float:
        """Discord grants about one edit a second in a channel."""
        return _AMEND_SECONDS

    async def run(self, sink: InboundSink, past: Past) -> None:
        """Receive until cancelled; returns when the token or the bot's settings make it useless."""
        reader = Reader(self._rest, self._clock, self._log)
        intake = Intake(
            self._account,
            self._rest,
            self._places,
            self._threads,
            reader,
            self._log,
            opens_threads=self._config.threads == "auto",
        )
        config = self._config
        wire = Wire(config.token.get_secret_value(), self._rest)
        receiver = Receiver(
            self._account, self._rest, wire, intake, self._log, config.api_url, config.gateway_url
        )
        await receiver.run(self._clock, sink, past)

    async def fetch(self, attachment: Attachment, into: Path, limit: int) -> FetchOutcome:
        """Get a file from Discord's servers of files."""
        return await self._files.fetch(attachment, into, limit)

    async def offer_commands(self, commands: Sequence[CommandInfo]) -> None:
        """Have Discord list the commands, if it does not do so already."""
        await offer(self._rest, commands, self._log)

    async def pace(self, route: Route) -> None:
        """Wait for Discord's limits, where the config asks for it."""
        await self._pace.wait(route.thread or route.chat)

    async def send(self, delivery: Delivery) -> SendOutcome:
        """Send a message, once; into the thread of its route, which is opened when need be."""
        if delivery.kind is DeliveryKind.RECEIPT:
            return await self._signs.give(delivery)
        if delivery.kind is DeliveryKind.FILE and delivery.file is None:
            return Rejected("there is no file to be sent")
        channel = await self._threads.target(delivery.route, delivery.attempt)
        if not isinstance(channel, str):
            return channel
        path, message = f"/channels/{channel}/messages", new_message(delivery, channel)

        async def once() -> Reply | Rejected:
            if delivery.file is not None:
                return await post(self._rest, path, message, delivery.file)
            return await self._rest.call("POST", path, message)

        reply = await once()
        if (
            isinstance(reply, Answer)
            and reply.code == NO_REPLY_HERE
            and message.pop("message_reference", None)
        ):
            reply = await once()  # a refusal: nothing was sent yet
        if isinstance(reply, Rejected):
            return reply
        self._notice_limit(reply)
        return sent(reply, delivery.attempt)

    async def reconcile(self, delivery: Delivery, after: str | None) -> Reconciled:
        """Read the channel back. A receipt is simply given again."""
        if delivery.kind is DeliveryKind.RECEIPT:
            return Absent()
        me = await self._who()
        if isinstance(me, RetryAfter):
            return me
        channel = await self._threads.existing(delivery.route, delivery.attempt)
        if not isinstance(channel, str):
            return channel
        return await look_for(self._rest, self._clock, me, channel, delivery, after)

    async def edit(self, delivery: Delivery, message_id: str) -> SendOutcome:
        """Change the text. Discord takes the same text again without a word."""
        return await self._edit(
            delivery.route, message_id, body(delivery), delivery.buttons, delivery.attempt
        )

    async def amend(self, route: Route, message_id: str, text: str, progress: str = "") -> SendOutcome:
        """Change the text unless that could use up what messages need."""
        now = self._clock.monotonic()
        if now < self._quiet_until:
            return RetryAfter(self._quiet_until - now, "Discord asks to slow down")
        if not await self._pace.spare(edits(route.thread or route.chat)):
            return RetryAfter(_AMEND_SECONDS, "messages come first")
        return await self._edit(route, message_id, growing(text, progress), (), 1)

    def drafts(self, route: Route) -> bool:  # noqa: ARG002  (the port's)
        """Discord has none."""
        return False

    async def draft(self, route: Route, number: int, text: str, progress: str = "") -> SendOutcome:  # noqa: ARG002
        """Discord has none."""
        return Rejected("Discord knows no drafts")

    async def typing(self, route: Route) -> None:
        """Show the typing sign unless that could use up what messages need."""
        if self._clock.monotonic() < self._quiet_until or not self._pace.at_leisure():
            return
        channel = await self._threads.target(route)
        if isinstance(channel, str):
            path = f"/channels/{channel}/typing"
            self._notice_limit(await self._rest.call("POST", path, {}, seconds=_TYPING_TIMEOUT))

    async def close(self) -> None:
        """Close the connections. A send that comes later is certainly not sent."""
        await self._rest.end()

    async def _edit(
        self, route: Route, message_id: str, text: str, buttons: tuple[Button, ...], attempt: int
    ) -> SendOutcome:
        channel = await self._threads.existing(route, attempt)
        if not isinstance(channel, str):
            return channel
        path = f"/channels/{channel}/messages/{message_id}"
        reply = await self._rest.call("PATCH", path, changed_message(text, buttons))
        self._notice_limit(reply)
        return sent(reply, attempt)

    async def _who(self) -> int | RetryAfter:
        """The bot's own id: from the gateway, or asked for when that is not connected yet."""
        if not self._places.me:
            reply = await self._rest.call("GET", "/users/@me")
            self._notice_limit(reply)
            me = as_id(reply.fields.get("id")) if isinstance(reply, Answer) and reply.good else 0
            if not me:
                wait = max(_ASK_AGAIN_SECONDS, self._quiet_until - self._clock.monotonic())
                return RetryAfter(wait, "Discord does not say who the bot is")
            self._places.me = me
        return self._places.me

    def _notice_limit(self, reply: Reply) -> None:
        if isinstance(reply, Answer) and reply.slow_down:
            self._quiet_until = self._clock.monotonic() + limit_seconds(reply)
