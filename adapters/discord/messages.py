"""A delivery becomes the body of a request. Pure.

The nonce makes a second send of the same delivery, within a few minutes, answer with the first one's message.
Nothing in an answer ever mentions anybody: an agent's words must not ring a whole server.
"""

import re
from hashlib import sha256
from typing import Any, Final

from adapters.discord.render import render
from adapters.labels import REPEAT_LABEL
from gateway.model.attachment import OutFile
from gateway.model.delivery import Button, Delivery

LIMIT = 2000
"""Characters of a message."""

NONCE_LIMIT = 25

_NOBODY: Final[dict[str, Any]] = {"parse": [], "replied_user": False}
_SUPPRESS_EMBEDS = 1 << 2
_ROW, _BUTTON, _SECONDARY = 1, 2, 2
_PER_ROW = 5
_LABEL_LIMIT = 80
_SUBTEXT = "-# "
_MIME = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,127}")


def new_message(delivery: Delivery, channel: str) -> dict[str, Any]:
    """What to post in this channel."""
    body_of: dict[str, Any] = {
        "content": body(delivery),
        "nonce": nonce(delivery.key),
        "enforce_nonce": True,
        "allowed_mentions": _NOBODY,
        "flags": _SUPPRESS_EMBEDS,
    }
    reply_to = delivery.reply_to
    # The message that a thread was opened from is not in the thread.
    if reply_to.isascii() and reply_to.isdigit() and reply_to != channel:
        body_of["message_reference"] = {"message_id": reply_to, "fail_if_not_exists": False}
    if delivery.buttons:
        body_of["components"] = rows(delivery.buttons)
    if delivery.file is not None:
        body_of["attachments"] = [{"id": 0, "filename": name_of(delivery.file)}]
    return body_of


def changed_message(content: str, buttons: tuple[Button, ...]) -> dict[str, Any]:
    """What a message is to read like; without buttons, it loses those it has."""
    return {"content": content, "allowed_mentions": _NOBODY, "components": rows(buttons)}


def body(delivery: Delivery) -> str:
    """The text as Discord is given it, with the label of a possible repeat."""
    label = REPEAT_LABEL if delivery.doubtful else ""
    shown = label + render(delivery.body)
    return shown if len(shown) <= LIMIT else label + delivery.body


def growing(text: str, progress: str) -> str:
    """A text that is not complete, and small below it what the agent is doing, where there is room."""
    shown = render(text)
    if len(shown) > LIMIT:
        shown = text
    below = "\n".join(_SUBTEXT + line.strip() for line in progress.splitlines() if line.strip())
    whole = "\n\n".join(part for part in (shown, below) if part)
    return whole if len(whole) <= LIMIT else shown


def name_of(file: OutFile) -> str:
    """The name of a file, in one line and of characters that can be sent."""
    name = file.name.encode(errors="replace").decode()
    return "".join(letter if letter.isprintable() else "_" for letter in name)


def mime_of(file: OutFile) -> str:
    """What is in a file; Discord goes by the name in any case."""
    return file.mime if _MIME.fullmatch(file.mime) else "application/octet-stream"


def nonce(key: str) -> str:
    """The key, as Discord takes it."""
    if 0 < len(key) <= NONCE_LIMIT and key.isascii():
        return key
    return sha256(key.encode(errors="replace")).hexdigest()[:NONCE_LIMIT]


def rows(buttons: tuple[Button, ...]) -> list[dict[str, Any]]:
    """Buttons below a message, five in a row."""
    shown = [
        {"type": _BUTTON, "style": _SECONDARY, "label": one.label[:_LABEL_LIMIT], "custom_id": one.data}
        for one in buttons
    ]
    return [
        {"type": _ROW, "components": shown[start : start + _PER_ROW]}
        for start in range(0, len(shown), _PER_ROW)
    ]
