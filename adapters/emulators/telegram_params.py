"""Reading what a bot sends: parameters, texts with markup, and keyboards, with the platform's refusals.

The Bot API reads leniently (a number that is not one counts as 0, numbers are clamped) and refuses late and
tersely; the wording here follows the real server, because clients tell refusals apart by it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web

from adapters.emulators.events import JsonObject
from adapters.emulators.telegram_entities import MarkupError, check_spans, read_entities, span, utf16_length
from adapters.emulators.telegram_errors import ApiError, bad_request
from adapters.emulators.telegram_html import parse_html
from adapters.emulators.telegram_markdown import parse_markdown, parse_markdown_v2

__all__ = [
    "ApiError",
    "Params",
    "Upload",
    "bad_request",
    "read_caption",
    "read_markup",
    "read_params",
    "read_text",
]

MAX_TEXT = 4096  # UTF-16 code units after parsing
MAX_CAPTION = 1024
MAX_UPLOAD = 50 * 1024 * 1024  # bytes of all that comes with one call
MAX_CALLBACK_DATA = 64  # bytes
MAX_BUTTONS = 100
NOT_UTF8 = "strings must be encoded in UTF-8"

_BUTTON_ACTIONS = frozenset(
    {
        "url",
        "callback_data",
        "web_app",
        "login_url",
        "switch_inline_query",
        "switch_inline_query_current_chat",
        "switch_inline_query_chosen_chat",
        "copy_text",
        "callback_game",
        "pay",
    }
)

_SURROGATE = re.compile("[\ud800-\udfff]")  # a JSON body can smuggle in half a character
_PARSERS = {"html": parse_html, "markdownv2": parse_markdown_v2, "markdown": parse_markdown}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a multipart request."""

    name: str
    mime: str
    content: bytes


class Params:
    """The parameters of one call. Form values are strings; a JSON body may hold numbers and objects."""

    def __init__(self, values: Mapping[str, object], files: Mapping[str, Upload] | None = None) -> None:
        self.values = values
        self.files = files or {}

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if value is None:
            return ""
        return value if isinstance(value, str) else json.dumps(value)

    def integer(self, name: str) -> int:
        try:
            return int(self.text(name))
        except ValueError:
            return 0

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in {"true", "yes", "1"}

    def json(self, name: str, what: str) -> object:
        """A parameter that is JSON: an object already, or its text; None when absent or empty."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {what} JSON object") from None

    def mapping(self, name: str, what: str) -> JsonObject | None:
        value = self.json(name, what)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise bad_request(f"{what} must be a JSON object")
        return cast("JsonObject", value)

    def array(self, name: str, what: str) -> list[object] | None:
        value = self.json(name, what)
        if value is None:
            return None
        if not isinstance(value, list):
            raise bad_request(f"{what} must be an Array")
        return cast("list[object]", value)


async def read_params(request: web.BaseRequest, max_upload: int = MAX_UPLOAD) -> Params:
    """Query string and body together; the body may be a form, multipart or JSON. Raises ApiError.

    A form of more than `max_upload` bytes is refused.
    """
    values: dict[str, object] = {}
    if request.query_string:
        values.update(request.query)
    kind = request.content_type if request.body_exists else ""
    if kind == "application/x-www-form-urlencoded":
        body = await request.read()
        try:
            values.update(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
        except UnicodeDecodeError:
            raise bad_request(NOT_UTF8) from None
    elif kind == "application/json":
        body = await request.read()
        try:
            parsed: object = json.loads(body) if body else {}
        except ValueError:
            raise bad_request("can't parse JSON object") from None
        if not isinstance(parsed, dict):
            raise bad_request("JSON object expected")
        values.update(cast("JsonObject", parsed))
    elif kind == "multipart/form-data":
        return Params(values, await _read_multipart(request, values, max_upload))
    return Params(values)


async def _read_multipart(
    request: web.BaseRequest, values: dict[str, object], room: int
) -> dict[str, Upload]:
    """The files of a form; its other fields are put into `values`. What is too much is read all the same."""
    files: dict[str, Upload] = {}
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader) or not part.name:
                continue
            content = bytearray()
            while chunk := await part.read_chunk(1 << 16):
                room -= len(chunk)
                if room >= 0:
                    content += chunk
            if part.filename is None:
                values[part.name] = content.decode()
            else:
                mime = part.headers.get("Content-Type", "application/octet-stream")
                files[part.name] = Upload(part.filename, mime, bytes(content))
    except UnicodeDecodeError:
        raise bad_request(NOT_UTF8) from None
    except (ValueError, AssertionError):
        raise bad_request("can't parse multipart/form-data") from None
    if room < 0:
        raise ApiError(413, "Request Entity Too Large")
    return files


def read_text(params: Params, too_long: str, *, optional: bool = False) -> tuple[str, list[JsonObject]]:
    """The message's text and entities, parsed and trimmed as the platform does. Raises ApiError."""
    text, entities = _read_formatted(params, "text", "entities")
    if not text and not optional:
        raise bad_request("message text is empty")
    if utf16_length(text) > MAX_TEXT:
        raise bad_request(too_long)
    return text, entities


