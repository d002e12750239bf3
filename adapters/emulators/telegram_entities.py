"""Text with entities, as Telegram's markup dialects produce it.

Offsets and lengths of entities are UTF-16 code units; error messages count bytes of UTF-8.
See https://core.telegram.org/bots/api#formatting-options.
"""

import re
from dataclasses import dataclass, field
from typing import cast

from adapters.emulators.events import JsonObject
from adapters.emulators.telegram_errors import bad_request

_KINDS = frozenset(
    {
        "mention",
        "hashtag",
        "cashtag",
        "bot_command",
        "url",
        "email",
        "phone_number",
        "bold",
        "italic",
        "underline",
        "strikethrough",
        "spoiler",
        "blockquote",
        "expandable_blockquote",
        "code",
        "pre",
        "text_link",
        "text_mention",
        "custom_emoji",
        "date_time",
    }
)
_MOST = 1_000_000
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HOST = re.compile(r"(?:[^\s/?#@]*@)?(\[[0-9A-Fa-f:.]+\]|[^\s/?#:@]+)(?::\d{1,5})?(?:[/?#].*)?\Z", re.DOTALL)


class MarkupError(Exception):
    """The markup is malformed; the message is what follows "can't parse entities: "."""


def utf16_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


@dataclass(slots=True)
class OpenEntity:
    kind: str
    offset: int  # UTF-16 units in the output
    source: int  # characters in the input, for error messages
    extra: JsonObject = field(default_factory=dict[str, object])


class Output:
    """The text written so far, its length in UTF-16 units, the entities found and those still open."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._parts: list[str] = []
        self.entities: list[JsonObject] = []
        self.stack: list[OpenEntity] = []
        self.length = 0

    def write(self, text: str) -> None:
        self._parts.append(text)
        self.length += utf16_length(text)

    def open(self, kind: str, source: int, **extra: object) -> None:
        self.stack.append(OpenEntity(kind, self.length, source, extra))

    def close(self) -> None:
        top = self.stack.pop()
        if self.length > top.offset:  # the platform drops empty entities
            self.entities.append(
                {"type": top.kind, "offset": top.offset, "length": self.length - top.offset, **top.extra}
            )

    def byte(self, index: int) -> int:
        return len(self._source[:index].encode("utf-8", "surrogatepass"))

    def finish(self) -> tuple[str, list[JsonObject]]:
        self.entities.sort(key=lambda entity: (entity["offset"], -int(str(entity["length"]))))
        return "".join(self._parts), self.entities


# Entities that a bot gives itself.


def read_entities(given: list[object]) -> list[JsonObject]:
    """Check the fields of each, without a look at the text. Raises ApiError."""
    entities: list[JsonObject] = []
    for item in given:
        if not isinstance(item, dict):
            raise bad_request("can't parse MessageEntity: expected an Object")
        entity = cast("JsonObject", item)
        for name in ("offset", "length"):
            if name not in entity:
                raise bad_request(f"can't parse MessageEntity: Can't find field \"{name}\"")
            if not isinstance(entity[name], int) or isinstance(entity[name], bool):
                raise bad_request(f'can\'t parse MessageEntity: Field "{name}" must be a valid Number')
        if not isinstance(entity.get("type"), str):
            raise bad_request("can't parse MessageEntity: Can't find field \"type\"")
        if entity["type"] not in _KINDS:
            raise bad_request("can't parse MessageEntity: Unsupported type specified")
        _check_extra(entity)
        entities.append(entity)
    return entities


def _check_extra(entity: JsonObject) -> None:
    wanted = {"text_link": "url", "text_mention": "user", "custom_emoji": "custom_emoji_id"}
    name = wanted.get(str(entity["type"]))
    if name is None:
        return
    value = entity.get(name)
    if value is None:
        raise bad_request(f"can't parse MessageEntity: Can't find field \"{name}\"")
    if name == "url":
        _check_url(str(value))
    if name == "custom_emoji_id" and not re.fullmatch(r"\d{1,19}", str(value)):
        raise bad_request('can\'t parse MessageEntity: Field "custom_emoji_id" must be a valid Number')


def _check_url(url: str) -> None:
    """A link is `tg:` something, or HTTP with a host; without a scheme it is taken for HTTP."""
    why = ""
    scheme = _SCHEME.match(url)
    if url.lower().startswith(("tg:", "ton:", "tonsite:")):
        return
    if not url:
        why = "URL host is empty"
    elif scheme and scheme[1].lower() not in {"http", "https"}:
        why = "Unsupported URL protocol"
    else:
        host = _HOST.match(url[scheme.end() :] if scheme else url)
        if host is None or not (host[1].startswith("[") or re.search(r"[^.]\.[^.]", host[1])):
            why = "Wrong HTTP URL"
    if why:
        raise bad_request(f"entity URL '{url}' is invalid: {why}")


def span(entity: JsonObject) -> tuple[int, int]:
    offset, length = cast("int", entity["offset"]), cast("int", entity["length"])
    return offset, offset + length


def check_spans(text: str, entities: list[JsonObject]) -> None:
    """Check that each lies within the text, between characters; empty ones are dropped. Raises ApiError."""
    for entity in entities:
        for name in ("offset", "length"):
            if not 0 <= cast("int", entity[name]) <= _MOST:
                raise bad_request(f"receive an entity with incorrect {name} {entity[name]}")
    entities[:] = [entity for entity in entities if entity["length"]]
    if not entities:
        return
    ends = _boundaries(text)
    whole = utf16_length(text)
    for entity in entities:
        offset, end = span(entity)
        if offset > whole:
            raise bad_request(f"entity begins after the end of the text at UTF-16 offset {offset}")
        if offset not in ends:
            at = len(text.encode("utf-16-le")[: 2 * offset - 2].decode("utf-16-le").encode())
            raise bad_request(f"entity begins in a middle of a UTF-16 symbol at byte offset {at}")
        where = f"entity beginning at UTF-16 offset {offset} ends"
        if end > whole:
            raise bad_request(f"{where} after the end of the text at UTF-16 offset {end}")
        if end not in ends:
            at = len(text.encode("utf-16-le")[: 2 * end - 2].decode("utf-16-le").encode())
            raise bad_request(f"{where} in a middle of a UTF-16 symbol at byte offset {at}")


def _boundaries(text: str) -> set[int]:
    """The UTF-16 offsets between characters."""
    found, at = {0}, 0
    for character in text:
        at += 2 if ord(character) > 0xFFFF else 1
        found.add(at)
    return found
