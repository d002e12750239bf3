"""Web API methods that write messages."""

import re
from dataclasses import dataclass

from adapters.emulators.events import JsonObject
from adapters.emulators.slack_api import SPECIAL, Ask, Method, SlackApi
from adapters.emulators.slack_blocks import MAX_MARKDOWN, check_blocks
from adapters.emulators.slack_params import ApiError, Params, invalid_arguments
from adapters.emulators.slack_values import Channel, Message

MAX_TEXT = 40_000  # characters; what is longer is cut off
MAX_UPDATE = 4_000  # characters; an update that is longer is refused
_EVENT_TYPE = re.compile(r"[A-Za-z0-9_.:-]{1,255}\Z")


@dataclass(frozen=True, slots=True)
class Content:
    """What a call says; None for a part that it does not name."""

    text: str | None
    markdown: str | None
    blocks: list[JsonObject] | None

    @property
    def empty(self) -> bool:
        return not self.text and not self.markdown and not self.blocks

    def write(self, message: Message) -> None:
        """Put it into a message. A text without blocks removes the blocks that were there."""
        message.rewritten = True
        if self.markdown:
            message.text, message.markdown, message.blocks = self.markdown, True, []
            return
        if self.text is not None or self.blocks is not None:
            message.text, message.markdown = self.text or "", False
            message.blocks = self.blocks or []


def read_content(params: Params) -> Content:
    """The text, markdown_text and blocks of a call. Raises ApiError."""
    markdown = params.text("markdown_text") if "markdown_text" in params else None
    text = params.text("text") if "text" in params else None
    given = params.array("blocks", "invalid_blocks_format")
    if markdown:
        if text or given:
            raise ApiError("markdown_text_conflict")
        if len(markdown) > MAX_MARKDOWN:
            raise ApiError("msg_too_long")
    return Content(text, markdown, None if given is None else check_blocks(given))


def check_markdown(api: SlackApi, content: Content) -> None:
    """Refuse Markdown while Slack does; see `SlackApi.markdown_refusal`."""
    blocks = content.blocks or []
    word = api.markdown_refusal
    if word and (content.markdown or any(one.get("type") == "markdown" for one in blocks)):
        raise invalid_arguments("markdown_text") if word == "invalid_arguments" else ApiError(word)


def read_metadata(params: Params) -> JsonObject | None:
    metadata = params.mapping("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    kind, payload = metadata.get("event_type"), metadata.get("event_payload")
    if not isinstance(kind, str) or not _EVENT_TYPE.match(kind) or not isinstance(payload, dict):
        raise ApiError("invalid_metadata_format")
    return metadata


def find_thread(params: Params, channel: Channel) -> str:
    """The thread that a call writes to; "" for none."""
    given = params.text("thread_ts")
    if not given:
        return ""
    parent = channel.message(given)
    if parent is None:
        raise ApiError("thread_not_found")
    return parent.root


def post_message(api: SlackApi, ask: Ask) -> JsonObject:
    params = ask.params
    given = params.required("channel")
    content, metadata = read_content(params), read_metadata(params)
    check_markdown(api, content)
    channel = api.writable(given)
    thread = find_thread(params, channel)
    if content.empty:
        raise ApiError("no_text")
    api.spend_post(channel)
    message = Message(
        api.world.stamp(),
        channel.id,
        api.world.bot,
        "",
        api.world.app,
        thread=thread,
        broadcast=bool(thread) and params.flag("reply_broadcast"),
        metadata=metadata,
    )
    content.write(message)
    message.text = message.text[:MAX_TEXT]
    api.place(channel, message)
    return {"channel": channel.id, "ts": message.ts, "message": message.as_json(metadata=True)}


def update(api: SlackApi, ask: Ask) -> JsonObject:
    params = ask.params
    given, ts = params.required("channel"), params.required("ts")
    content, metadata = read_content(params), read_metadata(params)
    if content.text is not None and len(content.text) > MAX_UPDATE:
        raise ApiError("msg_too_long")
    check_markdown(api, content)
    channel = api.writable(given)
    message = api.own_message(channel, ts, "cant_update_message")
    close_when_expired(api, message)
    if message.streaming:
        raise ApiError("streaming_state_conflict")
    if content.empty and metadata is None:
        raise ApiError("no_text")
    previous = message.as_json()
    was = message.text, message.markdown, message.blocks
    content.write(message)
    if metadata is not None:
        message.metadata = metadata or None
    if was != (message.text, message.markdown, message.blocks):
        message.edits += 1
        if not message.blocks:
            message.edited = api.world.stamp()
        api.rewritten(channel, message, previous)
    shown = message.as_json(metadata=True)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": shown}


def delete(api: SlackApi, ask: Ask) -> JsonObject:
    given, ts = ask.params.required("channel"), ask.params.required("ts")
    channel = api.writable(given)
    message = api.own_message(channel, ts, "cant_delete_message")
    close_when_expired(api, message)
    if message.streaming:
        raise ApiError("cant_delete_message")
    previous = message.as_json()
    message.deleted = True
    api.events.emit("delete", {"chat": channel.id, "message_id": ts})
    api.hearing.deleted(channel, message, previous)
    return {"channel": channel.id, "ts": ts}


def post_ephemeral(api: SlackApi, ask: Ask) -> JsonObject:
    given, user = ask.params.required("channel"), ask.params.required("user")
    content = read_content(ask.params)
    channel = api.writable(given)
    if user not in channel.members:
        raise ApiError("user_not_in_channel")
    if content.empty:
        raise ApiError("no_text")
    message = Message(api.world.stamp(), channel.id, api.world.bot, "", api.world.app)
    content.write(message)
    api.events.emit("ephemeral", {"chat": channel.id, "user": user, "text": message.read()})
    return {"message_ts": message.ts}


def close_when_expired(api: SlackApi, message: Message) -> None:
    """Slack ends a stream that has been open, or silent, for too long."""
    if not message.streaming:
        return
    now, allowed = api.clock(), api.streaming
    if now - message.stream_moved > allowed.idle or now - message.stream_opened > allowed.whole:
        message.streaming = False


METHODS = (
    Method("chat.postMessage", post_message, SPECIAL, ("chat:write",)),
    Method("chat.update", update, 3, ("chat:write",)),
    Method("chat.delete", delete, 3, ("chat:write",)),
    Method("chat.postEphemeral", post_ephemeral, 4, ("chat:write",)),
)
