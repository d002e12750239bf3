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
    "media_group_id",
)
_CHAT = ("id", "type", "title", "username")
# What aiogram wants of each kind of file beside its id, and what it may have; all of it may be wrong.
_FILES: Mapping[str, tuple[str, ...]] = {
    "animation": ("width", "height", "duration"),
    "audio": ("duration",),
    "document": (),
    "photo": ("width", "height"),
    "video": ("width", "height", "duration"),
    "video_note": ("length", "duration"),
    "voice": ("duration",),
}
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
    kind = next((one for one in ("message", "edited_message") if isinstance(fields.get(one), dict)), None)
    if kind is None:
        return Unreadable(update_id, trouble)
    essence = {"update_id": update_id, kind: _essence(cast("dict[str, Any]", fields[kind]))}
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
    kept.update(_files(message))
    if "text" not in kept and "caption" not in kept and not kept.keys() & _FILES.keys():
        label = next((label for content, label in LABELS.items() if content.value in message), None)
        if label is not None:
            kept["text"] = f"[{label}]"
    return kept


def _files(message: Mapping[str, Any]) -> dict[str, Any]:
    """The files that can be made out, with made-up sizes and lengths where those cannot."""
    found: dict[str, Any] = {}
    for kind in _FILES.keys() & message.keys():
        if kind == "photo":
            value = message[kind]
            sizes = (
                [_file(one, kind) for one in cast("list[object]", value)] if isinstance(value, list) else []
            )
            kept = [one for one in sizes if one is not None]
            if kept:
                found[kind] = kept
        elif (file := _file(message[kind], kind)) is not None:
            found[kind] = file
    return found


def _file(value: object, kind: str) -> dict[str, Any] | None:
    fields = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    if not isinstance(fields.get("file_id"), str):
        return None
    kept: dict[str, Any] = {"file_id": fields["file_id"], "file_unique_id": ""}
    for number in _FILES[kind]:
        kept[number] = fields[number] if isinstance(fields.get(number), int) else 0
    for name, wanted in (("file_name", str), ("mime_type", str), ("file_size", int)):
        if isinstance(fields.get(name), wanted):
            kept[name] = fields[name]
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
