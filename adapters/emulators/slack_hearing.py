"""What the app hears of: which events it has subscribed to, and the shape that they come in.

A mention of the bot in a channel is two events with ids of their own for the same message, `message` and
`app_mention`. Edits and deletions are messages about messages. The app hears of its own messages as well.
See https://docs.slack.dev/reference/events.
"""

import secrets

from adapters.emulators.control import ControlError
from adapters.emulators.events import JsonObject
from adapters.emulators.slack_deliveries import EVENTS, Deliveries, Delivery
from adapters.emulators.slack_values import Channel, Message
from adapters.emulators.slack_world import SlackWorld

VERIFICATION = "emulated-verification-token"
SUBSCRIPTIONS = frozenset(
    {
        "message.im", "message.channels", "message.groups", "message.mpim", "app_mention", "app_home_opened",
        "assistant_thread_started", "channel_archive", "group_archive", "member_joined_channel",
        "member_left_channel", "channel_left", "group_left", "tokens_revoked", "reaction_added",
    }
)  # fmt: skip
_LISTS = {
    "im": "message.im",
    "channel": "message.channels",
    "group": "message.groups",
    "mpim": "message.mpim",
}
_KEEP = 10_000  # messages whose events can be told once more


class SlackHearing:
    def __init__(self, world: SlackWorld, deliveries: Deliveries, subscriptions: frozenset[str]) -> None:
        self._world = world
        self._deliveries = deliveries
        self._subscriptions = subscriptions
        self._told: dict[tuple[str, str], list[Delivery]] = {}

    def message(self, channel: Channel, message: Message) -> None:
        """A new message."""
        event = self._on(channel, message.as_json(metadata=True), message.ts)
        told = [self._tell(_LISTS[channel.kind], event, channel, message.read())]
        if f"<@{self._world.bot.id}>" in message.text and channel.kind != "im" and not message.from_bot:
            mention = {**event, "type": "app_mention"}
            mention.pop("channel_type", None)
            told.append(self._tell("app_mention", mention, channel, message.read()))
        self._told[channel.id, message.ts] = [one for one in told if one is not None]
        if len(self._told) > _KEEP:
            del self._told[next(iter(self._told))]

    def changed(self, channel: Channel, message: Message, previous: JsonObject) -> None:
        stamp = self._world.stamp()
        event: JsonObject = {
            "type": "message",
            "subtype": "message_changed",
            "hidden": True,
            "ts": stamp,
            "message": message.as_json(metadata=True),
            "previous_message": previous,
        }
        self._tell(_LISTS[channel.kind], self._on(channel, event, stamp), channel, message.read())

    def deleted(self, channel: Channel, message: Message, previous: JsonObject) -> None:
        """A message is gone; one that others have answered changes into a stone instead."""
        if message.standing_replies():
            self.changed(channel, message, previous)
            return
        stamp = self._world.stamp()
        event: JsonObject = {
            "type": "message",
            "subtype": "message_deleted",
            "hidden": True,
            "ts": stamp,
            "deleted_ts": message.ts,
            "previous_message": previous,
        }
        self._tell(_LISTS[channel.kind], self._on(channel, event, stamp), channel, "")

    def other(self, kind: str, place: Channel | None, /, **fields: object) -> None:
        """An event that is no message; `place` is where it happens, if anywhere."""
        event: JsonObject = {"type": kind, **fields, "event_ts": self._world.stamp()}
        self._tell(kind, event, place, "")

    def redeliver(self, channel_id: str, ts: str) -> None:
        """Tell of a message once more, as if the acknowledgements had been late."""
        told = self._told.get((channel_id, ts))
        if not told:
            raise ControlError(f"nobody was told of a message {ts} in channel {channel_id}", 404)
        for one in told:
            self._deliveries.deliver(
                Delivery(one.kind, one.payload, one.chat, one.text, attempt=1, reason="timeout")
            )

    def raw(self, event: JsonObject) -> str:
        """Tell of any JSON object as an event; its event_id."""
        delivery = Delivery(EVENTS, self._payload(event), str(event.get("channel", "")), "")
        self._deliveries.deliver(delivery)
        return delivery.event_id

    def _on(self, channel: Channel, event: JsonObject, stamp: str) -> JsonObject:
        return {**event, "channel": channel.id, "channel_type": channel.kind, "event_ts": stamp}

    def _tell(
        self, subscription: str, event: JsonObject, channel: Channel | None, text: str
    ) -> Delivery | None:
        if subscription not in self._subscriptions:
            return None
        if channel is not None and not channel.bot_in and not subscription.endswith("_left"):
            return None
        delivery = Delivery(EVENTS, self._payload(event), "" if channel is None else channel.id, text)
        self._deliveries.deliver(delivery)
        return delivery

    def _payload(self, event: JsonObject) -> JsonObject:
        app = self._world.app
        return {
            "token": VERIFICATION,
            "team_id": app.team_id,
            "context_team_id": app.team_id,
            "api_app_id": app.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{secrets.token_hex(5).upper()}",
            "event_time": self._world.seconds(),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": app.team_id,
                    "user_id": app.user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": secrets.token_hex(8),
        }
