"""What Slack says of an app without a socket: who the bot is, what it may do, whether it may connect.

The address of a socket is asked for and not used: it counts for nothing until somebody connects there.
"""

from math import ceil
from typing import Any
from urllib.parse import parse_qs, urlsplit

from adapters.manifest import Account
from adapters.probing import Examined, Respond, clock, together
from adapters.slack.client import CallError, Client
from adapters.slack.identity import OPTIONAL, Identity, identify
from adapters.slack.manifest import SlackAccount
from adapters.slack.outcomes import Trouble, TroubleKind, missing_scopes, socket_trouble, trouble
from gateway.model.finding import Finding, fine, problem, warning

_UNHEARD = (TroubleKind.NETWORK, TroubleKind.SERVER, TroubleKind.RATE_LIMIT)


async def probe(check: str, account: Account, respond: Respond) -> Examined:
    """Examine an app. What it answers in groups changes nothing here."""
    del respond
    assert isinstance(account, SlackAccount)
    client = Client(
        account.bot_token.get_secret_value(), account.api_url, account.app_token.get_secret_value()
    )
    try:
        bot, url, clocks = await together(_bot(client), _socket(client), clock(check, client.base_url))
        apps = await _apps(client, bot, url)
    finally:
        await client.end()
    name = bot.me.name if isinstance(bot, Identity) else ""
    found = (*_told(check, bot), *_connected(check, url, name), *_same(check, apps), *clocks)
    wrong = [one for one in (bot, url) if isinstance(one, Trouble)]
    accepted = not any(one.kind.final for one in wrong)
    return Examined(name if accepted else "", found, unheard=any(one.kind in _UNHEARD for one in wrong))


async def _bot(client: Client) -> Identity | Trouble:
    try:
        return await identify(client)
    except CallError as error:
        return trouble(error)


async def _socket(client: Client) -> str | Trouble:
    try:
        return await client.open_connection()
    except CallError as error:
        return socket_trouble(error)


async def _apps(client: Client, bot: Identity | Trouble, url: str | Trouble) -> tuple[str, str]:
    """The ids of the apps that the two tokens belong to, empty where they cannot be found out."""
    if isinstance(bot, Trouble) or isinstance(url, Trouble) or not bot.me.bot_id or not bot.has("users:read"):
        return "", ""
    try:
        info: Any = (await client.read("bots.info", bot=bot.me.bot_id)).get("bot")
    except CallError:
        return "", ""
    of_bot = info.get("app_id") if isinstance(info, dict) else ""  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return str(of_bot or ""), next(iter(parse_qs(urlsplit(url).query).get("app_id", ())), "")  # pyright: ignore[reportUnknownArgumentType]


def _told(check: str, bot: Identity | Trouble) -> tuple[Finding, ...]:
    if isinstance(bot, Trouble):
        return (_grave(check, bot),)
    if not bot.me.bot_id:
        advice = "take the Bot User OAuth Token, which begins with xoxb-, from OAuth & Permissions"
        return (problem(check, "the token in bot_token is a person's, not a bot's", advice),)
    found = [fine(check, f"Slack knows the bot as {bot.me.name}")]
    if bot.scopes is None:
        found.append(warning(check, "Slack does not say which scopes the app has"))
    if bot.lacking:
        found.append(problem(check, missing_scopes(bot.lacking).why.rstrip(".")))
    if bot.without:
        lost = "; ".join(dict.fromkeys(OPTIONAL[one] for one in bot.without))
        advice = "add them under OAuth & Permissions and install the app again, if you miss that"
        found.append(warning(check, f"the app lacks {', '.join(bot.without)}: {lost}", advice))
    return tuple(found)


def _connected(check: str, url: str | Trouble, name: str) -> tuple[Finding, ...]:
    if isinstance(url, Trouble):
        both = not name and url.kind in _UNHEARD  # the same was said of the bot token already
        return () if both else (_grave(check, url),)
    return (fine(check, "Socket Mode is on, and the app token opens a socket"),)


def _same(check: str, apps: tuple[str, str]) -> tuple[Finding, ...]:
    of_bot, of_socket = apps
    if not of_bot or not of_socket or of_bot == of_socket:
        return ()
    found = f"bot_token is of the app {of_bot} and app_token of {of_socket}, so that the bot hears nothing"
    return (problem(check, found, "take both tokens from the settings of the same app"),)


def _grave(check: str, found: Trouble) -> Finding:
    if found.kind is TroubleKind.RATE_LIMIT:
        return warning(check, found.why.rstrip("."), f"run this again in {ceil(found.seconds or 60)} s")
    return problem(check, found.why.rstrip("."))
