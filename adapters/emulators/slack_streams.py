"""Web API methods that write a message bit by bit.

A stream is a reply in a thread from its first bit on. While it is open it can only be appended to; Slack
closes one that nobody has appended to for a while, and what was said until then stands.
See https://docs.slack.dev/reference/methods/chat.startStream.
"""

from typing import cast

from adapters.emulators.events import JsonObject
from adapters.emulators.slack_api import Ask, Method, SlackApi
from adapters.emulators.slack_blocks import MAX_MARKDOWN, check_blocks
from adapters.emulators.slack_chat import (
    Content,
    check_markdown,
    close_when_expired,
    find_thread,
    read_metadata,
)
from adapters.emulators.slack_params import ApiError, Params
from adapters.emulators.slack_values import Channel, Message

_CHUNKS = frozenset({"markdown_text", "task_update", "plan_update", "blocks"})


def _said(api: SlackApi, params: Params) -> str:
    """The Markdown of a call, given as markdown_text or in chunks."""
    text = params.text("markdown_text")
    chunks = params.array("chunks", "invalid_chunks")
    if text and chunks:
        raise ApiError("invalid_arguments")
    for one in chunks or []:
        chunk = cast("JsonObject", one) if isinstance(one, dict) else {}
        if chunk.get("type") not in _CHUNKS:
            raise ApiError("invalid_chunks")
        if chunk["type"] == "markdown_text":
            said = chunk.get("text")
            if not isinstance(said, str):
                raise ApiError("invalid_chunks")
            text += said
    if len(text) > MAX_MARKDOWN:
        raise ApiError("msg_too_long")
    check_markdown(api, Content(None, text, None))
    return text


def _open_stream(api: SlackApi, ask: Ask) -> tuple[Channel, Message]:
    given, ts = ask.params.required("channel"), ask.params.required("ts")
    channel = api.writable(given)
    message = api.own_message(channel, ts, "message_not_owned_by_app")
    close_when_expired(api, message)
    if not message.streaming:
        raise ApiError("message_not_in_streaming_state")
    return channel, message


def _append(api: SlackApi, message: Message, said: str) -> None:
    message.text += said
    message.stream_moved = api.clock()


def start_stream(api: SlackApi, ask: Ask) -> JsonObject:
    params = ask.params
    given = params.required("channel")
    params.required("thread_ts")
    said = _said(api, params)
    channel = api.writable(given)
    if channel.kind != "im":
        if not params.text("recipient_team_id"):
            raise ApiError("missing_recipient_team_id")
        if not params.text("recipient_user_id"):
            raise ApiError("missing_recipient_user_id")
    recipient = params.text("recipient_user_id")
    if recipient and recipient not in api.world.people:
        raise ApiError("user_not_found")
    thread = find_thread(params, channel)
    now = api.clock()
    message = Message(
        api.world.stamp(),
        channel.id,
        api.world.bot,
        said,
        api.world.app,
        markdown=True,
        thread=thread,
        streaming=True,
        stream_opened=now,
        stream_moved=now,
    )
    api.place(channel, message)
    return {"channel": channel.id, "ts": message.ts}


def append_stream(api: SlackApi, ask: Ask) -> JsonObject:
    said = _said(api, ask.params)
    channel, message = _open_stream(api, ask)
    if not said and "chunks" not in ask.params:
        raise ApiError("no_text")
    _append(api, message, said)
    message.at = api.events.emit("edit", message.as_event()).at  # people see it; the app is not told
    return {"channel": channel.id, "ts": message.ts}


def stop_stream(api: SlackApi, ask: Ask) -> JsonObject:
    said = _said(api, ask.params)
    blocks = check_blocks(ask.params.array("blocks", "invalid_blocks_format"))
    metadata = read_metadata(ask.params)
    channel, message = _open_stream(api, ask)
    previous = message.as_json()
    _append(api, message, said)
    message.blocks = blocks
    message.metadata = metadata or message.metadata
    message.streaming = False
    api.rewritten(channel, message, previous)
    return {"channel": channel.id, "ts": message.ts, "message": message.as_json(metadata=True)}


METHODS = (
    Method("chat.startStream", start_stream, 2, ("chat:write",)),
    Method("chat.appendStream", append_stream, 4, ("chat:write",)),
    Method("chat.stopStream", stop_stream, 2, ("chat:write",)),
)
