"""Web API methods that read conversations.

A window that names only its older end is read from that end onwards, every other one from its newer end
backwards; each page is shown newest first all the same. Replies are read from the oldest onwards.
See https://docs.slack.dev/reference/methods/conversations.history.
"""

import base64
import re

from adapters.emulators.events import JsonObject
from adapters.emulators.slack_api import Ask, Method, SlackApi
from adapters.emulators.slack_params import ApiError, Params, invalid_arguments, micros
from adapters.emulators.slack_values import KINDS, Channel, Message

DEFAULT_LIMIT = 100
MAX_LIMIT = 999
_CURSOR = re.compile(r"next_ts:([0-9]+)\Z")


def _limit(params: Params, default: int) -> int:
    limit = params.integer("limit", default)
    if not 1 <= limit <= MAX_LIMIT:
        raise ApiError("invalid_limit")
    return limit


def _write_cursor(message: Message) -> str:
    return base64.b64encode(f"next_ts:{micros(message.ts)}".encode()).decode()


def _read_cursor(params: Params) -> int | None:
    given = params.text("cursor")
    if not given:
        return None
    try:
        found = _CURSOR.match(base64.b64decode(given, validate=True).decode())
    except ValueError:
        found = None
    if found is None:
        raise ApiError("invalid_cursor")
    return int(found[1])


def _in_window(params: Params, messages: list[Message]) -> list[Message]:
    """Those between oldest and latest, oldest first."""
    oldest = params.stamp("oldest", "invalid_ts_oldest")
    latest = params.stamp("latest", "invalid_ts_latest")
    reach = 0 if params.flag("inclusive") else 1
    return [
        one
        for one in messages
        if (oldest is None or (micros(one.ts) or 0) >= oldest + reach)
        and (latest is None or (micros(one.ts) or 0) <= latest - reach)
    ]


def _page(
    params: Params, messages: list[Message], *, onwards: bool, default: int = DEFAULT_LIMIT
) -> tuple[list[Message], JsonObject]:
    """One page in the order of reading, and what the answer says about the next."""
    limit, cursor = _limit(params, default), _read_cursor(params)
    ordered = messages if onwards else messages[::-1]
    if cursor is not None:
        ordered = [
            one
            for one in ordered
            if ((micros(one.ts) or 0) >= cursor if onwards else (micros(one.ts) or 0) <= cursor)
        ]
    rest = ordered[limit:]
    more: JsonObject = {"has_more": bool(rest)}
    if rest:
        more["response_metadata"] = {"next_cursor": _write_cursor(rest[0])}
    return ordered[:limit], more


def history(api: SlackApi, ask: Ask) -> JsonObject:
    params = ask.params
    channel = api.readable(params.required("channel"))
    standing = [
        one
        for one in channel.messages.values()
        if (not one.thread or one.broadcast) and (not one.deleted or one.standing_replies())
    ]
    onwards = "oldest" in params and "latest" not in params and params.text("oldest") != "0"
    found, more = _page(params, _in_window(params, standing), onwards=onwards)
    if onwards:
        found.reverse()
    metadata = params.flag("include_all_metadata")
    shown = [one.as_json(metadata=metadata) for one in found]
    return {"messages": shown, **more, "pin_count": 0, "channel_actions_ts": None, "channel_actions_count": 0}


def replies(api: SlackApi, ask: Ask) -> JsonObject:
    params = ask.params
    given = params.required("channel")
    ts = params.required("ts")
    channel = api.readable(given)
    parent = channel.messages.get(ts)
    if parent is None or (parent.deleted and not parent.standing_replies()):
        raise ApiError("thread_not_found")
    found, more = _page(
        params, _in_window(params, parent.standing_replies()), onwards=True, default=MAX_LIMIT
    )
    metadata = params.flag("include_all_metadata")
    return {"messages": [one.as_json(metadata=metadata) for one in (parent, *found)], **more}


def _listed(api: SlackApi, ask: Ask, *, joined: bool) -> JsonObject:
    params = ask.params
    kinds = set(params.words("types") or ["public_channel"])
    unknown = kinds - set(KINDS.values())
    if unknown:
        raise ApiError("invalid_types")
    found: dict[str, Channel] = {}
    for channel in api.world.channels.values():
        visible = channel.bot_in if joined or channel.kind != "channel" else True
        if visible and KINDS[channel.kind] in kinds:
            api.need_for(channel, "read")
            if not (channel.archived and params.flag("exclude_archived")):
                found[channel.id] = channel
    page, cursor = api.page(ask, list(found), 100, 999)
    shown = [found[one].as_json(api.world.bot.id) for one in page]
    return {"channels": shown, "response_metadata": {"next_cursor": cursor}}


def list_all(api: SlackApi, ask: Ask) -> JsonObject:
    return _listed(api, ask, joined=False)


def users_conversations(api: SlackApi, ask: Ask) -> JsonObject:
    return _listed(api, ask, joined=True)


def info(api: SlackApi, ask: Ask) -> JsonObject:
    channel = api.find_channel(ask.params.required("channel"))
    api.need_for(channel, "read")
    shown = channel.as_json(api.world.bot.id)
    if not ask.params.flag("include_num_members"):
        shown.pop("num_members", None)
    return {"channel": shown}


def open_direct(api: SlackApi, ask: Ask) -> JsonObject:
    given = ask.params.text("channel")
    if given:
        channel = api.find_channel(given)
        return {"no_op": True, "already_open": True, "channel": {"id": channel.id}}
    users = ask.params.words("users")
    if not users:
        raise invalid_arguments("missing required field: users")
    api.need("im:write" if len(users) == 1 else "mpim:write")
    if api.world.bot.id in users:
        raise ApiError("cannot_dm_bot")
    if any(one not in api.world.people for one in users):
        raise ApiError("user_not_found")
    if len(users) == 1:
        channel = api.world.open_direct(users[0])
    else:
        channel = api.world.add_channel(*users, kind="mpim")
    full = ask.params.flag("return_im")
    return {"channel": channel.as_json(api.world.bot.id) if full else {"id": channel.id}}


def members(api: SlackApi, ask: Ask) -> JsonObject:
    channel = api.find_channel(ask.params.required("channel"))
    api.need_for(channel, "read")
    everybody = [*channel.members, *([api.world.bot.id] if channel.bot_in else [])]
    page, cursor = api.page(ask, everybody, 100, 999)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


METHODS = (
    Method("conversations.history", history),
    Method("conversations.replies", replies),
    Method("conversations.list", list_all, 2),
    Method("conversations.info", info),
    Method("conversations.open", open_direct),
    Method("conversations.members", members, 4),
    Method("users.conversations", users_conversations),
)