def read_caption(params: Params) -> tuple[str, list[JsonObject]]:
    """The caption of a file, which may be missing. Raises ApiError."""
    text, entities = _read_formatted(params, "caption", "caption_entities")
    if utf16_length(text) > MAX_CAPTION:
        raise bad_request("message caption is too long")
    return text, entities


def _read_formatted(params: Params, field: str, marks: str) -> tuple[str, list[JsonObject]]:
    text = params.text(field)
    if not text.isascii() and _SURROGATE.search(text):
        raise bad_request(NOT_UTF8)
    mode = params.text("parse_mode")
    entities: list[JsonObject] = []
    if mode:
        parser = _PARSERS.get(mode.lower())
        if parser is None:
            raise bad_request("unsupported parse_mode")
        try:
            text, entities = parser(text)
        except MarkupError as error:
            raise bad_request(f"can't parse entities: {error}") from None
    elif marks in params:
        entities = read_entities(params.array(marks, "message entities") or [])
        check_spans(text, entities)
    return _trim(text, entities)


def _trim(text: str, entities: list[JsonObject]) -> tuple[str, list[JsonObject]]:
    trimmed = text.strip()
    if not entities or len(trimmed) == len(text):
        return trimmed, entities
    lead = utf16_length(text[: len(text) - len(text.lstrip())])
    length = utf16_length(trimmed)
    kept: list[JsonObject] = []
    for entity in entities:
        offset, end = span(entity)
        start, stop = max(offset - lead, 0), min(end - lead, length)
        if stop > start:
            kept.append({**entity, "offset": start, "length": stop - start})
    return trimmed, kept


def read_markup(params: Params, *, inline_only: bool = False) -> JsonObject | None:
    """The checked `reply_markup`; None when there is none. Raises ApiError."""
    markup = params.mapping("reply_markup", "reply keyboard markup")
    if not markup:
        return None
    if "inline_keyboard" not in markup:
        if inline_only:
            raise bad_request("inline keyboard expected")
        return markup
    rows = markup["inline_keyboard"]
    if not isinstance(rows, list):
        raise bad_request('field "inline_keyboard" must be of type Array')
    count = 0
    kept: list[object] = []
    for row in cast("list[object]", rows):
        if not isinstance(row, list):
            raise bad_request('field "inline_keyboard" must be an Array of Arrays')
        buttons = cast("list[object]", row)
        for button in buttons:
            _check_button(button)
        count += len(buttons)
        if buttons:
            kept.append(buttons)
    if count > MAX_BUTTONS:
        raise bad_request("REPLY_MARKUP_TOO_LONG")
    return {"inline_keyboard": kept} if kept else None


def _check_button(button: object) -> None:
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: expected an Object")
    fields = cast("JsonObject", button)
    text = fields.get("text")
    if not isinstance(text, str) or not text.strip():
        raise bad_request("can't parse inline keyboard button: text must be non-empty")
    if not _BUTTON_ACTIONS & fields.keys():
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    data = fields.get("callback_data")
    if data is not None and (
        not isinstance(data, str) or not 1 <= len(data.encode("utf-8", "surrogatepass")) <= MAX_CALLBACK_DATA
    ):
        raise bad_request("BUTTON_DATA_INVALID")
