"""Markdown put differently for readers that know less of it. Pure: each function finds edits of a source."""

import re
from collections.abc import Sequence

from adapters.markdown import Edit, Event, Parsed

_FENCE = re.compile(r"(`{3,}|~{3,})[ \t]*([^\n]*)")
_NO_MARK = re.compile(r"[^ \t>]")
_FENCED_LINES = 2


def plain_fences(parsed: Parsed, *, close: bool, one_word: bool) -> list[Edit]:
    """Every block of code between lines of three backticks, as long as there are no such lines in it.

    `close` ends a block that the text leaves open; `one_word` keeps only the language of an info string.
    """
    edits: list[Edit] = []
    depth = 0
    code: list[str] = []
    for event in parsed.events:
        if event.name in {"+Item", "+BlockQuote", "+FootnoteDefinition"}:
            depth += 1
        elif event.name in {"-Item", "-BlockQuote", "-FootnoteDefinition"}:
            depth -= 1
        elif event.name == "+CodeBlock":
            code = []
            if isinstance(event.value, dict):
                edits += _plain_fence(parsed, event, close=close, one_word=one_word)
        elif event.name == "Text":
            code.append(event.value)
        elif event.name == "-CodeBlock" and depth == 0 and not _FENCE.match(_source(parsed, event)):
            edits += _indented(parsed, event, "".join(code))
    return edits


def _source(parsed: Parsed, event: Event) -> str:
    return parsed.text(event.start, event.end)


def _plain_fence(parsed: Parsed, event: Event, *, close: bool, one_word: bool) -> list[Edit]:
    source = _source(parsed, event)
    opening = _FENCE.match(source)
    if opening is None:
        return []
    lines = source.removesuffix("\n").split("\n")
    marker, info = opening[1], opening[2].strip()
    bare = lines[-1].strip(" \t>")
    closed = len(lines) >= _FENCED_LINES and set(bare) == {marker[0]} and len(bare) >= len(marker)
    inside = "\n".join(lines[1 : len(lines) - closed])
    fence = "```" if "```" not in inside else marker
    if one_word:
        info = info.split(maxsplit=1)[0] if info else ""
    first = f"{fence}{info}"
    edits: list[Edit] = []
    if first != lines[0]:
        edits.append(Edit(event.start, event.start + len(lines[0].encode()), first))
    end = event.start + len(source.removesuffix("\n").encode())
    if closed and bare != fence:
        edits.append(Edit(end - len(lines[-1].lstrip(" \t>").encode()), end, fence))
    elif not closed and close:
        begin = parsed.source.rfind(b"\n", 0, event.start) + 1
        margin = _NO_MARK.sub(" ", parsed.text(begin, event.start))
        edits.append(Edit(end, end, f"\n{margin}{fence}"))
    return edits


def _indented(parsed: Parsed, event: Event, code: str) -> list[Edit]:
    """A block of code that is one by its indent only."""
    if "```" in code:
        return []
    start = parsed.source.rfind(b"\n", 0, event.start) + 1
    return [Edit(start, event.end, f"```\n{code.rstrip()}\n```\n")]


def links_for_images(parsed: Parsed) -> list[Edit]:
    """Images as links to them; within a link only their words are left."""
    edits: list[Edit] = []
    links = 0
    image: Event | None = None
    words: list[str] = []
    for event in parsed.events:
        match event.name:
            case "+Link":
                links += 1
            case "-Link":
                links -= 1
            case "+Image" if image is None:
                image, words = event, []
            case "Text" | "Code":
                words.append(event.value)
            case "-Image" if image is not None and image.start == event.start:
                edits.append(_link(image, "".join(words), linked=links > 0))
                image = None
            case _:
                pass
    return edits


def _link(image: Event, words: str, *, linked: bool) -> Edit:
    if linked:
        return Edit(image.start, image.end, words or "image")
    if not words.strip():
        return Edit(image.start, image.end, str(image.value["dest_url"]))
    return Edit(image.start, image.start + 1, "")


def bold_headings(parsed: Parsed, above: int) -> list[Edit]:
    """Headings beyond level `above` as bold lines, and underlined ones with the mark of their level."""
    edits: list[Edit] = []
    inside: list[Event] | None = None
    for event in parsed.events:
        if event.name == "+Heading":
            inside = []
        elif event.name == "-Heading" and inside:
            edits += _heading(parsed, event, inside, above)
            inside = None
        elif inside is not None:
            inside.append(event)
    return edits


def _heading(parsed: Parsed, event: Event, inside: Sequence[Event], above: int) -> list[Edit]:
    level = int(str(event.value).removeprefix("H"))
    source = _source(parsed, event)
    start, end = inside[0].start, max(one.end for one in inside)
    stop = event.start + len(source.rstrip("\n").encode())
    if level <= above:
        if source.startswith("#") or b"\n" in parsed.source[start:end]:
            return []
        return [Edit(event.start, start, f"{'#' * level} "), Edit(end, stop, "")]
    strong = [one for one in inside if one.name == "+Strong"]
    return [
        Edit(event.start, start, "**"),
        *(Edit(one.start, one.start + 2, "") for one in strong),
        *(Edit(one.end - 2, one.end, "") for one in strong),
        Edit(end, stop, "**"),
    ]
