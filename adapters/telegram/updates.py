"""Raw updates become aiogram's, one by one, so that a bad one is set aside alone.

aiogram is strict: a single field that is not as it was when its version was made, deep in an attachment
nobody asked for, makes it refuse the update. So a message that is refused is read once more with only
the parts that matter to a conversation. What cannot be read even then is reported, without its content.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import ValidationError

from adapters.telegram.sdk import Update
from adapters.telegram.translate import LABELS

_REASON_LIMIT = 200

_MESSAGE = (
    "message_id",
    "date",
    "message_thread_id",
    "is_topic_message",
    "text",
    "caption",
    "entities",
    "caption_entities",
)
_CHAT = ("id", "type", "title", "username")
_USER = ("id", "is_bot", "first_name", "last_name", "username")


@dataclass(frozen=True, slots=True)
class Read:
    """An update. `trouble` says what had to be left out of it, empty when nothing."""

    update: Update
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something else. `update_id` is None where it has none, and then nothing can acknowledge it."""

    update_id: int | None
    reason: str


def read(raw: object) -> Read | Unreadable:
    """Read one element of a getUpdates answer."""
    if not isinstance(raw, dict):
        return Unreadable(None, "not an object")
    fields = cast("dict[str, Any]", raw)
    update_id = fields.get("update_id")
    if not isinstance(update_id, int) or isinstance(update_id, bool):
        return Unreadable(None, "no update_id")
    try:
        return Read(Update.model_validate(fields))
    except ValidationError as error:
        trouble = _reason(error)
    message = fields.get("message")
    if not isinstance(message, dict):
        return Unreadable(update_id, trouble)
    essence = {"update_id": update_id, "message": _essence(cast("dict[str, Any]", message))}
    try:
        return Read(Update.model_validate(essence), trouble)
    except ValidationError as error:
        return Unreadable(update_id, _reason(error))


def presses(raw: list[Any]) -> list[str]:
    """The ids of the button presses in a batch."""
    found: list[str] = []
    for update in raw:
        query = update.get("callback_query") if isinstance(update, dict) else None  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType]
        if isinstance(query, dict) and isinstance(query.get("id"), str):  # pyright: ignore[reportUnknownMemberType]
            found.append(cast("str", query["id"]))
    return found


def _essence(message: Mapping[str, Any]) -> dict[str, Any]:
    kept = _only(message, _MESSAGE)
    for name, parts in (("chat", _CHAT), ("sender_chat", _CHAT), ("from", _USER)):
        if name in message:
            kept[name] = _only(message[name], parts)
    replied = message.get("reply_to_message")
    if isinstance(replied, dict):
        known = cast("dict[str, Any]", replied)
        kept["reply_to_message"] = {
            **_only(known, ("message_id", "date")),
            "chat": _only(known.get("chat"), _CHAT),
            **({"from": _only(known["from"], _USER)} if "from" in known else {}),
        }
    if "text" not in kept and "caption" not in kept:
        label = next((label for content, label in LABELS.items() if content.value in message), None)
        if label is not None:
            kept["text"] = f"[{label}]"
    return kept


def _only(value: object, parts: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {}
    fields = cast("dict[str, Any]", value)
    return {part: fields[part] for part in parts if part in fields}


def _reason(error: ValidationError) -> str:
    """Where and why, never what: the content may be private."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in found)[:_REASON_LIMIT]
