"""Markdown as a flat run of events with the places in the source that they stand for. Pure.

Places are byte offsets into the source's UTF-8. Parsing is linear. A text that the parser cannot take is
`None`: whoever renders it leaves it as it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from gateway.model.text import effort

if TYPE_CHECKING:
    import pyromark


_MOST_PARTS = 3_000
"""Each takes some microseconds: a message is rendered before it is known to fit, and while others wait."""


class Event(NamedTuple):
    """`name` is that of the parser's event, with "+" or "-" before it where something begins or ends."""

    name: str
    value: Any
    start: int
    end: int


class Parsed(NamedTuple):
    """A source and what it consists of."""

    source: bytes
    events: Sequence[Event]

    def text(self, start: int, end: int) -> str:
        """A part of the source."""
        return self.source[start:end].decode(errors="replace")


class Edit(NamedTuple):
    """A part of a source that is to be replaced."""

    start: int
    end: int
    text: str


def parse(markdown: str) -> Parsed | None:
    """Parse a tidy text; None for one of so many parts that nobody reads it."""
    if effort(markdown) > _MOST_PARTS:
        return None
    import pyromark  # noqa: PLC0415 - only texts with markup need it, and the start of the program does not

    try:
        found = pyromark.events_with_range(markdown, options=_options())
        events = [_event(event, cast("Mapping[str, Any]", span)) for event, span in found]
        return Parsed(markdown.encode(), events)
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # a bug of the parser, which is no `Exception`
            return None
        raise


def with_idle_definitions(parsed: Parsed) -> Parsed | None:
    """The text in which a link's definition that no link uses is what somebody wrote, and can be read."""
    if b"]:" not in parsed.source:
        return parsed
    edits = [Edit(start, start, "\\") for start, _ in definitions(parsed)[1]]
    return parse(edited(parsed.source, edits)) if edits else parsed


def edited(source: bytes, edits: Iterable[Edit]) -> str:
    """The source with its edits; one within another's part is left out."""
    parts: list[bytes] = []
    at = 0
    for edit in sorted(edits):
        if edit.start < at:
            continue
        parts += (source[at : edit.start], edit.text.encode())
        at = edit.end
    return b"".join((*parts, source[at:])).decode(errors="replace")


def definitions(parsed: Parsed) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Where the definitions of links stand that are used, and those that are not."""
    import pyromark  # noqa: PLC0415 - only texts with markup need it, and the start of the program does not

    named = {
        str(event.value["id"]).casefold()
        for event in parsed.events
        if event.name in {"+Link", "+Image"} and event.value["link_type"] in _BY_REFERENCE
    }
    used: list[tuple[int, int]] = []
    unused: list[tuple[int, int]] = []
    found = pyromark.reference_definitions(parsed.source.decode(), options=_options())
    for label, definition in found.items():
        span = definition["span"]
        after = parsed.source[span["end"] : span["end"] + 1] == b"\n"
        (used if label.casefold() in named else unused).append((span["start"], span["end"] + after))
    return used, unused


def inlined(parsed: Parsed) -> list[Edit]:
    """The edits after which links have their addresses with them, for readers that know no definitions."""
    if b"]:" not in parsed.source:
        return []
    edits: list[Edit] = []
    opened: list[Event] = []
    closed_at = 0
    for event in parsed.events:
        if event.name in {"+Link", "+Image"}:
            opened.append(event)
        elif event.name in {"-Link", "-Image"}:
            link = opened.pop()
            if link.value["link_type"] in _BY_REFERENCE:
                close = _end_of_words(parsed.source, link, max(closed_at, link.start))
                empty = parsed.source[link.end : link.end + 2] == b"[]"  # the parser leaves it out
                end = link.end + 2 * (empty and link.value["link_type"] == "Collapsed")
                edits.append(Edit(close + 1, end, f"({_address(link.value['dest_url'])})"))
        closed_at = event.end if event.name not in {"-Link", "-Image"} else closed_at
    edits += (Edit(start, end, "") for start, end in definitions(parsed)[0])
    return edits


def _end_of_words(source: bytes, link: Event, words_end: int) -> int:
    """Where the bracket stands that ends a link's words, of which the last one known ends at `words_end`."""
    return max(source.find(b"]", min(words_end, link.end - 1), link.end), link.start)


def _address(url: str) -> str:
    plain = url.replace("<", "%3C").replace(">", "%3E")
    return f"<{plain}>" if any(char in plain for char in " ()") else plain


def _event(event: object, span: Mapping[str, Any]) -> Event:
    start, end = span["start"], span["end"]
    if isinstance(event, str):
        return Event(event, None, start, end)
    ((kind, value),) = cast("dict[str, Any]", event).items()
    if kind not in {"Start", "End"}:
        return Event(kind, value, start, end)
    sign = "+" if kind == "Start" else "-"
    if isinstance(value, str):
        return Event(sign + value, None, start, end)
    ((name, detail),) = cast("dict[str, Any]", value).items()
    return Event(sign + name, detail, start, end)


def _options() -> "pyromark.Options":
    import pyromark  # noqa: PLC0415 - see above

    known = pyromark.Options
    return (
        known.ENABLE_TABLES
        | known.ENABLE_STRIKETHROUGH
        | known.ENABLE_TASKLISTS
        | known.ENABLE_FOOTNOTES
        | known.ENABLE_MATH
    )


_BY_REFERENCE = frozenset({"Reference", "Collapsed", "Shortcut"})
