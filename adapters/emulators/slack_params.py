"""Reading what an app sends: forms, queries and JSON, with Slack's refusals.

Slack answers nearly every refusal with HTTP 200 and a word; clients tell refusals apart by that word alone.
A token travels in the header, in a form or in a query, but never in a JSON body.
"""

import json
import re
from collections.abc import Mapping
from typing import cast
from urllib.parse import parse_qsl

from aiohttp import web

from adapters.emulators.events import JsonObject

_STAMP = re.compile(r"[0-9]{1,12}(\.[0-9]{0,6})?\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")  # a JSON body can smuggle in half a character


class ApiError(Exception):
    """A refusal; the message is the answer's `error`, `shown` are further fields of the answer."""

    def __init__(
        self, error: str, shown: Mapping[str, object] | None = None, *, retry_after: int | None = None
    ) -> None:
        super().__init__(error)
        self.shown = dict(shown or {})
        self.retry_after = retry_after


def invalid_arguments(*messages: str) -> ApiError:
    shown = [f"[ERROR] {message}" for message in messages]
    return ApiError("invalid_arguments", {"response_metadata": {"messages": shown}})


def micros(stamp: str) -> int | None:
    """A `ts` as microseconds; None when it is not one."""
    if not _STAMP.match(stamp):
        return None
    seconds, _, rest = stamp.partition(".")
    return int(seconds) * 1_000_000 + int(rest.ljust(6, "0"))


class Params:
    """The parameters of one call. Form values are strings; a JSON body may hold numbers and objects."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name)
        if value is None:
            return default
        return value if isinstance(value, str) else json.dumps(value)

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise invalid_arguments(f"missing required field: {name}")
        return value

    def integer(self, name: str, default: int) -> int:
        if name not in self:
            return default
        try:
            return int(self.text(name))
        except ValueError:
            raise invalid_arguments(f"must be an integer [json-pointer:/{name}]") from None

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in {"true", "1"}

    def words(self, name: str) -> list[str]:
        """A comma-separated list, or a JSON list of strings."""
        value = self.values.get(name)
        if isinstance(value, list):
            return [str(one) for one in cast("list[object]", value)]
        return [word.strip() for word in self.text(name).split(",") if word.strip()]

    def json(self, name: str, error: str) -> object:
        """A parameter that is JSON: a value already, or its text; None when absent or empty."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise ApiError(error) from None

    def mapping(self, name: str, error: str) -> JsonObject | None:
        value = self.json(name, error)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise ApiError(error)
        return cast("JsonObject", value)

    def array(self, name: str, error: str) -> list[object] | None:
        value = self.json(name, error)
        if value is None:
            return None
        if not isinstance(value, list):
            raise ApiError(error)
        return cast("list[object]", value)

    def stamp(self, name: str, error: str) -> int | None:
        """A time of the history, in microseconds; None when absent."""
        given = self.text(name)
        if not given:
            return None
        found = micros(given)
        if found is None:
            raise ApiError(error)
        return found


async def read_call(request: web.BaseRequest) -> tuple[Params, str]:
    """The parameters of a call, and its token ("" without one). Raises ApiError."""
    values: dict[str, object] = dict(request.query)
    token = request.query.get("token", "")
    body = await request.read() if request.body_exists else b""
    kind = request.content_type
    if body and kind == "application/json":
        values.update(_read_json(body))
        values.pop("token", None)
    elif body and kind == "application/x-www-form-urlencoded":
        try:
            form = dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
        except UnicodeDecodeError:
            raise ApiError("invalid_form_data") from None
        values.update(form)
        token = form.get("token", token)
    elif kind == "multipart/form-data":
        posted = await request.post()
        values.update({name: value for name, value in posted.items() if isinstance(value, str)})
        token = str(values.get("token", token))
    elif body:
        raise ApiError("invalid_post_type")
    values.pop("token", None)
    header = request.headers.get("Authorization", "")
    if header:
        scheme, _, given = header.partition(" ")
        token = given.strip() if scheme.lower() == "bearer" else token
    return Params(values), token


def _read_json(body: bytes) -> JsonObject:
    try:
        text = body.decode()
        parsed: object = json.loads(text)
    except ValueError:
        raise ApiError("invalid_json") from None
    if not isinstance(parsed, dict):
        raise ApiError("json_not_object")
    if "\\u" in text and _SURROGATE.search(json.dumps(parsed, ensure_ascii=False)):
        raise ApiError("invalid_json")
    return cast("JsonObject", parsed)
