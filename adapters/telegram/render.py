"""Markdown as Telegram shows it: plain text and entities, which cannot be malformed as markup can. Pure.

Telegram refuses a whole message for one link that it does not take, drops entities that overlap in ways
it does not know, and reads the first hundred only. So what is handed over here is already what it keeps.
Source: https://core.telegram.org/bots/api#messageentity
"""

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from adapters.markdown import Edit, Event, Parsed, edited, parse, with_idle_definitions
from adapters.tables import Rows, aligned
from adapters.telegram.entities import Span, entities
from gateway.model.text import tidy

_MARKUP = re.compile(
    r"[*_`~\[\]|\\$]|<[a-z/!?]|&[#\w]+;|^[ \t]*(?:[-+#>=]|\d+[.)])|^(?: {4}|\t)",
    re.MULTILINE | re.IGNORECASE,
)
_HTTP = re.compile(
    r"https?://(?:[^/?#@\s]*@)?(?:[^/?#@\s:]*[^/?#@\s:.]\.[^/?#@\s:]+|\[[0-9a-f:.]+\])", re.IGNORECASE
)
_TG = re.compile(r"tg://[A-Za-z0-9_-]+(?:[/?#]|$)")
_FORMULA = re.compile(rb"\\\((?=\S).{1,500}?\\\)|\\\[.{1,1500}?\\\]|(?<=\d)\*(?=\d)", re.DOTALL)
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_LANGUAGE = re.compile(r"[\w+#.-]{1,32}")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_STYLES = {"Strong": "bold", "Emphasis": "italic", "Strikethrough": "strikethrough"}
_BLOCKS = frozenset(
    {"-Heading", "-CodeBlock", "-Table", "-HtmlBlock", "-List", "-BlockQuote", "-Paragraph", "Rule"}
)
_RULE = "———"
_DEEPEST = 60  # what nests deeper is no text that somebody reads


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message: offsets and lengths of entities count UTF-16 code units."""

    text: str
    entities: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


def render(markdown: str) -> Rendered:
    """The text as Telegram shows it; never blank unless the Markdown is."""
    markdown = tidy(markdown)
    if not _MARKUP.search(markdown):
        return Rendered(markdown.strip())
    parsed = parse(markdown)
    parsed = parsed and with_idle_definitions(parsed)
    if parsed is not None and _FORMULA.search(parsed.source):
        parsed = _with_formulas(parsed)
    if parsed is None:
        return Rendered(markdown.strip())
    page = _Page(parsed)
    for event in parsed.events:
        page.take(event)
        if page.depth > _DEEPEST:
            return Rendered(markdown.strip())
    rendered = page.finish()
    return rendered if rendered.text else Rendered(markdown.strip())


def _with_formulas(parsed: Parsed) -> Parsed | None:
    r"""Formulas in \( \) and \[ \] as they are written, and products: nothing in them is a mark."""
    code = [(one.start, one.end) for one in parsed.events if one.name in {"Code", "+CodeBlock"}]
    ends = [end for _, end in code]

    def in_code(found: re.Match[bytes]) -> bool:
        first = bisect_right(ends, found.start())
        return first < len(code) and code[first][0] < found.end()

    edits = [
        Edit(found.start(), found.end(), _PUNCTUATION.sub(r"\\\1", found[0].decode()))
        for found in _FORMULA.finditer(parsed.source)
        if b"\n\n" not in found[0] and not in_code(found)
    ]
    return parse(edited(parsed.source, edits)) if edits else parsed


def _linkable(url: str) -> bool:
    """Whether Telegram takes an address as a link's; for one that it does not it refuses the message."""
    return len(url) <= 2048 and bool(_HTTP.match(url) or _TG.match(url))


