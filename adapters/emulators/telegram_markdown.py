"""Telegram's two Markdown dialects, see https://core.telegram.org/bots/api#markdownv2-style."""

import re

from adapters.emulators.events import JsonObject
from adapters.emulators.telegram_entities import MarkupError, Output

_RESERVED = frozenset("_*[]()~`>#+-=|{}.!")
_NAMES = {
    "bold": "Bold",
    "italic": "Italic",
    "underline": "Underline",
    "strikethrough": "Strikethrough",
    "spoiler": "Spoiler",
    "code": "Code",
    "pre": "Pre",
    "text_link": "TextUrl",
    "custom_emoji": "CustomEmoji",
    "blockquote": "BlockQuote",
}
_MARKS = (
    ("__", "underline"),
    ("||", "spoiler"),
    ("```", "pre"),
    ("_", "italic"),
    ("*", "bold"),
    ("~", "strikethrough"),
    ("`", "code"),
)
_LANGUAGE = re.compile(r"([^\s`]+)\n")


def parse_markdown_v2(text: str) -> tuple[str, list[JsonObject]]:
    """Text and entities. Raises MarkupError."""
    return _MarkdownV2(text).parse()


class _MarkdownV2:
    """One pass with a stack; inside code only a backtick and a backslash mean anything."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._out = Output(text)

    def parse(self) -> tuple[str, list[JsonObject]]:
        text, out = self._text, self._out
        while self._at < len(text):
            char = text[self._at]
            if char == "\\" and self._at + 1 < len(text) and ord(text[self._at + 1]) < 127:
                out.write(text[self._at + 1])
                self._at += 2
            elif char == "\n":
                self._newline()
            elif char not in _RESERVED or (self._in_code() and char != "`"):
                out.write(char)
                self._at += 1
            else:
                self._mark(char)
        if out.stack and out.stack[-1].kind == "blockquote":
            out.close()
        if out.stack:
            self._unfinished()
        return out.finish()

    def _in_code(self) -> bool:
        return bool(self._out.stack) and self._out.stack[-1].kind in {"code", "pre"}

    def _unfinished(self) -> None:
        top = self._out.stack[-1]
        raise MarkupError(
            f"Can't find end of {_NAMES[top.kind]} entity at byte offset {self._out.byte(top.source)}"
        )

    def _newline(self) -> None:
        in_quote = any(entity.kind == "blockquote" for entity in self._out.stack)
        if in_quote and not self._in_code() and not self._text.startswith(">", self._at + 1):
            if self._out.stack[-1].kind != "blockquote":
                self._unfinished()
            self._out.close()
        self._out.write("\n")
        self._at += 1

    def _mark(self, char: str) -> None:
        out = self._out
        top = out.stack[-1].kind if out.stack else ""
        if top in {"text_link", "custom_emoji"} and char == "]":
            self._close_link()
        elif char == "[":
            out.open("text_link", self._at)
            self._at += 1
        elif char == "!" and self._text.startswith("[", self._at + 1):
            out.open("custom_emoji", self._at)
            self._at += 2
        elif char == ">" and (self._at == 0 or self._text[self._at - 1] == "\n"):
            if not any(entity.kind == "blockquote" for entity in out.stack):
                out.open("blockquote", self._at)
            self._at += 1
        else:
            self._toggle(char, top)

    def _toggle(self, char: str, top: str) -> None:
        found = next((pair for pair in _MARKS if self._text.startswith(pair[0], self._at)), None)
        if found is None:
            raise MarkupError(f"Character '{char}' is reserved and must be escaped with the preceding '\\'")
        mark, kind = found
        if top == "code":  # in `a``b` the first backtick closes
            mark, kind = "`", "code"
        if top == "pre" and kind != "pre":
            self._out.write(char)
            self._at += 1
            return
        if kind == top:
            self._out.close()
            self._at += len(mark)
        elif (
            kind == "spoiler"
            and top == "blockquote"
            and self._text[self._at + 2 : self._at + 3] in {"", "\n"}
        ):
            self._out.stack[-1].kind = "expandable_blockquote"
            self._out.close()
            self._at += 2
        else:
            self._out.open(kind, self._at)
            self._at += len(mark)
            if kind == "pre":
                self._language()

    def _language(self) -> None:
        language = _LANGUAGE.match(self._text, self._at)
        if language is not None:
            self._out.stack[-1].extra["language"] = language[1]
            self._at = language.end()
        elif self._text.startswith("\n", self._at):
            self._at += 1

    def _close_link(self) -> None:
        out, text = self._out, self._text
        top = out.stack[-1]
        if not text.startswith("(", self._at + 1):
            if top.kind == "custom_emoji":
                raise MarkupError("Custom emoji entity must contain a tg://emoji URL")
            out.stack.pop()
            self._at += 1
            return
        end = self._at + 2
        url: list[str] = []
        while end < len(text) and text[end] != ")":
            if text[end] == "\\" and end + 1 < len(text):
                end += 1
            url.append(text[end])
            end += 1
        if end >= len(text):
            raise MarkupError(f"Can't find end of a URL at byte offset {out.byte(self._at + 1)}")
        target = "".join(url)
        if top.kind == "custom_emoji":
            if not target.startswith("tg://emoji?id="):
                raise MarkupError('Custom emoji URL must have host "emoji"')
            top.extra["custom_emoji_id"] = target.removeprefix("tg://emoji?id=")
        else:
            top.extra["url"] = target
        out.close()
        self._at = end + 1


_LINK = re.compile(r"\[([^\]]*)\](?:\(([^)]*)\))?", re.DOTALL)


def parse_markdown(text: str) -> tuple[str, list[JsonObject]]:
    """Text and entities of the legacy dialect. Raises MarkupError."""
    out = Output(text)
    at = 0
    while at < len(text):
        char = text[at]
        if char == "\\" and at + 1 < len(text) and text[at + 1] in "_*`[":
            out.write(text[at + 1])
            at += 2
        elif char == "[":
            link = _LINK.match(text, at)
            if link is None:
                raise MarkupError(f"Can't find end of the entity starting at byte offset {out.byte(at)}")
            out.open("text_link", at, url=link[2] or "")
            out.write(link[1])
            if link[2]:
                out.close()
            else:
                out.stack.pop()
            at = link.end()
        elif char in "_*`":
            mark = "```" if text.startswith("```", at) else char
            end = text.find(mark, at + len(mark))
            if end < 0:
                raise MarkupError(f"Can't find end of the entity starting at byte offset {out.byte(at)}")
            kind = {"_": "italic", "*": "bold", "`": "code", "```": "pre"}[mark]
            out.open(kind, at)
            out.write(text[at + len(mark) : end])
            out.close()
            at = end + len(mark)
        else:
            out.write(char)
            at += 1
    return out.finish()
