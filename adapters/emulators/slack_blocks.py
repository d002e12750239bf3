"""Blocks: what Slack refuses about them, what a person reads of them, and their buttons.

See https://docs.slack.dev/reference/block-kit. Only what apps that converse send is looked into; blocks of
other known types pass unread.
"""

import json
from collections.abc import Mapping
from typing import cast

from adapters.emulators.events import JsonObject
from adapters.emulators.slack_params import ApiError

MAX_BLOCKS = 50
MAX_MARKDOWN = 12_000  # characters of all markdown blocks, or of markdown_text
MAX_SECTION = 3_000
MAX_ID = 255  # of block_id and action_id
MAX_VALUE = 2_000
MAX_LABEL = 75
MAX_HEADER = 150
MAX_ALL = 13_200  # characters of a message's blocks; undocumented, seen in the wild

_UNREAD = frozenset(
    {
        "divider", "image", "input", "file", "video", "rich_text", "table", "context_actions", "task_card",
        "plan", "alert", "card", "carousel",
    }
)  # fmt: skip
_STYLES = frozenset({None, "primary", "danger"})


class _Bad(Exception):  # noqa: N818 - becomes an ApiError that says where
    """What is wrong with a block."""


def check_blocks(given: list[object] | None) -> list[JsonObject]:
    """The blocks of a message with the ids that Slack adds; raises ApiError."""
    if not given:
        return []
    if len(given) > MAX_BLOCKS:
        raise _refusal(f"no more than {MAX_BLOCKS} items allowed [json-pointer:/blocks]")
    checked: list[JsonObject] = []
    for place, one in enumerate(given):
        try:
            checked.append(_check(one, place, checked))
        except _Bad as bad:
            raise _refusal(f"{bad} [json-pointer:/blocks/{place}]") from None
    if len(json.dumps(checked, ensure_ascii=False)) > MAX_ALL:
        raise ApiError("msg_blocks_too_long")
    return checked


def _refusal(message: str) -> ApiError:
    return ApiError(
        "invalid_blocks", {"errors": [message], "response_metadata": {"messages": [f"[ERROR] {message}"]}}
    )


def _check(given: object, place: int, before: list[JsonObject]) -> JsonObject:
    if not isinstance(given, dict):
        raise _Bad("must be an object")
    block: JsonObject = dict(cast("JsonObject", given))
    kind = block.get("type")
    block_id = block.setdefault("block_id", f"b{place}")
    if not isinstance(block_id, str) or not 1 <= len(block_id) <= MAX_ID:
        raise _Bad(f"block_id must have 1 to {MAX_ID} characters")
    if any(one["block_id"] == block_id for one in before):
        raise _Bad("block_id must be unique")
    match kind:
        case "section":
            _check_section(block)
        case "header":
            _text_object(block.get("text"), MAX_HEADER, plain=True)
        case "markdown":
            _check_markdown(block.get("text"), before)
        case "context":
            _elements(block, 10)
        case "actions":
            block["elements"] = _check_actions(_elements(block, 25), place)
        case _ if kind not in _UNREAD:
            raise _Bad(f"unsupported type: {kind}")
        case _:
            pass
    return block


def _check_markdown(text: object, before: list[JsonObject]) -> None:
    if not isinstance(text, str) or not text:
        raise _Bad("missing required field: text")
    others = sum(len(str(one["text"])) for one in before if one["type"] == "markdown")
    if others + len(text) > MAX_MARKDOWN:
        raise _Bad(f"must be less than {MAX_MARKDOWN + 1} characters")


def _check_section(block: JsonObject) -> None:
    fields = block.get("fields")
    if block.get("text") is None and not fields:
        raise _Bad("missing required field: text")
    if block.get("text") is not None:
        _text_object(block["text"], MAX_SECTION)
    if fields is not None:
        if not isinstance(fields, list) or not 1 <= len(cast("list[object]", fields)) <= 10:
            raise _Bad("fields must have 1 to 10 items")
        for one in cast("list[object]", fields):
            _text_object(one, 2_000)


def _text_object(given: object, most: int, *, plain: bool = False) -> None:
    if not isinstance(given, dict):
        raise _Bad("text must be an object")
    fields = cast("JsonObject", given)
    kinds = {"plain_text"} if plain else {"plain_text", "mrkdwn"}
    text = fields.get("text")
    if fields.get("type") not in kinds:
        raise _Bad("unsupported type of text")
    if not isinstance(text, str) or not 1 <= len(text) <= most:
        raise _Bad(f"text must have 1 to {most} characters")


def _elements(block: JsonObject, most: int) -> list[JsonObject]:
    given = block.get("elements")
    if not isinstance(given, list) or not 1 <= len(cast("list[object]", given)) <= most:
        raise _Bad(f"elements must have 1 to {most} items")
    if not all(isinstance(one, dict) for one in cast("list[object]", given)):
        raise _Bad("elements must be objects")
    return [dict(one) for one in cast("list[JsonObject]", given)]


def _check_actions(elements: list[JsonObject], place: int) -> list[JsonObject]:
    seen: set[str] = set()
    for number, one in enumerate(elements):
        action_id = one.setdefault("action_id", f"a{place}.{number}")
        if not isinstance(action_id, str) or not 1 <= len(action_id) <= MAX_ID:
            raise _Bad(f"action_id must have 1 to {MAX_ID} characters")
        if action_id in seen:
            raise _Bad(f"action_id {action_id!r} already exists")
        seen.add(action_id)
        if one.get("type") != "button":
            continue
        _text_object(one.get("text"), MAX_LABEL, plain=True)
        value = one.get("value")
        if value is not None and (not isinstance(value, str) or len(value) > MAX_VALUE):
            raise _Bad(f"value must have at most {MAX_VALUE} characters")
        if one.get("style") not in _STYLES:
            raise _Bad("unsupported style")
    return elements


def buttons(blocks: list[JsonObject]) -> list[tuple[JsonObject, JsonObject]]:
    """Each button of a message with the block that it is in."""
    return [
        (block, one)
        for block in blocks
        if block.get("type") == "actions"
        for one in cast("list[JsonObject]", block.get("elements") or [])
        if one.get("type") == "button"
    ]


def label(button: Mapping[str, object]) -> str:
    return str(cast("JsonObject", button["text"])["text"])


def unescape(text: str) -> str:
    """What a person reads of a text in Slack's own markup."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def blocks_text(blocks: list[JsonObject]) -> str:
    """What a person reads of blocks, without their buttons."""
    read = (_read(block) for block in blocks)
    return "\n".join(text for text in read if text)


def _read(block: JsonObject) -> str:
    text = block.get("text")
    match block.get("type"):
        case "markdown":
            return str(text)
        case "section" | "header":
            fields = cast("list[object]", block.get("fields") or [])
            return "\n".join(_read_text(one) for one in (text, *fields) if one is not None)
        case "context":
            return " ".join(_read_text(one) for one in cast("list[object]", block["elements"]))
        case "rich_text":
            return _rich(block.get("elements"))
        case _:
            return ""


def _read_text(given: object) -> str:
    fields = cast("JsonObject", given)
    text = str(fields.get("text", ""))
    return unescape(text) if fields.get("type") == "mrkdwn" else text


def _rich(given: object) -> str:
    if not isinstance(given, list):
        return ""
    parts: list[str] = []
    for one in cast("list[object]", given):
        if isinstance(one, dict):
            fields = cast("JsonObject", one)
            parts.append(str(fields.get("text", "")) or _rich(fields.get("elements")))
    return "".join(parts)
