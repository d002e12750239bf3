"""Slack's own markup, read and defused. Pure.

What people write arrives escaped, with names and links in angle brackets. What the bot writes is Markdown,
in which Slack still obeys a few such brackets: those that call a whole channel are taken their power.
"""

import re
from collections.abc import Mapping

_BRACKETS = re.compile(r"<([^<>]*)>")
_USER = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")
_SUMMONS = re.compile(r"<(?=!(?:channel|here|everyone|subteam\^))")
_ZERO_WIDTH_SPACE = "\u200b"


def mentioned(text: str) -> list[str]:
    """The ids of the users whom a text names, each once, in order."""
    return list(dict.fromkeys(_USER.findall(text)))


def readable(text: str, names: Mapping[str, str]) -> str:
    """A text as a person reads it; `names` are those of users, by id."""
    return unescape(_BRACKETS.sub(lambda found: _read(found[1], names), text))


def unescape(text: str) -> str:
    """Undo Slack's three escapes."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def without_leading_mention(text: str, user_id: str) -> str:
    """The text after a mention at its start; the text itself where there is no such, or nothing after it."""
    found = re.match(rf"\s*<@{re.escape(user_id)}(?:\|[^<>]*)?>[,:]?\s*", text)
    rest = text[found.end() :] if found else ""
    return rest or text


def is_mention(text: str, user_id: str) -> bool:
    """Whether a text is a mention of this user and nothing else."""
    return re.fullmatch(rf"\s*<@{re.escape(user_id)}(?:\|[^<>]*)?>\s*", text) is not None


def escaped(text: str) -> str:
    """A text that Slack shows as it is: nothing in it means anything."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def harmless(text: str) -> str:
    """The same text to the eye, without mentions of everybody."""
    return _SUMMONS.sub(f"<{_ZERO_WIDTH_SPACE}", text)


def _read(inside: str, names: Mapping[str, str]) -> str:
    target, _, label = inside.partition("|")
    sign, rest = target[:1], target[1:]
    if sign == "@":
        return f"@{names.get(rest) or label or rest}"
    if sign == "#":
        return f"#{label or rest}"
    if sign == "!":
        return label or f"@{rest.partition('^')[0]}"
    plain = target.removeprefix("mailto:").removeprefix("tel:")
    if not label or label in (target, plain) or target.endswith(f"//{label}"):
        return plain
    return f"{label} ({target})"
