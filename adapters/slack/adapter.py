"""One Slack app as a `ChatAdapter`.

A message bears the key of its delivery, so a send is made once, and one in doubt is looked for before it is
made again. What Slack refused was certainly not sent, and only then is another way tried.
"""

import asyncio

from adapters.labels import LABEL_UNITS
from adapters.pace import Pace
from adapters.slack.client import CallError, Client, LimitError, RefusedError
from adapters.slack.manifest import MANIFEST, SlackAccount
from adapters.slack.message import posting
from adapters.slack.outcomes import outcome
from adapters.slack.pace import append_pace, slack_pace, update_pace
from adapters.slack.receive import Receiver
from adapters.slack.reconcile import reconcile
from adapters.slack.streams import AMEND_SECONDS, Streams
from adapters.slack.threads import Threads
from gateway.model.address import Route
from gateway.model.delivery import Delivered, Delivery, DeliveryKind, Reconciled, SendOutcome
from gateway.ports import ChatAdapter, Clock, InboundSink, Past

_TEXT_LIMIT = MANIFEST.text_limit - LABEL_UNITS
_STATUS = "is working…"
_STATUS_SECONDS = 5
_NO_STATUS = frozenset({"missing_scope", "unknown_method", "not_allowed_token_type"})


def connect(account_name: str, config: SlackAccount, clock: Clock) -> ChatAdapter:
    """The adapter of one account. Nothing is sent before `run`."""
    client = Client(config.bot_token.get_secret_value(), config.api_url)
    return SlackAdapter(
        account_name,
        client,
        config.app_token.get_secret_value(),
        clock,
        paced=config.rate_limits == "platform",
    )


class SlackAdapter:
    """The port `ChatAdapter` over one app; see there for what the methods promise."""

    def __init__(self, account: str, client: Client, app_token: str, clock: Clock, *, paced: bool) -> None:
        self._account = account
        self._client = client
        self._app_token = app_token
        self._clock = clock
        self._threads = Threads()
        self._pace: Pace = slack_pace(enabled=paced)
        self._streams = Streams(
            client, self._threads, clock, append_pace(enabled=paced), update_pace(enabled=paced)
        )
        self._quiet_until = float("-inf")
        self._shows_status = True

    @property
    def text_limit(self) -> int:
        """UTF-16 code units; leaves room for the label of a repeat."""
        return _TEXT_LIMIT

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
            self._account, self._client, self._app_token, self._clock, sink, past, self._threads
        ).run()

    async def pace(self, route: Route) -> None:
        """Wait for Slack's limits, where the config asks for it."""
        await self._pace.wait(route.chat)

    async def send(self, delivery: Delivery) -> SendOutcome:
        """Post it, once."""
        try:
            if delivery.kind is DeliveryKind.STREAM:
                ts = await self._streams.open(delivery)
            else:
                ts = await self._client.post("chat.postMessage", **posting(delivery))
        except CallError as error:
            self._notice_limit(error)
            return outcome(error, delivery.attempt)
        if delivery.route.thread:
            self._threads.join(delivery.route.chat, delivery.route.thread)
        return Delivered(ts)

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

    async def amend(self, route: Route, message_id: str, text: str) -> SendOutcome:
        """Show how it grows."""
        return await self._streams.grow(route, message_id, text)

    async def typing(self, route: Route) -> None:
        """Show a status below the thread. Elsewhere bots have no such sign."""
        quiet = self._clock.monotonic() < self._quiet_until
        if not route.thread or not self._shows_status or quiet or not self._pace.at_leisure():
            return
        try:
            async with asyncio.timeout(_STATUS_SECONDS):
                await self._client.write(
                    "assistant.threads.setStatus",
                    channel_id=route.chat,
                    thread_ts=route.thread,
                    status=_STATUS,
                )
        except TimeoutError:
            return
        except CallError as error:
            self._notice_limit(error)
            if isinstance(error, RefusedError) and error.word in _NO_STATUS:
                self._shows_status = False

    async def close(self) -> None:
        """Close the connections. A send that comes later is certainly not sent."""
        await self._client.end()

    def _notice_limit(self, error: CallError) -> None:
        if isinstance(error, LimitError):
            self._quiet_until = self._clock.monotonic() + error.seconds
