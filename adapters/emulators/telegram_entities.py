"""Text with entities, as Telegram's markup dialects produce it.

Offsets and lengths of entities are UTF-16 code units; error messages count bytes of UTF-8.
See https://core.telegram.org/bots/api#formatting-options.
"""

from dataclasses import dataclass, field

from adapters.emulators.events import JsonObject


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
