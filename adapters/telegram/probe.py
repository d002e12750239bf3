"""What Telegram says of a bot without handing out its messages: who it is, what it hears, who else listens.

getUpdates is never called: it would end the poll of a gateway that is running.
"""

import asyncio
from math import ceil
from typing import Any, TypeVar
from urllib.parse import urlsplit

from adapters.manifest import Account
from adapters.probing import ASK_SECONDS, Examined, Respond, clock, together
from adapters.telegram.client import open_bot
from adapters.telegram.manifest import TelegramAccount
from adapters.telegram.outcomes import Trouble, TroubleKind, trouble
from adapters.telegram.sdk import (
    PRODUCTION,
    AiogramError,
    Bot,
    DeleteWebhook,
    GetMe,
    Response,
    TelegramMethod,
    User,
    prepare,
)
from gateway.model.finding import Finding, Mend, NotMendedError, fine, problem, warning

from aiogram.methods import GetWebhookInfo  # isort: skip  (after `sdk`, which imports aiogram cheaply)
from aiogram.types import WebhookInfo  # isort: skip

T = TypeVar("T")

_UNHEARD = (TroubleKind.NETWORK, TroubleKind.SERVER, TroubleKind.RUBBISH, TroubleKind.RATE_LIMIT)

PRIVATE = "its privacy mode is on, so in groups it hears only mentions, replies and commands"
UNPRIVATE = (
    "write /setprivacy to @BotFather, choose Disable, then remove the bot from its groups and add it again; "
    "or make it an administrator there"
)


async def probe(check: str, account: Account, respond: Respond) -> Examined:
    """Examine a bot."""
    assert isinstance(account, TelegramAccount)
    prepare(GetMe, GetWebhookInfo, WebhookInfo)
    answers = (
        Response[User],
        Response[WebhookInfo],
    )  # pydantic keeps generic models only while they are used
    bot, session = open_bot(account.token.get_secret_value(), account.api_url)
    try:
        me, hook, clocks = await together(
            _ask(bot, GetMe(), account.api_url),
            _ask(bot, GetWebhookInfo(), account.api_url),
            clock(check, account.api_url or PRODUCTION.base.partition("/bot")[0]),
        )
    finally:
        await session.end()
        del answers
    if isinstance(me, Trouble):
        return Examined("", (_grave(check, me), *clocks), unheard=me.kind in _UNHEARD)
    name = f"@{me.username}" if me.username else me.full_name
    found = (
        fine(check, f"Telegram knows the bot as {name}{_waiting(hook)}"),
        *_privacy(check, me, respond),
        *_webhook(check, hook, _unhook(account)),
        *clocks,
    )
    return Examined(name, found)


async def _ask(bot: Bot, method: TelegramMethod[T], api_url: str | None) -> T | Trouble:
    try:
        return await bot(method, request_timeout=ASK_SECONDS)
    except AiogramError as error:
        return trouble(error, api_url)


def _grave(check: str, found: Trouble) -> Finding:
    if found.kind is TroubleKind.RATE_LIMIT:
        return warning(check, found.why.rstrip("."), f"run this again in {ceil(found.seconds or 60)} s")
    return problem(check, found.why.rstrip("."))


def _privacy(check: str, me: User, respond: Respond) -> tuple[Finding, ...]:
    if respond == "always" and not me.can_read_all_group_messages:
        wanted = f"access.groups.respond is always, but {PRIVATE}"
        return (warning(check, wanted, UNPRIVATE),)
    if respond != "never" and me.can_join_groups is False:
        advice = "write /setjoingroups to @BotFather if it is meant for groups"
        return (warning(check, "nobody can add it to groups", advice),)
    return ()


def _webhook(check: str, hook: Any, mend: Mend) -> tuple[Finding, ...]:  # noqa: ANN401  (a value or a Trouble)
    if not isinstance(hook, WebhookInfo):
        return (warning(check, f"whether a webhook is set is not known: {hook.why.rstrip('.')}"),)
    if not hook.url:
        return ()
    where = urlsplit(hook.url).hostname or "another server"  # a path may hold a secret
    found = f"a webhook is set: Telegram sends its messages to {where}, and a poll is refused"
    advice = (
        f"stop what runs at {where}, then delete the webhook with `carryon doctor --fix`; what waits is kept"
    )
    return (problem(check, found, advice, mend),)


def _unhook(account: TelegramAccount) -> Mend:
    async def unhook() -> None:
        bot, session = open_bot(account.token.get_secret_value(), account.api_url)
        try:
            done = await _ask(bot, DeleteWebhook(drop_pending_updates=False), account.api_url)
        finally:
            await session.end()
        if isinstance(done, Trouble):
            raise NotMendedError(done.why.rstrip("."))

    def mend() -> str:
        asyncio.run(unhook())
        return "the webhook was deleted; messages that wait are kept"

    return mend


def _waiting(hook: Any) -> str:  # noqa: ANN401
    """How many messages nobody has fetched; a gateway that runs fetches them at once."""
    count = hook.pending_update_count if isinstance(hook, WebhookInfo) else 0
    return f"; {count} of its updates wait to be fetched" if count else ""
