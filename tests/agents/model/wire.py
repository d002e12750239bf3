"""What every provider's interface has in common."""

import json
from collections.abc import Iterator
from typing import Any, Protocol

from tests.agents.model.mind import Asked, JsonObject, Reply, Say

TOKENS = 7
"""What everything costs here."""


class Wire(Protocol):
    """One provider's interface: pure translation."""

    name: str

    def read(self, body: JsonObject) -> Asked:
        """A request. Raises `BadRequestError` for one that the provider would refuse."""
        ...

    def whole(self, asked: Asked, reply: Reply, number: int) -> JsonObject:
        """The answer in one piece."""
        ...

    def stream(self, asked: Asked, reply: Reply, number: int) -> Iterator[str | None]:
        """The answer as server-sent events; None is where one that is held stops."""
        ...

    def error(self, status: int, message: str) -> JsonObject:
        """A refusal."""
        ...


def event(data: object, name: str = "") -> str:
    """One server-sent event."""
    head = f"event: {name}\n" if name else ""
    text = data if isinstance(data, str) else json.dumps(data)
    return f"{head}data: {text}\n\n"


def pieces(say: Say) -> Iterator[str | None]:
    """A text word by word, with a None where it is held."""
    for part in (say.text, say.rest):
        words = part.split(" ")
        for at, word in enumerate(words):
            if piece := word + (" " if at < len(words) - 1 else ""):
                yield piece
        if part is say.text and say.rest:
            yield None


def texts(content: Any, *kinds: str) -> str:
    """The text of a content that is a string or a list of typed blocks."""
    if isinstance(content, str):
        return content
    return "\n".join(block["text"] for block in content or () if block.get("type") in kinds)
