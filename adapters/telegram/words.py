"""What a text looks like in Telegram: rendered, measured, and put together with what stands around it.

What would be too long as it is rendered is sent as it was written.
"""

from dataclasses import replace
from functools import lru_cache
from typing import Any

from adapters.telegram.render import Rendered, render

TEXT_UNITS = 4096
CAPTION_UNITS = 1024
"""The longest text of a message, and of what is below a file, in UTF-16 code units."""

GAP = "\n\n"


@lru_cache(maxsize=32)
def shown(text: str) -> Rendered:
    """A text as it is shown. It is asked for more than once: whether it fits, and to be sent."""
    return render(text)


def written(text: str) -> Rendered:
    """A text as it was written, whatever signs of markup are in it."""
    return Rendered(text, [])


def units(text: str) -> int:
    """The length in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def joined(*parts: Rendered) -> Rendered:
    """Several, one right after the other."""
    entities: list[dict[str, Any]] = []
    at = 0
    for part in parts:
        entities += [{**one, "offset": one["offset"] + at} for one in part.entities]
        at += units(part.text)
    return Rendered("".join(part.text for part in parts), entities)


def message(label: str, body: str) -> Rendered:
    """A label, which is no markup, and a body."""
    rendered = joined(written(label), shown(body))
    return rendered if units(rendered.text) <= TEXT_UNITS else written(label + body)


def caption(label: str, body: str) -> Rendered | None:
    """The same below a file; None when it does not fit however it is written."""
    for candidate in (joined(written(label), shown(body)), written(label + body)):
        if units(candidate.text) <= CAPTION_UNITS:
            return replace(candidate, text=candidate.text if body else label.rstrip())
    return None


def growing(text: str, progress: str) -> Rendered:
    """A text and, if there is room for it, what is being done.

    They are rendered apart: what is open in the one, as a block of code may be, does not swallow the other.
    """
    words = message("", text)
    if not progress:
        return words
    if not text:
        return message("", progress)
    both = joined(words, written(GAP), shown(progress))
    return both if units(both.text) <= TEXT_UNITS else words
