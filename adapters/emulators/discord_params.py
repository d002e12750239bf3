"""Reading what a bot sends, with the platform's refusals.

A refusal is a status, a code and a message; a body that is wrong in its fields also says where, in a tree of
`errors` that mirrors the body. Clients tell refusals apart by the code.
"""

import json
import re
from collections.abc import Mapping
from typing import cast

from aiohttp import web

from adapters.emulators.events import JsonObject

MAX_CONTENT = 2000  # Unicode code points
MAX_NONCE = 25


class ApiError(Exception):
    """A refusal by the platform."""

    def __init__(self, status: int, code: int, message: str, errors: JsonObject | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.errors = errors

    def as_json(self) -> JsonObject:
        shown: JsonObject = {"message": str(self), "code": self.code}
        if self.errors is not None:
            shown["errors"] = self.errors
        return shown


def form_error(path: str, code: str, message: str) -> ApiError:
    """The body is wrong at `path` (names and indexes, divided by dots)."""
    errors: JsonObject = {"_errors": [{"code": code, "message": message}]}
    for name in reversed(path.split(".")):
        errors = {name: errors}
    return ApiError(400, 50035, "Invalid Form Body", errors)


def required(path: str) -> ApiError:
    return form_error(path, "BASE_TYPE_REQUIRED", "This field is required")


def bad_length(path: str, least: int, most: int) -> ApiError:
    return form_error(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")


def bad_choice(path: str, choices: object) -> ApiError:
    return form_error(path, "BASE_TYPE_CHOICES", f"Value must be one of {choices}.")


def snowflake(given: object, path: str) -> int:
    """An id. Raises ApiError for what is none."""
    text = str(given)
    if isinstance(given, bool) or not text.isascii() or not text.isdigit() or len(text) > 20:
        raise form_error(path, "NUMBER_TYPE_COERCE", f'Value "{text}" is not snowflake.')
    return int(text)


class Body:
    """The body of one request, checked as it is read."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if value is None:
            return ""
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            return str(value)
        raise form_error(name, "STRING_TYPE_CONVERT", "Could not interpret value as string.")

    def sized(self, name: str, least: int, most: int) -> str:
        """A text that must be there and of this length."""
        if self.values.get(name) is None:
            raise required(name)
        value = self.text(name)
        if not least <= len(value) <= most:
            raise bad_length(name, least, most)
        return value

    def integer(self, name: str, default: int = 0) -> int:
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,20}", value):
            return int(value)
        raise form_error(name, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')

    def flag(self, name: str) -> bool:
        return self.values.get(name) in (True, "true", "True", 1)

    def mapping(self, name: str) -> "Body | None":
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise form_error(name, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        return Body(cast("JsonObject", value))

    def listing(self, name: str) -> list[object]:
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise form_error(name, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        return cast("list[object]", value)


async def read_body(request: web.BaseRequest) -> object:
    """The JSON of a request. Raises ApiError.

    A body of any other content type is none, as on the platform; of a form see `discord_files`.
    """
    if not request.body_exists or request.content_type != "application/json":
        return {}
    try:
        text = (await request.read()).decode() or "{}"
    except UnicodeDecodeError:
        raise _bad_json() from None
    return parse_json(text)


def parse_json(text: str) -> object:
    """Raises ApiError for what is none."""
    try:
        parsed: object = json.loads(text)
        json.dumps(parsed, ensure_ascii=False).encode()  # half a character is no JSON either
    except ValueError:
        raise _bad_json() from None
    return parsed


def _bad_json() -> ApiError:
    return ApiError(400, 50109, "The request body contains invalid JSON.")


def read_content(body: Body, *, path: str = "content") -> str:
    """The text of a message, trimmed as the platform does. Raises ApiError."""
    content = body.text("content")
    if len(content) > MAX_CONTENT:
        raise form_error(path, "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_CONTENT} or fewer in length.")
    return content.strip()


def read_nonce(body: Body) -> str | int | None:
    value = body.values.get("nonce")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise form_error("nonce", "NONCE_TYPE_INVALID", "Nonce must be a string or an integer.")
    if len(str(value)) > MAX_NONCE:
        raise form_error("nonce", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_NONCE} or fewer in length.")
    return value


def read_components(body: Body) -> list[JsonObject]:
    """The rows of buttons beneath a message, with the numbers that the platform gives them."""
    rows = body.listing("components")
    if len(rows) > 5:
        raise form_error("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    used: set[str] = set()
    numbers = iter(range(1, 100))
    read: list[JsonObject] = []
    for index, row in enumerate(rows):
        path = f"components.{index}"
        fields = _object(row, path)
        if fields.get("type") != 1:
            raise form_error(
                f"{path}.type", "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (1,).'
            )
        number = next(numbers)
        items = Body(fields).listing("components")
        if not 1 <= len(items) <= 5:
            raise form_error(
                f"{path}.components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length."
            )
        read_items: list[JsonObject] = []
        for place, item in enumerate(items):
            where = f"{path}.components.{place}"
            read_items.append({"id": next(numbers), **_item(_object(item, where), where, used)})
        read.append({"type": 1, "id": number, "components": read_items})
    return read


def _object(value: object, path: str) -> JsonObject:
    if not isinstance(value, dict):
        raise form_error(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
    return cast("JsonObject", value)


def _item(item: JsonObject, path: str, used: set[str]) -> JsonObject:
    if item.get("type") not in (2, 3, 5, 6, 7, 8):
        raise form_error(
            f"{path}.type", "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (2, 3, 5, 6, 7, 8).'
        )
    if item["type"] == 2:
        _check_button(item, path)
        if item["style"] == 5:
            return item
    custom_id = item.get("custom_id")
    if not isinstance(custom_id, str):
        raise required(f"{path}.custom_id")
    if not 1 <= len(custom_id) <= 100:
        raise bad_length(f"{path}.custom_id", 1, 100)
    if custom_id in used:
        raise form_error(
            f"{path}.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
        )
    used.add(custom_id)
    return item


def _check_button(item: JsonObject, path: str) -> None:
    if item.get("style") not in (1, 2, 3, 4, 5):
        raise bad_choice(f"{path}.style", (1, 2, 3, 4, 5, 6))
    label = item.get("label")
    if label is not None and (not isinstance(label, str) or len(label) > 80):
        raise form_error(f"{path}.label", "BASE_TYPE_MAX_LENGTH", "Must be 80 or fewer in length.")
    if not label and not item.get("emoji"):
        raise form_error(path, "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED", "A label or an emoji is required.")
    if item["style"] == 5:
        if not isinstance(item.get("url"), str):
            raise required(f"{path}.url")
        if "custom_id" in item:
            raise form_error(
                path,
                "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
                "A custom id and url cannot both be specified",
            )
