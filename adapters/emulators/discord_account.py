"""REST methods about the bot itself: its user, its application, its guilds, its commands, the gateway."""

import re
from typing import cast

from adapters.emulators.discord_api import Ask, DiscordApi, Route, route
from adapters.emulators.discord_params import ApiError, Body, bad_length, form_error, required
from adapters.emulators.events import JsonObject

_COMMAND = re.compile(r"[-_'\w]{1,32}\Z")


def get_current_user(api: DiscordApi, _: Ask) -> JsonObject:
    return {
        **api.world.bot.as_json(),
        "verified": True,
        "mfa_enabled": False,
        "email": None,
        "locale": "en-US",
        "flags": 0,
    }


def get_user(api: DiscordApi, ask: Ask) -> JsonObject:
    number = ask.id("user")
    user = api.world.bot if number == api.world.bot.id else api.world.people.get(number)
    if user is None:
        raise ApiError(404, 10013, "Unknown User")
    return user.as_json()


def get_current_application(api: DiscordApi, _: Ask) -> JsonObject:
    return {
        "id": str(api.world.application_id),
        "name": api.world.bot.name,
        "icon": None,
        "description": "",
        "summary": "",
        "type": None,
        "bot": api.world.bot.as_json(),
        "bot_public": False,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": api.emulator.application_flags,
        "hook": True,
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "approximate_guild_count": sum(one.bot_in for one in api.world.guilds.values()),
        "integration_types_config": {"0": {}},
        "owner": api.world.owner.as_json(),
        "team": None,
    }


def get_gateway(api: DiscordApi, _: Ask) -> JsonObject:
    return {"url": api.emulator.gateway_url}


def get_gateway_bot(api: DiscordApi, _: Ask) -> JsonObject:
    standing = api.emulator.starts.standing()
    return {"url": api.emulator.gateway_url, "shards": 1, "session_start_limit": standing}


def get_current_user_guilds(api: DiscordApi, _: Ask) -> list[JsonObject]:
    return [one.as_partial() for one in api.world.guilds.values() if one.bot_in]


def put_commands(api: DiscordApi, ask: Ask) -> list[JsonObject]:
    """Replace all commands of everywhere, or of one guild."""
    place = _place(api, ask)
    body = ask.body
    if not isinstance(body, list):
        raise ApiError(400, 50035, "Invalid Form Body")
    given = cast("list[object]", body)
    if len(given) > 100:
        raise ApiError(400, 30032, "Maximum number of application commands reached (100).")
    names: set[str] = set()
    old = {command["name"]: command["id"] for command in api.commands.get(place, [])}
    made: list[JsonObject] = []
    for index, one in enumerate(given):
        if not isinstance(one, dict):
            raise form_error(str(index), "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        command = Body(cast("JsonObject", one))
        name = _check_command(command, str(index))
        if name in names:
            raise form_error(
                f"{index}.name",
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                "Application command names must be unique",
            )
        names.add(name)
        made.append(_command(api, command, old.get(name) or str(api.world.snowflakes.next()), place))
    api.commands[place] = made
    api.events.emit("commands", {"guild": str(place), "names": sorted(names)})
    return made


def _check_command(command: Body, path: str) -> str:
    name = command.values.get("name")
    if not isinstance(name, str):
        raise required(f"{path}.name")
    if not 1 <= len(name) <= 32:
        raise bad_length(f"{path}.name", 1, 32)
    if command.integer("type", 1) == 1:
        if not _COMMAND.match(name) or name != name.lower():
            raise form_error(f"{path}.name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
        description = command.values.get("description")
        if not isinstance(description, str):
            raise required(f"{path}.description")
        if not 1 <= len(description) <= 100:
            raise bad_length(f"{path}.description", 1, 100)
    if len(command.listing("options")) > 25:
        raise form_error(f"{path}.options", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    return name


def _command(api: DiscordApi, command: Body, number: object, place: int) -> JsonObject:
    made: JsonObject = {
        "type": 1,
        "default_member_permissions": None,
        "dm_permission": True,
        "nsfw": False,
        "options": [],
        "description": "",
        "contexts": None,
        "integration_types": [0],
        **command.values,
        "id": number,
        "application_id": str(api.world.application_id),
        "version": str(api.world.snowflakes.next()),
    }
    if place:
        made["guild_id"] = str(place)
    return made


def get_commands(api: DiscordApi, ask: Ask) -> list[JsonObject]:
    return api.commands.get(_place(api, ask), [])


def _place(api: DiscordApi, ask: Ask) -> int:
    if ask.id("application") != api.world.application_id:
        raise ApiError(403, 20012, "You are not authorized to perform this action on this application")
    if "guild" not in ask.path:
        return 0
    guild = api.world.guilds.get(ask.id("guild"))
    if guild is None or not guild.bot_in:
        raise ApiError(403, 50001, "Missing Access")
    return guild.id


_COMMANDS = "/applications/{application}/commands"
_GUILD_COMMANDS = "/applications/{application}/guilds/{guild}/commands"

ROUTES: list[Route] = [
    route("GET", "/users/@me", "getCurrentUser", get_current_user),
    route("GET", "/users/@me/guilds", "getCurrentUserGuilds", get_current_user_guilds),
    route("GET", "/users/{user}", "getUser", get_user),
    route("GET", "/oauth2/applications/@me", "getCurrentApplication", get_current_application),
    route("GET", "/applications/@me", "getCurrentApplication", get_current_application),
    route("GET", "/gateway", "getGateway", get_gateway, is_open=True),
    route("GET", "/gateway/bot", "getGatewayBot", get_gateway_bot),
    route("PUT", _COMMANDS, "putCommands", put_commands),
    route("GET", _COMMANDS, "getCommands", get_commands),
    route("PUT", _GUILD_COMMANDS, "putGuildCommands", put_commands),
    route("GET", _GUILD_COMMANDS, "getGuildCommands", get_commands),
]
