"""The requests of this adapter that aiogram's own would make slow: lean models, most of them sent as JSON.

Of an answer only what is needed is read. What a conversation needs at once is built when the adapter is
imported; the rest by `prepare_rare`, before one of them is made for the first time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from json import dumps
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from adapters.telegram.sdk import Response, TelegramMethod, prepare

BATCH = 100
"""The most updates that one getUpdates returns."""

ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")

_NO_PREVIEW: Mapping[str, object] = {"link_preview_options": {"is_disabled": True}}


class Sent(BaseModel):
    """What is read of the answer to a sent message."""

    message_id: int


class Found(BaseModel):
    """What is read of the answer to getFile."""

    file_path: str | None = None


class Json:
    """A request that travels as JSON; `always` is added to what it holds."""

    always: ClassVar[Mapping[str, object]] = {}

    def body(self) -> bytes:
        """The request as JSON; what UTF-8 cannot express becomes a question mark."""
        given = {key: value for key, value in self.__dict__.items() if value is not None}
        return dumps({**given, **self.always}, ensure_ascii=False).encode(errors="replace")


class SendText(Json, TelegramMethod[Sent]):
    """`sendMessage` without a preview of the links in it."""

    __returning__ = Sent
    __api_method__ = "sendMessage"
    always: ClassVar[Mapping[str, object]] = _NO_PREVIEW

    chat_id: str
    text: str
    entities: list[dict[str, Any]] | None = None
    message_thread_id: int | None = None
    reply_parameters: dict[str, Any] | None = None
    reply_markup: dict[str, Any] | None = None


class EditText(Json, TelegramMethod[Sent]):
    """`editMessageText` of a message of our own."""

    __returning__ = Sent
    __api_method__ = "editMessageText"
    always: ClassVar[Mapping[str, object]] = _NO_PREVIEW

    chat_id: str
    message_id: int
    text: str
    entities: list[dict[str, Any]] | None = None
    reply_markup: dict[str, Any] | None = None


class ShowDraft(Json, TelegramMethod[bool]):
    """`sendMessageDraft`: what a message will read."""

    __returning__ = bool
    __api_method__ = "sendMessageDraft"

    chat_id: str
    draft_id: int
    text: str
    entities: list[dict[str, Any]] | None = None
    message_thread_id: int | None = None


class React(Json, TelegramMethod[bool]):
    """`setMessageReaction`: the bot's sign at a message."""

    __returning__ = bool
    __api_method__ = "setMessageReaction"

    chat_id: str
    message_id: int
    reaction: list[dict[str, str]]


class ListCommands(Json, TelegramMethod[list[Any]]):
    """`getMyCommands`."""

    __returning__ = list[Any]
    __api_method__ = "getMyCommands"


class OfferCommands(Json, TelegramMethod[bool]):
    """`setMyCommands`."""

    __returning__ = bool
    __api_method__ = "setMyCommands"

    commands: list[dict[str, str]]


class FindFile(Json, TelegramMethod[Found]):
    """`getFile`: where a file can be downloaded for a while."""

    __returning__ = Found
    __api_method__ = "getFile"

    file_id: str


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file to be uploaded: where it is, and how it is to be called there."""

    path: str
    name: str
    mime: str
    size: int


class SendDocument(TelegramMethod[Sent]):
    """`sendDocument`: a file as it is. It travels as a form."""

    __returning__ = Sent
    __api_method__ = "sendDocument"
    part: ClassVar[str] = "document"

    chat_id: str
    file: Any
    caption: str | None = None
    caption_entities: list[dict[str, Any]] | None = None
    message_thread_id: int | None = None
    reply_parameters: dict[str, Any] | None = None
    reply_markup: dict[str, Any] | None = None

    def fields(self) -> dict[str, str]:
        """The form without its file."""
        given = {key: value for key, value in self.__dict__.items() if value is not None and key != "file"}
        return {
            key: (value if isinstance(value, str) else dumps(value)).encode(errors="replace").decode()
            for key, value in given.items()
        }


class SendPhoto(SendDocument):
    """`sendPhoto`: a picture that is shown as one."""

    __api_method__ = "sendPhoto"
    part: ClassVar[str] = "photo"


class SendAudio(SendDocument):
    """`sendAudio`: music that is shown with a player."""

    __api_method__ = "sendAudio"
    part: ClassVar[str] = "audio"


class PollUpdates(TelegramMethod[list[Any]]):
    """`getUpdates`, answered with updates as they are."""

    __returning__ = list[Any]
    __api_method__ = "getUpdates"

    offset: int | None = None
    limit: int = BATCH
    timeout: int = 0
    allowed_updates: tuple[str, ...] = ALLOWED_UPDATES

    if TYPE_CHECKING:

        def __init__(self, *, offset: int | None, timeout: int) -> None: ...


prepare(Response, Sent, SendText, EditText, PollUpdates)


@cache
def prepare_rare() -> tuple[type[BaseModel], ...]:
    """Build what not every conversation needs; returns the answers, which pydantic would forget otherwise."""
    prepare(
        Found, ShowDraft, React, ListCommands, OfferCommands, FindFile, SendDocument, SendPhoto, SendAudio
    )
    return (Response[Found],)
