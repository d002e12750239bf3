"""What people do on this Slack, and what the app hears of it."""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from adapters.emulators.control import ControlError
from adapters.emulators.events import EventLog, JsonObject
from adapters.emulators.slack_blocks import buttons, label
from adapters.emulators.slack_deliveries import Deliveries, Delivery
from adapters.emulators.slack_files import File, Given, SlackFiles
from adapters.emulators.slack_hearing import VERIFICATION, SlackHearing
from adapters.emulators.slack_values import Channel, Message, Person
from adapters.emulators.slack_world import SlackWorld

MAX_TEXT = 12_000  # characters that a person can write at once
_MENTION = re.compile(r"&lt;(@[UW][A-Z0-9]+|#[CG][A-Z0-9]+)&gt;")


def typed(text: str) -> str:
    """A text as Slack stores what a person types: escaped, except for mentions."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MENTION.sub(r"<\1>", escaped)


@dataclass(slots=True)
class ResponseUrl:
    """What a response_url answers: a click on the message `ts`, or a command when that is empty."""

    channel: str
    ts: str
    user: str
    left: int = 5


class SlackPeople:
    """People's actions.

    Methods are twins of control routes and raise ControlError for what nobody could do.
    """

    def __init__(
        self,
        world: SlackWorld,
        hearing: SlackHearing,
        deliveries: Deliveries,
        events: EventLog,
        files: SlackFiles,
        base_url: Callable[[], str],
    ) -> None:
        self._files = files
        self._world = world
        self._hearing = hearing
        self._deliveries = deliveries
        self._events = events
        self._base_url = base_url
        self.response_urls: dict[str, ResponseUrl] = {}

    def say(
        self, user_id: str, channel_id: str, text: str, *, thread: str = "", broadcast: bool = False
    ) -> Message:
        """A user writes, in a channel or in a thread of it."""
        if not text.strip():
            raise ControlError(f"a message has 1 to {MAX_TEXT} characters")
        return self._write(user_id, channel_id, text, thread, broadcast=broadcast)

    def share(
        self, user_id: str, channel_id: str, given: Sequence[Given], *, text: str = "", thread: str = ""
    ) -> tuple[Message, tuple[File, ...]]:
        """A user sends files, in one message."""
        owner = self._member(self._world.channel(channel_id), user_id)
        files = tuple(self._files.add(owner, one.name, mime=one.mime, content=one.content) for one in given)
        for one, file in zip(given, files, strict=True):
            file.subtype, file.told = "slack_audio" if one.voice else "", not one.connect
        return self._write(user_id, channel_id, text, thread, files=files), files

    def unfurl(self, channel_id: str, ts: str) -> None:
        """Slack adds the preview of a link to a message, some time after it was written."""
        channel, message = self._world.channel(channel_id), self._world.message(channel_id, ts)
        previous = message.as_json()
        message.unfurled = [{"id": 1, "from_url": "https://a.example/", "fallback": "A preview"}]
        self._hearing.changed(channel, message, previous)

    def _write(
        self,
        user_id: str,
        channel_id: str,
        text: str,
        thread: str,
        *,
        broadcast: bool = False,
        files: tuple[File, ...] = (),
    ) -> Message:
        if len(text) > MAX_TEXT:
            raise ControlError(f"a message has 1 to {MAX_TEXT} characters")
        channel = self._world.channel(channel_id)
        author = self._member(channel, user_id)
        if thread:
            parent = channel.messages.get(thread)
            if parent is None:
                raise ControlError(f"no message {thread} in channel {channel_id}", 404)
            thread = parent.root
        message = Message(
            self._world.stamp(),
            channel.id,
            author,
            typed(text),
            thread=thread,
            broadcast=broadcast,
            files=list(files),
        )
        for file in files:
            file.shares.append((channel, message))
        self._world.place(channel, message)
        self._events.emit("message", message.as_event())
        self._hearing.message(channel, message)
        return message

    def edit(self, user_id: str, channel_id: str, ts: str, text: str) -> Message:
        """A user changes the text of their own message."""
        channel, message = self._own(user_id, channel_id, ts)
        previous = message.as_json()
        message.text, message.edited = typed(text), self._world.stamp()
        message.edits += 1
        message.at = self._events.emit("edit", message.as_event()).at
        self._hearing.changed(channel, message, previous)
        return message

    def delete(self, user_id: str, channel_id: str, ts: str) -> None:
        """A user deletes their own message."""
        channel, message = self._own(user_id, channel_id, ts)
        previous = message.as_json()
        message.deleted = True
        self._events.emit("delete", {"chat": channel.id, "message_id": ts})
        self._hearing.deleted(channel, message, previous)

    def press(
        self,
        user_id: str,
        channel_id: str,
        ts: str,
        *,
        text: str | None = None,
        action_id: str | None = None,
    ) -> None:
        """A user presses the first button with this label or action_id."""
        channel = self._world.channel(channel_id)
        person = self._member(channel, user_id)
        message = self._world.message(channel_id, ts)
        fitting = [
            both
            for both in buttons(message.blocks)
            if text in {None, label(both[1])} and action_id in {None, both[1]["action_id"]}
        ]
        if not fitting:
            raise ControlError(f"message {ts} has no such button")
        block, button = fitting[0]
        pressed: JsonObject = {
            "type": "button",
            "block_id": block["block_id"],
            "action_ts": self._world.stamp(),
            **{name: button[name] for name in ("action_id", "text", "value", "style") if name in button},
        }
        payload = self._click(channel, message, person) | {"actions": [pressed]}
        self._events.emit("press", {"chat": channel.id, "message_id": ts, "user": user_id})
        self._deliveries.deliver(Delivery("interactive", payload, channel.id, label(button)))

    def _click(self, channel: Channel, message: Message, person: Person) -> JsonObject:
        container: JsonObject = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": False,
        }
        if message.thread:
            container["thread_ts"] = message.thread
        return {
            "type": "block_actions",
            "user": self._user(person),
            "api_app_id": self._world.app.app_id,
            "token": VERIFICATION,
            "container": container,
            "trigger_id": self._trigger(),
            "team": self._team(),
            "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": channel.id, "name": self._name(channel)},
            "message": message.as_json(),
            "state": {"values": {}},
            "response_url": self._response_url(channel, message.ts, person),
        }

    def command(self, user_id: str, channel_id: str, command: str, text: str = "") -> None:
        """A user invokes a slash command."""
        channel = self._world.channel(channel_id)
        person = self._member(channel, user_id)
        payload: JsonObject = {
            "token": VERIFICATION,
            "team_id": self._world.app.team_id,
            "team_domain": self._world.app.team_domain,
            "channel_id": channel.id,
            "channel_name": self._name(channel),
            "user_id": person.id,
            "user_name": person.name.lower(),
            "command": command,
            "text": text,
            "api_app_id": self._world.app.app_id,
            "is_enterprise_install": "false",
            "response_url": self._response_url(channel, "", person),
            "trigger_id": self._trigger(),
        }
        self._deliveries.deliver(Delivery("slash_commands", payload, channel.id, text))

    def archive(self, channel_id: str, *, archived: bool = True) -> None:
        """Somebody archives a channel."""
        channel = self._world.channel(channel_id)
        if channel.archived is archived:
            return
        channel.archived = archived
        if archived and channel.kind in {"channel", "group"}:
            actor = next(iter(channel.members), self._world.bot.id)
            self._hearing.other(f"{channel.kind}_archive", channel, channel=channel.id, user=actor)

    def remove_bot(self, channel_id: str, *, removed: bool = True) -> None:
        """Somebody takes the bot out of a channel, or back in."""
        channel = self._world.channel(channel_id)
        if channel.kind not in {"channel", "group"}:
            raise ControlError(f"{channel_id} is a direct conversation")
        if channel.bot_in is not removed:
            return
        channel.bot_in = not removed
        actor = next(iter(channel.members), self._world.bot.id)
        if removed:
            self._hearing.other(f"{channel.kind}_left", channel, channel=channel.id, actor_id=actor)
        else:
            self._joined("member_joined_channel", channel, self._world.bot.id, inviter=actor)

    def leave(self, user_id: str, channel_id: str) -> None:
        """A user leaves a channel."""
        channel = self._world.channel(channel_id)
        self._member(channel, user_id)
        del channel.members[user_id]
        self._joined("member_left_channel", channel, user_id)

    def open_home(self, user_id: str, tab: str = "messages") -> None:
        """A user opens the app; in the messages tab that is where agents greet them."""
        channel = self._world.open_direct(user_id)
        self._hearing.other("app_home_opened", channel, channel=channel.id, user=user_id, tab=tab)

    def start_assistant(self, user_id: str) -> str:
        """A user opens a new thread with the assistant; its ts."""
        channel = self._world.open_direct(user_id)
        root = Message(
            self._world.stamp(), channel.id, self._world.bot, "New Assistant Thread", self._world.app
        )
        self._world.place(channel, root)
        thread: JsonObject = {
            "user_id": user_id,
            "context": {},
            "channel_id": channel.id,
            "thread_ts": root.ts,
        }
        self._hearing.other("assistant_thread_started", channel, assistant_thread=thread)
        return root.ts

    def _joined(self, kind: str, channel: Channel, user_id: str, **more: object) -> None:
        letter = "C" if channel.kind == "channel" else "G"
        team = self._world.app.team_id
        self._hearing.other(
            kind, channel, user=user_id, channel=channel.id, channel_type=letter, team=team, **more
        )

    def _member(self, channel: Channel, user_id: str) -> Person:
        person = channel.members.get(user_id)
        if person is None:
            raise ControlError(f"user {user_id} is not in channel {channel.id}")
        if channel.archived:
            raise ControlError(f"channel {channel.id} is archived")
        return person

    def _own(self, user_id: str, channel_id: str, ts: str) -> tuple[Channel, Message]:
        message = self._world.message(channel_id, ts)
        if message.author.id != user_id:
            raise ControlError(f"user {user_id} has no message {ts} in channel {channel_id}", 404)
        return self._world.channel(channel_id), message

    def _user(self, person: Person) -> JsonObject:
        name = person.name.lower()
        return {"id": person.id, "username": name, "name": name, "team_id": person.team_id}

    def _team(self) -> JsonObject:
        return {"id": self._world.app.team_id, "domain": self._world.app.team_domain}

    def _name(self, channel: Channel) -> str:
        return "directmessage" if channel.kind == "im" else channel.name

    def _trigger(self) -> str:
        return f"1.2.{secrets.token_hex(16)}"

    def _response_url(self, channel: Channel, ts: str, person: Person) -> str:
        token = secrets.token_hex(16)
        self.response_urls[token] = ResponseUrl(channel.id, ts, person.id)
        return f"{self._base_url()}/response/{token}"
