"""Pressed buttons and given commands: first into the ledger, then an answer to whoever waits for it.

Discord waits three seconds for the answer. A press needs none that is seen; a command is answered to its
giver alone, since nobody sees it in the chat. A command that cannot be kept is given up in time and said to
be: its giver can give it again. A press is offered until it is kept, as nothing can be said about it.
"""

from dataclasses import dataclass
from typing import Any, Final

from structlog.typing import FilteringBoundLogger

from adapters.discord.payloads import Json, as_id, items, mapping, text
from adapters.discord.places import DIRECT, Place, Places
from adapters.discord.rest import Answer, Rest
from adapters.discord.snowflakes import moment
from adapters.discord.translate import name_of
from adapters.offering import Backoff, commit
from gateway.model.address import ChatKind
from gateway.model.message import Inbound
from gateway.ports import Batch, Clock, InboundSink, LedgerUnavailableError

EVENT = "i"
"""What the event ids of interactions begin with: they have ids of their own."""

PATIENCE = 1.5
"""How many seconds the ledger is tried for a command, of the three that Discord allows."""

ANSWER_SECONDS = 5.0
SHOWN = 300
"""How much of a command its answer repeats, in characters."""

NOT_KEPT = (
    "This was not received: the gateway cannot write anything down at the moment. Please give the command "
    "again in a while."
)

_COMMAND, _COMPONENT = 2, 3
_DEFERRED_UPDATE: Final[dict[str, Any]] = {"type": 6}
_MESSAGE, _EPHEMERAL = 4, 1 << 6
_CHAT_COMMAND, _TEXT = 1, 3


@dataclass(frozen=True, slots=True)
class Interactions:
    """Those of one account, for one run."""

    account: str
    rest: Rest
    places: Places
    log: FilteringBoundLogger
    clock: Clock
    sink: InboundSink

    async def take(self, data: Json) -> None:
        """Keep one, and answer it."""
        item = interaction(data, self._place(data))
        if item is None:
            return
        batch = Batch(self.account, (item,))
        if item.button:
            await commit(self.sink, batch, self.clock)
            await self._answer(data, _DEFERRED_UPDATE)
        elif await self._kept(batch):
            await self._answer(data, _said(received(item)))
        else:
            self.log.error("discord.command_given_up", command=item.command)
            await self._answer(data, _said(NOT_KEPT))

    def _place(self, data: Json) -> Place:
        channel, guild = as_id(data.get("channel_id")), as_id(data.get("guild_id"))
        known = self.places.get(channel)
        if known is not None:
            return known
        if not guild:
            return Place(channel, DIRECT)
        return self.places.put({**mapping(data.get("channel")), "guild_id": guild}) or Place(
            channel, 0, guild
        )

    async def _kept(self, batch: Batch) -> bool:
        backoff, until = Backoff(), self.clock.monotonic() + PATIENCE
        while True:
            try:
                await self.sink.accept(batch)
            except LedgerUnavailableError:
                wait = backoff.next()
                if self.clock.monotonic() + wait > until:
                    return False
                await self.clock.sleep(wait)
            else:
                return True

    async def _answer(self, data: Json, answer: Json) -> None:
        path = f"/interactions/{as_id(data.get('id'))}/{text(data.get('token'))}/callback"
        reply = await self.rest.call("POST", path, answer, seconds=ANSWER_SECONDS)
        if not isinstance(reply, Answer) or not reply.good:
            code = reply.code if isinstance(reply, Answer) else 0
            self.log.warning("discord.interaction_unanswered", code=code)


def interaction(data: Json, place: Place) -> Inbound | None:
    """A pressed button or a slash command; None for every other interaction. Pure."""
    about = mapping(data.get("data"))
    button = command = said = ""
    if data.get("type") == _COMPONENT:
        button = text(about.get("custom_id"))
    elif data.get("type") == _COMMAND and about.get("type", _CHAT_COMMAND) == _CHAT_COMMAND:
        command, said = text(about.get("name")).lower(), _argument(about)
    member = mapping(data.get("member"))
    user = mapping(member.get("user")) or mapping(data.get("user"))
    interaction_id, user_id = as_id(data.get("id")), as_id(user.get("id"))
    if not interaction_id or not user_id or not (button or command):
        return None
    return Inbound(
        event_id=f"{EVENT}{interaction_id}",
        chat=place.chat,
        chat_kind=ChatKind.DIRECT if place.direct else ChatKind.GROUP,
        author_id=str(user_id),
        author_name=name_of(user, member),
        text=said,
        sent_at=moment(interaction_id),
        thread=str(place.id) if place.is_thread else "",
        message_ref=text(mapping(data.get("message")).get("id")),
        to_bot=True,
        from_bot=user.get("bot") is True,
        command=command,
        button=button,
    )


def received(item: Inbound) -> str:
    """What to say of a command that was kept."""
    given = " ".join(f"/{item.command} {item.text}".split())
    return f"Received: {given if len(given) <= SHOWN else given[: SHOWN - 1] + '…'}"


def _argument(about: Json) -> str:
    """What was written after a command."""
    for one in items(about.get("options")):
        option = mapping(one)
        if option.get("type") == _TEXT:
            return text(option.get("value")).strip()
    return ""


def _said(words: str) -> Json:
    message: dict[str, Any] = {"content": words, "flags": _EPHEMERAL, "allowed_mentions": {"parse": []}}
    return {"type": _MESSAGE, "data": message}
