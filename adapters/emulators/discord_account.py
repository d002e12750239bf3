"""REST methods about the bot itself: its user, its application, its guilds, the gateway."""

from adapters.emulators.discord_api import Ask, DiscordApi, Route, route
from adapters.emulators.discord_params import ApiError
from adapters.emulators.events import JsonObject


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
        "interactions_endpoint_url": api.emulator.options.interactions_endpoint or None,
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


ROUTES: list[Route] = [
    route("GET", "/users/@me", "getCurrentUser", get_current_user),
    route("GET", "/users/@me/guilds", "getCurrentUserGuilds", get_current_user_guilds),
    route("GET", "/users/{user}", "getUser", get_user),
    route("GET", "/oauth2/applications/@me", "getCurrentApplication", get_current_application),
    route("GET", "/applications/@me", "getCurrentApplication", get_current_application),
    route("GET", "/gateway", "getGateway", get_gateway, is_open=True),
    route("GET", "/gateway/bot", "getGatewayBot", get_gateway_bot),
]
