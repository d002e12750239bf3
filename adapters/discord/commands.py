"""The gateway's commands, as Discord lists them when somebody types a slash.

Discord keeps the list, and counts changes to it: it is read first and written only where it differs. What
else the application has there, of other kinds than slash commands, stays.
"""

import re
from collections.abc import Sequence
from typing import Any

from structlog.typing import FilteringBoundLogger

from adapters.discord.outcomes import words
from adapters.discord.payloads import Json, as_id, items, mapping, mappings, text
from adapters.discord.rest import Answer, Reply, Rest
from gateway.model.command import CommandInfo

MOST = 100
DESCRIPTION_LIMIT = 100
NAME_LIMIT = 32
_NAME = re.compile(r"[-_'\w]{1,32}")
_CHAT_COMMAND, _TEXT = 1, 3
_CONTEXTS = [0, 1]
"""Servers, and direct chats with the bot."""


async def offer(rest: Rest, commands: Sequence[CommandInfo], log: FilteringBoundLogger) -> None:
    """Have Discord list these. What fails is logged, and done again at the next start."""
    asked = await rest.call("GET", "/oauth2/applications/@me")
    application = as_id(asked.fields.get("id")) if isinstance(asked, Answer) and asked.good else 0
    if not application:
        log.warning("discord.commands_not_offered", why=_why(asked))
        return
    path = f"/applications/{application}/commands"
    reply = await rest.call("GET", path)
    if not isinstance(reply, Answer) or not reply.good:
        log.warning("discord.commands_not_offered", why=_why(reply))
        return
    kept = mappings(reply.body)
    wanted = listed(commands)
    if _same(wanted, [one for one in kept if _slash(one)]):
        return
    others = [{**one} for one in kept if not _slash(one)]
    put = await rest.call("PUT", path, [*wanted, *others])
    if isinstance(put, Answer) and put.good:
        log.info("discord.commands_offered", commands=len(wanted))
    else:
        log.warning("discord.commands_not_offered", why=_why(put))


def listed(commands: Sequence[CommandInfo]) -> list[dict[str, Any]]:
    """The commands as Discord takes them; what it would refuse is left out."""
    found: dict[str, dict[str, Any]] = {}
    for one in commands:
        if _NAME.fullmatch(one.name) and one.name == one.name.lower() and len(found) < MOST:
            found.setdefault(one.name, _command(one))
    return list(found.values())


def _command(one: CommandInfo) -> dict[str, Any]:
    options: list[dict[str, Any]] = []
    if one.argument:
        shown = _short(one.argument, one.name)
        options = [{"type": _TEXT, "name": _slug(one.argument), "description": shown, "required": False}]
    return {
        "type": _CHAT_COMMAND,
        "name": one.name,
        "description": _short(one.description, one.name),
        "options": options,
        "contexts": _CONTEXTS,
    }


def _slug(argument: str) -> str:
    """The name of an option: one word in lower case."""
    return re.sub(r"[^-_\w]+", "-", argument.lower()).strip("-")[:NAME_LIMIT].strip("-") or "text"


def _short(words_of: str, otherwise: str) -> str:
    line = " ".join(words_of.split()) or otherwise
    return line if len(line) <= DESCRIPTION_LIMIT else line[: DESCRIPTION_LIMIT - 1] + "…"


def _slash(one: Json) -> bool:
    return one.get("type", _CHAT_COMMAND) == _CHAT_COMMAND


def _same(wanted: Sequence[Json], kept: Sequence[Json]) -> bool:
    return sorted(map(_digest, wanted), key=str) == sorted(map(_digest, kept), key=str)


def _digest(one: Json) -> tuple[object, ...]:
    """What of a command matters, as Discord fills in much that nobody gave."""
    options = tuple(
        (
            option.get("type"),
            text(option.get("name")),
            text(option.get("description")),
            option.get("required") is True,
        )
        for option in map(mapping, items(one.get("options")))
    )
    contexts = tuple(sorted(map(str, items(one.get("contexts")))))
    return text(one.get("name")), text(one.get("description")), options, contexts


def _why(reply: Reply) -> str:
    return words(reply) if isinstance(reply, Answer) else reply.detail
