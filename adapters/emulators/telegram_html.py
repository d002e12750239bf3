"""Telegram's HTML dialect, see https://core.telegram.org/bots/api#html-style."""

import re
from html import unescape

from adapters.emulators.events import JsonObject
from adapters.emulators.telegram_entities import MarkupError, Output

_TAG = re.compile(r"<(/?)([a-zA-Z0-9-]+)((?:\s+[^<>]*)?)>", re.DOTALL)
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
_CHARREF = re.compile(r"&(?:#\d+|#x[0-9a-fA-F]+|lt|gt|amp|quot);")
_HTML_KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}


def _decode(text: str) -> str:
    # Only four named references exist in Telegram's dialect; the rest stays as it was written.
    return _CHARREF.sub(lambda match: unescape(match[0]), text)


def parse_html(text: str) -> tuple[str, list[JsonObject]]:
    """Text and entities. Raises MarkupError."""
    out = Output(text)
    names: list[str] = []
    at = 0
    while (start := text.find("<", at)) >= 0:
        out.write(_decode(text[at:start]))
        tag = _TAG.match(text, start)
        if tag is None:
            if text.find(">", start) < 0:
                raise MarkupError(f"Unclosed start tag at byte offset {out.byte(start)}")
            raise MarkupError(f'Unsupported start tag "" at byte offset {out.byte(start)}')
        name = tag[2].lower()
        if tag[1]:
            _close_tag(out, names, name, start)
        else:
            _open_tag(out, names, name, tag[3], start)
        at = tag.end()
    out.write(_decode(text[at:]))
    if names:
        raise MarkupError(f'Can\'t find end tag corresponding to start tag "{names[-1]}"')
    return out.finish()


def _open_tag(out: Output, names: list[str], name: str, attributes: str, start: int) -> None:
    kind = _HTML_KINDS.get(name)
    found = {
        match[1].lower(): match[2] or match[3] or match[4] or "" for match in _ATTRIBUTE.finditer(attributes)
    }
    if kind is None or (name == "span" and found.get("class") != "tg-spoiler"):
        raise MarkupError(f'Unsupported start tag "{name}" at byte offset {out.byte(start)}')
    extra: JsonObject = {}
    if name == "a":
        extra["url"] = _decode(found.get("href", ""))
    elif name == "tg-emoji":
        extra["custom_emoji_id"] = found.get("emoji-id", "")
    elif name == "blockquote" and "expandable" in found:
        kind = "expandable_blockquote"
    elif name == "code" and names and names[-1] == "pre" and found.get("class", "").startswith("language-"):
        # <pre><code class="language-x"> is one entity: the language belongs to the block around it.
        out.stack[-1].extra["language"] = found["class"].removeprefix("language-")
        kind = ""
    names.append(name)
    out.open(kind, start, **extra)


def _close_tag(out: Output, names: list[str], name: str, start: int) -> None:
    if not names:
        raise MarkupError(f"Unexpected end tag at byte offset {out.byte(start)}")
    if names[-1] != name:
        raise MarkupError(
            f"Unmatched end tag at byte offset {out.byte(start)}, "
            f'expected "</{names[-1]}>", found "</{name}>"'
        )
    names.pop()
    top = out.stack[-1]
    if not top.kind or (top.kind == "text_link" and not top.extra.get("url")):
        out.stack.pop()
    else:
        out.close()
