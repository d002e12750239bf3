"""Commands of the application: how they are registered, what the platform refuses, and giving one."""

import re
from collections.abc import Sequence
from typing import cast

from adapters.emulators.control import ControlError
from adapters.emulators.discord_api import Ask, Created, DiscordApi, Route, route
from adapters.emulators.discord_params import (
    ApiError,
    Body,
    bad_choice,
    bad_length,
    form_error,
    required,
)
from adapters.emulators.discord_values import Channel
from adapters.emulators.events import JsonObject

MOST = 100
CREATES_A_DAY = 200
_NAME = re.compile(r"[-_'\w]{1,32}\Z")
_DAY = 86_400
_SLASH, _TEXT = 1, 3
_OPTIONS = range(1, 12)  # types of options


def put_commands(api: DiscordApi, ask: Ask) -> list[JsonObject]:
    """Replace all commands of everywhere, or of one guild."""
    place = _place(api, ask)
    body = ask.body
    if not isinstance(body, list):
        raise ApiError(400, 50035, "Invalid Form Body")
    given = cast("list[object]", body)
    if len(given) > MOST:
        raise _too_many()
    old = {_key(one): str(one["id"]) for one in api.commands.get(place, [])}
    checked: dict[tuple[object, object], Body] = {}
    for index, one in enumerate(given):
        if not isinstance(one, dict):
            raise form_error(str(index), "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        command = Body(cast("JsonObject", one))
        name = _check(command, f"{index}.")
        key = command.integer("type", _SLASH), name
        if key in checked:
            what = "Application command names must be unique"
            raise form_error(f"{index}.name", "APPLICATION_COMMANDS_DUPLICATE_NAME", what)
        checked[key] = command
    _spend(api, place, sum(key not in old for key in checked))
    made = [
        _made(api, command, old.get(key) or str(api.world.snowflakes.next()), place)
        for key, command in checked.items()
    ]
    _keep(api, place, made)
    return made


def create_command(api: DiscordApi, ask: Ask) -> object:
    """Make one, or change the one of this name."""
    place = _place(api, ask)
    _check(ask.form, "")
    kept = api.commands.get(place, [])
    key = ask.form.integer("type", _SLASH), ask.form.values["name"]
    known = next((str(one["id"]) for one in kept if _key(one) == key), None)
    if known is None:
        if len(kept) >= MOST:
            raise _too_many()
        _spend(api, place, 1)
    made = _made(api, ask.form, known or str(api.world.snowflakes.next()), place)
    _keep(api, place, [*(one for one in kept if _key(one) != key), made])
    return made if known is not None else Created(made)


def delete_command(api: DiscordApi, ask: Ask) -> None:
    place = _place(api, ask)
    kept = api.commands.get(place, [])
    left = [one for one in kept if one["id"] != ask.path["command"]]
    if len(left) == len(kept):
        raise ApiError(404, 10063, "Unknown application command")
    _keep(api, place, left)


def get_commands(api: DiscordApi, ask: Ask) -> list[JsonObject]:
    return api.commands.get(_place(api, ask), [])


def fill(command: JsonObject, channel: Channel, options: Sequence[object], text: str) -> list[object]:
    """The options of a command that somebody gives. Raises ControlError for what no client would send."""
    here = 1 if channel.guild is None else 0
    contexts = command.get("contexts")
    if isinstance(contexts, list) and here not in contexts:
        raise ControlError(f"command {command['name']} is not offered here", 404)
    known = {str(one["name"]): one for one in cast("list[JsonObject]", command.get("options") or [])}
    filled = [cast("JsonObject", one) for one in options]
    if text:
        first = next((one for one in known.values() if one["type"] == _TEXT), None)
        if first is None or len(text) > 6000:
            raise ControlError(f"command {command['name']} takes no such text")
        filled.append({"name": first["name"], "type": _TEXT, "value": text})
    given = {str(one.get("name")) for one in filled}
    missing = [name for name, one in known.items() if one.get("required") is True and name not in given]
    if missing or not given <= set(known):
        raise ControlError(f"command {command['name']} has the options {', '.join(known) or 'none'}")
    return list(filled)


def _check(command: Body, path: str) -> str:
    name = _check_name(command, path)
    kind = command.integer("type", _SLASH)
    if kind not in {1, 2, 3, 4}:
        raise bad_choice(f"{path}type", (1, 2, 3, 4))
    if kind != _SLASH:
        return name
    _check_word(name, path)
    _check_description(command, path)
    _check_options(command.listing("options"), path)
    for index, one in enumerate(command.listing("contexts")):
        if one not in (0, 1, 2):
            raise bad_choice(f"{path}contexts.{index}", (0, 1, 2))
    return name


def _check_options(options: list[object], path: str) -> None:
    if len(options) > 25:
        raise form_error(f"{path}options", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    names: set[str] = set()
    may_be_left_out = False
    for index, one in enumerate(options):
        where = f"{path}options.{index}."
        if not isinstance(one, dict):
            raise form_error(where[:-1], "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        option = Body(cast("JsonObject", one))
        if "type" not in option:
            raise required(f"{where}type")
        if option.integer("type") not in _OPTIONS:
            raise bad_choice(f"{where}type", tuple(_OPTIONS))
        name = _check_name(option, where)
        _check_word(name, where)
        _check_description(option, where)
        if name in names:
            code = "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS"
            raise form_error(f"{where}name", code, "Option name already exists")
        names.add(name)
        if option.flag("required") and may_be_left_out:
            what = "Required options must be placed before non-required options"
            raise form_error(where[:-1], "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", what)
        may_be_left_out = may_be_left_out or not option.flag("required")


def _check_name(thing: Body, path: str) -> str:
    name = thing.values.get("name")
    if not isinstance(name, str):
        raise required(f"{path}name")
    if not 1 <= len(name) <= 32:
        raise bad_length(f"{path}name", 1, 32)
    return name


def _check_word(name: str, path: str) -> None:
    if not _NAME.match(name) or name != name.lower():
        raise form_error(f"{path}name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _check_description(thing: Body, path: str) -> None:
    description = thing.values.get("description")
    if not isinstance(description, str):
        raise required(f"{path}description")
    if not 1 <= len(description) <= 100:
        raise bad_length(f"{path}description", 1, 100)


def _made(api: DiscordApi, command: Body, number: str, place: int) -> JsonObject:
    made: JsonObject = {
        "type": _SLASH,
        "default_member_permissions": None,
        "dm_permission": True,
        "nsfw": False,
        "description": "",
        "contexts": None,
        "integration_types": [0],
        **command.values,
        "id": number,
        "application_id": str(api.world.application_id),
        "version": str(api.world.snowflakes.next()),
    }
    if options := [_shown(cast("JsonObject", one)) for one in command.listing("options")]:
        made["options"] = options
    else:
        made.pop("options", None)
    if place:
        made["guild_id"] = str(place)
    return made


def _shown(option: JsonObject) -> JsonObject:
    """The platform leaves out what goes without saying."""
    return {name: one for name, one in option.items() if (name, one) != ("required", False)}


def _key(command: JsonObject) -> tuple[object, object]:
    return command["type"], command["name"]


def _keep(api: DiscordApi, place: int, commands: list[JsonObject]) -> None:
    api.commands[place] = commands
    names = sorted(str(one["name"]) for one in commands)
    api.events.emit("commands", {"guild": str(place), "names": names})


def _spend(api: DiscordApi, place: int, new: int) -> None:
    """Count those that are made anew; changing one counts for nothing."""
    spent, until = api.creates.get(place, (0, 0.0))
    if until <= api.now:
        spent, until = 0, api.now + _DAY
    if spent + new > CREATES_A_DAY:
        what = f"Max number of daily application command creates has been reached ({CREATES_A_DAY})"
        raise ApiError(400, 30034, what)
    api.creates[place] = spent + new, until


def _too_many() -> ApiError:
    return ApiError(400, 30032, f"Maximum number of application commands reached ({MOST}).")


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
    route("PUT", _COMMANDS, "putCommands", put_commands),
    route("GET", _COMMANDS, "getCommands", get_commands),
    route("POST", _COMMANDS, "createCommand", create_command),
    route("DELETE", _COMMANDS + "/{command}", "deleteCommand", delete_command),
    route("PUT", _GUILD_COMMANDS, "putGuildCommands", put_commands),
    route("GET", _GUILD_COMMANDS, "getGuildCommands", get_commands),
    route("POST", _GUILD_COMMANDS, "createGuildCommand", create_command),
    route("DELETE", _GUILD_COMMANDS + "/{command}", "deleteGuildCommand", delete_command),
]