class _Page:
    """What is written so far. `_pending` goes before the next words: a line's indent, an item's mark."""

    def __init__(self, parsed: Parsed) -> None:
        self._parsed = parsed
        self._parts: list[str] = []
        self._length = 0
        self._newlines = 0
        self._read = 0  # where in the source the last words ended
        self._pending = ""
        self._fresh = True  # something has begun around the next block, which needs no line of its own
        self._ended = False  # a block has ended, so that what comes next needs a line of its own
        self._indents: list[str] = [""]
        self._lists: list[int | None] = []
        self._open: list[Span] = []
        self._spans: list[Span] = []
        self._quotes = 0
        self._code: list[str] | None = None
        self._rows: Rows | None = None

    @property
    def depth(self) -> int:
        """How deep quotes and lists are nested in each other."""
        return len(self._indents) + self._quotes

    def take(self, event: Event) -> None:
        """One event."""
        name = event.name
        if self._rows is not None and name != "-Table":
            self._rows.take(event)
        elif name == "Text" and self._code is not None:
            self._code.append(event.value)
        elif name[0] in "+-":
            self._structure(event)
        else:
            self._inline(event)
        if name[0] != "+":
            source = self._parsed.source[self._read : event.end]
            self._read = max(self._read, self._read + len(source.rstrip()))
        self._ended = name in _BLOCKS or (self._ended and name[0] == "-")

    def _inline(self, event: Event) -> None:
        name = event.name
        if name == "Rule":
            self._block(event.start)
            self._write(_RULE)
            return
        if name == "TaskListMarker":
            self._pending = self._pending.replace("• ", "") + ("☑ " if event.value else "☐ ")
            return
        if self._ended:
            self._block(event.start)
        if name in {"SoftBreak", "HardBreak"} or (name == "InlineHtml" and _BREAK.fullmatch(event.value)):
            self._break()
        elif name == "Code":
            self._begin("code")
            self._write(event.value)
            self._end("code")
        elif name in {"Text", "Html"}:
            self._write(event.value)
        elif name == "FootnoteReference":
            self._write(f"[{event.value}]")
        else:  # formulas and HTML, which stay as they are
            self._write(self._parsed.text(event.start, event.end))

    def _structure(self, event: Event) -> None:
        sign, name, value = event.name[0], event.name[1:], event.value
        if sign == "+":
            if name in {"Strong", "Emphasis", "Strikethrough", "Link", "Image"}:
                if self._ended:
                    self._block(event.start)
                self._open_inline(name, cast("Mapping[str, object]", value or {}))
            else:
                self._open_block(name, value, event.start)
        elif name in _STYLES:
            self._end(_STYLES[name])
        elif name in {"Link", "Image"}:
            self._close_link()
        else:
            self._close_block(name)

    def _open_inline(self, name: str, value: Mapping[str, object]) -> None:
        if name in _STYLES:
            self._begin(_STYLES[name])
        else:
            self._begin("text_link", url=value["dest_url"])

    def _open_block(self, name: str, value: object, start: int) -> None:
        match name:
            case "Paragraph" | "HtmlBlock":
                self._block(start)
            case "Heading":
                self._block(start)
                self._begin("bold")
            case "CodeBlock":
                self._block(start, alone=True)
                fenced = cast("Mapping[str, str]", value)["Fenced"] if isinstance(value, dict) else ""
                language = _LANGUAGE.match(fenced)
                self._begin("pre", **({"language": language[0]} if language else {}))
                self._code = []
            case "Table":
                self._block(start, alone=True)
                self._rows = Rows(self._parsed)
            case "BlockQuote":
                self._block(start, alone=True)
                self._quotes += 1
                if self._quotes == 1:
                    self._begin("blockquote")
                else:
                    self._indents.append(self._indents[-1] + "> ")
                self._pending, self._fresh = self._indents[-1], True
            case "List":
                self._lists.append(value if isinstance(value, int) else None)
            case "Item":
                self._block(start)
                number = self._lists[-1]
                mark = "• " if number is None else f"{number}. "
                self._lists[-1] = None if number is None else number + 1
                self._pending = self._indents[-1] + mark
                self._indents.append(self._indents[-1] + " " * len(mark))
                self._fresh = True
            case "FootnoteDefinition":
                self._block(start)
                self._write(f"[{value}]: ")
                self._fresh = True
            case _:
                pass

    def _close_block(self, name: str) -> None:
        match name:
            case "Heading":
                self._end("bold")
            case "CodeBlock":
                self._pending = ""
                self._write("".join(self._code or ()).rstrip("\n"))
                self._code = None
                self._end("pre")
            case "Table" if self._rows is not None:
                self._pending = ""
                self._begin("pre")
                self._write(aligned(self._rows.rows))
                self._rows = None
                self._end("pre")
            case "BlockQuote":
                self._quotes -= 1
                if self._quotes == 0:
                    self._end("blockquote")
                else:
                    self._indents.pop()
            case "List":
                self._lists.pop()
            case "Item":
                self._write("")
                self._indents.pop()
            case _:
                pass

    def _block(self, start: int, *, alone: bool = False) -> None:
        """Begin a line for a block that begins at `start`, after an empty one where the source has one."""
        if self._fresh:
            self._fresh = False
            if not alone or not self._pending.strip():
                return
            self._write("")
            wanted = 1
        else:
            wanted = 2 if self._parsed.source.count(b"\n", self._read, start) >= 2 else 1
        if self._length:
            self._put("\n" * (wanted - self._newlines))
        self._pending = "" if alone else self._indents[-1]

    def _break(self) -> None:
        self._put("\n")
        self._pending = self._indents[-1]

    def _write(self, text: str) -> None:
        pending, self._pending = self._pending, ""
        if pending:
            moved = [one for one in self._open if one.start == self._length]
            self._put(pending)
            for one in moved:
                one.start = self._length
        indent = self._indents[-1]
        if indent and "\n" in text and self._code is None and self._rows is None:
            text = text.replace("\n", f"\n{indent}")
        if text:
            self._fresh = False
        self._put(text)

    def _put(self, text: str) -> None:
        if not text:
            return
        self._parts.append(text)
        self._length += len(text)
        bare = text.rstrip("\n")
        ending = len(text) - len(bare)
        self._newlines = ending if bare else self._newlines + ending

    def _begin(self, kind: str, **extra: object) -> None:
        self._open.append(Span(kind, self._length, 0, extra))

    def _end(self, kind: str) -> None:
        span = self._open.pop()
        span.kind, span.end = kind, self._length
        self._spans.append(span)

    def _close_link(self) -> None:
        span = self._open.pop()
        span.end = self._length
        url = str(span.extra["url"])
        words = self._since(span.start)
        inside = any(one.kind == "text_link" for one in self._open)
        if not words.strip():
            if not inside and url:
                self._write(url)
        elif _linkable(url):
            if not inside and words != url:
                self._spans.append(span)
        elif url and not url.startswith("#") and words not in {url, url.removeprefix("mailto:")}:
            self._write(f" ({url.removeprefix('mailto:')})")

    def _since(self, start: int) -> str:
        """What was written from a place on."""
        parts: list[str] = []
        left = self._length - start
        for part in reversed(self._parts):
            if left <= 0:
                break
            parts.append(part[-left:])
            left -= len(part)
        return "".join(reversed(parts))

    def finish(self) -> Rendered:
        """The text without white space at its end, and its entities."""
        text = "".join(self._parts).rstrip().lstrip("\n")
        lead = self._length - len("".join(self._parts).lstrip("\n")) if text else 0
        for span in self._spans:
            span.start, span.end = span.start - lead, span.end - lead
        return Rendered(text, entities(text, self._spans))
