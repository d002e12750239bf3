"""What a chat is owed for an answer: its text in pieces, and its files.

Few people read on after many messages, and platforms let a chat wait for them: a long answer is sent as its
beginning and a file that has all of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.engine.endings import SAID_NOTHING
from gateway.engine.media import NOT_SENT_BECAUSE, Media
from gateway.model.address import ChatKind
from gateway.model.agent import FileChunk
from gateway.model.attachment import OutFile
from gateway.model.delivery import DeliveryKind, Draft
from gateway.model.turn import TurnStart
from gateway.ports import ChatAdapter
from gateway.rules.chunking import chunk, utf16_len
from gateway.rules.files import megabytes, without_local_links
from gateway.rules.markdown import cut

WHOLE = "answer.md"
GOES_ON = "… (The whole answer is in the file below.)"
MOST_PIECES = 50
"""Messages of an answer that cannot be sent as a file. Beyond that the chat would be blocked for minutes."""

TOO_LONG = "(The answer goes on: it has {} characters in all. Ask for a part of it.)"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent said at the end of a turn, and the files that go with it. `cwd` is None where it never
    began.
    """

    text: str
    files: Sequence[FileChunk] = ()
    cwd: str | None = None


class Replies:
    """Turns answers into drafts."""

    def __init__(self, media: Media, adapters: Mapping[str, ChatAdapter], max_messages: int) -> None:
        self._media = media
        self._adapters = adapters
        self._max_messages = max_messages

    def reconfigure(self, max_messages: int) -> None:
        """From now on an answer takes at most so many messages."""
        self._max_messages = max_messages

    async def drafts(self, start: TurnStart, answer: Answer) -> tuple[Draft, ...]:
        """What is owed. In groups the first message quotes the one that it answers."""
        adapter = self._adapters[start.session.address.account]
        handed, left = await self._media.outgoing(start.turn_id, answer.cwd, answer.text, answer.files)
        sent = {path: file for path, file in handed.items() if file.size <= adapter.file_limit}
        text = without_local_links(answer.text, sent.__contains__) if sent else answer.text
        too_large = [
            NOT_SENT_BECAUSE.format(file.name, f"it is too large here: {megabytes(file.size)}")
            for path, file in handed.items()
            if path not in sent
        ]
        text = "\n\n".join(filter(None, [text, "\n".join((*left, *too_large))]))
        if not text.strip():
            text = "\n".join(f"📎 {file.name}" for file in sent.values()) or SAID_NOTHING
        pieces, whole = await self._pieces(start, text, adapter)
        reply_to = quote(start)
        return (
            *(
                Draft(DeliveryKind.REPLY, piece, "" if index else reply_to)
                for index, piece in enumerate(pieces)
            ),
            *(Draft(DeliveryKind.FILE, "", file=file) for file in (*whole, *sent.values())),
        )

    async def _pieces(
        self, start: TurnStart, text: str, adapter: ChatAdapter
    ) -> tuple[tuple[str, ...], tuple[OutFile, ...]]:
        limit = adapter.text_limit
        pieces: tuple[str, ...] = ()
        if utf16_len(text) <= limit * self._max_messages:  # else it is not even looked at as a whole
            pieces = cut(text, limit, adapter.fits) or chunk(text, limit) or (SAID_NOTHING,)
            if len(pieces) <= self._max_messages:
                return pieces, ()
        whole = await self._media.keep(f"{start.turn_id}.0", WHOLE, "text/markdown", text.encode())
        if not isinstance(whole, str) and whole.size <= adapter.file_limit:
            end = f"\n\n{GOES_ON}"
            begun = cut(text[: 2 * limit], limit - len(end), lambda piece: adapter.fits(piece + end))
            first, *_ = begun or chunk(text, limit - len(end)) or ("",)
            return ((first + end).lstrip(),), (whole,)
        pieces = pieces or chunk(text, limit)
        if len(pieces) > MOST_PIECES:
            pieces = (*pieces[:MOST_PIECES], TOO_LONG.format(len(text)))
        return pieces, ()


def plain_drafts(start: TurnStart, text: str, limit: int) -> tuple[Draft, ...]:
    """The text alone, cut wherever it has to be: for when nothing better can be made of it."""
    pieces = chunk(text, limit)[:MOST_PIECES] or (SAID_NOTHING,)
    return tuple(Draft(DeliveryKind.REPLY, one, "" if n else quote(start)) for n, one in enumerate(pieces))


def quote(start: TurnStart) -> str:
    """The message that an answer quotes: in groups, the one that it answers."""
    origin = start.message.origin
    return origin.message_ref if origin.chat_kind is ChatKind.GROUP else ""
