"""One Slack app as a `ChatAdapter`.

A message bears the key of its delivery, so a send is made once, and one in doubt is looked for before it is
made again. What Slack refused was certainly not sent, and only then is another way tried.
"""

from collections.abc import Sequence
from pathlib import Path

from adapters.labels import LABEL_UNITS
from adapters.pace import Pace
from adapters.slack.client import CallError, Client, LimitError
from adapters.slack.fetch import fetch
from adapters.slack.manifest import MANIFEST, SlackAccount
from adapters.slack.message import fits
from adapters.slack.outcomes import outcome
from adapters.slack.pace import append_pace, slack_pace, update_pace
from adapters.slack.receipts import Receipts
from adapters.slack.receive import Receiver
from adapters.slack.reconcile import reconcile
from adapters.slack.status import Status
from adapters.slack.streams import AMEND_SECONDS, Streams
from adapters.slack.threads import Threads
from adapters.slack.upload import FILE_LIMIT, Uploads
from adapters.slack.writing import post
from gateway.model.address import Route
from gateway.model.attachment import Attachment, FetchOutcome
from gateway.model.command import CommandInfo
from gateway.model.delivery import Delivered, Delivery, DeliveryKind, Reconciled, Rejected, SendOutcome
from gateway.ports import ChatAdapter, Clock, InboundSink, Past

_TEXT_LIMIT = MANIFEST.text_limit - LABEL_UNITS


def connect(account_name: str, config: SlackAccount, clock: Clock) -> ChatAdapter:
    """The adapter of one account. Nothing is sent before `run`."""
    tokens = config.bot_token.get_secret_value(), config.app_token.get_secret_value()
    client = Client(tokens[0], config.api_url, tokens[1])
    return SlackAdapter(
        account_name,
        client,
        clock,
        paced=config.rate_limits == "platform",
    )


class SlackAdapter:
    """The port `ChatAdapter` over one app; see there for what the methods promise."""

    def __init__(self, account: str, client: Client, clock: Clock, *, paced: bool) -> None:
        self._account = account
        self._client = client
        self._clock = clock
        self._threads = Threads()
        self._commands: set[str] = set()
        self._pace: Pace = slack_pace(enabled=paced)
        self._status = Status(client, clock)
        self._receipts = Receipts(client)
        self._uploads = Uploads(client, clock)
        self._streams = Streams(
            client,
            self._threads,
            self._status,
            clock,
            append_pace(enabled=paced),
            update_pace(enabled=paced),
        )

    @property
    def text_limit(self) -> int:
        """UTF-16 code units; leaves room for the label of a repeat."""
        return _TEXT_LIMIT

    @property
    def file_limit(self) -> int:
        """Bytes; a workspace may allow less, and says so."""
        return FILE_LIMIT

    def progress_in_chat(self, route: Route) -> bool:
        """Where there is a line below the thread, that tells it."""
        return not self._status.shows(route)

    @property
    def typing_seconds(self) -> float:
        """How long one `typing` is worth."""
        return MANIFEST.typing_seconds

    @property
    def amend_seconds(self) -> float:
        """Slack grants about one message or edit a second in a channel."""
        return AMEND_SECONDS

    async def run(self, sink: InboundSink, past: Past) -> None:
        """Receive until cancelled; returns when waiting does not help."""
        await Receiver(
            self._account,
            self._client,
            self._clock,
            sink,
            past,
            self._threads,
            self._commands,
        ).run()

    async def offer_commands(self, commands: Sequence[CommandInfo]) -> None:
        """Slack lists those of the app's settings; the names are kept, to know them when they come."""
        self._commands.clear()
        self._commands.update(one.name for one in commands)

    async def fetch(self, attachment: Attachment, into: Path, limit: int) -> FetchOutcome:
        """Download it with the bot's token."""
        return await fetch(self._client, attachment, into, limit)

    def fits(self, text: str) -> bool:
        """Whether it is one message."""
        return fits(text)

    async def pace(self, route: Route) -> None:
        """Wait for Slack's limits, where the config asks for it."""
        await self._pace.wait(route.chat)

    async def send(self, delivery: Delivery) -> SendOutcome:
        """Post it, once."""
        if delivery.kind is DeliveryKind.RECEIPT:
            return await self._sign(delivery)
        if delivery.kind is DeliveryKind.FILE:
            if delivery.file is None:
                return Rejected("there is no file to be sent")
            sent = await self._uploads.send(delivery, delivery.file)
        else:
            sent = await self._post(delivery)
        if isinstance(sent, Delivered) and delivery.route.thread:
            self._threads.join(delivery.route.chat, delivery.route.thread)
        return sent

    async def _post(self, delivery: Delivery) -> SendOutcome:
        try:
            if delivery.kind is DeliveryKind.STREAM:
                return Delivered(await self._streams.open(delivery))
            return Delivered(await post(self._client, delivery))
        except CallError as error:
            self._notice_limit(error)
            return outcome(error, delivery.attempt)

    async def _sign(self, delivery: Delivery) -> SendOutcome:
        try:
            await self._receipts.give(delivery)
        except CallError as error:
            return outcome(error, delivery.attempt)
        except ValueError:
            return Rejected("there is no such sign")
        return Delivered("")

    async def reconcile(self, delivery: Delivery, after: str | None) -> Reconciled:
        """Look for it."""
        return await reconcile(self._client, self._clock, delivery, after)

    async def edit(self, delivery: Delivery, message_id: str) -> SendOutcome:
        """Make it read as the delivery does, and end its stream."""
        try:
            await self._streams.finish(delivery, message_id)
        except CallError as error:
            self._notice_limit(error)
            return outcome(error, delivery.attempt)
        return Delivered(message_id)

    async def amend(self, route: Route, message_id: str, text: str, progress: str = "") -> SendOutcome:
        """Show how it grows."""
        return await self._streams.grow(route, message_id, text, progress)

    def drafts(self, route: Route) -> bool:
        """Slack has no drafts of bots."""
        del route
        return False

    async def draft(self, route: Route, number: int, text: str, progress: str = "") -> SendOutcome:
        """Slack has none."""
        del route, number, text, progress
        return Rejected("Slack has no drafts of bots")

    async def typing(self, route: Route) -> None:
        """Show a status below the thread. Elsewhere bots have no such sign."""
        if self._pace.at_leisure():
            await self._status.work(route)

    async def close(self) -> None:
        """Close the connections. A send that comes later is certainly not sent."""
        await self._client.end()

    def _notice_limit(self, error: CallError) -> None:
        if isinstance(error, LimitError):
            self._status.rest(error.seconds)
