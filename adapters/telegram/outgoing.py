"""What is owed to a chat as requests of the Bot API, with what takes a request's place when it is refused.

A refusal means that nothing was sent, so another way is tried at once: a text without its entities, a picture
that Telegram does not show as one as a document. Everything else is for the outbox to decide.
"""

import re
from typing import Any

from adapters.labels import REPEAT_LABEL
from adapters.telegram import words
from adapters.telegram.render import Rendered
from adapters.telegram.requests import (
    EditText,
    LocalFile,
    SendAudio,
    SendDocument,
    SendPhoto,
    SendText,
    ShowDraft,
)
from adapters.telegram.sdk import AiogramError, TelegramBadRequest
from gateway import log
from gateway.model.delivery import Button, Delivery, Receipt

FILE_BYTES = 50 * 1024 * 1024
PHOTO_BYTES = 10 * 1024 * 1024

SIGNS = {
    # A bot has to choose among Telegram's own reactions (https://core.telegram.org/bots/api#reactiontypeemoji):
    # there is no tick and no cross. A thumb down would be a verdict on what the person wrote; a broken heart
    # says that something broke.
    Receipt.ACCEPTED.value: "👀",
    Receipt.DONE.value: "👍",
    Receipt.FAILED.value: "💔",
}
"""What a receipt looks like."""

_PICTURES = frozenset({"image/jpeg", "image/png", "image/webp"})
_MUSIC = frozenset({"audio/mpeg", "audio/mp3", "audio/mp4", "audio/m4a", "audio/x-m4a"})
_ROW = 30  # characters of labels that a phone shows side by side; what is wider is cut off there
_OF_ENTITIES = re.compile(r"\bentit(?:y|ies)\b|MessageEntity|ENTIT(?:Y|IES)_", re.IGNORECASE)
_OF_PICTURES = re.compile(r"photo|image|PHOTO_|IMAGE_", re.IGNORECASE)


def entities_refused(error: AiogramError) -> bool:
    """Whether a text was refused for its entities."""
    return isinstance(error, TelegramBadRequest) and bool(_OF_ENTITIES.search(error.message or ""))


def picture_refused(error: AiogramError) -> bool:
    """Whether a picture was refused as one."""
    return isinstance(error, TelegramBadRequest) and bool(_OF_PICTURES.search(error.message or ""))


def label(delivery: Delivery) -> str:
    """What stands before it: that it may be a repeat, when it may be."""
    return REPEAT_LABEL if delivery.doubtful else ""


def texts(before: str, body: str) -> list[Rendered]:
    """A text as it is shown and, should its entities be refused, without them."""
    return _with_fallback(words.message(before, body), before + body)


def growing(text: str, progress: str) -> list[Rendered]:
    """The same of a text that grows."""
    return _with_fallback(words.growing(text, progress), text or progress)


def _with_fallback(rendered: Rendered, source: str) -> list[Rendered]:
    if not rendered.entities:
        return [rendered]
    fits = words.units(source) <= words.TEXT_UNITS
    return [rendered, words.written(source if fits else rendered.text)]


def text_message(delivery: Delivery, text: Rendered, successor: str | None) -> SendText:
    """A new message. `successor` is the chat that took the place of the delivery's."""
    return SendText(text=text.text, entities=text.entities or None, **_place(delivery, successor))


def file_message(delivery: Delivery, file: LocalFile, successor: str | None) -> SendDocument:
    """A new message with a file, as what Telegram should show it best."""
    kind = SendDocument
    if file.mime in _PICTURES and file.size <= PHOTO_BYTES:
        kind = SendPhoto
    elif file.mime in _MUSIC:
        kind = SendAudio
    text = words.caption(label(delivery), delivery.body)
    if text is None:  # half a sentence says less than none
        log.get().warning("telegram.caption_left_out", delivery=delivery.id)
        text = words.caption(label(delivery), "")
    return kind(file=file, **_caption(text), **_place(delivery, successor))


def less_of_it(request: SendDocument, delivery: Delivery, error: AiogramError) -> SendDocument | None:
    """The same file in a simpler way, after a refusal; None when there is none."""
    given = dict(request.__dict__)
    if request.caption_entities and entities_refused(error):
        plain = words.written(label(delivery) + delivery.body)
        fits = words.units(plain.text) <= words.CAPTION_UNITS
        return type(request)(**{**given, **_caption(plain if fits else words.written(request.caption or ""))})
    if isinstance(request, SendPhoto) and picture_refused(error):
        return SendDocument(**given)
    return None


def edited(chat: str, message_id: str, text: Rendered, buttons: tuple[Button, ...]) -> EditText:
    """A changed message."""
    return EditText(
        chat_id=chat,
        message_id=int(message_id),
        text=text.text,
        entities=text.entities or None,
        reply_markup=keyboard(buttons),
    )


def draft(chat: str, thread: str, number: int, text: Rendered) -> ShowDraft:
    """A draft."""
    return ShowDraft(
        chat_id=chat,
        draft_id=number,
        text=text.text,
        entities=text.entities or None,
        message_thread_id=as_number(thread),
    )


def keyboard(buttons: tuple[Button, ...]) -> dict[str, object] | None:
    """The buttons below the message: in one row where all labels can be read there, else a row for each."""
    if not buttons:
        return None
    row = [{"text": one.label, "callback_data": one.data} for one in buttons]
    fits = sum(len(one.label) for one in buttons) <= _ROW
    return {"inline_keyboard": [row] if fits else [[one] for one in row]}


def as_number(text: str) -> int | None:
    """An id of Telegram's; None for what is none."""
    return int(text) if text.isascii() and text.isdigit() else None


def _place(delivery: Delivery, successor: str | None) -> dict[str, Any]:
    """Where it goes. In a chat's successor the message ids are new ones, so nothing is quoted there."""
    reply_to = as_number(delivery.reply_to) if successor is None else None
    return {
        "chat_id": successor or delivery.route.chat,
        "message_thread_id": as_number(delivery.route.thread),
        "reply_parameters": (
            {"message_id": reply_to, "allow_sending_without_reply": True} if reply_to is not None else None
        ),
        "reply_markup": keyboard(delivery.buttons),
    }


def _caption(text: Rendered | None) -> dict[str, Any]:
    if text is None:
        return {"caption": None, "caption_entities": None}
    return {"caption": text.text or None, "caption_entities": text.entities or None}
