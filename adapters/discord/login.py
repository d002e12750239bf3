"""Before a session of the gateway is opened: is the token good, may the bot see messages, may it log in.

Discord grants a bot a thousand logins a day; one that uses them up is thrown out and its token reset. A
gateway that is restarted again and again must not come near that, so the last of them are rationed.
"""

import asyncio
from dataclasses import dataclass

from adapters.discord.outcomes import (
    MISSING_INTENT,
    NO_SENSE,
    Trouble,
    TroubleKind,
    trouble,
)
from adapters.discord.payloads import as_id, mapping, text
from adapters.discord.rest import Answer, Rest

RATIONED = 50
"""With fewer logins left than this, they have to last until there are new ones."""

ASK_SECONDS = 15.0
_MAY_SEE_CONTENT = 1 << 18 | 1 << 19  # the intent, for a bot in many servers and in few


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where to connect, and how long to wait before; `left` is how many logins Discord still allows."""

    url: str
    wait: float = 0.0
    left: int = RATIONED


async def identify(rest: Rest) -> Trouble | None:
    """Whether this is a bot that can work; the trouble if not."""
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(rest.call("GET", "/users/@me", seconds=ASK_SECONDS))
        looked = tasks.create_task(rest.call("GET", "/oauth2/applications/@me", seconds=ASK_SECONDS))
    user, application = asked.result(), looked.result()
    if not isinstance(user, Answer) or not user.good:
        return trouble(user)
    if not as_id(user.fields.get("id")):
        return Trouble(TroubleKind.RUBBISH, NO_SENSE, "who the bot is")
    if not isinstance(application, Answer):
        return trouble(application)
    flags = application.fields.get("flags")
    # What does not say is not held against the bot: a missing intent also closes the connection.
    if application.good and isinstance(flags, int) and not flags & _MAY_SEE_CONTENT:
        return Trouble(TroubleKind.INTENT, MISSING_INTENT, f"application flags {flags}")
    return None


async def entrance(rest: Rest, gateway_url: str | None) -> Entrance | Trouble:
    """Where the gateway is, and whether a login may be spent."""
    reply = await rest.call("GET", "/gateway/bot", seconds=ASK_SECONDS)
    if not isinstance(reply, Answer) or not reply.good:
        return trouble(reply)
    if not reply.fields:
        return Trouble(TroubleKind.RUBBISH, NO_SENSE, "where the gateway is")
    url = gateway_url or text(reply.fields.get("url"))
    if not url.startswith(("ws://", "wss://")):
        return Trouble(TroubleKind.RUBBISH, NO_SENSE, "where the gateway is")
    limit = mapping(reply.fields.get("session_start_limit"))
    left, reset = limit.get("remaining"), limit.get("reset_after")
    if not isinstance(left, int) or not isinstance(reset, (int, float)):
        return Entrance(url)
    return Entrance(url, ration(left, reset / 1000), left)


def ration(left: int, reset: float) -> float:
    """How long to wait before a login, so that `left` of them last for `reset` seconds."""
    if left >= RATIONED:
        return 0.0
    return max(0.0, reset / max(left, 1))


def rationed(entrance: Entrance) -> Trouble:
    """What to tell while waiting for a login."""
    minutes = max(1, round(entrance.wait / 60))
    when = f"the next one is in {minutes} minute{'s' * (minutes != 1)}"
    allowed = f"only {entrance.left} more logins" if entrance.left > 0 else "no more logins"
    why = f"Discord allows {allowed} of this bot today, after too many restarts; {when}."
    return Trouble(TroubleKind.LOGINS, why, f"{entrance.left} left", entrance.wait)
