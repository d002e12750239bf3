"""What was asked in a conversation and what waits there: asked again, listed, taken back.

Numbers are those of the list that was shown last. A list is not kept over a restart; who named a number and
was not told what came of it is shown a new list instead of losing some other message.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.engine.access import Access
from gateway.engine.lanes import Lanes
from gateway.engine.persist import until_written
from gateway.model.address import ChatKind
from gateway.model.intake import Accepted
from gateway.model.message import Message
from gateway.model.session import SessionState
from gateway.ports import Clock, Store
from gateway.rules.words import counted, one_line

AT_WORK = "The agent is at work here. Wait for its answer, or send /stop first."
PAUSED = "This conversation is paused. Send /resume to go on, or /new to start afresh."
NEVER_ASKED = "Nothing was asked in this conversation yet."
ASKED_ALREADY = "It waits to be asked again already."
AFTER_RESTART = "The gateway is about to stop. It is asked again as soon as the gateway is back."
NOTHING_WAITS = "Nothing waits here."
HOW = "Send /queue to see what waits, /queue drop NUMBER to take one back, or /queue clear to take back all."
NO_NUMBER = "There is no number {} in the list. /queue shows what waits."
GONE = "Number {} of the list does not wait any more. /queue shows what does."
NOT_YOURS = "Only its author and administrators can take that back."
NOTHING_OF_YOURS = "Nothing of yours waits here."
LOOK_AGAIN = "The gateway was restarted before I could say what came of this. Please look at what waits now."

MOST_LISTED = 20
LISTS_KEPT = 1000
_WORDS = 80
_LONGEST_NUMBER = 9


@dataclass(frozen=True, slots=True)
class RequestParts:
    """What requests are asked again and taken back with."""

    store: Store
    lanes: Lanes
    clock: Clock
    access: Access


def _is_retry(message: Message) -> bool:
    return message.event_id.startswith("retry:")


class Requests:
    """Carries out /retry and /queue."""

    def __init__(self, parts: RequestParts) -> None:
        self._parts = parts
        self._shown: dict[int, tuple[int, ...]] = {}
        """Of each conversation whose queue was shown: the messages in that order."""

    async def retry(self, accepted: Accepted) -> str:
        """Ask the last request again."""
        parts = self._parts
        session_id, event_id = accepted.session_id, f"retry:{accepted.message_id}"
        session = await parts.store.session(session_id)
        assert session is not None
        if session.state is SessionState.SUSPENDED:
            return PAUSED
        if parts.lanes.busy(session_id) and not await self._is_asked(session_id, event_id):
            return AT_WORK
        if any(_is_retry(one) and one.event_id != event_id for one in await parts.store.queue(session_id)):
            return ASKED_ALREADY
        by = await parts.store.origin(accepted.message_id)
        asked = await until_written(
            parts.clock, lambda: parts.store.ask_again(session_id, event_id, by, parts.clock.now())
        )
        if not asked:
            return NEVER_ASKED
        waiting = await parts.store.queue(session_id)
        if parts.lanes.wake(session_id) is None:
            return AFTER_RESTART
        words = next((f": “{_words(one)}”" for one in waiting if one.event_id == event_id), ".")
        before = [one for one in waiting if one.event_id != event_id]
        return f"Asking again{', after what waits already' if before else ''}{words}"

    async def _is_asked(self, session_id: int, event_id: str) -> bool:
        """Whether it was carried out before a crash, and the agent is at work on this very request."""
        return any(one.event_id == event_id for one in await self._parts.store.messages(session_id))

    async def queue(self, accepted: Accepted) -> str:
        """List what waits, or take some of it back."""
        match accepted.text.lower().split():
            case []:
                return await self._list(accepted.session_id)
            case ["clear"]:
                return await self._clear(accepted)
            case ["drop", number] if _is_number(number):
                return await self._drop(accepted, int(number))
            case _:
                return HOW

    async def queue_again(self, accepted: Accepted) -> str:
        """The same after a crash, which may have come after it was carried out.

        To take back what was there before is the same twice. A number means another message by now.
        """
        if accepted.text.lower().split()[:1] != ["drop"]:
            return await self.queue(accepted)
        return f"{LOOK_AGAIN}\n{await self._list(accepted.session_id)}"

    async def _list(self, session_id: int) -> str:
        waiting = await self._parts.store.queue(session_id)
        self._shown.pop(session_id, None)
        if not waiting:
            return NOTHING_WAITS
        if len(self._shown) >= LISTS_KEPT:
            del self._shown[next(iter(self._shown))]
        self._shown[session_id] = tuple(one.id for one in waiting)
        lines = [f"{number}. {_line(one)}" for number, one in enumerate(waiting[:MOST_LISTED], 1)]
        if len(waiting) > MOST_LISTED:
            lines.append(f"and {len(waiting) - MOST_LISTED} more.")
        return "\n".join([f"{counted(len(waiting), 'message')} waiting:", *lines])

    async def _drop(self, accepted: Accepted, number: int) -> str:
        store, session_id = self._parts.store, accepted.session_id
        waiting = await self._before(accepted)
        numbered = self._shown.get(session_id) or tuple(one.id for one in waiting)
        if not 1 <= number <= len(numbered):
            return NO_NUMBER.format(number) if numbered else NOTHING_WAITS
        named = next((one for one in waiting if one.id == numbered[number - 1]), None)
        if named is None:
            return GONE.format(number)
        if not (await self._theirs(accepted, [named])):
            return NOT_YOURS
        taken = await until_written(self._parts.clock, lambda: store.withdraw(session_id, [named.id]))
        return f"Taken back: “{_words(named)}”" if taken else GONE.format(number)

    async def _clear(self, accepted: Accepted) -> str:
        store, session_id = self._parts.store, accepted.session_id
        theirs = [one.id for one in await self._theirs(accepted, await self._before(accepted))]
        taken = await until_written(self._parts.clock, lambda: store.withdraw(session_id, theirs))
        left = await store.waiting(session_id)
        said = f"Taken back: {counted(taken, 'message')}." if taken else NOTHING_OF_YOURS
        return f"{said} {counted(left, 'message')} still waiting." if left else said

    async def _before(self, accepted: Accepted) -> tuple[Message, ...]:
        """What waits and was there when the command was given."""
        waiting = await self._parts.store.queue(accepted.session_id)
        return tuple(one for one in waiting if one.id < accepted.message_id)

    async def _theirs(self, accepted: Accepted, waiting: Sequence[Message]) -> list[Message]:
        """What the person who gave the command may take back."""
        store = self._parts.store
        session, author = await store.session(accepted.session_id), await store.origin(accepted.message_id)
        assert session is not None
        if self._parts.access.is_admin(session.address.account, author.author_id):
            return list(waiting)
        return [one for one in waiting if one.origin.author_id == author.author_id]


def _line(message: Message) -> str:
    """A message that waits; in groups with its author, whom all but an agent's commands name already."""
    name, words = message.origin.author_name, _words(message)
    unnamed = message.origin.chat_kind is ChatKind.GROUP and not message.text.startswith(f"{name}: ")
    return f"{one_line(name, _WORDS)}: {words}" if unnamed else words


def _words(message: Message) -> str:
    """The first words of a message, and how many files came with it."""
    files = len(message.attachments)
    parts = (one_line(message.text, _WORDS), f"({counted(files, 'file')})" if files else "")
    return " ".join(part for part in parts if part)


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= _LONGEST_NUMBER
