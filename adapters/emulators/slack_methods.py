"""Web API methods about the app itself, its connections, users and the marks of being at work."""

from adapters.emulators.events import JsonObject
from adapters.emulators.slack_api import SPECIAL, Ask, Method, SlackApi
from adapters.emulators.slack_params import ApiError
from adapters.emulators.slack_socket import PATH
from adapters.emulators.slack_values import Channel

MAX_STATUS_MESSAGES = 10


def auth_test(api: SlackApi, _: Ask) -> JsonObject:
    app = api.world.app
    return {
        "url": api.base_url() + "/",
        "team": app.team_name,
        "user": app.name,
        "team_id": app.team_id,
        "user_id": app.user_id,
        "bot_id": app.bot_id,
        "is_enterprise_install": False,
    }


def connections_open(api: SlackApi, _: Ask) -> JsonObject:
    if "connections:write" not in api.app_scopes:
        provided = ",".join(api.app_scopes)
        raise ApiError("missing_scope", {"needed": "connections:write", "provided": provided})
    if not api.socket_mode:
        raise ApiError("socket_mode_not_enabled")
    app_id = api.token_app or api.world.app.app_id
    address = api.base_url().replace("http", "ws", 1)
    return {"url": f"{address}{PATH}?ticket={api.socket.ticket()}&app_id={app_id}"}


# Users, bots, the workspace


def users_info(api: SlackApi, ask: Ask) -> JsonObject:
    user = ask.params.required("user")
    found = api.world.bot if user == api.world.bot.id else api.world.people.get(user)
    if found is None:
        raise ApiError("user_not_found")
    return {"user": found.as_json()}


def users_list(api: SlackApi, ask: Ask) -> JsonObject:
    everybody = {api.world.bot.id: api.world.bot, **api.world.people}
    page, cursor = api.page(ask, list(everybody), 1_000, 1_000)
    shown = [everybody[one].as_json() for one in page]
    return {"members": shown, "cache_ts": api.world.seconds(), "response_metadata": {"next_cursor": cursor}}


def bots_info(api: SlackApi, ask: Ask) -> JsonObject:
    if ask.params.text("bot", api.world.app.bot_id) != api.world.app.bot_id:
        raise ApiError("bot_not_found")
    return {"bot": api.world.app.profile()}


def team_info(api: SlackApi, _: Ask) -> JsonObject:
    app = api.world.app
    return {"team": {"id": app.team_id, "name": app.team_name, "domain": app.team_domain, "icon": {}}}


def views_publish(api: SlackApi, ask: Ask) -> JsonObject:
    user = ask.params.required("user_id")
    view = ask.params.mapping("view", "invalid_arguments")
    if user not in api.world.people:
        raise ApiError("user_not_found")
    if view is None or view.get("type") != "home":
        raise ApiError("invalid_arguments")
    return {"view": {**view, "id": f"V{user[1:]}", "app_id": api.world.app.app_id, "hash": api.world.stamp()}}


# Threads with an assistant


def _assisted(api: SlackApi, ask: Ask) -> tuple[Channel, str]:
    channel = api.writable(ask.params.required("channel_id"))
    thread = ask.params.required("thread_ts")
    parent = channel.message(thread)
    if parent is None:
        raise ApiError("invalid_thread_ts")
    return channel, parent.root


def set_status(api: SlackApi, ask: Ask) -> JsonObject:
    if "status" not in ask.params:
        raise ApiError("invalid_arguments")
    messages = ask.params.array("loading_messages", "invalid_arguments") or []
    if len(messages) > MAX_STATUS_MESSAGES:
        raise ApiError("invalid_arguments")
    channel, thread = _assisted(api, ask)
    status = ask.params.text("status")
    kind = "action" if status else "action_cleared"
    api.events.emit(kind, {"chat": channel.id, "thread": thread, "action": status, "messages": messages})
    return {}


def set_title(api: SlackApi, ask: Ask) -> JsonObject:
    title = ask.params.required("title")
    channel, thread = _assisted(api, ask)
    api.events.emit("title", {"chat": channel.id, "thread": thread, "title": title})
    return {}


def set_suggested_prompts(api: SlackApi, ask: Ask) -> JsonObject:
    prompts = ask.params.array("prompts", "invalid_arguments")
    channel = api.writable(ask.params.required("channel_id"))
    if not prompts:
        raise ApiError("invalid_arguments")
    api.events.emit("prompts", {"chat": channel.id, "prompts": prompts})
    return {}


METHODS = (
    Method("auth.test", auth_test, SPECIAL),
    Method("apps.connections.open", connections_open, 1, token="xapp"),  # noqa: S106  (a kind of token)
    Method("users.info", users_info, 4, ("users:read",)),
    Method("users.list", users_list, 2, ("users:read",)),
    Method("bots.info", bots_info, 3, ("users:read",)),
    Method("team.info", team_info, 3, ("team:read",)),
    Method("views.publish", views_publish, 4),
    Method("assistant.threads.setStatus", set_status, SPECIAL, ("chat:write", "assistant:write")),
    Method("assistant.threads.setTitle", set_title, 3, ("assistant:write",)),
    Method("assistant.threads.setSuggestedPrompts", set_suggested_prompts, 3, ("assistant:write",)),
)
