"""What Discord says of a bot without a login to its gateway: who it is, what it may see, how often it may
log in.

No session is opened: each costs one of the bot's logins of the day, and a second one disturbs the first.
"""

from math import ceil

from adapters.discord.login import RATIONED
from adapters.discord.manifest import DiscordAccount
from adapters.discord.outcomes import MISSING_INTENT, NO_SENSE, Trouble, TroubleKind, trouble
from adapters.discord.payloads import Json, as_id, mapping, text
from adapters.discord.rest import Answer, Reply, Rest
from adapters.discord.sdk import DEFAULT_API
from adapters.manifest import Account
from adapters.probing import ASK_SECONDS, Examined, Respond, clock, together
from gateway.model.finding import Finding, fine, problem, warning

CONTENT_GRANTED, CONTENT_LIMITED = 1 << 18, 1 << 19
"""Flags of an application: the Message Content intent, by Discord's review and for a bot in few servers."""

PERMISSIONS = 1 << 6 | 1 << 10 | 1 << 11 | 1 << 15 | 1 << 16 | 1 << 35 | 1 << 38
"""Add Reactions, View Channels, Send Messages, Attach Files, Read Message History, Create Public Threads and
Send Messages in Threads."""

_UNHEARD = (
    TroubleKind.NETWORK,
    TroubleKind.SERVER,
    TroubleKind.RUBBISH,
    TroubleKind.RATE_LIMIT,
    TroubleKind.BLOCKED,
)


async def probe(check: str, account: Account, respond: Respond) -> Examined:
    """Examine a bot. What it answers in groups changes nothing here."""
    del respond
    assert isinstance(account, DiscordAccount)
    rest = Rest(account.token.get_secret_value(), account.api_url)
    try:
        user, application, door, clocks = await together(
            rest.call("GET", "/users/@me", seconds=ASK_SECONDS),
            rest.call("GET", "/applications/@me", seconds=ASK_SECONDS),
            rest.call("GET", "/gateway/bot", seconds=ASK_SECONDS),
            clock(check, f"{account.api_url or DEFAULT_API}/gateway"),
        )
    finally:
        await rest.end()
    refused = _refused(check, user)
    if refused is not None:
        return Examined("", (*refused.findings, *clocks), unheard=refused.unheard)
    name = text(user.fields.get("username")) or text(user.fields.get("id"))
    found = (
        fine(check, f"Discord knows the bot as {name}"),
        *_bot(check, user.fields),
        *_application(check, application),
        *_logins(check, door),
        *clocks,
    )
    return Examined(name, found)


def _refused(check: str, user: Reply) -> Examined | None:
    if isinstance(user, Answer) and user.good:
        known = as_id(user.fields.get("id"))
        return None if known else Examined("", (problem(check, NO_SENSE.rstrip(".")),), unheard=True)
    found = trouble(user)
    return Examined("", (_grave(check, found),), unheard=found.kind in _UNHEARD)


def _grave(check: str, found: Trouble) -> Finding:
    if found.kind is TroubleKind.RATE_LIMIT:
        return warning(check, found.why.rstrip("."), f"run this again in {ceil(found.seconds or 60)} s")
    return problem(check, found.why.rstrip("."))


def _bot(check: str, user: Json) -> tuple[Finding, ...]:
    if user.get("bot") is True:
        return ()
    advice = "Discord bans people whose accounts are used so; make an application and take its bot token"
    return (problem(check, "the token is a person's, not a bot's", advice),)


def _application(check: str, reply: Reply) -> tuple[Finding, ...]:
    if not isinstance(reply, Answer) or not reply.good:
        return (warning(check, f"what the bot may see is not known: {trouble(reply).why.rstrip('.')}"),)
    application = reply.fields
    return (
        *_content(check, application.get("flags")),
        *_interactions(check, application.get("interactions_endpoint_url")),
        *_servers(check, application),
    )


def _content(check: str, flags: object) -> tuple[Finding, ...]:
    if not isinstance(flags, int):
        return (warning(check, "Discord does not say whether the Message Content intent is on"),)
    if flags & CONTENT_GRANTED:
        return (fine(check, "the Message Content intent is granted"),)
    if flags & CONTENT_LIMITED:
        return (
            fine(check, "the Message Content intent is on, without a review by Discord: for few servers"),
        )
    return (problem(check, MISSING_INTENT.rstrip(".")),)


def _interactions(check: str, endpoint: object) -> tuple[Finding, ...]:
    if not endpoint:
        return ()
    found = "the application has an Interactions Endpoint URL, so that buttons and slash commands go there"
    advice = "empty that field in the developer portal under General Information"
    return (problem(check, found, advice),)


def _servers(check: str, application: Json) -> tuple[Finding, ...]:
    if application.get("approximate_guild_count") != 0:
        return ()
    ident = as_id(application.get("id"))
    advice = (
        f"invite it with https://discord.com/oauth2/authorize?client_id={ident}"
        f"&scope=bot+applications.commands&permissions={PERMISSIONS}"
    )
    found = "the bot is in no server: only who has a direct chat with it already can write to it"
    return (warning(check, found, advice),)


def _logins(check: str, reply: Reply) -> tuple[Finding, ...]:
    if not isinstance(reply, Answer) or not reply.good:
        return (warning(check, f"how often it may log in is not known: {trouble(reply).why.rstrip('.')}"),)
    limit = mapping(reply.fields.get("session_start_limit"))
    left, reset = limit.get("remaining"), limit.get("reset_after")
    if not isinstance(left, int) or not isinstance(reset, int | float) or left >= RATIONED:
        return ()
    hours = max(1, round(reset / 3_600_000))
    found = f"Discord allows it only {left} more login{'s' * (left != 1)} in the next {hours} h"
    advice = "find out why the gateway starts so often (its log says); restart it as little as you can"
    return ((warning if left else problem)(check, found, advice),)
