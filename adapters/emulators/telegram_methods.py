"""Bot API methods about the bot itself, its updates, its commands and its chats."""

import re
from typing import cast

from adapters.emulators.events import JsonObject
from adapters.emulators.faults import FaultKind, When
from adapters.emulators.telegram_api import Ask, Encoded, TelegramApi, kind_name, method_table
from adapters.emulators.telegram_params import ApiError, Params, bad_request
from adapters.emulators.telegram_updates import Conflict

MAX_POLL = 50  # seconds; longer timeouts are cut, as by the real server
_COMMAND = re.compile(r"/?[a-z0-9_]{1,32}\Z")


# Identity


def get_me(_: TelegramApi, ask: Ask) -> JsonObject:
    return {
        **ask.bot.person.as_json(),
        "can_join_groups": True,
        "can_read_all_group_messages": ask.bot.reads_all,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def log_out(_: TelegramApi, ask: Ask) -> bool:
    del ask
    return True


def close(_: TelegramApi, ask: Ask) -> bool:
    del ask
    return True


# Updates


async def get_updates(api: TelegramApi, ask: Ask) -> Encoded:
    bot, params = ask.bot, ask.params
    queue = bot.updates
    if bot.webhook:
        raise ApiError(
            409,
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the "
            "webhook first",
        )
    _set_allowed(ask)
    queue.take_over()
    confirmed = queue.confirm(params.integer("offset"))
    if confirmed and api.faults.take(ask.call, When.AFTER, kinds=(FaultKind.DUPLICATE,)):
        queue.repeat(confirmed)
    limit = min(max(params.integer("limit") or 100, 1), 100)
    timeout = min(max(params.integer("timeout"), 0), MAX_POLL)
    try:
        return Encoded(await queue.fetch(limit, timeout))
    except Conflict:
        api.events.emit("conflict", {"account": queue.account})
        raise ApiError(
            409,
            "Conflict: terminated by other getUpdates request; make sure that only one bot instance is "
            "running",
        ) from None


def _set_allowed(ask: Ask) -> None:
    allowed = ask.params.array("allowed_updates", "allowed updates")
    if allowed is not None:  # remembered until named again; an empty list is the default
        ask.bot.updates.allowed = frozenset(str(kind) for kind in allowed) or None


def set_webhook(_: TelegramApi, ask: Ask) -> bool:
    url = ask.params.text("url")
    if url and not url.startswith("https://"):
        raise bad_request("bad webhook: HTTPS url must be provided for webhook")
    _set_allowed(ask)
    ask.bot.webhook = url
    if url:
        ask.bot.updates.take_over()
    if ask.params.flag("drop_pending_updates"):
        ask.bot.updates.clear()
    return True


def delete_webhook(_: TelegramApi, ask: Ask) -> bool:
    ask.bot.webhook = ""
    if ask.params.flag("drop_pending_updates"):
        ask.bot.updates.clear()
    return True


def get_webhook_info(_: TelegramApi, ask: Ask) -> JsonObject:
    return {
        "url": ask.bot.webhook,
        "has_custom_certificate": False,
        "pending_update_count": len(ask.bot.updates),
    }


# Commands and chats


def _command_scope(params: Params) -> str:
    scope = params.mapping("scope", "bot command scope") or {}
    return f"{sorted(scope.items())}/{params.text('language_code')}"


def set_my_commands(_: TelegramApi, ask: Ask) -> bool:
    commands = ask.params.array("commands", "bot commands")
    if commands is None:
        raise bad_request("commands must be non-empty")
    if len(commands) > 100:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for item in commands:
        fields = cast("JsonObject", item) if isinstance(item, dict) else {}
        if not _COMMAND.match(str(fields.get("command", ""))):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(fields.get("description", ""))) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    ask.bot.commands[_command_scope(ask.params)] = commands
    return True


def get_my_commands(_: TelegramApi, ask: Ask) -> list[object]:
    return ask.bot.commands.get(_command_scope(ask.params), [])


def delete_my_commands(_: TelegramApi, ask: Ask) -> bool:
    ask.bot.commands.pop(_command_scope(ask.params), None)
    return True


def get_chat(api: TelegramApi, ask: Ask) -> JsonObject:
    chat = api.find_chat(ask)
    if chat.kind != "private" and ask.bot.person.id in chat.kicked:
        raise ApiError(403, f"Forbidden: bot was kicked from the {kind_name(chat)} chat")
    gifts = (
        "unlimited_gifts",
        "limited_gifts",
        "unique_gifts",
        "premium_subscription",
        "gifts_from_channels",
    )
    return {
        **chat.as_json(),
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
        "active_usernames": [chat.username] if chat.username else [],
    }


METHODS = method_table(
    get_me,
    log_out,
    close,
    get_updates,
    set_webhook,
    delete_webhook,
    get_webhook_info,
    set_my_commands,
    get_my_commands,
    delete_my_commands,
    get_chat,
)
