"""The gateway's commands in Telegram's list of commands: written only when the list differs."""

import re
from collections.abc import Sequence

from adapters.telegram.outcomes import described
from adapters.telegram.requests import ListCommands, OfferCommands, prepare_rare
from adapters.telegram.sdk import AiogramError, Bot
from gateway import log
from gateway.model.command import CommandInfo

_NAME = re.compile(r"[a-z0-9_]{1,32}", re.ASCII)
_DESCRIPTION = 256
_MOST = 100
_ANSWER_SECONDS = 10


async def offer(bot: Bot, account: str, commands: Sequence[CommandInfo]) -> None:
    """Have people shown these commands, but for those whose name or description Telegram would refuse."""
    prepare_rare()
    wanted = listed(commands)
    try:
        known = await bot(ListCommands(), request_timeout=_ANSWER_SECONDS)
        if known != wanted:
            await bot(OfferCommands(commands=wanted), request_timeout=_ANSWER_SECONDS)
    except AiogramError as error:
        log.get(account=account).warning("telegram.commands_not_offered", why=described(error))


def listed(commands: Sequence[CommandInfo]) -> list[dict[str, str]]:
    """The commands as Telegram lists them."""
    found: dict[str, str] = {}
    for one in commands:
        description = " ".join(one.description.split())
        if _NAME.fullmatch(one.name) and 1 <= len(description) <= _DESCRIPTION:
            found.setdefault(one.name, description)
    return [{"command": name, "description": text} for name, text in list(found.items())[:_MOST]]
